"""Payments that wait for approval: what an approver sees, what stops a payment, and the act of approving it.

Approving is for managers. They see what they answer for, payee, account and amount, and no paper; a protected name stays hidden.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from pipeline.errors import ExportError, ReviewError
from pipeline.export.exporter import Terms
from pipeline.export.mapping import load_mappings, require_fields
from pipeline.export.pain001 import NO_DEBTOR, NOT_APPROVED, PaymentExporter, amount_of, digits_of
from pipeline.export.payment_mapping import PaymentMapping
from pipeline.export.runs import Office
from pipeline.export.values import shown
from pipeline.model import Person
from pipeline.record import Record, Stamp
from pipeline.store import events, payment_approvals, people, records
from pipeline.store.clock import utc_now

ROWS_LEFT = "Alla rader på listan är inte bekräftade ännu, så summan kan inte kontrolleras."
ROW_UNREAD = "Ett belopp på listan går inte att läsa, så summan kan inte kontrolleras."
SUM_UNREAD = "Summan på papperet går inte att läsa, så raderna kan inte kontrolleras."
SUM_DIFFERS = "Raderna på listan blir inte den summa som står på papperet."
TARGET = "pain001"
ONE_LOOK = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment to approve. `seen` goes with the approval; `stops` says why it cannot be paid, empty when it can. `approved` is by name."""

    entry_id: str
    seen: int
    unit: str
    serial: str
    payee: str
    clearing: str
    account: str
    amount: str
    purpose: str
    approved: tuple[Stamp, ...]
    own: bool
    stops: str


def payments(office: Office, person: Person) -> list[Payment]:
    """The confirmed payments of the person's units that are in no file, by sheet and row. That each was looked at is written in the log,
    once for as long as `ONE_LOOK`: a screen is drawn anew at every click.

    Raises:
        NotAllowedError: the person may not approve payments.
        ExportError: a mapping file is wrong.
    """
    terms = _terms(office)
    with office.store.begin() as conn:
        found = payment_approvals.payable(conn, person, terms.mappings)
        given = _payments(conn, office, person, found, terms)
        lately = payment_approvals.looked_lately(conn, person.login, utc_now() - ONE_LOOK)
        for each in given:
            if each.entry_id not in lately:
                events.record(conn, person.login, "view_payment", each.entry_id, unit=each.unit)
    return given


def approve_payment(office: Office, person: Person, entry_id: str, seen: int, now: datetime) -> None:
    """Approve a payment that nothing stops.

    Raises:
        NotAllowedError, StaleDecisionError: see `payment_approvals.approve`.
        ReviewError: something stops it; `Payment.stops` says what, in Swedish.
    """
    terms = _terms(office)
    with office.store.begin() as conn:
        payment_approvals.approve(conn, person, entry_id, seen, now)
        if any(each.stops for each in _payments(conn, office, person, [entry_id], terms)):
            raise ReviewError("something_stops_payment_not_approved")


def _terms(office: Office) -> Terms:
    mappings = load_mappings(office.settings.form_folders, TARGET, PaymentMapping)
    require_fields(office.forms, TARGET, mappings)
    return Terms(office.settings, office.forms, mappings)


def _payments(conn: Connection, office: Office, person: Person, entry_ids: Sequence[str], terms: Terms) -> list[Payment]:
    found = records.records(conn, office.forms, entry_ids)
    sheets = _sums(conn, office, entry_ids, terms)
    seen, names = payment_approvals.seen_now(conn, entry_ids), people.names(conn)
    return [_payment(record, seen[record.entry_id], sheets.get(record.entry_id, ""), person, names, terms) for record in found]


def _payment(record: Record, seen: int, sums: str, person: Person, names: Mapping[str, str], terms: Terms) -> Payment:
    mapping = terms.mapping(record.form, PaymentMapping)
    reason = PaymentExporter().unfit(record, terms)
    return Payment(
        entry_id=record.entry_id,
        seen=seen,
        unit=record.unit,
        serial=record.serial,
        payee="" if record.client.protected else record.client.name,
        clearing=digits_of(record, mapping.clearing),
        account=digits_of(record, mapping.account),
        amount=digits_of(record, mapping.amount),
        purpose=shown(record, mapping.purpose, terms.forms) if mapping.purpose else "",
        approved=tuple(Stamp(stamp.at, names.get(stamp.by, stamp.by)) for stamp in record.approved),
        own=any(stamp.by == person.login for stamp in record.approved),
        stops=sums if reason in ("", NOT_APPROVED, NO_DEBTOR) else reason,
    )


def _sums(conn: Connection, office: Office, entry_ids: Sequence[str], terms: Terms) -> dict[str, str]:
    """By entry, what is wrong with the sum of its sheet: rows against the total that the paper gives. Empty where the paper gives none."""
    found: dict[str, str] = {}
    for sheet in payment_approvals.whole_sheets(conn, entry_ids):
        rows = records.records(conn, office.forms, sheet.decided)
        wrong = ROWS_LEFT if sheet.open else _differs(rows, terms)
        found |= dict.fromkeys(sheet.decided, wrong)
    return found


def _differs(rows: Sequence[Record], terms: Terms) -> str:
    by_total: dict[str, list[Decimal]] = defaultdict(list)
    for record in rows:
        mapping = terms.mapping(record.form, PaymentMapping)
        total = digits_of(record, mapping.total) if mapping.total else ""
        if mapping.total in record.illegible and record.voided is None:
            return SUM_UNREAD
        if total and record.voided is None:
            try:
                by_total[total].append(amount_of(record, mapping))
            except ExportError:
                return ROW_UNREAD
    return SUM_DIFFERS if any(Decimal(total.replace(",", ".")) != sum(amounts, Decimal(0)) for total, amounts in by_total.items()) else ""
