"""Whether pages of a PDF have gone: what is left of a damaged file can be opened, and tells nothing of them."""

from __future__ import annotations

from pathlib import Path

import pikepdf

DAMAGE = (pikepdf.PikepdfError, OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RuntimeError)
"""What pikepdf raises on damaged, unusual or locked objects."""
_TAIL_BYTES = 4096
"""Where a whole file has its end mark, though something may have been written after it."""


def lacking(path: Path, found: int) -> str:
    """Why pages are missing from a file in which so many were found; empty if none are known to be."""
    if _is_cut(path):
        return "The PDF ends before it is whole: pages are missing."
    return "The PDF is damaged: pages are missing." if _told_count(path) > found else ""


def _told_count(path: Path) -> int:
    """How many pages the file says that it has; 0 if it does not. One whose object is destroyed is else left out without a word."""
    try:
        with pikepdf.open(path, inherit_page_attributes=False) as pdf:  # pages are not looked for yet, and the count not corrected
            return int(pdf.Root.Pages.Count)
    except DAMAGE:
        return 0


def _is_cut(path: Path) -> bool:
    """Whether the file's end is missing. What is left can be mended, but tells nothing of the pages that were lost."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return b"%%EOF" not in file.read()
