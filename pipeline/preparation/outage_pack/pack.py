"""Making a pack: one file to print from beginning to end, each part by itself, the register of its
serials, and the numbers it was made from.

Needs the forms and nothing else: no database, no network.

A unit's outage pack from the store: its own numbers, its own clients, and every serial
registered as issued.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Connection

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import UsageError
from pipeline.domain.form.form import Area, Forms
from pipeline.domain.model import Client, IssuedSheet, Person
from pipeline.domain.permissions import Action, require_permission
from pipeline.domain.settings import Settings
from pipeline.files.atomic import write_private
from pipeline.forms.drawing import PaperDocument
from pipeline.forms.visit_lists import Binder, PlannedVisit
from pipeline.preparation.outage_pack.pages import (
    ContentsLine,
    PackInfo,
    count_contents_pages,
    draw_contents,
)
from pipeline.preparation.outage_pack.parts import PackOrder, PackPart, build_parts, count_clients
from pipeline.preparation.outage_pack.staff_pages import ChainContact, ScheduledShift
from pipeline.registers.issued_serials import format_issued_file
from pipeline.registers.pack_quantities import (
    SheetQuantity,
    default_quantities,
    quantities_csv,
    require_valid_quantities,
)
from pipeline.store.accounts import visibility
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import record
from pipeline.store.registers import client_register
from pipeline.store.registers.issued_sheets import save_issued_sheets
from pipeline.store.registers.planning import load_pack_quantities

DEFAULT_PACK_DAYS = 14
"""How long a pack lasts unless somebody says otherwise."""


ISSUED_FILE, NUMBERS_FILE = "utlamnade.csv", "antal.csv"


@dataclass(frozen=True, slots=True)
class Pack:
    """The files by name, the first to be printed first, and the sheets that were issued."""

    files: Mapping[str, bytes]
    sheets: tuple[IssuedSheet, ...]

    @property
    def unregistered_visits_file(self) -> str:
        """The file with the planned visits to clients whom the register lacks; empty if there are
        none.
        """
        return next((name for name in self.files if name.endswith(f"{Binder.UNKNOWN}.pdf")), "")

    @property
    def as_zip(self) -> bytes:
        """All files in one, to be carried on a stick."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in self.files.items():
                archive.writestr(name, data)
        return out.getvalue()


def make_pack(order: PackOrder, forms: Forms) -> Pack:
    """Print a pack; every sheet has a new serial.

    Raises:
        UsageError: a number is wrong, or there is nothing to print.
        FormError: there is no such form.
    """
    require_valid_quantities(order.needs)
    found = build_parts(order, forms)
    if not any(part.issued_sheets for part in found):
        raise UsageError("pack_would_hold_no_sheets")
    sheets = tuple(sheet for part in found for sheet in part.issued_sheets)
    lines = _contents_lines(found)
    files = {
        f"reservpaket-{plain_name(order.about.unit)}.pdf": _render_document(
            order, lines, [part for part in found if not part.is_separate_file]
        )
    }
    files["01-innehall.pdf"] = _render_document(order, lines, [])
    for number, part in enumerate(found, start=2):
        files[f"{number:02d}-{part.name}.pdf"] = _render_part(order, part)
    files[ISSUED_FILE] = format_issued_file(sheets)
    files[NUMBERS_FILE] = quantities_csv(order.about.unit, order.needs)
    return Pack(files, sheets)


