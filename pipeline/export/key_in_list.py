"""The key-in list (skriv in-lista): a PDF for systems that have no import, in the order in which a person keys the entries.

Every entry has its number, a box to tick, all that the paper says, and the text that tells where it comes from. An entry that fits on a page
is never broken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import groupby

from pipeline.export.exporter import Item, Terms, with_withdrawals
from pipeline.export.key_in_block import Block, block, whom
from pipeline.export.list_pages import BOTTOM, DARK, MARGIN, TOP, ListPages
from pipeline.model import Client
from pipeline.record import Record, Run

LABEL_X, VALUE_X = MARGIN + 10, MARGIN + 62
LABEL_W, VALUE_W, WIDE_W = 50.0, 118.0, 170.0
HEADING = 17.0
"""What a client's heading takes, mm."""
PAGE = 297.0 - TOP - BOTTOM
"""What a page holds, mm."""
GUIDE = (
    "Skriv in posterna uppifrån och ned. Kryssa i rutan när en post är inskriven och sparad. Skriv av texten ordagrant, även den grå: den visar "
    "vem som skrev på papper och när. Kvittera sedan körningen i Efterskrift (Export, eller kvittensfilen) med postens nummer."
)


class KeyInListExporter:
    """A PDF for a person at a keyboard; any form can go this way."""

    title = "Skriv in-lista (PDF)"
    media_type = "application/pdf"
    suffix = ".pdf"
    mapping = None

    def unfit(self, record: Record, terms: Terms) -> str:
        """Paper can carry any record."""
        del record, terms
        return ""

    def make(self, items: Sequence[Item], run: Run, terms: Terms) -> bytes:
        """The list, grouped by client in the items' order."""
        with ListPages(run, content_sum(items)) as pages:
            pages.add_page()
            pages.write_line(f"{GUIDE} Listan har {len(items)} {'post' if len(items) == 1 else 'poster'}.", 9)
            for (client, who), group in groupby(with_withdrawals(items), key=lambda item: (item.record.client, whom(item, terms))):
                _client(pages, client, who, list(group), terms)
            return bytes(pages.output())


def content_sum(items: Sequence[Item]) -> str:
    """Eight hexadecimal digits that tell two lists apart: SHA-256 over entry ids and revisions in their order."""
    named = "\n".join(f"{item.number} {item.record.entry_id} {item.record.revision}" for item in items)
    digest = hashlib.sha256(named.encode()).hexdigest()[:8].upper()
    return f"{digest[:4]}-{digest[4:]}"


def _client(pages: ListPages, client: Client, who: str, items: Sequence[Item], terms: Terms) -> None:
    blocks = [block(item, terms) for item in items]
    first = height(pages, blocks[0])
    if pages.room() < HEADING + (first if HEADING + first <= PAGE else 40):
        pages.add_page()
    pages.set_xy(MARGIN, pages.y + 5)
    pages.set_fill_color(232, 238, 243)
    pages.rect(MARGIN, pages.y, pages.w - 2 * MARGIN, 8, style="F")
    pages.set_xy(MARGIN + 2, pages.y + 1.6)
    mark = "   SKYDDADE PERSONUPPGIFTER" if client.protected else ""
    pages.write_line(who + mark, 11, bold=True)
    pages.set_xy(MARGIN, pages.y + 2.5)
    pages.client = who
    for item, content in zip(items, blocks, strict=True):
        set_entry(pages, item, content)
    pages.client = ""


def set_entry(pages: ListPages, item: Item, content: Block) -> None:
    """One entry, on a new page if it does not fit on this one but does on a whole one."""
    if pages.room() < height(pages, content) <= PAGE:
        pages.add_page()
    top = pages.y + 1.5
    pages.set_draw_color(*DARK)
    pages.set_line_width(0.4)
    pages.rect(MARGIN + 1, top, 5.5, 5.5)
    pages.part = f"Post {item.number}"
    _lines(pages, item, content, top)
    pages.part = ""
    pages.rule(pages.y + 2)
    pages.set_xy(MARGIN, pages.y + 3)


def _lines(pages: ListPages, item: Item, content: Block, top: float) -> None:
    pages.set_xy(LABEL_X, top + 0.4)
    pages.write_line(_heading(item, content), 10.5, bold=True, width=WIDE_W)
    if content.notice:
        pages.write_line(content.notice, 9, bold=True, width=WIDE_W)
    pages.set_y(pages.y + 1)
    for label, text in content.rows:
        _row(pages, label, text)
    for line in content.below:
        pages.set_xy(LABEL_X, pages.y + 1)
        pages.write_line(line, 8, grey=True, width=WIDE_W)


def _row(pages: ListPages, label: str, text: str) -> None:
    """Label and value side by side. The label goes first; a value that runs over the page leaves it behind."""
    label_height = pages.height_of(label, 8.5, LABEL_W)
    if pages.room() < label_height:
        pages.add_page()
    start, page = pages.y, pages.page_no()
    pages.set_xy(LABEL_X, start + 0.3)
    pages.write_line(label, 8.5, grey=True, width=LABEL_W)
    pages.set_xy(VALUE_X, start)
    pages.write_line(text, 10, width=VALUE_W)
    if pages.page_no() == page:
        pages.set_y(max(pages.y, start + 0.3 + label_height))
    pages.set_y(pages.y + 0.6)


def _heading(item: Item, content: Block) -> str:
    return f"{item.number}.  {content.title}"


def height(pages: ListPages, content: Block) -> float:
    """What `set_entry` takes of the page."""
    taken = 1.5 + 0.4 + pages.height_of(f"0000.  {content.title}", 10.5, WIDE_W, bold=True) + 1
    if content.notice:
        taken += pages.height_of(content.notice, 9, WIDE_W, bold=True)
    for label, text in content.rows:
        taken += max(pages.height_of(text, 10, VALUE_W), 0.3 + pages.height_of(label, 8.5, LABEL_W)) + 0.6
    return taken + sum(1 + pages.height_of(line, 8, WIDE_W) for line in content.below) + 3
