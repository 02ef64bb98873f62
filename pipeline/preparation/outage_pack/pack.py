"""Make a unit's outage pack, from files alone or from the database.

A pack has one file to print from beginning to end, each part as a file, the register of its serials
and the numbers of sheets. `make_pack` needs only the forms: no database, no network.
`make_unit_pack` takes the unit's numbers and clients from the database and registers the serials.
"""

from __future__ import annotations

import io
import re
import tempfile
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from sqlalchemy import Connection

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Area, Forms
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Client, IssuedSheet, Person
from pipeline.domain.settings import Settings
from pipeline.files.atomic import remove_stale_partials, temporary_folder_prefix, write_private
from pipeline.forms.drawing import PaperDocument
from pipeline.forms.letterhead import find_logo
from pipeline.forms.printing import Binder
from pipeline.forms.visit_lists import PlannedVisit
from pipeline.preparation.digital_forms.form_file import DigitalPack, digital_files
from pipeline.preparation.outage_pack.pages import (
    ContentsLine,
    ContentsScope,
    PackInfo,
    count_contents_pages,
    draw_contents,
    pack_text,
)
from pipeline.preparation.outage_pack.parts import PackOrder, PackPart, build_parts, count_clients
from pipeline.preparation.outage_pack.staff_pages import ChainContact, ScheduledShift
from pipeline.preparation.outage_pack.unit_documents import (
    describe_age,
    find_documents,
    list_slots,
    unit_folder,
)
from pipeline.registers.issued_serials import format_issued_file
from pipeline.registers.pack_quantities import (
    SheetQuantity,
    default_quantities,
    quantities_csv,
    require_valid_quantities,
)
from pipeline.store.accounts import visibility
from pipeline.store.database.sampling_key import digital_form_secret
from pipeline.store.database.store import Store
from pipeline.store.entries.client_identities import give_client_codes
from pipeline.store.event_log.events import record
from pipeline.store.registers import client_register
from pipeline.store.registers.issued_sheets import save_issued_sheets
from pipeline.store.registers.planning import load_pack_quantities
from pipeline.store.schema.clock import utc_now

DEFAULT_PACK_DAYS = 14
"""How long a pack lasts by default."""
ISSUED_FILE, NUMBERS_FILE = "utlamnade.csv", "antal.csv"


@dataclass(frozen=True, slots=True)
class Pack:
    """The files by name, the first to be printed first, and the sheets that were issued."""

    files: Mapping[str, bytes]
    sheets: tuple[IssuedSheet, ...]

    @property
    def unregistered_visits_file(self) -> str:
        """Name of the file with planned visits to clients in no register; empty if none."""
        return next((name for name in self.files if name.endswith(f"{Binder.UNKNOWN}.pdf")), "")

    @property
    def as_zip(self) -> bytes:
        """All files as one zip archive, for a USB stick."""
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
    parts = build_parts(order, forms)
    if not any(part.issued_sheets for part in parts):
        raise UsageError("pack_empty")
    sheets = tuple(sheet for part in parts for sheet in part.issued_sheets)
    notes = len(describe_age(order.needed_slots, order.about.printed_on))
    lines = _contents_lines(parts, notes)
    # First the file with everything, then the contents and each part by itself.
    files = {
        f"reservpaket-{plain_name(order.about.unit)}.pdf": _render_document(
            order, lines, [part for part in parts if not part.is_separate_file]
        )
    }
    files["01-innehall.pdf"] = _render_document(order, lines, [])
    for number, part in enumerate(parts, start=2):
        files[f"{number:02d}-{part.name}.pdf"] = _render_part(order, part)
    files[ISSUED_FILE] = format_issued_file(sheets)
    files[NUMBERS_FILE] = quantities_csv(order.about.unit, order.needs)
    return Pack(files, sheets)


