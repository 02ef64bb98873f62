"""A unit's outage pack from the store: its own numbers, its own clients, and every serial registered as issued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from pipeline.access import Action, require
from pipeline.model import Client, Person
from pipeline.pack.make import Pack, make_pack
from pipeline.pack.numbers import Need, default_needs
from pipeline.pack.parts import Order
from pipeline.pack.plain_page import About
from pipeline.pack.schedule import Shift
from pipeline.pack.telephone_chain import Called
from pipeline.settings import Settings
from pipeline.store import registers, sight
from pipeline.store.database import Store
from pipeline.store.events import record
from pipeline.store.issued import add_issued
from pipeline.store.pack_numbers import pack_numbers
from pipeline.swedish_time import today
from pipeline.template import Area, Forms
from pipeline.visit_plan import PlannedVisit

DAYS = 14
"""How long a pack lasts unless somebody says otherwise."""


@dataclass(frozen=True, slots=True)
class UnitNeeds:
    """What a unit's pack is made from. `own` says that somebody has written the numbers; `hidden` clients get no sheets with their name here.

    They have a protected identity or are behind a block.
    """

    needs: tuple[Need, ...]
    own: bool
    clients: int
    hidden: int


@dataclass(frozen=True, slots=True)
class Extras:
    """What is printed besides, if it is at hand: the telephone chain, the staff schedule, planned visits, and the first day of a planned outage."""

    chain: Sequence[Called] = ()
    shifts: Sequence[Shift] = ()
    visits: Sequence[PlannedVisit] = ()
    first_day: date | None = None


NOTHING = Extras()


def unit_needs(store: Store, forms: Forms, person: Person, unit: str, days: int = DAYS) -> UnitNeeds:
    """The unit's numbers: as somebody has written them, and the default ones for forms that nobody has written a number for.

    Raises:
        NotAllowedError: the person makes no packs for this unit.
    """
    with store.read() as conn:
        own = pack_numbers(conn, person, unit)
        area = Area(registers.units(conn)[unit])
        everybody = registers.clients(conn, [unit])
        shown = _shown(conn, person, everybody)
    printed_here = {form.id for form in forms.values() if not form.printed_elsewhere}
    default = default_needs(area, len(everybody), days, printed_here)
    written = {need.form: need for need in own if need.form in printed_here}
    first = [written.get(need.form, need) for need in default]
    needs = (*first, *(need for form, need in written.items() if form not in {one.form for one in default}))
    return UnitNeeds(needs, bool(own), len(everybody), len(everybody) - len(shown))


def make_unit_pack(store: Store, settings: Settings, forms: Forms, person: Person, unit: str, days: int = DAYS, extras: Extras = NOTHING) -> Pack:
    """Print the unit's pack. Its serials are registered before anybody gets the file; each call issues new ones.

    Planned visits to clients whose name may not be printed here are left out; those to clients whom the register lacks are set apart.

    Raises:
        NotAllowedError: the person makes no packs for this unit.
        UsageError: there is nothing to print.
    """
    with store.noting_denials():
        require(person, Action.PACK, unit)
    needs = unit_needs(store, forms, person, unit, days).needs
    with store.read() as conn:
        clients = _shown(conn, person, registers.clients(conn, [unit]))
        visits, elsewhere = _visits_shown(conn, person, unit, extras.visits)
    about = About(unit, settings.care_provider, today())
    pack = make_pack(Order(about, needs, (*clients, *elsewhere), extras.chain, extras.shifts, visits, days, extras.first_day), forms)
    with store.begin() as conn:
        add_issued(conn, pack.sheets, person.login)
        record(conn, person.login, "make_pack", unit, unit=unit, sheets=len(pack.sheets))
    return pack


def _visits_shown(conn: Connection, person: Person, unit: str, visits: Sequence[PlannedVisit]) -> tuple[list[PlannedVisit], list[Client]]:
    """Visits to clients of any unit, whoever they are registered in, under the same rule; and the clients of other units among them."""
    pids = {visit.pid for visit in visits}
    known = registers.known_clients(conn, pids)
    hidden = {client.pid for client in known if client.protected} | sight.blocked_among(conn, person, pids)
    elsewhere = [client for client in known if client.unit != unit and client.pid not in hidden]
    return [visit for visit in visits if visit.pid not in hidden], elsewhere


def _shown(conn: Connection, person: Person, clients: Sequence[Client]) -> list[Client]:
    """Those whose name may be printed: a protected identity is nobody's to see who makes packs, nor is a client behind a block."""
    blocked = sight.blocked_among(conn, person, [client.pid for client in clients])
    return [client for client in clients if not client.protected and client.pid not in blocked]