def write_pack(pack: Pack, folder: Path) -> None:
    """Write the files, for their owner only. The register of serials comes first: there is never
    paper that it lacks.

    Raises:
        UsageError: the folder has a pack already, or cannot be written.
    """
    if (folder / ISSUED_FILE).exists():
        raise UsageError("pack_already", folder=folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in sorted(pack.files, key=lambda name: name != ISSUED_FILE):
            write_private(folder / name, pack.files[name])
    except OSError as error:
        raise UsageError("pack_not_written", folder=folder, reason=error.strerror) from error


def plain_name(text: str) -> str:
    """A unit's name as part of a file's name."""
    letters = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-") or "enhet"


def _contents_lines(found: Sequence[PackPart]) -> list[ContentsLine]:
    page = count_contents_pages(len(found)) + 1
    lines = []
    for part in found:
        lines.append(
            ContentsLine(
                part.title,
                None if part.is_separate_file else (page, page + part.pages - 1),
                part.sheets,
                part.instruction,
            )
        )
        page += 0 if part.is_separate_file else part.pages
    return lines


def _render_document(
    order: PackOrder, lines: Sequence[ContentsLine], following: Sequence[PackPart]
) -> bytes:
    with PaperDocument(f"Reservpaket {order.about.unit}", order.about.printed_on) as paper:
        draw_contents(paper, order.about, lines, order.days, count_clients(order))
        for part in following:
            part.draw(paper)
        return bytes(paper.output())


def _render_part(order: PackOrder, part: PackPart) -> bytes:
    with PaperDocument(part.title, order.about.printed_on) as paper:
        part.draw(paper)
        return bytes(paper.output())


@dataclass(frozen=True, slots=True)
class UnitNeeds:
    """What a unit's pack is made from. `own` says that somebody has written the numbers; `hidden`
    clients get no sheets with their name here.

    They have a protected identity or are behind a block.
    """

    needs: tuple[SheetQuantity, ...]
    is_customized: bool
    clients: int
    hidden: int


@dataclass(frozen=True, slots=True)
class PackExtras:
    """What is printed besides, if it is at hand: the telephone chain, the staff schedule, planned
    visits, and the first day of a planned outage.
    """

    chain: Sequence[ChainContact] = ()
    shifts: Sequence[ScheduledShift] = ()
    visits: Sequence[PlannedVisit] = ()
    first_day: date | None = None


NO_EXTRAS = PackExtras()


def load_unit_needs(
    store: Store, forms: Forms, person: Person, unit: str, days: int = DEFAULT_PACK_DAYS
) -> UnitNeeds:
    """The unit's numbers: as somebody has written them, and the default ones for forms that nobody
    has written a number for.

    Raises:
        NotAllowedError: the person makes no packs for this unit.
    """
    with store.read() as conn:
        own = load_pack_quantities(conn, person, unit)
        area = Area(client_register.areas_by_unit(conn)[unit])
        everybody = client_register.list_clients(conn, [unit])
        shown = _printable_clients(conn, person, everybody)
    printed_here = {form.id for form in forms.values() if not form.printed_elsewhere}
    default = default_quantities(area, len(everybody), days, printed_here)
    written = {need.form: need for need in own if need.form in printed_here}
    first = [written.get(need.form, need) for need in default]
    needs = (
        *first,
        *(need for form, need in written.items() if form not in {one.form for one in default}),
    )
    return UnitNeeds(needs, bool(own), len(everybody), len(everybody) - len(shown))


def make_unit_pack(
    store: Store,
    settings: Settings,
    forms: Forms,
    person: Person,
    unit: str,
    days: int = DEFAULT_PACK_DAYS,
    extras: PackExtras = NO_EXTRAS,
) -> Pack:
    """Print the unit's pack. Its serials are registered before anybody gets the file; each call
    issues new ones.

    Planned visits to clients whose name may not be printed here are left out; those to clients
    whom the register lacks are set apart.

    Raises:
        NotAllowedError: the person makes no packs for this unit.
        UsageError: there is nothing to print.
    """
    with store.recording_denials():
        require_permission(person, Action.PACK, unit)
    needs = load_unit_needs(store, forms, person, unit, days).needs
    with store.read() as conn:
        clients = _printable_clients(conn, person, client_register.list_clients(conn, [unit]))
        visits, elsewhere = _printable_visits(conn, person, unit, extras.visits)
    about = PackInfo(unit, settings.care_provider, today_in_sweden())
    pack = make_pack(
        PackOrder(
            about,
            needs,
            (*clients, *elsewhere),
            extras.chain,
            extras.shifts,
            visits,
            days,
            extras.first_day,
        ),
        forms,
    )
    with store.begin() as conn:
        save_issued_sheets(conn, pack.sheets, person.login)
        record(conn, person.login, "make_pack", unit, unit=unit, sheets=len(pack.sheets))
    return pack


def _printable_visits(
    conn: Connection, person: Person, unit: str, visits: Sequence[PlannedVisit]
) -> tuple[list[PlannedVisit], list[Client]]:
    """Visits to clients of any unit, whoever they are registered in, under the same rule; and the
    clients of other units among them.
    """
    pids = {visit.pid for visit in visits}
    known = client_register.filter_known_clients(conn, pids)
    hidden = {client.pid for client in known if client.protected} | visibility.filter_blocked(
        conn, person, pids
    )
    elsewhere = [client for client in known if client.unit != unit and client.pid not in hidden]
    return [visit for visit in visits if visit.pid not in hidden], elsewhere


def _printable_clients(conn: Connection, person: Person, clients: Sequence[Client]) -> list[Client]:
    """Those whose name may be printed: a protected identity is nobody's to see who makes packs, nor
    is a client behind a block.
    """
    blocked = visibility.filter_blocked(conn, person, [client.pid for client in clients])
    return [client for client in clients if not client.protected and client.pid not in blocked]
