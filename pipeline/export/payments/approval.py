"""Payments that wait for approval: what an approver sees, what blocks a payment, and approving it.

Approving is for managers. They see what they answer for, payee, account and amount, and no
paper; a protected name stays hidden.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from pipeline.domain.errors import ExportError, ReviewError
from pipeline.domain.model import Person
from pipeline.domain.record import Record, Stamp
from pipeline.export.context import ExportContext, load_export_options
from pipeline.export.exporter import ExportOptions
from pipeline.export.payments.pain001 import (
    NO_DEBTOR,
    NOT_APPROVED,
    PaymentExporter,
    PaymentMapping,
    payee_town,
    payment_amount,
    payment_text,
)
from pipeline.export.record_text import legible_text
from pipeline.store.accounts import people
from pipeline.store.entries.entry import DECIDED_STATES
from pipeline.store.event_log import events
from pipeline.store.exports import payment_approvals, records
from pipeline.store.schema.clock import utc_now
from pipeline.texts import Text

UNCONFIRMED_ROWS = Text("export_reason.payment_unconfirmed_rows")
UNREADABLE_AMOUNT = Text("export_reason.payment_unreadable_amount")
UNREADABLE_TOTAL = Text("export_reason.payment_unreadable_total")
TOTAL_MISMATCH = Text("export_reason.payment_total_mismatch")
"""What is wrong with the sum of a sheet."""
PAYMENT_TARGET = "pain001"
VIEW_LOG_INTERVAL = timedelta(minutes=10)
"""How long a look at a payment is logged once: a screen is drawn again at every click."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment to approve.

    `purpose` is the text that the payee reads, `town` the payee's where the register has it, `day`
    that of the list. `repeats` are the other lists, by serial, that have the same account and
    amount: the same payment may be written twice.
    `last_decision` is the id of the latest decision on its sheet, which an approval refers to;
    `approved` has the names of those who approved. `blocked_reason` says why it cannot be paid,
    None when it can.
    """

    entry_id: str
    last_decision: int
    unit: str
    serial: str
    payee: str
    clearing: str
    account: str
    amount: str
    purpose: str
    town: str
    day: date | None
    repeats: tuple[str, ...]
    approved: tuple[Stamp, ...]
    is_own: bool
    blocked_reason: Text | None


def list_payments(context: ExportContext, person: Person) -> list[Payment]:
    """List the confirmed payments of the person's units that are in no file, by sheet and row.

    That the person looked at each is written in the log, once an interval.

    Raises:
        NotAllowedError: the person may not approve payments.
        ExportError: a mapping file is wrong.
    """
    options = load_export_options(context, PAYMENT_TARGET, PaymentExporter(PAYMENT_TARGET))
    with context.store.begin() as conn:
        entry_ids = payment_approvals.list_payable(conn, person, options.mappings)
        payments = _collect_payments(conn, context, person, entry_ids, options)
        logged = payment_approvals.recently_viewed_payments(
            conn, person.login, utc_now() - VIEW_LOG_INTERVAL
        )
        for payment in payments:
            if payment.entry_id not in logged:
                events.record(
                    conn, person.login, "view_payment", payment.entry_id, unit=payment.unit
                )
    return payments


def approve_payment(
    context: ExportContext, person: Person, entry_id: str, last_decision: int, now: datetime
) -> None:
    """Approve a payment that nothing blocks.

    Raises:
        NotAllowedError, StaleDecisionError: see `payment_approvals.save_approval`.
        ReviewError: it is blocked; `Payment.blocked_reason` says why.
    """
    options = load_export_options(context, PAYMENT_TARGET, PaymentExporter(PAYMENT_TARGET))
    with context.store.begin() as conn:
        payment_approvals.save_approval(conn, person, entry_id, last_decision, now)
        if any(
            payment.blocked_reason
            for payment in _collect_payments(conn, context, person, [entry_id], options)
        ):
            raise ReviewError("payment_stopped")


def _collect_payments(
    conn: Connection,
    context: ExportContext,
    person: Person,
    entry_ids: Sequence[str],
    options: ExportOptions,
) -> list[Payment]:
    total_problems = _check_totals(conn, context, entry_ids, options)
    last_decisions = payment_approvals.latest_decisions(conn, entry_ids)
    decided = payment_approvals.list_payable(conn, person, options.mappings, DECIDED_STATES)
    repeats = _find_repeats(records.load_records(conn, context.forms, decided), options)
    view = _PaymentView(person, people.names_by_login(conn), options, repeats)
    return [
        view.payment(record, last_decisions[record.entry_id], total_problems.get(record.entry_id))
        for record in records.load_records(conn, context.forms, entry_ids)
    ]


@dataclass(frozen=True, slots=True)
class _PaymentView:
    """Payments as one person sees them."""

    person: Person
    names: Mapping[str, str]
    options: ExportOptions
    repeats: Mapping[str, tuple[str, ...]]

    def payment(self, record: Record, last_decision: int, total_problem: Text | None) -> Payment:
        """Return an entry as a payment to approve."""
        mapping = self.options.mapping(record.form, PaymentMapping)
        reason = PaymentExporter(PAYMENT_TARGET).unsupported_reason(record, self.options)
        # What approval or the settings still give does not block it here.
        is_only_unapproved = reason in (None, NOT_APPROVED, NO_DEBTOR)
        return Payment(
            entry_id=record.entry_id,
            last_decision=last_decision,
            unit=record.unit,
            serial=record.serial,
            payee="" if record.client.protected else record.client.name,
            clearing=legible_text(record, mapping.clearing),
            account=legible_text(record, mapping.account),
            amount=legible_text(record, mapping.amount),
            purpose=payment_text(record, self.options),
            town=payee_town(record),
            day=record.event_at.date() if record.event_at else None,
            repeats=self.repeats.get(record.entry_id, ()),
            approved=tuple(
                Stamp(stamp.at, self.names.get(stamp.by, stamp.by)) for stamp in record.approved
            ),
            is_own=any(stamp.by == self.person.login for stamp in record.approved),
            blocked_reason=total_problem if is_only_unapproved else reason,
        )


def _find_repeats(payments: Sequence[Record], options: ExportOptions) -> dict[str, tuple[str, ...]]:
    """Return by entry the lists of other entries with the same account and amount, paid or not."""
    alike: dict[tuple[str, str, Decimal], list[Record]] = defaultdict(list)
    for record in payments:
        mapping = options.mapping(record.form, PaymentMapping)
        account = legible_text(record, mapping.account)
        with suppress(ExportError):
            amount = payment_amount(record, mapping)
            if account:
                alike[legible_text(record, mapping.clearing), account, amount].append(record)
    return {
        record.entry_id: tuple(
            dict.fromkeys(other.serial for other in group if other is not record)
        )
        for group in alike.values()
        for record in group
    }


def _check_totals(
    conn: Connection, context: ExportContext, entry_ids: Sequence[str], options: ExportOptions
) -> dict[str, Text | None]:
    """Return by entry what is wrong with the sum of its sheet: rows against the paper's total.

    None where nothing is wrong, or the paper gives no total.
    """
    problems: dict[str, Text | None] = {}
    for sheet in payment_approvals.load_payment_sheets(conn, entry_ids):
        rows = records.load_records(conn, context.forms, sheet.decided)
        problem = UNCONFIRMED_ROWS if sheet.has_open_entries else _explain_total(rows, options)
        problems |= dict.fromkeys(sheet.decided, problem)
    return problems


def _explain_total(rows: Sequence[Record], options: ExportOptions) -> Text | None:
    """Return why the rows of a sheet do not make its total; None where they do."""
    # Rows of a sheet may name different totals: the amounts are added up for each.
    amounts_by_total: dict[str, list[Decimal]] = defaultdict(list)
    for record in rows:
        if record.voided is not None:
            continue
        mapping = options.mapping(record.form, PaymentMapping)
        if mapping.total in record.illegible:
            return UNREADABLE_TOTAL
        if mapping.total and (total := legible_text(record, mapping.total)):
            try:
                amounts_by_total[total].append(payment_amount(record, mapping))
            except ExportError:
                return UNREADABLE_AMOUNT
    # Exact decimal comparison of each total with its sum.
    is_wrong = any(
        Decimal(total.replace(",", ".")) != sum(amounts, Decimal(0))
        for total, amounts in amounts_by_total.items()
    )
    return TOTAL_MISMATCH if is_wrong else None
