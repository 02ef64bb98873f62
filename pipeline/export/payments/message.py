"""The message of payments to a bank: ISO 20022 pain.001, in its version 09 or 03.

Accounts are Swedish clearing and account numbers (clearing system SESBA, scheme BBAN). Addresses
are structured: a town and a country in elements of their own, never lines of text. Where the town
is not known there is no address, since one without a town is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lxml import etree

from pipeline.domain.errors import ExportError
from pipeline.domain.record import Run
from pipeline.domain.settings import PaymentFormat, Settings
from pipeline.export.record_text import to_local_time
from pipeline.files.xml_output import Namespace, serialize_xml

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
    pain = Namespace(payment_namespace(settings.payment_format))
    # One batch for each day of payment and kind.
    batches: dict[tuple[date, str, str], list[PaymentOrder]] = defaultdict(list)
    for payment in payments:
        batches[payment.day, payment.service_level, payment.purpose_code].append(payment)
    number = settings.organisation_number
    root = pain(
        "Document",
        pain(
            "CstmrCdtTrfInitn",
            pain(
                "GrpHdr",
                pain("MsgId", run.id),
                pain("CreDtTm", f"{to_local_time(run.made_at):%Y-%m-%dT%H:%M:%S}"),
                *_totals(pain, payments),
                pain(
                    "InitgPty",
                    pain("Nm", settings.care_provider[:MAX_NAME_LENGTH]),
                    pain("Id", pain("OrgId", pain("Othr", pain("Id", number)))) if number else None,
                ),
            ),
            *(
                _batch(pain, f"{run.id[:32]}-{count}", batch, settings)
                for count, (_, batch) in enumerate(sorted(batches.items()), 1)
            ),
        ),
        prefixes={"pain": pain.uri},
    )
    _verify_totals(root, [payment.amount for payment in payments])
    return serialize_xml(root)


def _totals(pain: Namespace, payments: Sequence[PaymentOrder]) -> list[etree._Element]:
    total = sum((payment.amount for payment in payments), Decimal(0))
    return [pain("NbOfTxs", str(len(payments))), pain("CtrlSum", f"{total:.2f}")]


def _batch(
    pain: Namespace, batch_id: str, payments: Sequence[PaymentOrder], settings: Settings
) -> etree._Element:
    first, day = payments[0], payments[0].day.isoformat()
    is_old = settings.payment_format is PaymentFormat.VERSION_03
    address = {
        "StrtNm": settings.care_provider_street,
        "PstCd": settings.care_provider_postcode,
        "TwnNm": settings.care_provider_town,
        "Ctry": settings.care_provider_country,
    }
    return pain(
        "PmtInf",
        pain("PmtInfId", batch_id),
        pain("PmtMtd", "TRF"),
        *_totals(pain, payments),
        pain(
            "PmtTpInf",
            pain("SvcLvl", pain("Cd", first.service_level)),
            pain("CtgyPurp", pain("Cd", first.purpose_code)),
        ),
        pain("ReqdExctnDt", day if is_old else pain("Dt", day)),
        pain(
            "Dbtr",
            pain("Nm", settings.care_provider[:MAX_NAME_LENGTH]),
            _address(pain, address) if settings.care_provider_town else None,
        ),
        pain("DbtrAcct", pain("Id", _debtor_account(pain, settings.payment_account))),
        pain(
            "DbtrAgt",
            pain("FinInstnId", pain("BIC" if is_old else "BICFI", settings.payment_bic)),
        ),
        *(_payment(pain, payment) for payment in payments),
    )


def _debtor_account(pain: Namespace, account: str) -> etree._Element:
    account = account.replace(" ", "")
    if _IBAN_PATTERN.fullmatch(account):
        return pain("IBAN", account)
    # A Swedish account without IBAN is a bankgiro number (BGNR).
    number = account.replace("-", "")
    return pain("Othr", pain("Id", number), pain("SchmeNm", pain("Prtry", "BGNR")))


def _payment(pain: Namespace, payment: PaymentOrder) -> etree._Element:
    address = {"TwnNm": payment.town, "Ctry": _PAYEE_COUNTRY}
    member = pain(
        "ClrSysMmbId",
        pain("ClrSysId", pain("Cd", "SESBA")),
        pain("MmbId", payment.clearing),
    )
    account = pain("Othr", pain("Id", payment.account), pain("SchmeNm", pain("Cd", "BBAN")))
    return pain(
        "CdtTrfTxInf",
        pain("PmtId", pain("EndToEndId", _payment_reference(payment.entry_id))),
        pain("Amt", pain("InstdAmt", f"{payment.amount:.2f}", Ccy="SEK")),
        pain("CdtrAgt", pain("FinInstnId", member)),
        pain(
            "Cdtr",
            pain("Nm", payment.payee),
            _address(pain, address) if payment.town else None,
        ),
        pain("CdtrAcct", pain("Id", account)),
        pain("RmtInf", pain("Ustrd", payment.text)),
    )


def _address(pain: Namespace, parts: Mapping[str, str]) -> etree._Element:
    return pain("PstlAdr", *(pain(name, text) for name, text in parts.items() if text))


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
