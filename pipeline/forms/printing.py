"""Print a form as sheets of paper, each with its own serial, markers and code.

Sheets for a known client also have the client's name and number.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Protocol, TypeVar

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import FormError
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import EntriesPer, Form
from pipeline.domain.form.page import Grid, PageSpec, Section, Table
from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.law.duties import law_refs
from pipeline.domain.model import SHEET_ROW, Box, Client, IssuedSheet, PrintedRow, SheetCode
from pipeline.forms.drawing import Colour, PaperDocument, TextStyle, draw_examples
from pipeline.forms.fiducials import CODE_BOXES, MARKER_BOXES, format_serial, new_serial
from pipeline.forms.field_drawing import PRINT_STYLES, PrintStyle, draw_field
from pipeline.forms.letterhead import (
    LAW_BOX,
    LOGO_BOX,
    NO_LETTERHEAD,
    Letterhead,
    draw_logo,
    join_law_refs,
)

_TITLE = TextStyle(17, Colour.TITLE, bold=True)
_SUBTITLE = TextStyle(8.5, Colour.LABEL)
_SERIAL = TextStyle(12, Colour.TEXT, bold=True)
_SMALL = TextStyle(7.5, Colour.LABEL)
_SECTION = TextStyle(9, Colour.TITLE, bold=True)
_HEAD_LEFT, _HEAD_RIGHT = 40.0, 189.0
"""Left and right edge of the header's texts, mm."""
_FIRST_STYLE_WITH_LAW, _SLACK_MM = 2, 0.1
_TITLE_ROOM = 122.0
"""Width for the title, clear of the serial, mm."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One copy of a form to be printed.

    `prefilled` are pairs of a field's name and the text printed in it, one digit per box.
    """

    serial: str
    unit: str = ""
    client: Client | None = None
    prefilled: tuple[tuple[str, str], ...] = ()


def make_blank_sheets(copies: int, unit: str = "") -> list[Sheet]:
    """Make blank sheets with new serials."""
    return [Sheet(new_serial(), unit) for _ in range(copies)]


def make_client_sheets(clients: Iterable[Client]) -> list[Sheet]:
    """Make one sheet with a new serial for each client, in the client's unit."""
    return [Sheet(new_serial(), client.unit, client) for client in clients]


def to_issued_sheet(form: Form, sheet: Sheet) -> IssuedSheet:
    """Return the facts of a printed sheet that are stored."""
    return IssuedSheet(
        sheet.serial,
        form.id,
        form.version,
        sheet.unit,
        sheet.client.pid if sheet.client else None,
        _printed_rows(form, sheet),
    )


def _printed_rows(form: Form, sheet: Sheet) -> tuple[PrintedRow, ...]:
    """Return the rows with a printed client, or all that was prefilled in a sheet of one client."""
    prefilled = dict(sheet.prefilled)
    if form.entries is EntriesPer.SHEET and sheet.client is not None and prefilled:
        return (PrintedRow(SHEET_ROW, sheet.client.pid, sheet.prefilled),)
    rows = []
    # A row has a printed client if its own number field is prefilled.
    for row in form.rows():
        number = form.meaning(Meaning.CLIENT_PID, row)
        if (
            row is not None
            and number is not None
            and number.row == row
            and (pid := prefilled.get(number.name))
        ):
            # All prefilled fields of the row, by column.
            printed = tuple(
                (spec.column, prefilled[spec.name])
                for spec in form.entry_fields(row)
                if spec.row == row and spec.name in prefilled
            )
            rows.append(PrintedRow(row, pid, printed))
    return tuple(rows)


def print_sheets(
    form: Form,
    sheets: Sequence[Sheet],
    *,
    letterhead: Letterhead = NO_LETTERHEAD,
    printed_on: date | None = None,
) -> bytes:
    """Print all pages of all sheets as a PDF/A-2b.

    The same sheets printed on the same date give the same bytes.

    Raises:
        FormError: the form is printed elsewhere.
    """
    with PaperDocument(form.title, printed_on or today_in_sweden()) as paper:
        draw_sheets(paper, form, sheets, letterhead)
        return bytes(paper.output())


