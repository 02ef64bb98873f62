"""What a pack consists of, in the order in which it is printed: each part knows its pages, its sheets, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from pipeline.drawing import Paper
from pipeline.errors import UsageError
from pipeline.fiducials import new_serial
from pipeline.field_spec import FieldSpec, Format, Meaning
from pipeline.keeping import Keeping, by_keeping
from pipeline.model import Client, IssuedSheet
from pipeline.own_forms import COVER, SIGNATURE_KEY
from pipeline.pack.instructions import draw_instructions, instruction_pages
from pipeline.pack.numbers import Need
from pipeline.pack.plain_page import About
from pipeline.pack.schedule import Shift, draw_schedule, schedule_pages
from pipeline.pack.telephone_chain import Called, chain_pages, draw_chain
from pipeline.pack.uses import use_of
from pipeline.printing import Sheet, draw_sheets, issue, issued
from pipeline.template import Form, Forms, Subject
from pipeline.visit_plan import TOUR_LIST, PlannedVisit, issue_for_plan, takes_plan

_FIRST = (SIGNATURE_KEY, COVER)
_HOW = {
    SIGNATURE_KEY: "Fram i pärmen. Alla skriver under första dagen.",
    COVER: "Fram i pärmen. Ett överst i varje bunt.",
}
_BLANK_HOW = "I pärmen, en flik för varje blankett."
_TOURS = {
    Keeping.TOGETHER: ("Körlistor enligt planering", "Dag för dag och rutt för rutt, inlåsta."),
    Keeping.PROTECTED: ("Körlistor: skyddade personuppgifter", "Skriv ut för sig. Förseglat kuvert, inlåst."),
    Keeping.UNKNOWN: ("Körlistor: personer utanför registret", "Kan ha skyddade personuppgifter. Skriv ut för sig. Förseglat kuvert, inlåst."),
}


@dataclass(frozen=True, slots=True)
class Order:
    """What a pack is made of. `clients` may be of several units: who is not among them goes in no common binder. `days` is what it has to last for;
    `first_day` is given where the outage is planned, and dates the cover sheets."""

    about: About
    needs: Sequence[Need]
    clients: Sequence[Client] = ()
    chain: Sequence[Called] = ()
    shifts: Sequence[Shift] = ()
    visits: Sequence[PlannedVisit] = ()
    days: int = 14
    first_day: date | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a pack. `name` is its file's; `apart` says that it is not in the file with all the others."""

    name: str
    title: str
    how: str
    pages: int
    sheets: int
    draw: Callable[[Paper], None]
    issued: tuple[IssuedSheet, ...] = field(default=())
    apart: bool = False


def parts(order: Order, forms: Forms) -> list[Part]:
    """The parts with new serials, all but the contents.

    Raises:
        UsageError: a form that is about no client is wanted for each client.
        FormError: there is no such form.
    """
    chosen = [(need, forms.latest(need.form)) for need in _in_order(order.needs)]
    if about_nobody := [form.id for need, form in chosen if need.each_client and form.subject is Subject.NONE]:
        raise UsageError("about_no_client_set_number", about_nobody=", ".join(about_nobody))
    own = [client for client in order.clients if client.unit == order.about.unit]
    visits = [visit for visit in order.visits if visit.unit == order.about.unit]
    tours = _tour_list([form for _, form in chosen], forms) if visits else None
    told = {form.id: form for form in (*(form for _, form in chosen), *filter(None, [tours]))}
    found = [*_plain(order, list(told.values()))]
    found += [_blank(order, form, need.sheets) for need, form in chosen if need.sheets]
    for clients, apart in (([c for c in own if not c.protected], False), ([c for c in own if c.protected], True)):
        found += _prefilled(order, chosen, clients, apart=apart)
    if tours:
        found += _tours(order, tours, visits)
    return found


def clients_of(order: Order) -> int:
    """How many clients of the unit the pack is for."""
    return sum(client.unit == order.about.unit for client in order.clients)


