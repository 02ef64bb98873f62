"""The parts of a pack in the order of printing: information, blank forms, pre-filled sheets, tours.

Each part knows its pages, its sheets and how it is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from math import ceil

from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import FieldSpec, Format, Meaning
from pipeline.domain.form.form import COVER_SHEET, SIGNATURE_KEY, Area, Form, Forms, Subject
from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.model import Client, IssuedSheet
from pipeline.forms.drawing import PaperDocument
from pipeline.forms.fiducials import new_serial
from pipeline.forms.layout.outline import OutlineSection, StandardSection, standard_title
from pipeline.forms.printing import (
    Binder,
    Sheet,
    draw_sheets,
    make_blank_sheets,
    split_by_binder,
    to_issued_sheet,
)
from pipeline.forms.visit_lists import TOUR_LIST, PlannedVisit, has_visit_rows, make_visit_sheets
from pipeline.preparation.outage_pack.instructions import count_instruction_pages, draw_instructions
from pipeline.preparation.outage_pack.pages import (
    TOP_MM,
    Column,
    PackInfo,
    begin_page,
    count_fitting_rows,
    draw_bullets,
    draw_table,
    pack_text,
    pack_texts,
)
from pipeline.preparation.outage_pack.staff_pages import (
    ChainContact,
    ScheduledShift,
    count_chain_pages,
    count_schedule_pages,
    draw_chain,
    draw_schedule,
)
from pipeline.preparation.outage_pack.unit_documents import (
    SlotContent,
    draw_document,
    load_documents,
)
from pipeline.registers.pack_quantities import SheetQuantity

# The unit's client list: a short code for each client, to be written on lists of visits.

_ROW_MM = 7.0
_TABLE_TOP_MM = TOP_MM + 22
_CODE_WIDTH_MM, _NAME_WIDTH_MM, _NUMBER_WIDTH_MM = 24.0, 100.0, 50.0


def draw_client_list(
    paper: PaperDocument, about: PackInfo, clients: Sequence[Client], codes: Mapping[str, str]
) -> None:
    """Draw the pages of the list, in the order of the names."""
    columns = (
        Column(pack_text("pack_paper.clients.code"), _CODE_WIDTH_MM, bold=True),
        Column(pack_text("pack_paper.clients.name"), _NAME_WIDTH_MM),
        Column(pack_text("pack_paper.clients.number"), _NUMBER_WIDTH_MM),
    )
    rows = [
        (codes[client.pid], client.name, format_pid(client.pid))
        for client in sorted(clients, key=lambda client: (client.name.casefold(), client.pid))
    ]
    per_page = count_fitting_rows(_TABLE_TOP_MM, _ROW_MM)
    for start in range(0, len(rows), per_page):
        begin_page(paper, about, pack_text("pack_paper.clients.title"))
        draw_bullets(paper, pack_texts("pack_paper.clients.instruction"), TOP_MM - 4)
        draw_table(paper, columns, rows[start : start + per_page], _TABLE_TOP_MM, _ROW_MM)


_MAX_USE_LENGTH = 60
"""Characters of a line of the instructions about what a form is for."""
_STANDARD_TITLES = {
    standard_title(OutlineSection(use=use), area) for use in StandardSection for area in Area
}
"""Titles that do not say what a form is for: whom it is about, when, and who wrote it."""
_FIRST_FORMS = (SIGNATURE_KEY, COVER_SHEET)
_INSTRUCTION_BY_FORM = {SIGNATURE_KEY: "signature_key", COVER_SHEET: "cover_sheet"}
"""Key of the instruction (`pack_paper.part.<key>.instruction`) of a form; else `blank`."""
_TOUR_PARTS = {
    Binder.TOGETHER: "tours",
    Binder.PROTECTED: "tours_protected",
    Binder.UNKNOWN: "tours_unknown",
}
"""Key of the part's texts (`pack_paper.part.<key>.title` and `.instruction`)."""


@dataclass(frozen=True, slots=True)
class PackOrder:
    """What a pack is made of.

    `clients` may be of several units; a planned client who is not among them is in no register.
    The pack must last for `days`. `first_day` is known if the outage is planned, and is printed on
    the cover sheets. `slots` are the places of the unit's own documents, `codes` the client codes
    by number.
    """

    about: PackInfo
    needs: Sequence[SheetQuantity]
    clients: Sequence[Client] = ()
    chain: Sequence[ChainContact] = ()
    shifts: Sequence[ScheduledShift] = ()
    visits: Sequence[PlannedVisit] = ()
    days: int = 14
    first_day: date | None = None
    slots: Sequence[SlotContent] = ()
    codes: Mapping[str, str] = field(default_factory=dict)

    @property
    def needed_slots(self) -> Sequence[SlotContent]:
        """The slots without an empty one that a table has room for."""
        given = {"chain"} if self.chain else set[str]()
        return [one for one in self.slots if one.dated or one.slot.table not in given]


