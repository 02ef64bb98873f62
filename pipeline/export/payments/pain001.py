"""Payments as ISO 20022 pain.001, for what is not paid and two people have approved.

During the outage the customer pays directly in the bank: a file made of the same list would pay
twice. So an entry is carried only if the box "Redan utbetald" is empty and legible, two people
other than those who confirmed it have approved exactly its values, and it was in no file before.
A payment file has no amendment: what was sent once is corrected at the bank. Only what a bank
needs is in it: no personal number, no late-entry text. How it is written is in `message.py`. A
form's mapping file is `forms/<id>/export.pain001.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from holidays import DE_FACTO, PUBLIC, HolidayBase, country_holidays

from pipeline.domain.errors import ExportError
from pipeline.domain.record import Record, Run
from pipeline.export.exporter import DATA_LANGUAGE, Exporter, ExportOptions, Item
from pipeline.export.mapping import ExportMapping
from pipeline.export.payments.message import (
    MAX_NAME_LENGTH,
    MAX_TEXT_LENGTH,
    PaymentOrder,
    build_message,
)
from pipeline.export.record_text import field_value, format_field_value, legible_text, to_local_time
from pipeline.store.exports.payment_approvals import APPROVALS_NEEDED
from pipeline.texts import Text

# Swedish banking days: when a bank can carry out a payment.
#
# Banks are closed on Saturdays, Sundays and public holidays, and on Midsummer's, Christmas and New
# Year's Eve, by the calendar of the library `holidays`. A bank that is closed on other days too has
# them in the setting `payment_closed_days`. Days on which banks close early are banking days.


class ClosedDayRule(StrEnum):
    """Which banking day takes the place of a day on which the bank is closed."""

    BEFORE = "before"
    AFTER = "after"


def execution_day(
    wanted: date | None, today: date, rule: ClosedDayRule, closed_days: Collection[date] = ()
) -> date:
    """Return the banking day on which a payment is carried out, never before `today`.

    Args:
        wanted: the day of payment on the paper; None or a day that has passed: as soon as possible.
        closed_days: further days on which the bank is closed.
    """
    calendar = _banking_calendar(closed_days)
    earliest = _nearest_banking_day(calendar, today, 1)
    if wanted is None or wanted <= earliest:
        return earliest
    step = -1 if rule is ClosedDayRule.BEFORE else 1
    return max(_nearest_banking_day(calendar, wanted, step), earliest)


def _banking_calendar(closed_days: Collection[date]) -> HolidayBase:
    calendar = country_holidays("SE", categories=(PUBLIC, DE_FACTO))
    calendar.update(*closed_days)
    return calendar


def _nearest_banking_day(calendar: HolidayBase, day: date, step: int) -> date:
    """Return the day itself, else the next (`step` 1) or the last (-1) banking day."""
    return day if calendar.is_working_day(day) else calendar.get_nth_working_day(day, step)


ALREADY_PAID = Text("export_reason.payment_already_made")
PAID_ILLEGIBLE = Text("export_reason.payment_illegible")
ALREADY_IN_FILE = Text("export_reason.payment_in_file")
NOT_APPROVED = Text("export_reason.payment_not_approved")
NO_ACCOUNT = Text("export_reason.payment_no_account")
NO_NAME = Text("export_reason.payment_no_name")
NAME_TOO_LONG = Text("export_reason.payment_name_too_long")
TEXT_TOO_LONG = Text("export_reason.payment_text_too_long")
NO_DEBTOR = Text("export_reason.payment_no_debtor")
"""Why a payment is not carried."""
_CLEARING_PATTERN = re.compile(r"\d{4,5}")
_ACCOUNT_PATTERN = re.compile(r"\d{2,12}")
_TOWN_PATTERN = re.compile(r"\b\d{3} ?\d{2}\s+(?P<town>[^\W\d_][^\d,;\n]{1,33})$")
"""The end of a Swedish address: postal code and town (`952 81 Kalix`)."""


class PaymentMapping(ExportMapping):
    """A form's entries as payments, by names of fields; the payee is the entry's client.

    `total` is the sum of the sheet's rows, paid or not, as the paper gives it. `paid` is the box
    that says that the payment is already made: such an entry is never carried. `with_clearing`
    puts the clearing number before the account number, as most banks ask for a Swedish BBAN.
    `purpose_code` and `service_level` are codes that the bank's own guide gives. `closed_day` says
    which banking day takes the place of one on which the bank is closed.
    """

    paid: str
    clearing: str
    account: str
    amount: str
    purpose: str = ""
    reference: str = ""
    total: str = ""
    with_clearing: bool = True
    purpose_code: str = "SSBE"
    service_level: str = "NURG"
    closed_day: ClosedDayRule = ClosedDayRule.BEFORE

    def fields(self) -> set[str]:
        """Return the form's fields that the mapping takes."""
        return {
            self.paid,
            self.clearing,
            self.account,
            self.amount,
            self.purpose,
            self.reference,
            self.total,
        } - {""}