def draw_sheets(
    paper: PaperDocument,
    form: Form,
    sheets: Iterable[Sheet],
    letterhead: Letterhead = NO_LETTERHEAD,
) -> None:
    """Add all pages of all sheets to a document.

    Raises:
        FormError: the form is printed elsewhere.
    """
    # Only forms of this program have markers and codes.
    if form.printed_elsewhere:
        raise FormError("printed_elsewhere", form=form.id)
    for sheet in sheets:
        for page_no, page in enumerate(form.pages, start=1):
            paper.add_page()
            # Every page has a code of its own, with the page's number.
            code = SheetCode(form.id, form.version, page_no, len(form.pages), sheet.serial)
            _draw_fiducials(paper, code)
            # Layers in drawing order: header, sections and fields, writing examples, footer.
            _draw_head(paper, form, code, letterhead)
            _draw_page(paper, page, sheet, PRINT_STYLES[form.print_style])
            draw_examples(paper)
            _draw_foot(paper, form, code)


def _draw_fiducials(paper: PaperDocument, code: SheetCode) -> None:
    for number, box in MARKER_BOXES.items():
        paper.marker(number, box)
    for box in CODE_BOXES:
        paper.code(code, box)


def _draw_head(paper: PaperDocument, form: Form, code: SheetCode, letterhead: Letterhead) -> None:
    paper.words(form.title, (_HEAD_LEFT, 9.6), _fit_title(paper, form.title))
    line = " · ".join(filter(None, (letterhead.organisation, "Reservblankett vid driftstopp")))
    paper.words(line, (_HEAD_LEFT, 17.6), _SUBTITLE)
    paper.words_right(format_serial(code.serial), (_HEAD_RIGHT, 10.4), _SERIAL)
    paper.words_right(f"Sida {code.page_no} av {code.pages}", (_HEAD_RIGHT, 17.6), _SUBTITLE)
    draw_logo(paper, letterhead.logo, LOGO_BOX)
    if form.print_style >= _FIRST_STYLE_WITH_LAW and letterhead.law_day:
        refs = [law.ref for law in law_refs(form, letterhead.law_day)]
        _draw_law(paper, refs, LAW_BOX.w if letterhead.logo else _HEAD_RIGHT - LAW_BOX.x)


def _draw_law(paper: PaperDocument, refs: Sequence[str], width: float) -> None:
    """Print the law below the title, in at most two lines; what has no room becomes "m.fl."."""
    kept: list[str] = []
    for ref in refs:
        text = _law_line([*kept, ref], refs)
        if not kept or paper.height_of(text, width, _SMALL) <= LAW_BOX.h + _SLACK_MM:
            kept.append(ref)
    if kept:
        paper.paragraph(_law_line(kept, refs), (LAW_BOX.x, LAW_BOX.y), width, _SMALL)


def _law_line(kept: Sequence[str], refs: Sequence[str]) -> str:
    return f"Lagrum: {join_law_refs(kept)}{' m.fl.' if len(kept) < len(refs) else ''}"


def _fit_title(paper: PaperDocument, title: str) -> TextStyle:
    """Return the title's style, smaller where it would reach the serial."""
    # Shrunk by the ratio of room to width, never enlarged.
    return replace(_TITLE, size=_TITLE.size * min(1.0, _TITLE_ROOM / paper.width_of(title, _TITLE)))


def _draw_foot(paper: PaperDocument, form: Form, code: SheetCode) -> None:
    parts = (
        f"{form.id} version {form.version}",
        f"Löpnummer {format_serial(code.serial)}",
        f"Sida {code.page_no} av {code.pages}",
    )
    paper.words("  ·  ".join(parts), (21, 284.6), _SMALL)


def _draw_page(paper: PaperDocument, page: PageSpec, sheet: Sheet, style: PrintStyle) -> None:
    # Backgrounds first, then printed texts, then rows and fields.
    for section in page.sections:
        _draw_section(paper, section)
    for text in page.texts:
        paper.paragraph(
            text.text,
            text.at,
            text.width or _HEAD_RIGHT - text.at[0],
            TextStyle(text.size, Colour.LABEL, text.bold),
        )
    if page.table:
        _draw_rows(paper, page.table, style.row_number)
    for grid in page.grids:
        _draw_grid_numbers(paper, grid, style.row_number)
    # A label that equals the title of a section is not printed again.
    titles = {section.title for section in page.sections}
    for spec in page.all_fields:
        draw_field(
            paper,
            spec,
            _prefilled_text(spec, page, sheet),
            labelled=spec.label not in titles,
            style=style,
        )


