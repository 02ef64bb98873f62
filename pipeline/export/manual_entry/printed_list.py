"""The key-in list (skriv in-lista): a PDF for systems that have no import, in the order in which a
person keys the entries.

Every entry has its number, a box to tick, all that the paper says, and the text that tells where
it comes from. An entry that fits on a page is never broken.

The paper of the key-in list: typeface, page head and foot, wrapped text. Lengths are mm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import groupby

from fpdf.enums import XPos, YPos

from pipeline.domain.model import Client
from pipeline.domain.record import Record, Run
from pipeline.export.exporter import ExportOptions, Item, insert_withdrawals
from pipeline.export.manual_entry.block import EntryBlock, build_block, client_heading
from pipeline.export.record_text import format_minute
from pipeline.files.pdf_output import MISSING_CHARACTER, Document
from pipeline.files.text import wrap_text
from pipeline.texts import Text

MARGIN = 15.0
TOP = 30.0
BOTTOM = 20.0
LINE_SPACING = 1.25
"""Line height as a part of the type size."""
MM_PER_POINT = 0.3528
CONTINUED_SUFFIX_MM = 45.0
"""What the number of an entry and that it goes on take beside the client in the head, mm."""
SECRECY_NOTICE = "Sekretess: uppgifter om enskilda (offentlighets- och sekretesslagen 25 och 26 kap.). Förvara listan inlåst och förstör den enligt rutin."
HEADING_MM = 17.0
"""What a client's heading takes, mm."""
PAGE_HEIGHT_MM = 297.0 - TOP - BOTTOM
"""What a page holds, mm."""
GUIDE_TEXT = (
    "Skriv in posterna uppifrån och ned. Kryssa i rutan när en post är inskriven och sparad. Skriv av texten ordagrant, även den grå: den visar "
    "vem som skrev på papper och när. Kvittera sedan körningen i Efterskrift (Export, eller kvittensfilen) med postens nummer."
)


DARK, GREY, LIGHT = (25, 25, 25), (95, 95, 95), (205, 205, 205)