def add_digital_forms(pack: Pack, order: PackOrder, forms: Forms, secret: str) -> Pack:
    """Add a form without paper for each form of the pack.

    Args:
        secret: of the installation that takes the notes in (`digital_form_secret`).
    """
    digital = DigitalPack.new(order.about.unit, order.about.printed_on, secret)
    ids = dict.fromkeys(sheet.form for sheet in pack.sheets)
    files = digital_files(digital, [forms.latest(form_id) for form_id in ids])
    return replace(pack, files={**pack.files, **files})


def write_pack(pack: Pack, folder: Path) -> None:
    """Write the files, readable by their owner only.

    They are written beside and named at once, so that a process that is killed leaves no part of a
    pack. In a folder with other files the register of serials comes first, so that there is never
    paper that it lacks.

    Raises:
        UsageError: the folder has a pack already, or cannot be written.
    """
    if (folder / ISSUED_FILE).exists():
        raise UsageError("pack_already", folder=folder)
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_stale_partials(folder.parent)
        with tempfile.TemporaryDirectory(
            dir=folder.parent, prefix=temporary_folder_prefix()
        ) as partial:
            _write_files(pack, Path(partial) / "pack", folder)
    except OSError as error:
        raise UsageError("pack_not_written", folder=folder, reason=error.strerror) from error


def _write_files(pack: Pack, partial: Path, folder: Path) -> None:
    """Write the files into a partial folder, then move it, or them, to their own."""
    partial.mkdir(mode=0o700)
    for name, data in pack.files.items():
        (partial / name).parent.mkdir(mode=0o700, exist_ok=True)
        write_private(partial / name, data)
    if not folder.exists() or not any(folder.iterdir()):
        partial.replace(folder)
        return
    # `False` sorts first: the register of serials before any paper.
    for name in sorted(pack.files, key=lambda name: name != ISSUED_FILE):
        (folder / name).parent.mkdir(mode=0o700, exist_ok=True)
        (partial / name).replace(folder / name)


def plain_name(text: str) -> str:
    """Return a unit's name as part of a file name: small letters a–z, digits and hyphens."""
    # Decompose accented letters and drop the accents.
    letters = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-") or "enhet"


def _contents_lines(parts: Sequence[PackPart], notes: int) -> list[ContentsLine]:
    """Return the list of contents; a separate file has no pages in the file with everything."""
    # The contents come first, so the first part begins after them.
    page = count_contents_pages(len(parts), notes) + 1
    lines = []
    for part in parts:
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
    order: PackOrder, lines: Sequence[ContentsLine], parts: Sequence[PackPart]
) -> bytes:
    """Print the contents and these parts."""
    title = pack_text("pack_paper.document_title", unit=order.about.unit)
    with PaperDocument(title, order.about.printed_on) as paper:
        for_whom = ContentsScope(order.days, count_clients(order))
        notes = describe_age(order.needed_slots, order.about.printed_on)
        draw_contents(paper, order.about, lines, for_whom, notes)
        for part in parts:
            part.draw(paper)
        return bytes(paper.output())


def _render_part(order: PackOrder, part: PackPart) -> bytes:
    with PaperDocument(part.title, order.about.printed_on) as paper:
        part.draw(paper)
        return bytes(paper.output())


@dataclass(frozen=True, slots=True)
class UnitNeeds:
    """The numbers of sheets of a unit's pack; customized ones were entered by a user.

    `hidden` of the `clients` get no sheets with their name: they have a protected identity, or
    another unit has blocked their paper.
    """

    needs: tuple[SheetQuantity, ...]
    is_customized: bool
    clients: int
    hidden: int


@dataclass(frozen=True, slots=True)
class PackExtras:
    """What a pack may have besides, from files of the user."""

    chain: Sequence[ChainContact] = ()
    shifts: Sequence[ScheduledShift] = ()
    visits: Sequence[PlannedVisit] = ()
    first_day: date | None = None


NO_EXTRAS = PackExtras()


