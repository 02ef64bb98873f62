"""What a sheet shows of the organisation that prints it: its name, its logo, the law of the day.

The logo is printed in grey, so that no check takes it for coloured ink, and on every sheet in the
same place, clear of markers, codes, title and fields. Lengths are mm.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image as Pillow

from pipeline.domain.errors import BrokenFileError, SettingsError
from pipeline.domain.model import Box
from pipeline.domain.settings import Settings
from pipeline.files.images import IMAGE_ERRORS, TooLargeError, open_image

if TYPE_CHECKING:
    from pipeline.files.pdf_output import Document  # 0.5 s, which the login page has no use for

MAX_LOGO_BYTES = 2_000_000
_MAX_LOGO_PX = 1600
"""Longest side of the printed picture; a larger one is reduced."""
_MAX_SCREEN_LOGO_PX = 320
"""Longest side of the picture on screens, which is shown half as large."""
LOGO_BOX = Box(139.0, 21.3, 50.0, 6.3)
"""The logo on a sheet: below the page number, above the content."""
LAW_BOX = Box(40.0, 21.3, 97.0, 6.6)
"""The law on a sheet: below the title."""


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What is printed on sheets about who prints them, and the day whose law applies.

    Without a day no law is printed.
    """

    organisation: str = ""
    logo: bytes = b""
    law_day: date | None = None


NO_LETTERHEAD = Letterhead()
_LAW_AND_PLACE = re.compile(r"(?P<law>.+?),? (?P<place>\d+(?: [a-z])?(?:,| och| §| kap\.).*)")
"""The name of a law, and its chapter and paragraphs."""


def join_law_refs(refs: Sequence[str]) -> str:
    """Return references in one line; those that follow each other name the same law once.

    A number is never parted from its sign by the end of a line.
    """
    pairs = [
        (found["law"], found["place"]) if (found := _LAW_AND_PLACE.fullmatch(ref)) else (ref, "")
        for ref in refs
    ]
    laws = []
    for law, group in groupby(pairs, key=lambda pair: pair[0]):
        *others, last = (place for _, place in group)
        places = f"{', '.join(others)} samt {last}" if others else last
        laws.append(f"{law} {places}".rstrip())
    return re.sub(r" (?=§|kap\.)", "\N{NO-BREAK SPACE}", "; ".join(laws))


def load_letterhead(settings: Settings, printed_on: date) -> Letterhead:
    """Return the letterhead of the care provider.

    A logo that cannot be used is left out: paper is needed in an outage, `efterskrift doctor` says
    what is wrong.
    """
    return Letterhead(settings.care_provider, find_logo(settings), printed_on)


def find_logo(settings: Settings, *, is_grey: bool = True) -> bytes:
    """Return the logo as `load_logo`; empty if there is none or it cannot be used."""
    try:
        return load_logo(settings, is_grey=is_grey)
    except SettingsError:
        return b""


def load_logo(settings: Settings, *, is_grey: bool = True) -> bytes:
    """Return the logo of the settings as a PNG; empty if there is none.

    It is grey for paper, else small and in its colours on white, for screens.

    Raises:
        SettingsError: the file cannot be used as a logo.
    """
    if settings.logo is None:
        return b""
    path = settings.workspace / settings.logo
    try:
        stamp = path.stat()
        if stamp.st_size > MAX_LOGO_BYTES:
            raise SettingsError("logo_too_large", file=path, most=MAX_LOGO_BYTES // 1_000_000)
        return _read_logo(path, stamp.st_mtime_ns, is_grey)
    except (TooLargeError, BrokenFileError, *IMAGE_ERRORS) as error:
        raise SettingsError("logo_unreadable", file=path) from error


@lru_cache(maxsize=4)
def _read_logo(path: Path, changed_at: int, is_grey: bool) -> bytes:
    del changed_at
    with open_image(io.BytesIO(path.read_bytes()), ("PNG", "JPEG")) as picture:
        picture.load()
        # Transparency on white, then grey.
        rgba = picture.convert("RGBA")
        white = Pillow.new("RGBA", rgba.size, "white")
        flat = Pillow.alpha_composite(white, rgba).convert("L" if is_grey else "RGB")
    most = _MAX_LOGO_PX if is_grey else _MAX_SCREEN_LOGO_PX
    flat.thumbnail((most, most))
    out = io.BytesIO()
    flat.save(out, "PNG")
    return out.getvalue()


def draw_logo(paper: Document, logo: bytes, box: Box, *, align: str = "R") -> None:
    """Draw the logo as large as the box allows, at its right or left (`L`) end."""
    if not logo:
        return
    with Pillow.open(io.BytesIO(logo)) as picture:
        width, height = picture.size
    # Scale to the tighter side.
    scale = min(box.w / width, box.h / height)
    left = box.x + (box.w - width * scale if align == "R" else 0)
    top = box.y + (box.h - height * scale) / 2
    paper.image(io.BytesIO(logo), left, top, width * scale, height * scale)
