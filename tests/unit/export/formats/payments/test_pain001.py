"""Payments: valid for a bank, and right to the öre."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree

from pipeline.domain.errors import ExportError
from pipeline.domain.model import Client, Value
from pipeline.domain.record import Record
from pipeline.domain.settings import PaymentFormat, Settings
from pipeline.export.exporter import ExportOptions
from pipeline.export.payments.message import PaymentOrder, build_message, payment_namespace
from pipeline.export.payments.pain001 import (
    ALREADY_IN_FILE,
    ALREADY_PAID,
    NAME_TOO_LONG,
    NO_ACCOUNT,
    NO_DEBTOR,
    NO_NAME,
    NOT_APPROVED,
    PAID_ILLEGIBLE,
    TEXT_TOO_LONG,
)
from pipeline.texts import Text
from tests.support.store.export_examples import (
    ARNE,
    FORMS,
    SIV,
    items,
    record,
    run,
    stamp,
    terms,
)
from tests.support.store.targets import TARGETS
from tests.unit.export.formats.payments.payment_lists import BANK, schema

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

VERSIONS = pytest.mark.parametrize("version", PaymentFormat)
NS = {"p": payment_namespace(PaymentFormat.VERSION_09)}
HOME = {
    "care_provider_street": "Strömgatan 5",
    "care_provider_postcode": "952 81",
    "care_provider_town": "Kalix",
}


ROW: dict[str, Value] = {
    "clearing": "3300",
    "konto": "1234567",
    "belopp": "4500",
    "avser": "Försörjningsstöd januari",
    "beslutsref": "B 12",
}


TWICE = (stamp("mona"), stamp("nils"))


def given(**settings: object) -> ExportOptions:
    changed: Settings = BANK.model_copy(update=settings)
    return ExportOptions(changed, FORMS, terms("pain001").mappings)


def payment(fields: dict[str, Value] | None = None, **other: Any) -> Record:  # noqa: ANN401 - any part of a record
    return record("utbetalningslista", ROW | (fields or {}), **{"approved": TWICE} | other)


def file_of(*records: Record, **settings: object) -> etree._Element:
    return etree.fromstring(
        TARGETS["pain001"].make(items(*records), run("pain001", len(records)), given(**settings))
    )


def texts(root: etree._Element, path: str) -> list[str]:
    found: Any = root.xpath(path, namespaces=NS)
    return [each.text or "" for each in found]


@VERSIONS
@pytest.mark.parametrize(
    "each",
    [
        payment(),
        payment({"belopp": "4500.50", "avser": None, "beslutsref": None}),
        payment(
            {"avser": "Hyra\x00 & el <2021>" + "x" * 118},
            client=Client(SIV.pid, "Siv " + "Å" * 66, "Norr"),
        ),
        payment(event_at=datetime(2022, 2, 1)),
        payment(event_at=None),
        payment(client=replace(SIV, address="Storgatan 1, 952 81 Kalix")),
    ],
    ids=["plain", "öre", "long and odd", "later day", "no day", "address"],
)
def test_is_valid_against_the_schema(each: Record, version: PaymentFormat) -> None:
    other = payment(entry_id="K7M3PX-02", client=ARNE)
    schema(version).assertValid(file_of(each, other, payment_format=version, **HOME))


def test_the_schema_would_notice_a_third_decimal() -> None:
    broken = etree.tostring(file_of(payment())).replace(
        b">4500.00</pain:InstdAmt>", b">4500.001234</pain:InstdAmt>"
    )
    assert not schema().validate(etree.fromstring(broken))


def test_a_file_of_one_version_is_refused_as_the_other() -> None:
    old = file_of(payment(), payment_format=PaymentFormat.VERSION_03)
    assert not schema(PaymentFormat.VERSION_09).validate(old)
    assert not schema(PaymentFormat.VERSION_03).validate(file_of(payment()))


def test_a_bankgiro_can_pay() -> None:
    data = file_of(payment(), payment_account="5050-1055")
    schema().assertValid(data)
    assert texts(data, "//p:DbtrAcct//p:Othr/p:Id") == ["50501055"]


def test_a_bank_gets_what_it_needs_and_no_more() -> None:
    root = file_of(payment())
    assert texts(root, "//p:Cdtr/p:Nm") == [SIV.name]
    assert texts(root, "//p:CdtrAgt//p:MmbId") == ["3300"]
    assert texts(root, "//p:CdtrAcct//p:Id/p:Othr/p:Id") == ["33001234567"]
    assert texts(root, "//p:EndToEndId") == ["K7M3PX-01"]
    assert texts(root, "//p:Ustrd") == ["Försörjningsstöd januari B 12"]
    told = " ".join(str(each) for each in root.itertext())
    assert SIV.pid not in told
    assert "Efterregistrering" not in told


def test_addresses_are_structured_with_town_and_country() -> None:
    root = file_of(payment(client=replace(SIV, address="Storgatan 1, 952 81 Kalix")), **HOME)
    own = [each.text for each in root.iterfind(".//p:Dbtr/p:PstlAdr/*", NS)]
    assert own == ["Strömgatan 5", "952 81", "Kalix", "SE"]
    (address,) = root.iterfind(".//p:Cdtr/p:PstlAdr", NS)
    found = {etree.QName(each).localname: each.text for each in address}
    assert found == {"TwnNm": "Kalix", "Ctry": "SE"}, "and no street of the payee"


@pytest.mark.parametrize(
    ("address", "town"),
    [
        ("Storgatan 1, 952 81 Kalix", "Kalix"),
        ("Storgatan 1 95281 KALIX ", "KALIX"),
        ("Byvägen 12, SE-123 45 Norra Ängby", "Norra Ängby"),
        ("Storgatan 1, Kalix", ""),
        ("Hauptstraße 1, 10115 Berlin, Tyskland", ""),
        ("", ""),
    ],
)
def test_a_town_is_what_follows_a_swedish_postal_code(address: str, town: str) -> None:
    found = texts(file_of(payment(client=replace(SIV, address=address))), "//p:Cdtr//p:TwnNm")
    assert found == [town][: bool(town)]


def test_the_address_of_a_protected_payee_stays_here() -> None:
    hidden = replace(SIV, address="Storgatan 1, 952 81 Kalix", protected=True)
    assert not texts(file_of(payment(client=hidden)), "//p:Cdtr/p:PstlAdr")


def test_without_a_town_of_ones_own_there_is_no_half_address() -> None:
    assert not texts(file_of(payment(), care_provider_street="Strömgatan 5"), "//p:PstlAdr")


@pytest.mark.parametrize(
    "other",
    [
        {"fields": {"avser": None, "beslutsref": None}},
        {"illegible": frozenset({"avser", "beslutsref"})},
    ],
    ids=["empty", "illegible"],
)
def test_a_payment_always_has_a_text(other: dict[str, Any]) -> None:
    assert texts(file_of(payment(**other)), "//p:Ustrd") == ["Utbetalning från Kalix kommun"]


def test_the_day_of_payment_is_a_banking_day() -> None:
    saturday = payment(event_at=datetime(2022, 1, 29))
    assert texts(file_of(saturday), "//p:ReqdExctnDt/p:Dt") == ["2022-01-28"]
    closed = frozenset({date(2022, 1, 28)})
    root = file_of(saturday, payment_closed_days=closed)
    assert texts(root, "//p:ReqdExctnDt/p:Dt") == ["2022-01-27"]


def test_payments_of_one_sheet_are_told_apart_however_long_its_name() -> None:
    root = file_of(*(payment(entry_id=f"{'f' * 41}-{row:02d}") for row in (1, 2)))
    schema().assertValid(root)
    assert len(set(texts(root, "//p:EndToEndId"))) == 2


def test_the_longest_text_reaches_the_bank_whole() -> None:
    assert texts(file_of(payment({"avser": "x" * 135})), "//p:Ustrd") == [f"{'x' * 135} B 12"]


def test_sums_are_exact_and_told_for_the_whole_and_for_each_day() -> None:
    later = datetime(2022, 2, 1)
    root = file_of(
        *(
            payment({"belopp": "0.10"}, entry_id=f"A{n}", event_at=later if n == 2 else None)
            for n in range(3)
        )
    )
    assert texts(root, "//p:GrpHdr/p:CtrlSum") == ["0.30"]
    assert texts(root, "//p:PmtInf/p:CtrlSum") == ["0.20", "0.10"]
    assert texts(root, "//p:NbOfTxs") == ["3", "2", "1"]
    assert texts(root, "//p:ReqdExctnDt/p:Dt") == ["2022-01-12", "2022-02-01"]
    assert sum(map(Decimal, texts(root, "//p:InstdAmt"))) == Decimal("0.30")


def test_a_file_whose_sums_do_not_agree_is_not_made() -> None:
    part_of_an_ore = PaymentOrder(
        "K7M3PX-01", date(2022, 1, 12), "X", "", "3300", "1", Decimal("1.004"), "x", "SSBE", "NURG"
    )
    with pytest.raises(ExportError, match="sums"):
        build_message([part_of_an_ore], run("pain001"), BANK)


@pytest.mark.parametrize(
    ("each", "reason"),
    [
        (payment(), None),
        (payment({"utbetald": True}), ALREADY_PAID),
        (payment(illegible=frozenset({"utbetald"})), PAID_ILLEGIBLE),
        (payment(revision=2), ALREADY_IN_FILE),
        (payment(voided="fel person"), ALREADY_IN_FILE),
        (payment({"clearing": None}), NO_ACCOUNT),
        (payment({"clearing": "33"}), NO_ACCOUNT),
        (payment(illegible=frozenset({"konto"})), NO_ACCOUNT),
        (payment({"belopp": "0"}), NO_ACCOUNT),
        (payment({"belopp": "12.345"}), NO_ACCOUNT),
        (payment({"belopp": "NaN"}), NO_ACCOUNT),
        (payment(client=Client(SIV.pid, " ", "Norr")), NO_NAME),
        (payment(client=Client(SIV.pid, "Å" * 70, "Norr")), None),
        (payment(client=Client(SIV.pid, "Å" * 71, "Norr")), NAME_TOO_LONG),
        (payment({"avser": "x" * 135}), None),
        (payment({"avser": "x" * 136}), TEXT_TOO_LONG),
        (payment({"avser": "x" * 141, "beslutsref": None}), TEXT_TOO_LONG),
        (payment(approved=()), NOT_APPROVED),
        (payment(approved=(stamp("mona"),)), NOT_APPROVED),
        (payment(approved=(stamp("mona"), stamp("mona", 10))), NOT_APPROVED),
    ],
)
def test_what_could_be_paid_twice_or_wrongly_is_stopped(each: Record, reason: Text | None) -> None:
    assert TARGETS["pain001"].unsupported_reason(each, given()) == reason


def test_a_form_without_the_box_makes_no_payment() -> None:
    each = payment()
    fields = {name: value for name, value in each.fields.items() if name != "utbetald"}
    assert (
        TARGETS["pain001"].unsupported_reason(replace(each, fields=fields), given())
        == PAID_ILLEGIBLE
    )


def test_without_an_account_of_ones_own_nothing_is_paid() -> None:
    assert TARGETS["pain001"].unsupported_reason(payment(), terms("pain001")) == NO_DEBTOR
