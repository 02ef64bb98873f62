"""The key-in list (skriv in-lista): a PDF for systems that have no import.

A list has entries of one system, module and area of law, in the order in which a person keys them
in. Each client has a box to tick and a line to sign. An entry has its number, what the system has
fields of its own for, the rest of the paper as running text, and the text that says where it comes
from. An entry that fits on a page is never broken. Lengths are mm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from fpdf.enums import XPos, YPos

from pipeline.domain.model import Box, Client
from pipeline.domain.record import Record, Run
from pipeline.export.exporter import (
    Exporter,
    ExportOptions,
    Item,
    data_text,
    insert_withdrawals,
)
from pipeline.export.manual_entry.block import EntryBlock, build_block, client_heading, duty_lines
from pipeline.export.manual_entry.one_list import record_destination
from pipeline.export.manual_entry.scan_codes import client_text, entry_parts, make_code
from pipeline.export.record_text import format_minute
from pipeline.files.pdf_output import MISSING_CHARACTER, Document
from pipeline.files.text import wrap_text
from pipeline.forms.letterhead import draw_logo, find_logo
from pipeline.texts import Text

MARGIN = 15.0
TOP = 30.0
BOTTOM = 20.0
LINE_SPACING = 1.25
"""Line height as a share of the type size."""
MM_PER_POINT = 0.3528
CONTINUED_SUFFIX_MM = 45.0
"""Width of an entry's number and "continued" next to the client in the head."""
HEADING_MM = 17.0
"""Height of a client's heading."""
SIGNATURE_MM = 12.0
"""Height of the line that is signed below a client's last entry."""
SHORT_ROW = 70
"""A field with more characters than this, with its label, is a paragraph of its own."""
PAGE_HEIGHT_MM = 297.0 - TOP - BOTTOM
"""Height of a page between its margins."""
LOGO_BOX = Box(MARGIN + 43, 9, 36, 7.5)
"""The logo in the head, between the title and the name of the list."""
CODE_SIDES_MM = (14.0, 40.0)
"""Sides of the code of a client, and of one of an entry."""
QUIET_MM = 4.0
"""White around a code."""
CODES_PER_ROW = 3
LABEL_X, VALUE_X = MARGIN + 10, MARGIN + 62
LABEL_WIDTH, VALUE_WIDTH, WIDE_WIDTH = 50.0, 118.0, 170.0
DARK, GREY, LIGHT = (25, 25, 25), (95, 95, 95), (205, 205, 205)


