"""The sheet as a PDF of its sides, small enough to be sent: PDF/A, grey, at most `MOST_PX` wide, JPEG."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import datetime

from PIL import Image, UnidentifiedImageError

from pipeline.document import Document
from pipeline.errors import ExportError
from pipeline.page_spec import PAGE_WIDTH_MM

MOST_PX = 1240
"""150 dpi across an A4 page: pencil in boxes is well read at that."""
QUALITY = 55
_LONGEST_MM = 1000.0


def sheet_pdf(pictures: Iterable[bytes], title: str, made_at: datetime) -> bytes:
    """The sides in their order, each as wide as an A4 page. The same arguments give the same bytes.

    Raises:
        ExportError: a picture cannot be read.
    """
    with Document(title, made_at=made_at, words=False) as pdf:
        pdf.set_margin(0)
        pdf.set_auto_page_break(False)
        for data in pictures:
            jpeg, ratio = _small(data)
            height = min(PAGE_WIDTH_MM * ratio, _LONGEST_MM)
            pdf.add_page(format=(PAGE_WIDTH_MM, height))
            pdf.image(io.BytesIO(jpeg), 0, 0, PAGE_WIDTH_MM, height, alt_text=title)
        return bytes(pdf.output())


def _small(data: bytes) -> tuple[bytes, float]:
    """The picture as JPEG, and how many times higher it is than wide."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.draft("L", (MOST_PX, MOST_PX))
            grey = picture.convert("L")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise ExportError("picture_sheet_not_read") from error
    ratio = grey.height / grey.width
    if grey.width > MOST_PX:
        grey = grey.resize((MOST_PX, round(MOST_PX * ratio)), Image.Resampling.BOX)
    out = io.BytesIO()
    grey.save(out, "JPEG", quality=QUALITY)
    return out.getvalue(), ratio