@dataclass(frozen=True, slots=True)
class PackPart:
    """A part of a pack; `name` is that of its file.

    A part that is a separate file is not in the file with all the others.
    """

    name: str
    title: str
    instruction: str
    pages: int
    sheets: int
    draw: Callable[[PaperDocument], None]
    issued_sheets: tuple[IssuedSheet, ...] = field(default=())
    is_separate_file: bool = False


def build_parts(order: PackOrder, forms: Forms) -> list[PackPart]:
    """Return all parts but the contents; their sheets have new serials.

    Raises:
        UsageError: a form that is about no client is ordered for each client.
        FormError: there is no such form.
    """
    chosen = [(need, forms.latest(need.form)) for need in _sort_quantities(order.needs)]
    if about_nobody := [
        form.id for need, form in chosen if need.per_client and form.subject is Subject.NONE
    ]:
        raise UsageError("concerns_no_client_and_has_number", about_nobody=", ".join(about_nobody))
    clients = [client for client in order.clients if client.unit == order.about.unit]
    visits = [visit for visit in order.visits if visit.unit == order.about.unit]
    tour_list = _find_tour_list([form for _, form in chosen], forms) if visits else None
    # The instructions explain each form of the pack once.
    explained = {form.id: form for _, form in chosen}
    if tour_list:
        explained.setdefault(tour_list.id, tour_list)
    parts = [*_information_parts(order, list(explained.values()))]
    parts += [_blank_form_part(order, form, need.sheets) for need, form in chosen if need.sheets]
    # Sheets of clients with a protected identity are a part of their own.
    for is_protected in (False, True):
        group = [client for client in clients if client.protected == is_protected]
        parts += _prefilled_parts(order, chosen, group, is_separate=is_protected)
    if tour_list:
        parts += _tour_parts(order, tour_list, visits)
    return parts


def count_clients(order: PackOrder) -> int:
    """Return the number of the unit's clients that the pack is for."""
    return sum(client.unit == order.about.unit for client in order.clients)


def _sort_quantities(quantities: Sequence[SheetQuantity]) -> Iterator[SheetQuantity]:
    """Put the signature key and the cover sheets before the forms that are written on."""
    yield from (need for form in _FIRST_FORMS for need in quantities if need.form == form)
    yield from (need for need in quantities if need.form not in _FIRST_FORMS)


def _information_parts(order: PackOrder, forms: Sequence[Form]) -> Iterator[PackPart]:
    """Yield the instructions, the chain, the schedule, the client list and own documents."""
    about, uses = order.about, [(form.title, describe_use(form)) for form in forms]
    yield _information_part(
        "instruktion",
        "instructions",
        count_instruction_pages(len(uses)),
        lambda paper: draw_instructions(paper, about, uses),
    )
    yield _information_part(
        "telefonkedja",
        "chain",
        count_chain_pages(order.chain),
        lambda paper: draw_chain(paper, about, order.chain),
    )
    if pages := count_schedule_pages(order.shifts):
        yield _information_part(
            "schema", "schedule", pages, lambda paper: draw_schedule(paper, about, order.shifts)
        )
    coded = [client for client in order.clients if client.pid in order.codes]
    if pages := ceil(len(coded) / count_fitting_rows(_TABLE_TOP_MM, _ROW_MM)):
        yield _information_part(
            "klientlista",
            "clients",
            pages,
            lambda paper: draw_client_list(paper, about, coded, order.codes),
        )
    yield from _document_parts(order)


def _document_parts(order: PackOrder) -> Iterator[PackPart]:
    """Yield the unit's own documents, each with its date."""
    for document in load_documents(order.slots):
        age = document.content.age(order.about.printed_on)
        dated = pack_text("pack_paper.document.instruction", day=document.content.dated, age=age)
        instruction = dated if document.pages else pack_text("pack_paper.document.unreadable")
        # One that cannot be opened has a page that says so.
        pages = max(1, len(document.pages))
        yield PackPart(
            document.content.slot.slot,
            document.title,
            instruction,
            pages,
            pages,
            partial(draw_document, about=order.about, document=document),
        )


def _information_part(
    name: str, key: str, pages: int, draw: Callable[[PaperDocument], None]
) -> PackPart:
    """Return a part without serials, whose pages are its sheets."""
    title, instruction = _part_texts(key)
    return PackPart(name, title, instruction, pages, pages, draw)