class ListPages(Document):
    """A4 pages with head and foot.

    `client` and `part` name the client and entry that a page break falls in, for the head of the
    next page. `has_replaced` says whether the typeface lacked a character.
    """

    def __init__(
        self, run: Run, content_sum: str, logo: bytes = b"", destination: str = ""
    ) -> None:
        super().__init__(data_text("key_in_list.document_title", run=run.id), made_at=run.made_at)
        self.run, self.content_sum, self.has_replaced = run, content_sum, False
        self.logo, self.destination = logo, destination
        self.client = self.part = ""
        self._widths: dict[tuple[str, str, float], float] = {}
        self.set_margins(MARGIN, TOP, MARGIN)
        self.set_auto_page_break(True, BOTTOM)

    def header(self) -> None:
        """Write which list this is; on a continued page the client and entry too."""
        self.set_xy(MARGIN, 10)
        self.write_line(data_text("key_in_list.title"), 15, bold=True, width=80)
        draw_logo(self, self.logo, LOGO_BOX, align="L")
        self.set_xy(MARGIN + 80, 10)
        self.write_line(
            data_text("key_in_list.run", run=self.run.id), 9, bold=True, width=100, align="R"
        )
        self.set_xy(MARGIN + 80, 14.5)
        self.write_line(
            data_text(
                "key_in_list.made",
                time=format_minute(self.run.made_at),
                person=self.run.made_by,
                checksum=self.content_sum,
            ),
            8,
            grey=True,
            width=100,
            align="R",
        )
        self.set_xy(MARGIN, 17.5)
        self.write_line(self.destination, 9, bold=True, width=180)
        self.draw_rule(23.5)
        self.set_xy(MARGIN, 25)
        if self.client:
            self.write_line(self._continued_heading(), 8, bold=True)
        self.set_y(TOP)

    def _continued_heading(self) -> str:
        """Return client and entry on one line; the whole name is over the client's first entry.

        A head that filled its page would begin the next one for ever.
        """
        suffix = ", ".join(filter(None, (self.part, data_text("key_in_list.continued"))))
        lines = self._wrap_text(
            self.client, 8, self.w - 2 * MARGIN - CONTINUED_SUFFIX_MM, bold=True
        )
        return f"{lines[0]}{'…' if len(lines) > 1 else ''}, {suffix}"

    def footer(self) -> None:
        """Write secrecy, that characters were replaced, and the page's number."""
        self.draw_rule(self.h - 15)
        self.set_xy(MARGIN, self.h - 13.5)
        lines = [
            data_text("key_in_list.secrecy"),
            *([data_text("key_in_list.characters_replaced")] if self.has_replaced else []),
        ]
        self.write_line("\n".join(lines), 6.5, grey=True, width=150)
        self.set_xy(MARGIN + 150, self.h - 13.5)
        page = data_text("key_in_list.page", page=self.page_no(), pages="{nb}")
        self.write_line(page, 8, grey=True, width=30, align="R")

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
        """Write text from the current place and move below it.

        It is wrapped within `width` (0: to the right margin).
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
        """Return the height of wrapped text."""
        return (
            len(self._wrap_text(text, size, width, bold=bold)) * size * MM_PER_POINT * LINE_SPACING
        )

    def draw_rule(self, y: float) -> None:
        """Draw a thin line between the margins."""
        self.set_draw_color(*LIGHT)
        self.set_line_width(0.25)
        self.line(MARGIN, y, self.w - MARGIN, y)

    def remaining_height(self) -> float:
        """Return the height that is left of the page."""
        return self.h - BOTTOM - self.y

    def encode_text(self, text: str) -> str:
        """Return text with what the typeface can write; the foot says if something was replaced."""
        written = super().fit(text)
        replaced = written.count(MISSING_CHARACTER) > text.count(MISSING_CHARACTER)
        self.has_replaced = self.has_replaced or replaced
        return written

    def _wrap_text(self, text: str, size: float, width: float, *, bold: bool) -> list[str]:
        self._set_style(size, bold=bold, grey=False)
        return wrap_text(self.encode_text(text), width - 2 * self.c_margin, self._measure_text)

    def _measure_text(self, piece: str) -> float:
        """Return the width of a piece; cached, since the same words come again."""
        key = (piece, self.font_style, self.font_size_pt)
        if key not in self._widths:
            self._widths[key] = self.get_string_width(piece)
        return self._widths[key]

    def _set_style(self, size: float, *, bold: bool, grey: bool) -> None:
        self.set_style(size, GREY if grey else DARK, bold=bold)


class ManualEntryListExporter(Exporter):
    """A PDF for a person at a keyboard; any form can go this way."""

    media_type = "application/pdf"
    suffix = ".pdf"

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """Return None: paper can carry any record."""
        del record, options
        return None

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build the list, grouped by client in the items' order."""
        logo = find_logo(options.settings)
        places = dict.fromkeys(
            record_destination(item.record, options.place).title for item in items
        )
        with ListPages(run, list_checksum(items), logo, "; ".join(places)) as pages:
            pages.add_page()
            pages.write_line(
                f"{data_text('key_in_list.guide')} "
                f"{data_text('key_in_list.length', count=len(items))}",
                9,
            )
            for client, heading, group in _group_by_client(items, options):
                blocks = [(item, build_block(item, options)) for item in group]
                _draw_client(pages, client, heading, blocks)
                if options.settings.scan_codes and (text := client_text(client)):
                    _draw_codes(pages, text, blocks)
            return bytes(pages.output())


