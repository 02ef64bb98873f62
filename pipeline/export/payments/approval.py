"""Payments that wait for approval: what an approver sees, what stops a payment, and the act of
approving it.

Approving is for managers. They see what they answer for, payee, account and amount, and no
paper; a protected name stays hidden.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from pipeline.domain.errors import ExportError, ReviewError
from pipeline.domain.model import Person
from pipeline.domain.record import Record, Stamp
from pipeline.export.exporter import ExportOptions
from pipeline.export.payments.pain001 import (
    NO_DEBTOR,
    NOT_APPROVED,
    PaymentExporter,
    PaymentMapping,
    field_digits,
    payment_amount,
)
from pipeline.export.record_text import format_field_value
from pipeline.export.runs import ExportContext
from pipeline.export.tables.mapping import load_mappings, require_known_fields
from pipeline.store.accounts import people
from pipeline.store.database.clock import utc_now
from pipeline.store.event_log import events
from pipeline.store.exports import payment_approvals, records
from pipeline.texts import Text

UNCONFIRMED_ROWS = Text("export_reason.payment_unconfirmed_rows")
UNREADABLE_AMOUNT = Text("export_reason.payment_unreadable_amount")
UNREADABLE_TOTAL = Text("export_reason.payment_unreadable_total")
TOTAL_MISMATCH = Text("export_reason.payment_total_mismatch")
PAYMENT_TARGET = "pain001"
VIEW_LOG_INTERVAL = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment to approve. `seen` goes with the approval; `stops` says why it cannot be paid,
    empty when it can. `approved` is by name.
    """

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
    is_own: bool
    blocked_reason: Text | None


def list_payments(context: ExportContext, person: Person) -> list[Payment]:
    """The confirmed payments of the person's units that are in no file, by sheet and row. That each
    was looked at is written in the log, once for as long as `ONE_LOOK`: a screen is drawn anew
    at every click.

    Raises:
        NotAllowedError: the person may not approve payments.
        ExportError: a mapping file is wrong.
    """
    terms = _export_options(context)
    with context.store.begin() as conn:
        found = payment_approvals.list_payable(conn, person, terms.mappings)
        given = _collect_payments(conn, context, person, found, terms)
        lately = payment_approvals.recently_viewed_payments(
            conn, person.login, utc_now() - VIEW_LOG_INTERVAL
        )
        for each in given:
            if each.entry_id not in lately:
                events.record(conn, person.login, "view_payment", each.entry_id, unit=each.unit)
    return given


def approve_payment(
    context: ExportContext, person: Person, entry_id: str, seen: int, now: datetime
) -> None:
    """Approve a payment that nothing stops.

    Raises:
        NotAllowedError, StaleDecisionError: see `payment_approvals.approve`.
        ReviewError: something stops it; `Payment.stops` says what, in Swedish.
    """
    terms = _export_options(context)
    with context.store.begin() as conn:
        payment_approvals.save_approval(conn, person, entry_id, seen, now)
        if any(
            each.blocked_reason
            for each in _collect_payments(conn, context, person, [entry_id], terms)
        ):
            raise ReviewError("something_stops_payment_not_approved")


def _export_options(context: ExportContext) -> ExportOptions:
    mappings = load_mappings(context.settings.form_folders, PAYMENT_TARGET, PaymentMapping)
    require_known_fields(context.forms, PAYMENT_TARGET, mappings)
    return ExportOptions(context.settings, context.forms, mappings)


def _collect_payments(
    conn: Connection,
    context: ExportContext,
    person: Person,
    entry_ids: Sequence[str],
    options: ExportOptions,
) -> list[Payment]:
    found = records.load_records(conn, context.forms, entry_ids)
    sheets = _check_totals(conn, context, entry_ids, options)
    seen, names = payment_approvals.latest_decisions(conn, entry_ids), people.names_by_login(conn)
    return [
        _make_payment(
            record, seen[record.entry_id], sheets.get(record.entry_id), person, names, options
        )
        for record in found
    ]


def _make_payment(
    record: Record,
    seen: int,
    sums: Text | None,
    person: Person,
    names: Mapping[str, str],
    options: ExportOptions,
) -> Payment:
    mapping = options.mapping(record.form, PaymentMapping)
    reason = PaymentExporter().unsupported_reason(record, options)
    return Payment(
        entry_id=record.entry_id,
        seen=seen,
        unit=record.unit,
        serial=record.serial,
        payee="" if record.client.protected else record.client.name,
        clearing=field_digits(record, mapping.clearing),
        account=field_digits(record, mapping.account),
        amount=field_digits(record, mapping.amount),
        purpose=format_field_value(record, mapping.purpose, options.forms)
        if mapping.purpose
        else "",
        approved=tuple(Stamp(stamp.at, names.get(stamp.by, stamp.by)) for stamp in record.approved),
        is_own=any(stamp.by == person.login for stamp in record.approved),
        blocked_reason=sums if reason in (None, NOT_APPROVED, NO_DEBTOR) else reason,
    )


def _check_totals(
    conn: Connection, context: ExportContext, entry_ids: Sequence[str], options: ExportOptions
) -> dict[str, Text | None]:
    """By entry, what is wrong with the sum of its sheet: rows against the total that the paper
    gives. Empty where the paper gives none.
    """
    found: dict[str, Text | None] = {}
    for sheet in payment_approvals.load_payment_sheets(conn, entry_ids):
        rows = records.load_records(conn, context.forms, sheet.decided)
        wrong = UNCONFIRMED_ROWS if sheet.has_open_entries else _explain_total(rows, options)
        found |= dict.fromkeys(sheet.decided, wrong)
    return found


def _explain_total(rows: Sequence[Record], options: ExportOptions) -> Text | None:
    by_total: dict[str, list[Decimal]] = defaultdict(list)
    for record in rows:
        mapping = options.mapping(record.form, PaymentMapping)
        total = field_digits(record, mapping.total) if mapping.total else ""
        if mapping.total in record.illegible and record.voided is None:
            return UNREADABLE_TOTAL
        if total and record.voided is None:
            try:
                by_total[total].append(payment_amount(record, mapping))
            except ExportError:
                return UNREADABLE_AMOUNT
    return (
        TOTAL_MISMATCH
        if any(
            Decimal(total.replace(",", ".")) != sum(amounts, Decimal(0))
            for total, amounts in by_total.items()
        )
        else None
    )
