"""Payments as ISO 20022 pain.001.001.03, for what the paper says is NOT paid and two persons have approved.

The customer's payments were made directly in the bank during the outage: a file made of the same list would pay twice. So an entry is carried only
if the box "Redan utbetald" is empty and legible, two persons other than those who confirmed it have approved exactly what stands there, and it was
in no file before. A payment file has no amendment: what was sent once is put right at the bank. Only what a bank needs is in it: no personal number,
no late-entry text. Accounts are Swedish clearing and account numbers (clearing system SESBA, scheme BBAN).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from lxml import etree

from pipeline.errors import ExportError
from pipeline.export.exporter import Item, Terms
from pipeline.export.late_entry import local
from pipeline.export.payment_mapping import PaymentMapping
from pipeline.export.values import said, shown
from pipeline.plain_text import printable
from pipeline.record import Record, Run
from pipeline.settings import Settings
from pipeline.store.payment_approvals import NEEDED

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"
ALREADY_PAID = "Redan utbetald enligt papperet. Bokför betalningen, skicka den inte en gång till."
PAID_UNCLEAR = "Det går inte att läsa om betalningen redan är gjord. Fråga ekonomienheten innan något betalas."
SENT_BEFORE = "Posten har varit i en betalfil förut eller är makulerad. Rätta eller återkalla betalningen i banken; härifrån skickas den aldrig igen."
NOT_APPROVED = "Betalningen är inte godkänd av två personer (skärmen Betalningar)."
NO_ACCOUNT = "Clearingnummer, kontonummer eller belopp saknas eller är ogiltigt."
NO_NAME = "Mottagarens namn saknas."
NAME_TOO_LONG = "Mottagarens namn är längre än betalfilens 70 tecken. Gör betalningen i banken."
TEXT_TOO_LONG = "Texten till mottagaren är längre än betalfilens 140 tecken. Gör betalningen i banken."
NO_DEBTOR = "Kontot som ska betala är inte inställt (payment_account och payment_bic)."
_CLEARING, _ACCOUNT = re.compile(r"\d{4,5}"), re.compile(r"\d{2,12}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{1,30}")
_LONGEST_ID, _LONGEST_NAME, _LONGEST_TEXT = 35, 70, 140


class PaymentExporter:
    """Payments that are not made yet, to a file for the bank."""

    title = "Betalningar som INTE är gjorda (pain.001)"
    media_type = "application/xml"
    suffix = ".xml"
    mapping = PaymentMapping

    def unfit(self, record: Record, terms: Terms) -> str:
        """Anything that could make the bank pay twice, or wrongly, stops the entry."""
        mapping = terms.mapping(record.form, PaymentMapping)
        if mapping.paid in record.illegible or mapping.paid not in record.fields:
            return PAID_UNCLEAR
        if said(record, mapping.paid, terms.forms) is not False:
            return ALREADY_PAID
        if record.revision > 1 or record.voided is not None:
            return SENT_BEFORE
        if not _payable(record, mapping):
            return NO_ACCOUNT
        if not record.client.name.strip():
            return NO_NAME
        if len(record.client.name) > _LONGEST_NAME:
            return NAME_TOO_LONG
        if len(_to_payee(record, mapping, terms)) > _LONGEST_TEXT:
            return TEXT_TOO_LONG
        if len({stamp.by for stamp in record.approved}) < NEEDED:
            return NOT_APPROVED
        return "" if terms.settings.payment_account and terms.settings.payment_bic else NO_DEBTOR

    def make(self, items: Sequence[Item], run: Run, terms: Terms) -> bytes:
        """One `CdtTrfTxInf` an entry, in the items' order, in one `PmtInf` a day of payment.

        Raises:
            ExportError: an entry's amount cannot be read, or the sums do not agree.
        """
        root = etree.Element(etree.QName(NAMESPACE, "Document"), nsmap={"pain": NAMESPACE})
        start = _add(root, "CstmrCdtTrfInitn")
        amounts = [amount_of(item.record, terms.mapping(item.record.form, PaymentMapping)) for item in items]
        _head(start, run, len(items), sum(amounts, Decimal(0)), terms.settings)
        days = sorted({_day(item.record, run) for item in items})
        for number, day in enumerate(days, 1):
            _batch(start, number, day, [item for item in items if _day(item.record, run) == day], run, terms)
        _check(root, amounts)
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _payable(record: Record, mapping: PaymentMapping) -> bool:
    clearing, account = digits_of(record, mapping.clearing), digits_of(record, mapping.account)
    if not _CLEARING.fullmatch(clearing) or not _ACCOUNT.fullmatch(account):
        return False
    try:
        return amount_of(record, mapping) > 0
    except ExportError:
        return False


def digits_of(record: Record, field: str) -> str:
    """What a field of digits says; an illegible or empty one nothing."""
    value = record.fields.get(field)
    return value.strip() if isinstance(value, str) and field not in record.illegible else ""


def amount_of(record: Record, mapping: PaymentMapping) -> Decimal:
    """The amount that an entry pays, kronor with two decimals, exactly.

    Raises:
        ExportError: it cannot be read, or has parts of an öre.
    """
    try:
        amount = Decimal(digits_of(record, mapping.amount).replace(",", "."))
        if amount.is_finite() and amount == amount.quantize(Decimal("0.01")):
            return amount.quantize(Decimal("0.01"))
    except InvalidOperation:
        pass
    raise ExportError("amount_entry_not_used", entry_id=record.entry_id)


def _day(record: Record, run: Run) -> date:
    """The day of payment on the paper; a day that has passed becomes the day of the file, since no bank pays in the past."""
    today = local(run.made_at).date()
    return max(record.event_at.date(), today) if record.event_at else today


def _head(start: etree._Element, run: Run, count: int, total: Decimal, settings: Settings) -> None:
    head = _add(start, "GrpHdr")
    _add(head, "MsgId", run.id)
    _add(head, "CreDtTm", _time(run.made_at))
    _add(head, "NbOfTxs", str(count))
    _add(head, "CtrlSum", f"{total:.2f}")
    party = _add(head, "InitgPty")
    _add(party, "Nm", settings.care_provider[:_LONGEST_NAME])
    if settings.organisation_number:
        _add(_add(_add(_add(party, "Id"), "OrgId"), "Othr"), "Id", settings.organisation_number)


def _batch(start: etree._Element, number: int, day: date, items: Sequence[Item], run: Run, terms: Terms) -> None:
    mapping = terms.mapping(items[0].record.form, PaymentMapping)
    amounts = [amount_of(item.record, terms.mapping(item.record.form, PaymentMapping)) for item in items]
    batch = _add(start, "PmtInf")
    _add(batch, "PmtInfId", f"{run.id[:32]}-{number}")
    _add(batch, "PmtMtd", "TRF")
    _add(batch, "NbOfTxs", str(len(items)))
    _add(batch, "CtrlSum", f"{sum(amounts, Decimal(0)):.2f}")
    kind = _add(batch, "PmtTpInf")
    _add(_add(kind, "SvcLvl"), "Cd", mapping.service_level)
    _add(_add(kind, "CtgyPurp"), "Cd", mapping.purpose_code)
    _add(batch, "ReqdExctnDt", day.isoformat())
    _debtor(batch, terms.settings)
    for item, amount in zip(items, amounts, strict=True):
        _payment(batch, item.record, amount, terms)


def _debtor(batch: etree._Element, settings: Settings) -> None:
    _add(_add(batch, "Dbtr"), "Nm", settings.care_provider[:_LONGEST_NAME])
    account = settings.payment_account.replace(" ", "")
    identity = _add(_add(batch, "DbtrAcct"), "Id")
    if _IBAN.fullmatch(account):
        _add(identity, "IBAN", account)
    else:
        other = _add(identity, "Othr")
        _add(other, "Id", account.replace("-", ""))
        _add(_add(other, "SchmeNm"), "Prtry", "BGNR")
    _add(_add(_add(batch, "DbtrAgt"), "FinInstnId"), "BIC", settings.payment_bic)


def _payment(batch: etree._Element, record: Record, amount: Decimal, terms: Terms) -> None:
    mapping = terms.mapping(record.form, PaymentMapping)
    clearing, account = digits_of(record, mapping.clearing), digits_of(record, mapping.account)
    payment = _add(batch, "CdtTrfTxInf")
    _add(_add(payment, "PmtId"), "EndToEndId", _reference(record))
    _add(_add(payment, "Amt"), "InstdAmt", f"{amount:.2f}").set("Ccy", "SEK")
    member = _add(_add(_add(payment, "CdtrAgt"), "FinInstnId"), "ClrSysMmbId")
    _add(_add(member, "ClrSysId"), "Cd", "SESBA")
    _add(member, "MmbId", clearing)
    _add(_add(payment, "Cdtr"), "Nm", record.client.name)
    other = _add(_add(_add(payment, "CdtrAcct"), "Id"), "Othr")
    _add(other, "Id", f"{clearing}{account}" if mapping.with_clearing else account)
    _add(_add(other, "SchmeNm"), "Cd", "BBAN")
    if text := _to_payee(record, mapping, terms):
        _add(_add(payment, "RmtInf"), "Ustrd", text)


def _reference(record: Record) -> str:
    """The entry's id, or where that is too long a digest of it: cut off, the rows of a sheet would be one."""
    whole = record.entry_id
    return whole if len(whole) <= _LONGEST_ID else hashlib.sha256(whole.encode()).hexdigest()[:_LONGEST_ID]


def _to_payee(record: Record, mapping: PaymentMapping, terms: Terms) -> str:
    words = (shown(record, field, terms.forms) for field in (mapping.purpose, mapping.reference) if field)
    return " ".join(word for word in words if word)


def _check(root: etree._Element, amounts: Sequence[Decimal]) -> None:
    """Add the file up again from what stands in it.

    Raises:
        ExportError: it does not say what was meant.
    """
    paid = [Decimal(each.text or "") for each in root.iter(f"{{{NAMESPACE}}}InstdAmt")]
    sums = [Decimal(each.text or "") for each in root.iter(f"{{{NAMESPACE}}}CtrlSum")]
    if sorted(paid) != sorted(amounts) or sums[0] != sum(paid, Decimal(0)) or sum(sums[1:], Decimal(0)) != sums[0]:
        raise ExportError("sums_payment_file_do_not")


def _time(moment: datetime) -> str:
    return f"{local(moment):%Y-%m-%dT%H:%M:%S}"


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, etree.QName(NAMESPACE, name))
    if text is not None:
        child.text = printable(text)
    return child