def _group_by_client(
    items: Sequence[Item], options: ExportOptions
) -> Iterator[tuple[Client, str, list[Item]]]:
    """Yield each client with heading and entries, after what is made void at earlier clients."""

    def key(item: Item) -> tuple[Client, str]:
        return item.record.client, client_heading(item, options)

    for (client, heading), group in groupby(items, key=key):
        every = list(insert_withdrawals(list(group)))
        withdrawals = [item for item in every if item.is_withdrawal]
        for (earlier, earlier_heading), moved in groupby(withdrawals, key=key):
            yield earlier, earlier_heading, list(moved)
        yield client, heading, [item for item in every if not item.is_withdrawal]


def list_checksum(items: Sequence[Item]) -> str:
    """Return eight hexadecimal digits that tell two lists apart, as `1A2B-3C4D`.

    They begin the SHA-256 of numbers, entry ids and revisions in their order.
    """
    named = "\n".join(
        f"{item.number} {item.record.entry_id} {item.record.revision}" for item in items
    )
    digest = hashlib.sha256(named.encode()).hexdigest()[:8].upper()
    return f"{digest[:4]}-{digest[4:]}"


def _draw_client(
    pages: ListPages, client: Client, heading: str, blocks: Sequence[tuple[Item, EntryBlock]]
) -> None:
    # A heading is never alone at the foot of a page: the first entry follows it.
    first_height = measure_entry_height(pages, *blocks[0])
    fits_on_a_page = HEADING_MM + first_height <= PAGE_HEIGHT_MM
    needed = HEADING_MM + (first_height if fits_on_a_page else 40)
    if pages.remaining_height() < needed:
        pages.add_page()
    pages.set_xy(MARGIN, pages.y + 5)
    pages.set_fill_color(232, 238, 243)
    pages.rect(MARGIN, pages.y, pages.w - 2 * MARGIN, 8, style="F")
    pages.set_draw_color(*DARK)
    pages.set_line_width(0.4)
    pages.set_fill_color(255, 255, 255)
    pages.rect(MARGIN + 1.5, pages.y + 1.25, 5.5, 5.5, style="FD")
    pages.set_xy(LABEL_X - 1, pages.y + 1.6)
    title = data_text("key_in_list.protected", client=heading) if client.protected else heading
    pages.write_line(title, 11, bold=True, width=WIDE_WIDTH)
    pages.set_xy(MARGIN, pages.y + 2.5)
    pages.client = heading
    for number, (item, block) in enumerate(blocks, 1):
        draw_entry(pages, item, block, below=SIGNATURE_MM if number == len(blocks) else 0)
    _draw_signature(pages)
    pages.client = ""


def _draw_codes(pages: ListPages, client: str, blocks: Sequence[tuple[Item, EntryBlock]]) -> None:
    """Draw the code that opens the client, then those of each entry that is keyed in."""
    small, large = CODE_SIDES_MM
    _draw_code_row(pages, data_text("key_in_list.code_client"), [client], small)
    for item, block in blocks:
        if item.is_withdrawal or item.record.voided:
            continue
        parts = entry_parts(block)
        for start in range(0, len(parts), CODES_PER_ROW):
            row = parts[start : start + CODES_PER_ROW]
            title = data_text(
                "key_in_list.code_entry",
                number=item.number,
                first=start + 1,
                last=start + len(row),
                count=len(parts),
            )
            _draw_code_row(pages, title, row, large)


def _draw_code_row(pages: ListPages, title: str, texts: Sequence[str], side: float) -> None:
    """Draw codes beside each other under a title; they stay together on a page."""
    if pages.remaining_height() < side + 2 * QUIET_MM + 5:
        pages.add_page()
    pages.set_xy(LABEL_X, pages.y + 1)
    pages.write_line(title, 8, grey=True, width=WIDE_WIDTH)
    for place, text in enumerate(texts):
        box = Box(LABEL_X + QUIET_MM + place * (side + QUIET_MM), pages.y + 1, side, side)
        cells = [[bool(cell) for cell in row] for row in make_code(text).matrix]
        pages.draw_cells(cells, box)
    pages.set_y(pages.y + side + QUIET_MM)