def _part_texts(key: str) -> tuple[str, str]:
    """Return the title of a part, and where its paper goes."""
    return pack_text(f"pack_paper.part.{key}.title"), pack_text(
        f"pack_paper.part.{key}.instruction"
    )


def describe_use(form: Form) -> str:
    """Return in one line what a form is for.

    A form without a `use` in its `rules.yaml`, such as a unit's own form, is described by the
    titles of its sections.
    """
    return form.rules.use or _section_titles_text(form) or pack_text("pack_paper.local_form")


def _section_titles_text(form: Form) -> str:
    """Join the titles of a form's sections, as many as a line has room for."""
    line = ""
    for title in dict.fromkeys(
        section.title
        for page in form.pages
        for section in page.sections
        if section.title not in _STANDARD_TITLES
    ):
        longer = f"{line}, {title[:1].lower()}{title[1:]}" if line else title
        if len(longer) > _MAX_USE_LENGTH:
            break
        line = longer
    return line


def _blank_form_part(order: PackOrder, form: Form, count: int) -> PackPart:
    """Return the blank sheets of a form."""
    unit = order.about.unit
    sheets = (
        list(_cover_sheets(form, unit, count, order.first_day))
        if form.id == COVER_SHEET
        else make_blank_sheets(count, unit)
    )
    return _sheets_part(
        order,
        form.id,
        (
            form.title,
            pack_text(f"pack_paper.part.{_INSTRUCTION_BY_FORM.get(form.id, 'blank')}.instruction"),
        ),
        [(form, sheet) for sheet in sheets],
    )


def _cover_sheets(form: Form, unit: str, count: int, first_day: date | None) -> Iterator[Sheet]:
    """Make cover sheets: one for each day, with its date, if the first day is known."""
    day_field = form.meaning(Meaning.EVENT_DATE)
    for number in range(count):
        known = (
            _date_prefill(day_field, first_day + timedelta(days=number))
            if first_day and day_field
            else ()
        )
        yield Sheet(new_serial(), unit, prefilled=known)


def _date_prefill(spec: FieldSpec, day: date) -> tuple[tuple[str, str], ...]:
    return ((spec.name, day.strftime("%Y%m%d") if spec.format is Format.DATE else day.isoformat()),)


def _prefilled_parts(
    order: PackOrder,
    chosen: Sequence[tuple[SheetQuantity, Form]],
    clients: Sequence[Client],
    *,
    is_separate: bool,
) -> Iterator[PackPart]:
    """Yield the part with a group of clients, sheets of one client after the other."""
    pairs = [
        (form, Sheet(new_serial(), client.unit, client))
        for client in sorted(clients, key=lambda client: (client.name, client.pid))
        for need, form in chosen
        for _ in range(need.per_client)
    ]
    if not pairs:
        return
    name, key = (
        ("forifyllda-skyddade", "prefilled_protected")
        if is_separate
        else ("forifyllda", "prefilled")
    )
    yield _sheets_part(order, name, _part_texts(key), pairs, is_separate=is_separate)


def _find_tour_list(chosen: Sequence[Form], forms: Forms) -> Form:
    """Return the first of the pack's forms with rows for visits, else the standard tour list."""
    return next(filter(has_visit_rows, chosen), None) or forms.latest(TOUR_LIST)


def _tour_parts(order: PackOrder, form: Form, visits: Sequence[PlannedVisit]) -> Iterator[PackPart]:
    """Yield the planned visits route by route, a part for each binder that they belong in."""
    for binder, binder_visits in split_by_binder(visits, order.clients).items():
        pairs = [(form, sheet) for sheet in make_visit_sheets(form, binder_visits)]
        yield _sheets_part(
            order,
            f"korlistor{binder}",
            _part_texts(_TOUR_PARTS[binder]),
            pairs,
            is_separate=binder is not Binder.TOGETHER,
        )


def _sheets_part(
    order: PackOrder,
    name: str,
    texts: tuple[str, str],
    pairs: Sequence[tuple[Form, Sheet]],
    *,
    is_separate: bool = False,
) -> PackPart:
    """Return a part of sheets with serials; `texts` are its title and instruction."""

    def draw(paper: PaperDocument) -> None:
        for form, sheet in pairs:
            draw_sheets(paper, form, [sheet], order.about.letterhead)

    pages = sum(len(form.pages) for form, _ in pairs)
    return PackPart(
        name,
        *texts,
        pages,
        len(pairs),
        draw,
        tuple(to_issued_sheet(form, sheet) for form, sheet in pairs),
        is_separate,
    )
