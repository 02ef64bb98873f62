"""What others' programs say of a PDF: PDF/A (ISO 19005) by PyPI's `page-validation`, the file's
structure by qpdf, which `pikepdf` brings.
"""

from __future__ import annotations

import io

import page
import pikepdf

PAPER, ARCHIVED = "2b", "2u"
"""What all PDFs of ours are, and what those of the archive are."""
QPDFS_OWN = "-STREAM-LENGTH-"
"""The rule that `page-validation` 0.11 gets wrong: it takes a stream's last byte for a part of the
line end when it happens to be a carriage return. qpdf finds a wrong length too, and rightly.
"""


def faults(pdf: bytes, level: str = PAPER) -> list[str]:
    """What is wrong; nothing if all is well. The level is asked for, whatever the file says of
    itself.
    """
    try:
        report = page.validate_pdf_bytes(pdf, profile=level)
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            structure = [str(fault) for fault in opened.check_pdf_syntax()]
    except (page.PageError, pikepdf.PdfError) as error:
        return [str(error)]
    return structure + [
        f"{fault.rule_id}: {fault.message}"
        for fault in report.failures
        if QPDFS_OWN not in fault.rule_id
    ]