class ListPages(Document):
    """A4 pages with head and foot. `client` and `part` name whom and which entry a page break falls
    in, for the next page's head.
    """

    def __init__(self, run: Run, content_sum: str) -> None:
        super().__init__(f"Skriv in-lista {run.id}", made_at=run.made_at)
        self.run, self.content_sum, self.replaced = run, content_sum, False
        self.client = self.part = ""
        self._widths: dict[tuple[str, str, float], float] = {}
        self.set_margins(MARGIN, TOP, MARGIN)
        self.set_auto_page_break(True, BOTTOM)

    def header(self) -> None:
        """Which list this is; on a continued page which entry it goes on with."""
        self.set_xy(MARGIN, 10)
        self.write_line("Skriv in-lista", 15, bold=True, width=80)
        self.set_xy(MARGIN + 80, 10)
        self.write_line(f"Körning {self.run.id}", 9, bold=True, width=100, align="R")
        self.set_xy(MARGIN + 80, 14.5)
        self.write_line(
            f"{format_minute(self.run.made_at)}   {self.run.made_by}   Innehåll {self.content_sum}",
            8,
            grey=True,
            width=100,
            align="R",
        )
        self.set_xy(MARGIN, 17.5)
        self.write_line(
            "Efterregistrering för hand, i den ordning posterna skrivs in.", 8, grey=True, width=100
        )
        self.draw_rule(23.5)
        self.set_xy(MARGIN, 25)
        if self.client:
            self.write_line(self._continued_heading(), 8, bold=True)
        self.set_y(TOP)

    def _continued_heading(self) -> str:
        """On one line: a head that filled its page would begin the next one for ever. The whole
        name stands over the client's first entry.
        """
        what = f"{self.part}, fortsättning" if self.part else "fortsättning"
        lines = self._wrap_text(
            self.client, 8, self.w - 2 * MARGIN - CONTINUED_SUFFIX_MM, bold=True
        )
        return f"{lines[0]}{'…' if len(lines) > 1 else ''}, {what}"

    def footer(self) -> None:
        """Secrecy, what the typeface could not write, and the page's number."""
        self.draw_rule(self.h - 15)
        self.set_xy(MARGIN, self.h - 13.5)
        lost = "\nTecken som typsnittet saknar står som ?." if self.replaced else ""
        self.write_line(SECRECY_NOTICE + lost, 6.5, grey=True, width=150)
        self.set_xy(MARGIN + 150, self.h - 13.5)
        self.write_line(f"Sida {self.page_no()} av {{nb}}", 8, grey=True, width=30, align="R")

    def write_line(
        self,
        text: str,
        size: float,
        *,
        bold: bool = False,
        grey: bool = False,
        width: float = 0,
        align: str = "L",
    ) -> None:
        """Text from the current place, wrapped within `width` (0 = to the right margin); the place
        moves below it.
        """
        room = width or self.w - self.r_margin - self.x
        lines = self._wrap_text(text, size, room, bold=bold)
        for line in lines:
            self._set_style(size, bold=bold, grey=grey)
            self.cell(
                room,
                size * MM_PER_POINT * LINE_SPACING,
                line,
                align=align,
                new_x=XPos.LEFT,
                new_y=YPos.NEXT,
            )

    def height_of(self, text: str, size: float, width: float, *, bold: bool = False) -> float:
        """How high wrapped text stands."""
        return (
            len(self._wrap_text(text, size, width, bold=bold)) * size * MM_PER_POINT * LINE_SPACING
        )

    def draw_rule(self, y: float) -> None:
        """A thin line between the margins."""
        self.set_draw_color(*LIGHT)
        self.set_line_width(0.25)
        self.line(MARGIN, y, self.w - MARGIN, y)

    def remaining_height(self) -> float:
        """What is left of the page."""
        return self.h - BOTTOM - self.y

    def encode_text(self, text: str) -> str:
        """As it can be written; what cannot is remembered, for the foot to tell."""
        written = super().fit(text)
        self.replaced = self.replaced or written.count(MISSING_CHARACTER) > text.count(
            MISSING_CHARACTER
        )
        return written

    def _wrap_text(self, text: str, size: float, width: float, *, bold: bool) -> list[str]:
        self._set_style(size, bold=bold, grey=False)
        return wrap_text(self.encode_text(text), width - 2 * self.c_margin, self._measure_text)

    def _measure_text(self, piece: str) -> float:
        """The width of a piece; the same words come again and again."""
        key = (piece, self.font_style, self.font_size_pt)
        if key not in self._widths:
            self._widths[key] = self.get_string_width(piece)
        return self._widths[key]

    def _set_style(self, size: float, *, bold: bool, grey: bool) -> None:
        self.set_style(size, GREY if grey else DARK, bold=bold)


LABEL_X, VALUE_X = MARGIN + 10, MARGIN + 62


LABEL_WIDTH, VALUE_WIDTH, WIDE_WIDTH = 50.0, 118.0, 170.0


class ManualEntryListExporter:
    """A PDF for a person at a keyboard; any form can go this way."""

    title = Text("target.skriv-in")
    media_type = "application/pdf"
    suffix = ".pdf"
    mapping = None

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """Paper can carry any record."""
        del record, options
        return None

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """The list, grouped by client in the items' order."""
        with ListPages(run, list_checksum(items)) as pages:
            pages.add_page()
            pages.write_line(
                f"{GUIDE_TEXT} Listan har {len(items)} {'post' if len(items) == 1 else 'poster'}.",
                9,
            )
            for (client, who), group in groupby(
                insert_withdrawals(items),
                key=lambda item: (item.record.client, client_heading(item, options)),
            ):
                _draw_client(pages, client, who, list(group), options)
            return bytes(pages.output())


