"""Payments as ISO 20022 pain.001.001.03, for what is not paid and two people have approved.

During the outage the customer pays directly in the bank: a file made of the same list would pay
twice. So an entry is carried only if the box "Redan utbetald" is empty and legible, two people
other than those who confirmed it have approved exactly its values, and it was in no file before.
A payment file has no amendment: what was sent once is corrected at the bank. Only what a bank
needs is in it: no personal number, no late-entry text. Accounts are Swedish clearing and account
numbers (clearing system SESBA, scheme BBAN). A form's mapping file is
`forms/<id>/export.pain001.yaml`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from lxml import etree

from pipeline.domain.errors import ExportError
from pipeline.domain.record import Record, Run
from pipeline.domain.settings import Settings
from pipeline.export.exporter import ExportOptions, Item
from pipeline.export.record_text import field_value, format_field_value, to_local_time
from pipeline.export.tables.mapping import ExportMapping
from pipeline.files.text import make_printable
from pipeline.store.exports.payment_approvals import APPROVALS_NEEDED
from pipeline.texts import Text

PAIN001_NS = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"
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
_IBAN_PATTERN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{1,30}")
_CLEARING_PATTERN = re.compile(r"\d{4,5}")
_ACCOUNT_PATTERN = re.compile(r"\d{2,12}")
_MAX_ID_LENGTH, _MAX_NAME_LENGTH, _MAX_TEXT_LENGTH = 35, 70, 140
"""Characters that the schema allows (Max35Text, Max70Text, Max140Text)."""


class PaymentMapping(ExportMapping):
    """A form's entries as payments, by names of fields; the payee is the entry's client.

    `total` is the sum of the sheet's rows, paid or not, as the paper gives it. `paid` is the box
    that says that the payment is already made: such an entry is never carried. `with_clearing`
    puts the clearing number before the account number, as most banks ask for a Swedish BBAN.
    `purpose_code` and `service_level` are codes that the bank's own guide gives.
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


