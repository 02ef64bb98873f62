"""What a pack consists of, in the order in which it is printed: each part knows its pages, its
sheets, and how it is drawn.

What is written on which form, in a line each for the instructions: as `data/pack/numbers.yaml`
says it, else by the form's own sections.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import FieldSpec, Format, Meaning
from pipeline.domain.form.form import COVER_SHEET, SIGNATURE_KEY, Area, Form, Forms, Subject
from pipeline.domain.model import Client, IssuedSheet
from pipeline.forms.drawing import PaperDocument
from pipeline.forms.fiducials import new_serial
from pipeline.forms.layout.outline import OutlineSection, StandardSection
from pipeline.forms.layout.standard_sections import standard_title
from pipeline.forms.printing import Sheet, draw_sheets, make_blank_sheets, to_issued_sheet
from pipeline.forms.visit_lists import (
    TOUR_LIST,
    Binder,
    PlannedVisit,
    has_visit_rows,
    make_visit_sheets,
    split_by_binder,
)
from pipeline.preparation.outage_pack.instructions import count_instruction_pages, draw_instructions
from pipeline.preparation.outage_pack.pages import PackInfo
from pipeline.preparation.outage_pack.staff_pages import (
    ChainContact,
    ScheduledShift,
    count_chain_pages,
    count_schedule_pages,
    draw_chain,
    draw_schedule,
)
from pipeline.registers.pack_quantities import SheetQuantity, load_rules

_MAX_USE_LENGTH = 60
_STANDARD_TITLES = {
    standard_title(OutlineSection(use=use), area) for use in StandardSection for area in Area
}
"""Titles that say nothing of what a form is for: whom it is about, when, and who wrote."""
_LOCAL_FORM_USE = "Enhetens egen blankett"
_FIRST_FORMS = (SIGNATURE_KEY, COVER_SHEET)
_INSTRUCTION_BY_FORM = {
    SIGNATURE_KEY: "Fram i pärmen. Alla skriver under första dagen.",
    COVER_SHEET: "Fram i pärmen. Ett överst i varje bunt.",
}
_BLANK_INSTRUCTION = "I pärmen, en flik för varje blankett."
_TOUR_PARTS = {
    Binder.TOGETHER: ("Körlistor enligt planering", "Dag för dag och rutt för rutt, inlåsta."),
    Binder.PROTECTED: (
        "Körlistor: skyddade personuppgifter",
        "Skriv ut för sig. Förseglat kuvert, inlåst.",
    ),
    Binder.UNKNOWN: (
        "Körlistor: personer utanför registret",
        "Kan ha skyddade personuppgifter. Skriv ut för sig. Förseglat kuvert, inlåst.",
    ),
}


def describe_use(form: Form) -> str:
    """What the form is for; of a form that the municipality has made the titles of its sections, as
    many as a line has room for.
    """
    return load_rules().uses.get(form.id) or _section_titles_text(form) or _LOCAL_FORM_USE


def _section_titles_text(form: Form) -> str:
    said = ""
    for title in dict.fromkeys(
        section.title
        for page in form.pages
        for section in page.sections
        if section.title not in _STANDARD_TITLES
    ):
        longer = f"{said}, {title[:1].lower()}{title[1:]}" if said else title
        if len(longer) > _MAX_USE_LENGTH:
            break
        said = longer
    return said


@dataclass(frozen=True, slots=True)
class PackOrder:
    """What a pack is made of. `clients` may be of several units: who is not among them goes in no
    common binder. `days` is what it has to last for; `first_day` is given where the outage is
    planned, and dates the cover sheets.
    """

    about: PackInfo
    needs: Sequence[SheetQuantity]
    clients: Sequence[Client] = ()
    chain: Sequence[ChainContact] = ()
    shifts: Sequence[ScheduledShift] = ()
    visits: Sequence[PlannedVisit] = ()
    days: int = 14
    first_day: date | None = None


@dataclass(frozen=True, slots=True)
class PackPart:
    """A part of a pack. `name` is its file's; `apart` says that it is not in the file with all the
    others.
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
    """The parts with new serials, all but the contents.

    Raises:
        UsageError: a form that is about no client is wanted for each client.
        FormError: there is no such form.
    """
    chosen = [(need, forms.latest(need.form)) for need in _sort_quantities(order.needs)]
    if about_nobody := [
        form.id for need, form in chosen if need.per_client and form.subject is Subject.NONE
    ]:
        raise UsageError("about_no_client_set_number", about_nobody=", ".join(about_nobody))
    own = [client for client in order.clients if client.unit == order.about.unit]
    visits = [visit for visit in order.visits if visit.unit == order.about.unit]
    tours = _find_tour_list([form for _, form in chosen], forms) if visits else None
    told = {form.id: form for form in (*(form for _, form in chosen), *filter(None, [tours]))}
    found = [*_information_parts(order, list(told.values()))]
    found += [_blank_form_part(order, form, need.sheets) for need, form in chosen if need.sheets]
    for clients, apart in (
        ([c for c in own if not c.protected], False),
        ([c for c in own if c.protected], True),
    ):
        found += _prefilled_parts(order, chosen, clients, is_separate=apart)
    if tours:
        found += _tour_parts(order, tours, visits)
    return found