def _draw_section(paper: PaperDocument, section: Section) -> None:
    box = Box(*section.box)
    paper.area(box, Colour.GROUND)
    # A darker bar on the left edge of the section.
    paper.area(Box(box.x, box.y, 0.9, box.h), Colour.FRAME)
    paper.words(section.title, (box.x + 3, box.y + 1.4), _SECTION)


def _draw_rows(paper: PaperDocument, table: Table, style: TextStyle) -> None:
    for row in range(1, table.count + 1):
        y = table.top + (row - 1) * table.height
        # A rule between the rows, not above the first.
        if row > 1:
            paper.rule(
                (table.x + 3, y + 0.5), (table.x + table.width - 3, y + 0.5), Colour.RULE, 0.25
            )
        paper.words_right(str(row), (table.x + 7.5, y + 5), style)


def _draw_grid_numbers(paper: PaperDocument, grid: Grid, style: TextStyle) -> None:
    for line in range(1, grid.count + 1):
        y = grid.top + (line - 1) * grid.height
        paper.words_right(str(line), (grid.x + 4.8, y + 2.4), style)


def _prefilled_text(spec: FieldSpec, page: PageSpec, sheet: Sheet) -> str:
    """Return the text that is printed in a field, or "".

    In a table with one client per row, a client's sheet has the first row filled in. A number that
    is longer than its boxes, as some of regions are, is printed next to the name: its first
    characters may be another person's number. So is the number on a page without boxes for it.
    """
    # The unit is the sheet's, also without a client.
    if spec.means is Meaning.UNIT:
        return sheet.unit
    if text := dict(sheet.prefilled).get(spec.name):
        return text
    # Only the first row of a table is prefilled with the sheet's client.
    if sheet.client is None or spec.row not in (None, 1):
        return ""
    # Whether the client's number fits in its boxes.
    number = next(
        (
            other
            for other in page.all_fields
            if other.means is Meaning.CLIENT_PID and other.row == spec.row
        ),
        None,
    )
    fits_boxes = (
        number is None
        or not number.traits.digits_only
        or len(sheet.client.pid) <= number.cell_count
    )
    if spec.means is Meaning.CLIENT_PID:
        return sheet.client.pid if fits_boxes else ""
    # The name goes into its field for print, if the page has one.
    has_printed_name = any(other.means is Meaning.CLIENT_PRINTED for other in page.all_fields)
    name_meaning = Meaning.CLIENT_PRINTED if has_printed_name else Meaning.CLIENT_NAME
    if spec.means is not name_meaning or not spec.traits.takes_printed_name:
        return ""
    # A further page repeats name and number (Vårdhandboken).
    if number is None and spec.traits.filled_by_hand:
        return f"{sheet.client.name}, {format_pid(sheet.client.pid)}"
    # A number that does not fit its boxes is printed after the name.
    return sheet.client.name if fits_boxes else f"{sheet.client.name}, {sheet.client.pid}"


# Which sheets are kept in binders of their own: those of protected or unknown identities.


class _OfClient(Protocol):
    @property
    def pid(self) -> str:
        """The client's number."""


_Planned = TypeVar("_Planned", bound=_OfClient)
"""A planned visit, or a prescription."""


class Binder(StrEnum):
    """The binder in which a client's paper is kept; the value is the suffix of the file's name.

    The identity of a client who is in no register may be protected.
    """

    TOGETHER = ""
    PROTECTED = "-skyddade"
    UNKNOWN = "-ej-i-registret"


def split_by_binder(
    planned: Iterable[_Planned], register: Iterable[Client]
) -> dict[Binder, list[_Planned]]:
    """Divide planned visits or prescriptions by the binders for their paper, without empty binders.

    A client who is in the register twice is protected if either row is.
    """
    # Duplicate register rows: protected if any of them is.
    protected = dict[str, bool]()
    for client in register:
        protected[client.pid] = client.protected or protected.get(client.pid, False)
    # None: the number is in no row of the register.
    binders = {None: Binder.UNKNOWN, True: Binder.PROTECTED, False: Binder.TOGETHER}
    by_binder: dict[Binder, list[_Planned]] = {binder: [] for binder in Binder}
    for each in planned:
        by_binder[binders[protected.get(each.pid)]].append(each)
    return {binder: group for binder, group in by_binder.items() if group}