class PaymentExporter:
    """Payments that are not made yet, to a file for the bank."""

    title = Text("target.pain001")
    media_type = "application/xml"
    suffix = ".xml"
    mapping = PaymentMapping

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
        if len(record.client.name) > _MAX_NAME_LENGTH:
            return NAME_TOO_LONG
        if len(_remittance_text(record, mapping, options)) > _MAX_TEXT_LENGTH:
            return TEXT_TOO_LONG
        # What is only to be approved or set: it may still be shown for approval.
        if len({stamp.by for stamp in record.approved}) < APPROVALS_NEEDED:
            return NOT_APPROVED
        has_debtor = options.settings.payment_account and options.settings.payment_bic
        return None if has_debtor else NO_DEBTOR

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build one `CdtTrfTxInf` an entry, in the items' order, in one `PmtInf` a day of payment.

        Raises:
            ExportError: an entry's amount cannot be read, or the sums do not agree.
        """
        root = etree.Element(etree.QName(PAIN001_NS, "Document"), nsmap={"pain": PAIN001_NS})
        initiation = _add_element(root, "CstmrCdtTrfInitn")
        amounts = [
            payment_amount(item.record, options.mapping(item.record.form, PaymentMapping))
            for item in items
        ]
        _add_group_header(initiation, run, len(items), sum(amounts, Decimal(0)), options.settings)
        # One batch for each day of payment.
        days = sorted({_payment_day(item.record, run) for item in items})
        for number, day in enumerate(days, 1):
            batch_items = [item for item in items if _payment_day(item.record, run) == day]
            batch_id = f"{run.id[:32]}-{number}"
            _add_payment_batch(initiation, batch_id, day, batch_items, options)
        _verify_totals(root, amounts)
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _is_payable(record: Record, mapping: PaymentMapping) -> bool:
    clearing, account = (
        field_digits(record, mapping.clearing),
        field_digits(record, mapping.account),
    )
    if not _CLEARING_PATTERN.fullmatch(clearing) or not _ACCOUNT_PATTERN.fullmatch(account):
        return False
    try:
        return payment_amount(record, mapping) > 0
    except ExportError:
        return False


def field_digits(record: Record, field: str) -> str:
    """Return the value of a field of digits; empty where it is illegible or empty."""
    value = record.fields.get(field)
    return value.strip() if isinstance(value, str) and field not in record.illegible else ""


def payment_amount(record: Record, mapping: PaymentMapping) -> Decimal:
    """Return the amount that an entry pays, kronor with exactly two decimals.

    Raises:
        ExportError: it cannot be read, or has parts of an öre.
    """
    try:
        amount = Decimal(field_digits(record, mapping.amount).replace(",", "."))
        if amount.is_finite() and amount == amount.quantize(Decimal("0.01")):
            return amount.quantize(Decimal("0.01"))
    except InvalidOperation:
        pass
    raise ExportError("amount_entry_not_used", entry_id=record.entry_id)


def _payment_day(record: Record, run: Run) -> date:
    """Return the day of payment on the paper, or that of the file if it has passed.

    No bank pays in the past.
    """
    today = to_local_time(run.made_at).date()
    return max(record.event_at.date(), today) if record.event_at else today


def _add_group_header(
    initiation: etree._Element, run: Run, count: int, total: Decimal, settings: Settings
) -> None:
    head = _add_element(initiation, "GrpHdr")
    _add_element(head, "MsgId", run.id)
    _add_element(head, "CreDtTm", _format_time(run.made_at))
    _add_element(head, "NbOfTxs", str(count))
    _add_element(head, "CtrlSum", f"{total:.2f}")
    party = _add_element(head, "InitgPty")
    _add_element(party, "Nm", settings.care_provider[:_MAX_NAME_LENGTH])
    if settings.organisation_number:
        _add_element(
            _add_element(_add_element(_add_element(party, "Id"), "OrgId"), "Othr"),
            "Id",
            settings.organisation_number,
        )


def _add_payment_batch(
    initiation: etree._Element,
    batch_id: str,
    day: date,
    items: Sequence[Item],
    options: ExportOptions,
) -> None:
    mapping = options.mapping(items[0].record.form, PaymentMapping)
    amounts = [
        payment_amount(item.record, options.mapping(item.record.form, PaymentMapping))
        for item in items
    ]
    batch = _add_element(initiation, "PmtInf")
    _add_element(batch, "PmtInfId", batch_id)
    _add_element(batch, "PmtMtd", "TRF")
    _add_element(batch, "NbOfTxs", str(len(items)))
    _add_element(batch, "CtrlSum", f"{sum(amounts, Decimal(0)):.2f}")
    kind = _add_element(batch, "PmtTpInf")
    _add_element(_add_element(kind, "SvcLvl"), "Cd", mapping.service_level)
    _add_element(_add_element(kind, "CtgyPurp"), "Cd", mapping.purpose_code)
    _add_element(batch, "ReqdExctnDt", day.isoformat())
    _add_debtor(batch, options.settings)
    for item, amount in zip(items, amounts, strict=True):
        _add_payment(batch, item.record, amount, options)


def _add_debtor(batch: etree._Element, settings: Settings) -> None:
    _add_element(_add_element(batch, "Dbtr"), "Nm", settings.care_provider[:_MAX_NAME_LENGTH])
    account = settings.payment_account.replace(" ", "")
    identity = _add_element(_add_element(batch, "DbtrAcct"), "Id")
    # A Swedish account without IBAN is a bankgiro number (BGNR).
    if _IBAN_PATTERN.fullmatch(account):
        _add_element(identity, "IBAN", account)
    else:
        other = _add_element(identity, "Othr")
        _add_element(other, "Id", account.replace("-", ""))
        _add_element(_add_element(other, "SchmeNm"), "Prtry", "BGNR")
    _add_element(
        _add_element(_add_element(batch, "DbtrAgt"), "FinInstnId"), "BIC", settings.payment_bic
    )


def _add_payment(
    batch: etree._Element, record: Record, amount: Decimal, options: ExportOptions
) -> None:
    mapping = options.mapping(record.form, PaymentMapping)
    clearing, account = (
        field_digits(record, mapping.clearing),
        field_digits(record, mapping.account),
    )
    payment = _add_element(batch, "CdtTrfTxInf")
    _add_element(_add_element(payment, "PmtId"), "EndToEndId", _payment_reference(record))
    _add_element(_add_element(payment, "Amt"), "InstdAmt", f"{amount:.2f}").set("Ccy", "SEK")
    member = _add_element(
        _add_element(_add_element(payment, "CdtrAgt"), "FinInstnId"), "ClrSysMmbId"
    )
    _add_element(_add_element(member, "ClrSysId"), "Cd", "SESBA")
    _add_element(member, "MmbId", clearing)
    _add_element(_add_element(payment, "Cdtr"), "Nm", record.client.name)
    other = _add_element(_add_element(_add_element(payment, "CdtrAcct"), "Id"), "Othr")
    _add_element(other, "Id", f"{clearing}{account}" if mapping.with_clearing else account)
    _add_element(_add_element(other, "SchmeNm"), "Cd", "BBAN")
    if text := _remittance_text(record, mapping, options):
        _add_element(_add_element(payment, "RmtInf"), "Ustrd", text)


def _payment_reference(record: Record) -> str:
    """Return the entry's id, or a digest of it where it is too long.

    Cut off, the ids of a sheet's rows would be the same.
    """
    if len(record.entry_id) <= _MAX_ID_LENGTH:
        return record.entry_id
    return hashlib.sha256(record.entry_id.encode()).hexdigest()[:_MAX_ID_LENGTH]


def _remittance_text(record: Record, mapping: PaymentMapping, options: ExportOptions) -> str:
    words = (
        format_field_value(record, field, options.forms)
        for field in (mapping.purpose, mapping.reference)
        if field
    )
    return " ".join(word for word in words if word)


def _verify_totals(root: etree._Element, amounts: Sequence[Decimal]) -> None:
    """Add up the finished file again.

    Raises:
        ExportError: its amounts or sums are not those of the entries.
    """
    paid = [Decimal(each.text or "") for each in root.iter(f"{{{PAIN001_NS}}}InstdAmt")]
    sums = [Decimal(each.text or "") for each in root.iter(f"{{{PAIN001_NS}}}CtrlSum")]
    if (
        sorted(paid) != sorted(amounts)
        or sums[0] != sum(paid, Decimal(0))
        or sum(sums[1:], Decimal(0)) != sums[0]
    ):
        raise ExportError("sums_payment_file_do_not")


def _format_time(moment: datetime) -> str:
    return f"{to_local_time(moment):%Y-%m-%dT%H:%M:%S}"


def _add_element(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, etree.QName(PAIN001_NS, name))
    if text is not None:
        child.text = make_printable(text)
    return child