def count_clients(order: PackOrder) -> int:
    """How many clients of the unit the pack is for."""
    return sum(client.unit == order.about.unit for client in order.clients)


def _sort_quantities(quantities: Sequence[SheetQuantity]) -> Iterator[SheetQuantity]:
    """Signature key and cover sheets before the forms that are written on."""
    yield from (need for form in _FIRST_FORMS for need in quantities if need.form == form)
    yield from (need for need in quantities if need.form not in _FIRST_FORMS)


def _information_parts(order: PackOrder, forms: Sequence[Form]) -> Iterator[PackPart]:
    about, told = order.about, [(form.title, describe_use(form)) for form in forms]
    pages, how = count_instruction_pages(len(told)), "Ett till varje arbetsplats. Sätt upp."
    yield PackPart(
        "instruktion",
        "Så skriver du på papper",
        how,
        pages,
        pages,
        lambda paper: draw_instructions(paper, about, told),
    )
    pages = count_chain_pages(order.chain)
    yield PackPart(
        "telefonkedja",
        "Telefonkedja",
        "I pärmen och hemma hos ansvarig chef.",
        pages,
        pages,
        lambda paper: draw_chain(paper, about, order.chain),
    )
    if pages := count_schedule_pages(order.shifts):
        yield PackPart(
            "schema",
            "Pappersschema enligt planering",
            "I pärmen.",
            pages,
            pages,
            lambda paper: draw_schedule(paper, about, order.shifts),
        )


def _blank_form_part(order: PackOrder, form: Form, count: int) -> PackPart:
    unit = order.about.unit
    sheets = (
        list(_cover_sheets(form, unit, count, order.first_day))
        if form.id == COVER_SHEET
        else make_blank_sheets(count, unit)
    )
    return _sheets_part(
        order,
        form.id,
        form.title,
        _INSTRUCTION_BY_FORM.get(form.id, _BLANK_INSTRUCTION),
        [(form, sheet) for sheet in sheets],
    )


def _cover_sheets(form: Form, unit: str, count: int, first_day: date | None) -> Iterator[Sheet]:
    """Cover sheets, dated one day each if the first day is known."""
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
    """All sheets of one client after the other, so that each client gets a folder."""
    pairs = [
        (form, Sheet(new_serial(), client.unit, client))
        for client in sorted(clients, key=lambda client: (client.name, client.pid))
        for need, form in chosen
        for _ in range(need.per_client)
    ]
    if pairs and is_separate:
        how = "Skriv ut för sig. Förseglat kuvert, inlåst."
        yield _sheets_part(
            order,
            "forifyllda-skyddade",
            "Förifyllda ark: skyddade personuppgifter",
            how,
            pairs,
            is_separate=True,
        )
    elif pairs:
        yield _sheets_part(
            order,
            "forifyllda",
            "Förifyllda ark, klient för klient",
            "En plastficka för varje klient, inlåst.",
            pairs,
        )


def _find_tour_list(chosen: Sequence[Form], forms: Forms) -> Form:
    """The first of the unit's forms that has rows for planned visits, else the one that everybody
    has.
    """
    return next(filter(has_visit_rows, chosen), None) or forms.latest(TOUR_LIST)


def _tour_parts(order: PackOrder, form: Form, visits: Sequence[PlannedVisit]) -> Iterator[PackPart]:
    """The planned visits, route by route; on sheets of their own those that do not belong in a
    common binder.
    """
    for kept, theirs in split_by_binder(visits, order.clients).items():
        title, how = _TOUR_PARTS[kept]
        pairs = [(form, sheet) for sheet in make_visit_sheets(form, theirs)]
        yield _sheets_part(
            order, f"korlistor{kept}", title, how, pairs, is_separate=kept is not Binder.TOGETHER
        )


def _sheets_part(
    order: PackOrder,
    name: str,
    title: str,
    how: str,
    pairs: Sequence[tuple[Form, Sheet]],
    *,
    is_separate: bool = False,
) -> PackPart:
    def draw(paper: PaperDocument) -> None:
        for form, sheet in pairs:
            draw_sheets(paper, form, [sheet], order.about.provider)

    pages = sum(len(form.pages) for form, _ in pairs)
    return PackPart(
        name,
        title,
        how,
        pages,
        len(pairs),
        draw,
        tuple(to_issued_sheet(form, sheet) for form, sheet in pairs),
        is_separate,
    )
