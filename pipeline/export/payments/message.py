"""The message of payments to a bank: ISO 20022 pain.001, in its version 09 or 03.

Accounts are Swedish clearing and account numbers (clearing system SESBA, scheme BBAN). Addresses
are structured: a town and a country in elements of their own, never lines of text. Where the town
is not known there is no address, since one without a town is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from lxml import etree

from pipeline.domain.errors import ExportError
from pipeline.domain.record import Run
from pipeline.domain.settings import PaymentFormat, Settings
from pipeline.export.record_text import to_local_time
from pipeline.files.text import make_printable

MAX_NAME_LENGTH, MAX_TEXT_LENGTH = 70, 140
"""Characters of a name and of the text to the payee that every bank takes (Max140Text)."""
_MAX_ID_LENGTH = 35
"""Characters that the schema allows (Max35Text)."""
_PAYEE_COUNTRY = "SE"
"""Country of an address with a Swedish postal code, the only kind that is read."""
_IBAN_PATTERN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{1,30}")


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """What a bank is told of one payment.

    `day` is the banking day on which it is carried out; `town` is empty where it is not known.
    """

    entry_id: str
    day: date
    payee: str
    town: str
    clearing: str
    account: str
    amount: Decimal
    text: str
    purpose_code: str
    service_level: str


def payment_namespace(version: PaymentFormat) -> str:
    """Return the XML namespace of a version of the message."""
    return f"urn:iso:std:iso:20022:tech:xsd:{version}"


def build_message(payments: Sequence[PaymentOrder], run: Run, settings: Settings) -> bytes:
    """Build one `CdtTrfTxInf` a payment, in their order, in one `PmtInf` a day and kind.

    Raises:
        ExportError: the sums of the finished file are not those of the payments.
    """
    namespace = payment_namespace(settings.payment_format)
    root = etree.Element(etree.QName(namespace, "Document"), nsmap={"pain": namespace})
    initiation = _add(root, "CstmrCdtTrfInitn")
    _add_group_header(initiation, payments, run, settings)
    # One batch for each day of payment and kind.
    batches: dict[tuple[date, str, str], list[PaymentOrder]] = defaultdict(list)
    for payment in payments:
        batches[payment.day, payment.service_level, payment.purpose_code].append(payment)
    for number, (_, batch) in enumerate(sorted(batches.items()), 1):
        _add_batch(initiation, f"{run.id[:32]}-{number}", batch, settings)
    _verify_totals(root, [payment.amount for payment in payments])
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _add_group_header(
    initiation: etree._Element, payments: Sequence[PaymentOrder], run: Run, settings: Settings
) -> None:
    head = _add(initiation, "GrpHdr")
    _add(head, "MsgId", run.id)
    _add(head, "CreDtTm", _format_time(run.made_at))
    _add_totals(head, payments)
    party = _add(head, "InitgPty")
    _add(party, "Nm", settings.care_provider[:MAX_NAME_LENGTH])
    if settings.organisation_number:
        _add(_add_path(party, "Id", "OrgId", "Othr"), "Id", settings.organisation_number)


def _add_totals(parent: etree._Element, payments: Sequence[PaymentOrder]) -> None:
    total = sum((payment.amount for payment in payments), Decimal(0))
    _add(parent, "NbOfTxs", str(len(payments)))
    _add(parent, "CtrlSum", f"{total:.2f}")


def _add_batch(
    initiation: etree._Element, batch_id: str, payments: Sequence[PaymentOrder], settings: Settings
) -> None:
    first = payments[0]
    batch = _add(initiation, "PmtInf")
    _add(batch, "PmtInfId", batch_id)
    _add(batch, "PmtMtd", "TRF")
    _add_totals(batch, payments)
    kind = _add(batch, "PmtTpInf")
    _add(_add(kind, "SvcLvl"), "Cd", first.service_level)
    _add(_add(kind, "CtgyPurp"), "Cd", first.purpose_code)
    day = first.day.isoformat()
    if settings.payment_format is PaymentFormat.VERSION_03:
        _add(batch, "ReqdExctnDt", day)
    else:
        _add(_add(batch, "ReqdExctnDt"), "Dt", day)
    _add_debtor(batch, settings)
    for payment in payments:
        _add_payment(batch, payment)


def _add_debtor(batch: etree._Element, settings: Settings) -> None:
    debtor = _add(batch, "Dbtr")
    _add(debtor, "Nm", settings.care_provider[:MAX_NAME_LENGTH])
    if settings.care_provider_town:
        address = {
            "StrtNm": settings.care_provider_street,
            "PstCd": settings.care_provider_postcode,
            "TwnNm": settings.care_provider_town,
            "Ctry": settings.care_provider_country,
        }
        _add_address(debtor, address)
    account = settings.payment_account.replace(" ", "")
    identity = _add_path(batch, "DbtrAcct", "Id")
    # A Swedish account without IBAN is a bankgiro number (BGNR).
    if _IBAN_PATTERN.fullmatch(account):
        _add(identity, "IBAN", account)
    else:
        other = _add(identity, "Othr")
        _add(other, "Id", account.replace("-", ""))
        _add(_add(other, "SchmeNm"), "Prtry", "BGNR")
    is_old = settings.payment_format is PaymentFormat.VERSION_03
    bank = _add_path(batch, "DbtrAgt", "FinInstnId")
    _add(bank, "BIC" if is_old else "BICFI", settings.payment_bic)


def _add_payment(batch: etree._Element, payment: PaymentOrder) -> None:
    element = _add(batch, "CdtTrfTxInf")
    _add(_add(element, "PmtId"), "EndToEndId", _payment_reference(payment.entry_id))
    _add(_add(element, "Amt"), "InstdAmt", f"{payment.amount:.2f}").set("Ccy", "SEK")
    member = _add_path(element, "CdtrAgt", "FinInstnId", "ClrSysMmbId")
    _add(_add(member, "ClrSysId"), "Cd", "SESBA")
    _add(member, "MmbId", payment.clearing)
    payee = _add(element, "Cdtr")
    _add(payee, "Nm", payment.payee)
    if payment.town:
        _add_address(payee, {"TwnNm": payment.town, "Ctry": _PAYEE_COUNTRY})
    other = _add_path(element, "CdtrAcct", "Id", "Othr")
    _add(other, "Id", payment.account)
    _add(_add(other, "SchmeNm"), "Cd", "BBAN")
    _add(_add(element, "RmtInf"), "Ustrd", payment.text)


def _add_address(party: etree._Element, parts: dict[str, str]) -> None:
    address = _add(party, "PstlAdr")
    for name, text in parts.items():
        if text:
            _add(address, name, text)


def _payment_reference(entry_id: str) -> str:
    """Return the entry's id, or a digest of it where it is too long.

    Cut off, the ids of a sheet's rows would be the same.
    """
    if len(entry_id) <= _MAX_ID_LENGTH:
        return entry_id
    return hashlib.sha256(entry_id.encode()).hexdigest()[:_MAX_ID_LENGTH]


def _verify_totals(root: etree._Element, amounts: Sequence[Decimal]) -> None:
    """Add up the finished file again.

    Raises:
        ExportError: its amounts or sums are not those of the entries.
    """
    paid = [Decimal(each.text or "") for each in root.iter("{*}InstdAmt")]
    sums = [Decimal(each.text or "") for each in root.iter("{*}CtrlSum")]
    if (
        sorted(paid) != sorted(amounts)
        or sums[0] != sum(paid, Decimal(0))
        or sum(sums[1:], Decimal(0)) != sums[0]
    ):
        raise ExportError("payment_sums_differ")


def _format_time(moment: datetime) -> str:
    return f"{to_local_time(moment):%Y-%m-%dT%H:%M:%S}"


def _add_path(parent: etree._Element, *names: str) -> etree._Element:
    """Add elements one in the other, and return the innermost."""
    for name in names:
        parent = _add(parent, name)
    return parent


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child = etree.SubElement(parent, etree.QName(etree.QName(parent).namespace, name))
    if text is not None:
        child.text = make_printable(text)
    return child