def _draw_signature(pages: ListPages) -> None:
    """Draw the line on which one person signs for all entries of the client."""
    if pages.remaining_height() < SIGNATURE_MM:
        pages.add_page()
    bottom = pages.y + SIGNATURE_MM - 3
    pages.set_draw_color(*DARK)
    pages.set_line_width(0.3)
    for name, start, end in (
        ("key_in_list.signed", LABEL_X, 120.0),
        ("key_in_list.signed_at", 125.0, 195.0),
    ):
        label = data_text(name)
        pages.set_xy(start, bottom - 4)
        pages.write_line(label, 9, width=60)
        pages.line(start + pages.get_string_width(label) + 3, bottom, end, bottom)
    pages.set_xy(MARGIN, bottom + 3)


def draw_entry(pages: ListPages, item: Item, block: EntryBlock, below: float = 0) -> None:
    """Draw an entry, on a new page if it does not fit on this one but does on a whole one.

    `below` is room that is needed under it.
    """
    height = measure_entry_height(pages, item, block) + below
    if pages.remaining_height() < height <= PAGE_HEIGHT_MM:
        pages.add_page()
    pages.part = data_text("key_in_list.entry", number=item.number)
    pages.set_xy(LABEL_X, pages.y + 1.9)
    for line in _heading_lines(pages, item, block):
        _write(pages, line)
    pages.set_y(pages.y + 1)
    for label, text in block.own_rows:
        _draw_row(pages, label, text)
    for line in _text_lines(block):
        _write(pages, line)
    pages.part = ""
    pages.draw_rule(pages.y + 2)
    pages.set_xy(MARGIN, pages.y + 3)


@dataclass(frozen=True, slots=True)
class _Line:
    """A paragraph of an entry, with the space above it."""

    text: str
    size: float
    bold: bool = False
    grey: bool = False
    space: float = 0


def _heading_lines(pages: ListPages, item: Item, block: EntryBlock) -> list[_Line]:
    notices = [*filter(None, [block.notice]), *duty_lines(item.record, pages.run.made_at)]
    return [
        _Line(f"{item.number}.  {block.title}", 10.5, bold=True),
        *(_Line(notice, 9, bold=True) for notice in notices),
    ]


def _text_lines(block: EntryBlock) -> list[_Line]:
    footer = [_Line(line, 8, grey=True, space=1) for line in block.footer_lines]
    return [*(_Line(text, 10, space=0.6) for text in running_text(block.note_rows)), *footer]


def running_text(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Return fields as paragraphs: short ones follow each other, a long one stands alone."""
    paragraphs: list[str] = []
    is_open = False
    for label, text in rows:
        words = f"{label}: {text}"
        is_short = len(words) <= SHORT_ROW and "\n" not in text
        if is_short and is_open:
            ends_sentence = paragraphs[-1].endswith((".", "!", "?"))
            paragraphs[-1] += f"{'' if ends_sentence else ';'} {words}"
        else:
            paragraphs.append(words)
        is_open = is_short
    return paragraphs


def _write(pages: ListPages, line: _Line) -> None:
    pages.set_xy(LABEL_X, pages.y + line.space)
    pages.write_line(line.text, line.size, bold=line.bold, grey=line.grey, width=WIDE_WIDTH)


def _draw_row(pages: ListPages, label: str, text: str) -> None:
    """Draw label and value next to each other; a value may run over the page, its label not."""
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


def measure_entry_height(pages: ListPages, item: Item, block: EntryBlock) -> float:
    """Return the height that `draw_entry` needs."""
    # The offsets are those of `draw_entry` and `_draw_row`.
    height = 1.9 + 1 + 3
    for line in (*_heading_lines(pages, item, block), *_text_lines(block)):
        height += line.space + pages.height_of(line.text, line.size, WIDE_WIDTH, bold=line.bold)
    for label, text in block.own_rows:
        height += (
            max(
                pages.height_of(text, 10, VALUE_WIDTH),
                0.3 + pages.height_of(label, 8.5, LABEL_WIDTH),
            )
            + 0.6
        )
    return height
