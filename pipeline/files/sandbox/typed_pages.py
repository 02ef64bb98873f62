"""Pages that nobody wrote on paper: a picture of the text, with the text itself inside.

The picture is drawn when such a file is imported, and is kept like a scan. What was typed is in a
text chunk of the PNG, from which it is read without any error of reading. The same text always
gives the same bytes.
"""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont, PngImagePlugin

from pipeline.domain.errors import BrokenFileError
from pipeline.files.images import IMAGE_ERRORS, open_image
from pipeline.files.pdf_output import typeface_file
from pipeline.files.text import make_printable, wrap_text

TYPED_PNG = "image/png;typed=1"
"""The media type of such a picture; only this program gives it, when it has drawn one."""
PAGE_CHARACTERS = 12_000
"""Characters of a document that are drawn on one page; the rest follows on others."""
_CHUNK = "efterskrift"
_WIDTH_PX, _MARGIN_PX, _FONT_PX, _LINE_PX = 1240, 90, 25, 36
"""A4 at 150 dpi; the page is as high as its text, at least as paper."""
_LEAST_HEIGHT_PX, _MAX_HEIGHT_PX = 1754, 24_000
_INK = (24, 36, 40)


class TypedKind(StrEnum):
    """What the text of a page is."""

    NOTE = "note"
    TEXT = "text"
    ROW = "row"


@dataclass(frozen=True, slots=True)
class TypedPage:
    """A typed page: the file of a note and the number of its page, or a text.

    The text of a row of a table is JSON (`note_files.RowPage`).
    """

    kind: TypedKind
    text: str
    page: int = 1


def draw_typed_page(typed: TypedPage, shown: str) -> bytes:
    """Draw `shown` as a PNG that holds the typed page."""
    font = ImageFont.truetype(str(typeface_file()), _FONT_PX)
    printable = make_printable(shown).replace("\t", "    ")
    lines = wrap_text(printable, _WIDTH_PX - 2 * _MARGIN_PX, font.getlength)
    height = min(_MAX_HEIGHT_PX, max(_LEAST_HEIGHT_PX, 2 * _MARGIN_PX + len(lines) * _LINE_PX))
    picture = Pillow.new("RGB", (_WIDTH_PX, height), "white")
    pen = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        pen.text((_MARGIN_PX, _MARGIN_PX + number * _LINE_PX), line, fill=_INK, font=font)
    return _encode(picture, typed)


def _encode(picture: Pillow.Image, typed: TypedPage) -> bytes:
    chunks, out = PngImagePlugin.PngInfo(), io.BytesIO()
    chunks.add_itxt(_CHUNK, json.dumps(asdict(typed), ensure_ascii=False), zip=True)
    picture.quantize(32).save(out, "PNG", pnginfo=chunks, dpi=(150, 150))
    return out.getvalue()


def read_typed_page(data: bytes) -> TypedPage:
    """Return what was typed.

    Raises:
        BrokenFileError: the picture holds no text, or is damaged.
    """
    try:
        with open_image(io.BytesIO(data), ("PNG",)) as picture:
            content = json.loads(str(picture.info[_CHUNK]))
        return TypedPage(TypedKind(content["kind"]), content["text"], content["page"])
    except IMAGE_ERRORS as error:
        raise BrokenFileError("picture_damaged", media_type=TYPED_PNG) from error