class PaymentExporter(Exporter):
    """Payments that are not made yet, to a file for the bank."""

    media_type = "application/xml"
    suffix = ".xml"
    mapping = PaymentMapping
    is_payment = True

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """Return what could make the bank pay twice, or wrongly; it keeps the entry out."""
        mapping = options.mapping(record.form, PaymentMapping)
        # What may be paid already.
        if mapping.paid in record.illegible or mapping.paid not in record.fields:
            return PAID_ILLEGIBLE
        if field_value(record, mapping.paid, options.forms) is not False:
            return ALREADY_PAID
        if record.revision > 1 or record.voided is not None:
            return ALREADY_IN_FILE
        # What the bank would reject or shorten.
        if not _is_payable(record, mapping):
            return NO_ACCOUNT
        if not record.client.name.strip():
            return NO_NAME
        if len(record.client.name) > MAX_NAME_LENGTH:
            return NAME_TOO_LONG
        if len(payment_text(record, options)) > MAX_TEXT_LENGTH:
            return TEXT_TOO_LONG
        # What is only to be approved or set: it may still be shown for approval.
        if len({stamp.by for stamp in record.approved}) < APPROVALS_NEEDED:
            return NOT_APPROVED
        has_debtor = options.settings.payment_account and options.settings.payment_bic
        return None if has_debtor else NO_DEBTOR

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build the message with one payment an entry, in the items' order by day of payment.

        Raises:
            ExportError: an entry's amount cannot be read, or the sums do not agree.
        """
        payments = [_to_payment(item.record, run, options) for item in items]
        return build_message(payments, run, options.settings)


def _is_payable(record: Record, mapping: PaymentMapping) -> bool:
    clearing, account = (
        legible_text(record, mapping.clearing),
        legible_text(record, mapping.account),
    )
    if not _CLEARING_PATTERN.fullmatch(clearing) or not _ACCOUNT_PATTERN.fullmatch(account):
        return False
    try:
        return payment_amount(record, mapping) > 0
    except ExportError:
        return False


def payment_amount(record: Record, mapping: PaymentMapping) -> Decimal:
    """Return the amount that an entry pays, kronor with exactly two decimals.

    Raises:
        ExportError: it cannot be read, or has parts of an öre.
    """
    try:
        amount = Decimal(legible_text(record, mapping.amount).replace(",", "."))
        if amount.is_finite() and amount == amount.quantize(Decimal("0.01")):
            return amount.quantize(Decimal("0.01"))
    except InvalidOperation:
        pass
    raise ExportError("amount_unusable", entry_id=record.entry_id)


def payment_text(record: Record, options: ExportOptions) -> str:
    """Return the text that the payee reads; a payment never goes without one."""
    mapping = options.mapping(record.form, PaymentMapping)
    words = " ".join(
        filter(
            None,
            (
                format_field_value(record, field, options.forms)
                for field in (mapping.purpose, mapping.reference)
                if field and field not in record.illegible
            ),
        )
    )
    return words or Text(
        "payment_text.no_purpose", {"provider": options.settings.care_provider}
    ).in_language(DATA_LANGUAGE)


def payee_town(record: Record) -> str:
    """Return the payee's town, as the register's address ends; empty where it is protected.

    The bank gets the town and the country and never the street.
    """
    found = None if record.client.protected else _TOWN_PATTERN.search(record.client.address)
    return found["town"].strip() if found else ""


def _to_payment(record: Record, run: Run, options: ExportOptions) -> PaymentOrder:
    mapping = options.mapping(record.form, PaymentMapping)
    clearing, account = (
        legible_text(record, mapping.clearing),
        legible_text(record, mapping.account),
    )
    return PaymentOrder(
        entry_id=record.entry_id,
        day=execution_day(
            record.event_at.date() if record.event_at else None,
            to_local_time(run.made_at).date(),
            mapping.closed_day,
            options.settings.payment_closed_days,
        ),
        payee=record.client.name,
        town=payee_town(record),
        clearing=clearing,
        account=f"{clearing}{account}" if mapping.with_clearing else account,
        amount=payment_amount(record, mapping),
        text=payment_text(record, options),
        purpose_code=mapping.purpose_code,
        service_level=mapping.service_level,
    )
