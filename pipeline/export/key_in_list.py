"""The key-in list (skriv in-lista): a PDF for systems that have no import, in the order in which a person keys the entries.

Every entry has its number, a box to tick, all that the paper says, and the text that tells where it comes from. An entry that fits on a page
is never broken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.export.exporter import Item, Terms
from pipeline.export.late_entry import amendment_text, event_time, late_entry_text
from pipeline.export.list_pages import BOTTOM, DARK, MARGIN, TOP, ListPages
from pipeline.export.values import form_of, said, shown
from pipeline.field_spec import Kind, Meaning
from pipeline.identity import is_temporary
from pipeline.model import Client, Record, Run

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
_IN_HEADING = {Meaning.CLIENT_PID, Meaning.CLIENT_NAME, Meaning.CLIENT_PRINTED}


@dataclass(frozen=True, slots=True)
class Block:
    """An entry as it is set: filled fields as label and text, then the lines below them."""

    title: str
    notice: str
    rows: tuple[tuple[str, str], ...]
    below: tuple[str, ...]


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
        pages = ListPages.on_installed_face(run, content_sum(items))
        pages.add_page()
        pages.write_line(f"{GUIDE} Listan har {len(items)} poster.", 9)
        for (client, about), group in groupby(items, key=lambda item: (item.record.client, _is_about(item, terms))):
            _client(pages, client, list(group), terms, about=about)
        return bytes(pages.output())


def content_sum(items: Sequence[Item]) -> str:
    """Eight hexadecimal digits that tell two lists apart: SHA-256 over entry ids and revisions in their order."""
    named = "\n".join(f"{item.number} {item.record.entry_id} {item.record.revision}" for item in items)
    digest = hashlib.sha256(named.encode()).hexdigest()[:8].upper()
    return f"{digest[:4]}-{digest[4:]}"


def block(item: Item, terms: Terms) -> Block:
    """What is set for an entry."""
    record = item.record
    filled, empty, unmarked = _sorted_fields(record, terms)
    listed = (("Inte kryssat: ", unmarked), ("Tomt: ", empty))
    notices = [amendment_text(item), f"Makulera posten om den finns i systemet. Skäl: {record.voided}" if record.voided else ""]
    return Block(
        title=f"{record.title}, {event_time(record)}",
        notice=" ".join(part for part in notices if part),
        rows=tuple((record.labels.get(name, name), shown(record, name, terms.forms)) for name in filled),
        below=(
            *(start + ", ".join(record.labels.get(name, name) for name in names) for start, names in listed if names),
            late_entry_text(record, terms.settings),
        ),
    )


def _sorted_fields(record: Record, terms: Terms) -> tuple[list[str], list[str], list[str]]:
    """Names of the filled, the empty and the unmarked fields, in the form's order, without those that the heading says."""
    form = form_of(record, terms.forms)
    specs = {spec.column: spec for spec in form.entry_fields(record.row)} if form else {}
    names = [*(name for name in specs if name in record.fields), *(name for name in record.fields if name not in specs)]
    names = [name for name in names if name not in specs or specs[name].means not in _IN_HEADING]
    unmarked = [name for name in names if name in specs and specs[name].kind is Kind.MARK and said(record, name, terms.forms) is False]
    filled = [name for name in names if name not in unmarked and shown(record, name, terms.forms)]
    return filled, [name for name in names if name not in unmarked and name not in filled], unmarked


def _is_about(item: Item, terms: Terms) -> bool:
    """Whether the entry is about a client: one whose number cannot be read is."""
    form = form_of(item.record, terms.forms)
    spec = form.meaning(Meaning.CLIENT_PID, item.record.row) if form else None
    if item.record.client.pid or form is None:
        return True
    return spec is not None and (spec.column not in item.record.fields or spec.column in item.record.illegible)


def _client(pages: ListPages, client: Client, items: Sequence[Item], terms: Terms, *, about: bool) -> None:
    blocks = [block(item, terms) for item in items]
    first = height(pages, blocks[0])
    if pages.room() < HEADING + (first if HEADING + first <= PAGE else 40):
        pages.add_page()
    pages.set_xy(MARGIN, pages.y + 5)
    pages.set_fill_color(232, 238, 243)
    pages.rect(MARGIN, pages.y, pages.w - 2 * MARGIN, 8, style="F")
    pages.set_xy(MARGIN + 2, pages.y + 1.6)
    mark = "   SKYDDADE PERSONUPPGIFTER" if client.protected else ""
    kind = "Tillfällig identitet " if is_temporary(client.pid) else ""
    who = f"{kind}{client.pid or 'Personnummer saknas'}   {client.name}" if about else f"Gäller ingen klient   {items[0].record.unit}"
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