def load_unit_needs(
    store: Store, forms: Forms, person: Person, unit: str, days: int = DEFAULT_PACK_DAYS
) -> UnitNeeds:
    """Return the unit's numbers of sheets: those that users entered, else the default ones.

    Raises:
        NotAllowedError: the person makes no packs for this unit.
    """
    with store.read() as conn:
        saved = load_pack_quantities(conn, person, unit)
        area = Area(client_register.areas_by_unit(conn)[unit])
        clients = client_register.list_clients(conn, [unit])
        printable = _printable_clients(conn, person, clients)
    printed_here = {form.id for form in forms.values() if not form.printed_elsewhere}
    defaults = default_quantities(area, len(clients), days, printed_here)
    # The order is that of the default forms; further forms of the unit come after them.
    saved_by_form = {need.form: need for need in saved if need.form in printed_here}
    needs = {need.form: saved_by_form.get(need.form, need) for need in defaults} | saved_by_form
    return UnitNeeds(
        tuple(needs.values()), bool(saved), len(clients), len(clients) - len(printable)
    )


def make_unit_pack(
    store: Store,
    settings: Settings,
    forms: Forms,
    person: Person,
    unit: str,
    days: int = DEFAULT_PACK_DAYS,
    extras: PackExtras = NO_EXTRAS,
) -> Pack:
    """Print the unit's pack and register its serials as issued; each call issues new ones.

    Planned visits to clients whose name may not be printed here are left out. Those to clients in
    no register go to a separate file.

    Raises:
        NotAllowedError: the person makes no packs for this unit.
        UsageError: there is nothing to print.
    """
    store.require_permission(person, Action.PACK, unit)
    needs = load_unit_needs(store, forms, person, unit, days).needs
    with store.read() as conn:
        area = Area(client_register.areas_by_unit(conn)[unit])
        clients = _printable_clients(conn, person, client_register.list_clients(conn, [unit]))
        visits, elsewhere = _printable_visits(conn, person, unit, extras.visits)
    codes: Mapping[str, str] = {}
    if clients and any(
        spec.means is Meaning.CLIENT_CODE
        for need in needs
        for spec in forms.latest(need.form).fields
    ):
        with store.begin() as conn:
            pids = [client.pid for client in clients]
            codes = give_client_codes(conn, unit, pids, utc_now(), person.login)
    about = PackInfo(unit, settings.care_provider, today_in_sweden(), find_logo(settings))
    order = PackOrder(
        about,
        needs,
        (*clients, *elsewhere),
        extras.chain,
        extras.shifts,
        visits,
        days,
        extras.first_day,
        find_documents(unit_folder(settings, unit), list_slots(area)),
        codes,
    )
    pack = make_pack(order, forms)
    with store.begin() as conn:
        pack = add_digital_forms(pack, order, forms, digital_form_secret(conn))
        save_issued_sheets(conn, pack.sheets, person.login)
        record(conn, person.login, "make_pack", unit, unit=unit, sheets=len(pack.sheets))
    return pack


def _printable_visits(
    conn: Connection, person: Person, unit: str, visits: Sequence[PlannedVisit]
) -> tuple[list[PlannedVisit], list[Client]]:
    """Return the visits that may be printed, and those of their clients that are of other units."""
    pids = {visit.pid for visit in visits}
    known = client_register.filter_known_clients(conn, pids)
    # Hidden as in `_printable_clients`; a client in no register is hidden only by a block.
    protected = {client.pid for client in known if client.protected}
    hidden = protected | visibility.filter_blocked(conn, person, pids)
    elsewhere = [client for client in known if client.unit != unit and client.pid not in hidden]
    return [visit for visit in visits if visit.pid not in hidden], elsewhere


def _printable_clients(conn: Connection, person: Person, clients: Sequence[Client]) -> list[Client]:
    """Return the clients whose name may be printed: neither protected nor behind a block."""
    blocked = visibility.filter_blocked(conn, person, [client.pid for client in clients])
    return [client for client in clients if not client.protected and client.pid not in blocked]