def list_checksum(items: Sequence[Item]) -> str:
    """Eight hexadecimal digits that tell two lists apart: SHA-256 over entry ids and revisions in
    their order.
    """
    named = "\n".join(
        f"{item.number} {item.record.entry_id} {item.record.revision}" for item in items
    )
    digest = hashlib.sha256(named.encode()).hexdigest()[:8].upper()
    return f"{digest[:4]}-{digest[4:]}"


def _draw_client(
    pages: ListPages, client: Client, who: str, items: Sequence[Item], options: ExportOptions
) -> None:
    blocks = [build_block(item, options) for item in items]
    first = measure_entry_height(pages, blocks[0])
    if pages.remaining_height() < HEADING_MM + (
        first if HEADING_MM + first <= PAGE_HEIGHT_MM else 40
    ):
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
        draw_entry(pages, item, content)
    pages.client = ""


def draw_entry(pages: ListPages, item: Item, content: EntryBlock) -> None:
    """One entry, on a new page if it does not fit on this one but does on a whole one."""
    if pages.remaining_height() < measure_entry_height(pages, content) <= PAGE_HEIGHT_MM:
        pages.add_page()
    top = pages.y + 1.5
    pages.set_draw_color(*DARK)
    pages.set_line_width(0.4)
    pages.rect(MARGIN + 1, top, 5.5, 5.5)
    pages.part = f"Post {item.number}"
    _draw_lines(pages, item, content, top)
    pages.part = ""
    pages.draw_rule(pages.y + 2)
    pages.set_xy(MARGIN, pages.y + 3)


def _draw_lines(pages: ListPages, item: Item, content: EntryBlock, top: float) -> None:
    pages.set_xy(LABEL_X, top + 0.4)
    pages.write_line(_entry_heading(item, content), 10.5, bold=True, width=WIDE_WIDTH)
    if content.notice:
        pages.write_line(content.notice, 9, bold=True, width=WIDE_WIDTH)
    pages.set_y(pages.y + 1)
    for label, text in content.rows:
        _draw_row(pages, label, text)
    for line in content.footer_lines:
        pages.set_xy(LABEL_X, pages.y + 1)
        pages.write_line(line, 8, grey=True, width=WIDE_WIDTH)


def _draw_row(pages: ListPages, label: str, text: str) -> None:
    """Label and value side by side. The label goes first; a value that runs over the page leaves it
    behind.
    """
    label_height = pages.height_of(label, 8.5, LABEL_WIDTH)
    if pages.remaining_height() < label_height:
        pages.add_page()
    start, page = pages.y, pages.page_no()
    pages.set_xy(LABEL_X, start + 0.3)
    pages.write_line(label, 8.5, grey=True, width=LABEL_WIDTH)
    pages.set_xy(VALUE_X, start)
    pages.write_line(text, 10, width=VALUE_WIDTH)
    if pages.page_no() == page:
        pages.set_y(max(pages.y, start + 0.3 + label_height))
    pages.set_y(pages.y + 0.6)


def _entry_heading(item: Item, content: EntryBlock) -> str:
    return f"{item.number}.  {content.title}"


def measure_entry_height(pages: ListPages, content: EntryBlock) -> float:
    """What `set_entry` takes of the page."""
    taken = 1.5 + 0.4 + pages.height_of(f"0000.  {content.title}", 10.5, WIDE_WIDTH, bold=True) + 1
    if content.notice:
        taken += pages.height_of(content.notice, 9, WIDE_WIDTH, bold=True)
    for label, text in content.rows:
        taken += (
            max(
                pages.height_of(text, 10, VALUE_WIDTH),
                0.3 + pages.height_of(label, 8.5, LABEL_WIDTH),
            )
            + 0.6
        )
    return (
        taken + sum(1 + pages.height_of(line, 8, WIDE_WIDTH) for line in content.footer_lines) + 3
    )
