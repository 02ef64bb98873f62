"""The unit's own documents as parts of the pack, and what its first page says of their age."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from PIL import Image as Pillow

from pipeline.domain.errors import UsageError
from pipeline.forms.drawing import Colour, PaperDocument, TextStyle
from pipeline.preparation import PAPER_LANGUAGE
from pipeline.preparation.outage_pack.pages import (
    LEFT_MM,
    RIGHT_MM,
    SMALL_STYLE,
    PackInfo,
    begin_page,
    pack_text,
)
from pipeline.preparation.outage_pack.unit_documents import (
    SlotContent,
    load_document_pages,
    load_limits,
)

_HEAD_STYLE = TextStyle(11, Colour.BLACK, bold=True)
_PICTURE_TOP_MM, _PICTURE_BOTTOM_MM = 20.0, 281.0


@dataclass(frozen=True, slots=True)
class UnitDocument:
    """A document to be printed: its slot and date, and the pictures of its pages."""

    content: SlotContent
    pages: tuple[bytes, ...]

    @property
    def title(self) -> str:
        """The title of the slot on paper."""
        return self.content.slot.title[PAPER_LANGUAGE]


def load_documents(contents: Sequence[SlotContent]) -> list[UnitDocument]:
    """Load the pages of the slots that are filled.

    One that cannot be opened has no pages and stops no pack: paper is needed all the same.
    """
    documents = []
    for content in contents:
        if content.file is None:
            continue
        try:
            pages = tuple(load_document_pages(content.file))
        except UsageError:
            pages = ()
        documents.append(UnitDocument(content, pages))
    return documents


def draw_document(paper: PaperDocument, about: PackInfo, document: UnitDocument) -> None:
    """Draw the pages, each with its slot, unit, date and number above the picture."""
    if not document.pages:
        begin_page(paper, about, document.title, pack_text("pack_paper.document.unreadable"))
    for number, picture in enumerate(document.pages, start=1):
        paper.add_page()
        paper.words(document.title, (LEFT_MM, 8), _HEAD_STYLE)
        line = pack_text(
            "pack_paper.document.page",
            unit=about.unit,
            day=document.content.dated,
            page=number,
            pages=len(document.pages),
        )
        paper.words(line, (LEFT_MM, 14), SMALL_STYLE)
        _draw_picture(paper, picture)
        paper.words(about.footer_text, (LEFT_MM, 284), SMALL_STYLE)


def _draw_picture(paper: PaperDocument, data: bytes) -> None:
    """Draw a page as large as there is room below its heading."""
    with Pillow.open(io.BytesIO(data)) as picture:
        width, height = picture.size
    room_width, room_height = RIGHT_MM - LEFT_MM, _PICTURE_BOTTOM_MM - _PICTURE_TOP_MM
    scale = min(room_width / width, room_height / height)
    left = LEFT_MM + (room_width - width * scale) / 2
    paper.image(io.BytesIO(data), left, _PICTURE_TOP_MM, width * scale, height * scale)


def describe_age(contents: Sequence[SlotContent], printed_on: date) -> list[str]:
    """Return what the first page says: how long the pack may lie, and which slots lack what."""
    last_days = [printed_on + timedelta(days=load_limits().pack_days)]
    for content in contents:
        if content.dated is not None:
            last_days.append(content.dated + timedelta(days=content.slot.days))
    # A pack is as old as the document that ages first.
    last = min(last_days)
    key = "pack_paper.document.renew" if last >= printed_on else "pack_paper.document.renew_now"
    return [
        pack_text(key, printed=printed_on, last=last),
        *describe_lacks(contents, printed_on),
    ]


def describe_lacks(contents: Sequence[SlotContent], printed_on: date) -> list[str]:
    """Return a line for each slot that is empty or whose document is too old."""
    lines = []
    for content in contents:
        title = content.slot.title[PAPER_LANGUAGE]
        if content.dated is None:
            lines.append(pack_text("pack_paper.document.empty", title=title))
        elif content.is_old(printed_on):
            lines.append(
                pack_text(
                    "pack_paper.document.old",
                    title=title,
                    day=content.dated,
                    age=content.age(printed_on),
                    days=content.slot.days,
                )
            )
    return lines