def _in_order(needs: Sequence[Need]) -> Iterator[Need]:
    """Signature key and cover sheets before the forms that are written on."""
    yield from (need for form in _FIRST for need in needs if need.form == form)
    yield from (need for need in needs if need.form not in _FIRST)


def _plain(order: Order, forms: Sequence[Form]) -> Iterator[Part]:
    about, told = order.about, [(form.title, use_of(form)) for form in forms]
    pages, how = instruction_pages(len(told)), "Ett till varje arbetsplats. Sätt upp."
    yield Part("instruktion", "Så skriver du på papper", how, pages, pages, lambda paper: draw_instructions(paper, about, told))
    pages = chain_pages(order.chain)
    yield Part(
        "telefonkedja", "Telefonkedja", "I pärmen och hemma hos ansvarig chef.", pages, pages, lambda paper: draw_chain(paper, about, order.chain)
    )
    if pages := schedule_pages(order.shifts):
        yield Part("schema", "Pappersschema enligt planering", "I pärmen.", pages, pages, lambda paper: draw_schedule(paper, about, order.shifts))


def _blank(order: Order, form: Form, count: int) -> Part:
    unit = order.about.unit
    sheets = list(_covers(form, unit, count, order.first_day)) if form.id == COVER else issue(count, unit)
    return _of_sheets(order, form.id, form.title, _HOW.get(form.id, _BLANK_HOW), [(form, sheet) for sheet in sheets])


def _covers(form: Form, unit: str, count: int, first_day: date | None) -> Iterator[Sheet]:
    """Cover sheets, dated one day each if the first day is known."""
    day_field = form.meaning(Meaning.EVENT_DATE)
    for number in range(count):
        known = _dated(day_field, first_day + timedelta(days=number)) if first_day and day_field else ()
        yield Sheet(new_serial(), unit, known=known)


def _dated(spec: FieldSpec, day: date) -> tuple[tuple[str, str], ...]:
    return ((spec.name, day.strftime("%Y%m%d") if spec.format is Format.DATE else day.isoformat()),)


def _prefilled(order: Order, chosen: Sequence[tuple[Need, Form]], clients: Sequence[Client], *, apart: bool) -> Iterator[Part]:
    """All sheets of one client after the other, so that each client gets a folder."""
    pairs = [
        (form, Sheet(new_serial(), client.unit, client))
        for client in sorted(clients, key=lambda client: (client.name, client.pid))
        for need, form in chosen
        for _ in range(need.each_client)
    ]
    if pairs and apart:
        how = "Skriv ut för sig. Förseglat kuvert, inlåst."
        yield _of_sheets(order, "forifyllda-skyddade", "Förifyllda ark: skyddade personuppgifter", how, pairs, apart=True)
    elif pairs:
        yield _of_sheets(order, "forifyllda", "Förifyllda ark, klient för klient", "En plastficka för varje klient, inlåst.", pairs)


def _tour_list(chosen: Sequence[Form], forms: Forms) -> Form:
    """The first of the unit's forms that has rows for planned visits, else the one that everybody has."""
    return next(filter(takes_plan, chosen), None) or forms.latest(TOUR_LIST)


def _tours(order: Order, form: Form, visits: Sequence[PlannedVisit]) -> Iterator[Part]:
    """The planned visits, route by route; on sheets of their own those that do not belong in a common binder."""
    for kept, theirs in by_keeping(visits, order.clients).items():
        title, how = _TOURS[kept]
        pairs = [(form, sheet) for sheet in issue_for_plan(form, theirs)]
        yield _of_sheets(order, f"korlistor{kept}", title, how, pairs, apart=kept is not Keeping.TOGETHER)


def _of_sheets(order: Order, name: str, title: str, how: str, pairs: Sequence[tuple[Form, Sheet]], *, apart: bool = False) -> Part:
    def draw(paper: Paper) -> None:
        for form, sheet in pairs:
            draw_sheets(paper, form, [sheet], order.about.provider)

    pages = sum(len(form.pages) for form, _ in pairs)
    return Part(name, title, how, pages, len(pairs), draw, tuple(issued(form, sheet) for form, sheet in pairs), apart)
