"""Payments: valid for a bank, never twice, never without two approvals, and right to the öre."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import Connection, update

from pipeline.errors import ExportError, NotAllowedError, ReviewError, StaleDecisionError
from pipeline.export import TARGETS, pain001
from pipeline.export.exporter import Terms
from pipeline.export.pain001 import (
    ALREADY_PAID,
    NAME_TOO_LONG,
    NAMESPACE,
    NO_ACCOUNT,
    NO_DEBTOR,
    NO_NAME,
    NOT_APPROVED,
    PAID_UNCLEAR,
    SENT_BEFORE,
    TEXT_TOO_LONG,
)
from pipeline.export.receipts import Answer, give_receipts
from pipeline.export.run_files import run_file
from pipeline.export.runs import Office, make_run, ready
from pipeline.model import Client, EntryState, Person, Role, State, Value
from pipeline.payments import ROW_UNREAD, ROWS_LEFT, SUM_DIFFERS, SUM_UNREAD, Payment, _differs, approve_payment, payments
from pipeline.professions import ALL_AREAS
from pipeline.record import Record
from pipeline.review import Answer as Answered
from pipeline.store import decisions, events, tables
from pipeline.store import entries as store_entries
from pipeline.store.clock import utc_now
from pipeline.store.duplicate_marks import Compared, mark_duplicate, take_back_duplicate
from pipeline.store.payment_approvals import approve, seen_now, take_back_approval
from tests.export_examples import ARNE, FORMS, SETTINGS, SIV, items, record, run, stamp, terms
from tests.export_office import ANNA, MONA, NILS, PER, confirm, correct, corrected, review, state

pytest_plugins = ("tests.databases", "tests.offices")

NS = {"p": NAMESPACE}
ROW: dict[str, Value] = {"clearing": "3300", "konto": "1234567", "belopp": "4500", "avser": "Försörjningsstöd januari", "beslutsref": "B 12"}
BANK = SETTINGS.model_copy(update={"payment_account": "SE4550000000058398257466", "payment_bic": "ESSESESS", "organisation_number": "2120002692"})
TWICE = (stamp("mona"), stamp("nils"))
OVE = Person("ove", "Ove Lind", "chef", Role.MANAGER, frozenset({"Norr"}), ALL_AREAS)


def given() -> Terms:
    return Terms(BANK, FORMS, terms("pain001").mappings)


def payment(fields: dict[str, Value] | None = None, **other: Any) -> Record:  # noqa: ANN401 - any part of a record
    return record("utbetalningslista", ROW | (fields or {}), **{"approved": TWICE} | other)


def file_of(*records: Record) -> etree._Element:
    return etree.fromstring(TARGETS["pain001"].make(items(*records), run("pain001", len(records)), given()))


def texts(root: etree._Element, path: str) -> list[str]:
    found: Any = root.xpath(path, namespaces=NS)
    return [each.text or "" for each in found]


def schema() -> etree.XMLSchema:
    """The official schema, as PyPI's `sepaxml` brings it."""
    pytest.importorskip("sepaxml")
    return etree.XMLSchema(etree.fromstring((files("sepaxml") / "schemas" / "pain.001.001.03.xsd").read_bytes()))


@pytest.mark.parametrize(
    "each",
    [
        payment(),
        payment({"belopp": "4500.50", "avser": None, "beslutsref": None}),
        payment({"avser": "Hyra\x00 & el <2021>" + "x" * 118}, client=Client(SIV.pid, "Siv " + "Å" * 66, "Norr")),
        payment(event_at=datetime(2022, 2, 1)),
        payment(event_at=None),
    ],
    ids=["plain", "öre", "long and odd", "later day", "no day"],
)
def test_is_valid_against_the_schema(each: Record) -> None:
    schema().assertValid(file_of(each, payment(entry_id="K7M3PX-02", client=ARNE)))


def test_the_schema_would_notice_a_third_decimal() -> None:
    broken = etree.tostring(file_of(payment())).replace(b">4500.00</pain:InstdAmt>", b">4500.001234</pain:InstdAmt>")
    assert not schema().validate(etree.fromstring(broken))


def test_a_bankgiro_can_pay() -> None:
    terms_of_giro = Terms(BANK.model_copy(update={"payment_account": "5050-1055"}), FORMS, terms("pain001").mappings)
    data = etree.fromstring(TARGETS["pain001"].make(items(payment()), run("pain001"), terms_of_giro))
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


def test_payments_of_one_sheet_are_told_apart_however_long_its_name() -> None:
    root = file_of(*(payment(entry_id=f"{'f' * 41}-{row:02d}") for row in (1, 2)))
    schema().assertValid(root)
    assert len(set(texts(root, "//p:EndToEndId"))) == 2


def test_the_longest_text_reaches_the_bank_whole() -> None:
    assert texts(file_of(payment({"avser": "x" * 135})), "//p:Ustrd") == [f"{'x' * 135} B 12"]


def test_sums_are_exact_and_told_for_the_whole_and_for_each_day() -> None:
    later = datetime(2022, 2, 1)
    root = file_of(*(payment({"belopp": "0.10"}, entry_id=f"A{n}", event_at=later if n == 2 else None) for n in range(3)))
    assert texts(root, "//p:GrpHdr/p:CtrlSum") == ["0.30"]
    assert texts(root, "//p:PmtInf/p:CtrlSum") == ["0.20", "0.10"]
    assert texts(root, "//p:NbOfTxs") == ["3", "2", "1"]
    assert texts(root, "//p:ReqdExctnDt") == ["2022-01-12", "2022-02-01"]
    assert sum(map(Decimal, texts(root, "//p:InstdAmt"))) == Decimal("0.30")


def test_a_file_whose_sums_do_not_agree_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    amounts = iter([Decimal("1.00"), Decimal("2.00")])
    monkeypatch.setattr(pain001, "amount_of", lambda *_: next(amounts))
    with pytest.raises(ExportError, match="sums"):
        file_of(payment())


@pytest.mark.parametrize(
    ("each", "reason"),
    [
        (payment(), ""),
        (payment({"utbetald": True}), ALREADY_PAID),
        (payment(illegible=frozenset({"utbetald"})), PAID_UNCLEAR),
        (payment(revision=2), SENT_BEFORE),
        (payment(voided="fel person"), SENT_BEFORE),
        (payment({"clearing": None}), NO_ACCOUNT),
        (payment({"clearing": "33"}), NO_ACCOUNT),
        (payment(illegible=frozenset({"konto"})), NO_ACCOUNT),
        (payment({"belopp": "0"}), NO_ACCOUNT),
        (payment({"belopp": "12.345"}), NO_ACCOUNT),
        (payment({"belopp": "NaN"}), NO_ACCOUNT),
        (payment(client=Client(SIV.pid, " ", "Norr")), NO_NAME),
        (payment(client=Client(SIV.pid, "Å" * 70, "Norr")), ""),
        (payment(client=Client(SIV.pid, "Å" * 71, "Norr")), NAME_TOO_LONG),
        (payment({"avser": "x" * 135}), ""),
        (payment({"avser": "x" * 136}), TEXT_TOO_LONG),
        (payment({"avser": "x" * 141, "beslutsref": None}), TEXT_TOO_LONG),
        (payment(approved=()), NOT_APPROVED),
        (payment(approved=(stamp("mona"),)), NOT_APPROVED),
        (payment(approved=(stamp("mona"), stamp("mona", 10))), NOT_APPROVED),
    ],
)
def test_what_could_be_paid_twice_or_wrongly_is_stopped(each: Record, reason: str) -> None:
    assert TARGETS["pain001"].unfit(each, given()) == reason


def test_a_form_without_the_box_makes_no_payment() -> None:
    each = payment()
    fields = {name: value for name, value in each.fields.items() if name != "utbetald"}
    assert TARGETS["pain001"].unfit(replace(each, fields=fields), given()) == PAID_UNCLEAR


def test_without_an_account_of_ones_own_nothing_is_paid() -> None:
    assert TARGETS["pain001"].unfit(payment(), terms("pain001")) == NO_DEBTOR


@pytest.fixture
def bank(office: Office) -> Office:
    """An office that may pay."""
    return Office(office.store, office.settings.model_copy(update={"payment_account": BANK.payment_account, "payment_bic": "ESSESESS"}), FORMS)


LISTED: Mapping[str, str | bool] = {"clearing": "3300", "konto": "1234567", "belopp": "4500", "summa": "4500", "namn": SIV.name}


def listed(office: Office, serial: str = "AAAA01", **fields: str | bool) -> str:
    """The first row of a list is confirmed; its other rows stay empty."""
    entry = confirm(office, "utbetalningslista", serial, "Norr", **{**LISTED, **fields})
    with office.store.begin() as conn:
        other = update(tables.entry).where(tables.entry.c.sheet == serial, tables.entry.c.id != entry)
        conn.execute(other.values(state="avvisad"))
    return entry


def with_another_row(office: Office) -> tuple[str, str]:
    """A list of two rows: the first is to be paid, the other has been paid already."""
    entry, other = listed(office, summa="5000"), "AAAA01-02"
    with office.store.begin() as conn:
        decisions.reopen(conn, ANNA, other, store_entries.entry(conn, other).revision)
    paid = {**LISTED, "belopp": "500", "summa": "5000", "personnummer": ARNE.pid, "namn": ARNE.name, "utbetald": True}
    review(office, other, "utbetalningslista", **paid)
    return entry, other


def only(office: Office, person: Person = MONA) -> Payment:
    found = payments(office, person)
    assert len(found) == 1
    return found[0]


def approved(office: Office, *who: Person) -> None:
    for person in who:
        each = only(office, person)
        approve_payment(office, person, each.entry_id, each.seen, utc_now())


def test_two_approvals_and_then_one_file(bank: Office) -> None:
    entry = listed(bank)
    assert make_run(bank, ANNA, "pain001", utc_now()) is None
    approved(bank, MONA)
    assert [each.reason for line in ready(bank, ANNA) if line.target == "pain001" for each in line.unfit] == [NOT_APPROVED]
    approved(bank, NILS)
    made = make_run(bank, ANNA, "pain001", utc_now())
    assert made is not None
    schema().assertValid(etree.fromstring(run_file(bank, ANNA, made.id).data))
    assert state(bank, entry) is EntryState.EXPORTED
    assert make_run(bank, ANNA, "pain001", utc_now()) is None
    assert payments(bank, MONA) == []


def test_a_payment_that_is_made_goes_the_other_ways_only(bank: Office) -> None:
    listed(bank, utbetald=True)
    assert [each.stops for each in payments(bank, MONA)] == [ALREADY_PAID]
    with pytest.raises(ReviewError, match="Something stops"):
        approved(bank, MONA)
    assert make_run(bank, ANNA, "pain001", utc_now()) is None
    assert make_run(bank, ANNA, "skriv-in", utc_now()) is not None


def test_nobody_approves_twice_or_what_was_confirmed_or_signed_by_the_same(bank: Office) -> None:
    listed(bank)
    approved(bank, MONA)
    with pytest.raises(ReviewError, match="already"):
        approved(bank, MONA)
    approved(bank, NILS)
    with pytest.raises(ReviewError, match="Two persons"):
        approved(bank, OVE)
    confirmer = Person(ANNA.login, ANNA.name, "enhetschef", Role.MANAGER, frozenset({"Norr"}), ALL_AREAS)
    with pytest.raises(ReviewError, match="already"):
        approved(bank, confirmer)


def test_the_ones_who_keyed_it_never_approve_it(bank: Office) -> None:
    listed(bank)
    for who in (ANNA, PER):
        both = Person(who.login, who.name, "enhetschef", Role.MANAGER, frozenset({"Norr"}), ALL_AREAS)
        with pytest.raises(ReviewError, match="already"):
            approved(bank, both)


def test_a_correction_leaves_no_approval_standing(bank: Office) -> None:
    entry = listed(bank)
    stale = only(bank)
    approved(bank, MONA, NILS)
    correct(bank, entry, "rad01.avser", "El")
    assert only(bank).approved == ()
    assert make_run(bank, ANNA, "pain001", utc_now()) is None
    with pytest.raises(StaleDecisionError):
        approve_payment(bank, MONA, entry, stale.seen, utc_now())
    approved(bank, MONA, NILS)
    assert make_run(bank, ANNA, "pain001", utc_now()) is not None


def test_a_correction_of_another_row_leaves_no_approval_standing(bank: Office) -> None:
    entry, other = with_another_row(bank)
    for person in (MONA, NILS):
        each = payments(bank, person)[0]
        approve_payment(bank, person, entry, each.seen, utc_now())
    corrected(bank, other, "rad02.belopp", Answered("900"))
    assert payments(bank, MONA)[0].approved == ()
    assert make_run(bank, ANNA, "pain001", utc_now()) is None


def test_what_was_in_a_file_is_never_in_another(bank: Office) -> None:
    entry = listed(bank)
    approved(bank, MONA, NILS)
    made = make_run(bank, ANNA, "pain001", utc_now())
    assert made is not None
    give_receipts(bank, ANNA, made.id, [Answer(entry, accepted=False, text="fel konto")], utc_now())
    review(bank, entry, "utbetalningslista", clearing="3300", konto="7654321", belopp="4500", summa="4500", namn=SIV.name)
    assert only(bank).stops == SENT_BEFORE
    assert make_run(bank, ANNA, "pain001", utc_now()) is None


def test_an_approval_can_be_taken_back_until_the_file_is_made(bank: Office) -> None:
    entry = listed(bank)
    approved(bank, MONA, NILS)
    with bank.store.begin() as conn:
        take_back_approval(conn, MONA, entry, utc_now())
    assert [each.by for each in only(bank).approved] == ["nils"]
    approved(bank, OVE)
    assert make_run(bank, ANNA, "pain001", utc_now()) is not None
    with bank.store.begin() as conn, pytest.raises(ReviewError, match="taken back"):
        take_back_approval(conn, NILS, entry, utc_now())
    with bank.store.read() as conn:
        done = [each.action for each in events.events_of(conn, entry) if "approv" in each.action]
    assert done == ["approve_payment", "approve_payment", "take_back_payment_approval", "approve_payment"]


def test_only_managers_of_the_unit_approve(bank: Office) -> None:
    entry = listed(bank)
    elsewhere = Person("eva", "Eva", "chef", Role.MANAGER, frozenset({"Söder"}), ALL_AREAS)
    assert payments(bank, elsewhere) == []
    for person in (ANNA, elsewhere):
        with pytest.raises(NotAllowedError), bank.store.begin() as conn:
            approve(conn, person, entry, 1, utc_now())
    with pytest.raises(NotAllowedError):
        payments(bank, ANNA)


def test_the_sum_on_the_paper_has_to_be_that_of_its_rows(bank: Office) -> None:
    listed(bank, summa="4600")
    assert only(bank).stops == SUM_DIFFERS
    with pytest.raises(ReviewError, match="Something stops"):
        approved(bank, MONA)


def test_an_amount_that_nobody_can_read_stops_its_own_list_only(bank: Office) -> None:
    entry, other = with_another_row(bank)
    elsewhere = listed(bank, "AAAA02")
    corrected(bank, other, "rad02.belopp", Answered(None, State.ILLEGIBLE))
    stops = {each.entry_id: each.stops for each in payments(bank, MONA)}
    assert (stops[entry], stops[elsewhere]) == (ROW_UNREAD, "")


def test_a_list_with_rows_to_come_waits(bank: Office) -> None:
    confirm(bank, "utbetalningslista", "AAAA02", clearing="3300", konto="1234567", belopp="4500", namn=SIV.name)
    assert only(bank).stops == ROWS_LEFT


def test_a_protected_payee_is_not_named(bank: Office) -> None:
    listed(bank)
    with bank.store.begin() as conn:
        conn.execute(update(tables.client).where(tables.client.c.pid == SIV.pid).values(protected=True))
    assert only(bank).payee == ""


def test_no_payment_goes_while_a_row_of_its_list_is_undecided(bank: Office) -> None:
    listed(bank)
    approved(bank, MONA, NILS)
    with bank.store.begin() as conn:
        decisions.reopen(conn, ANNA, "AAAA01-02", store_entries.entry(conn, "AAAA01-02").revision)
    assert only(bank).stops
    assert make_run(bank, ANNA, "pain001", utc_now()) is None


def test_a_sum_that_nobody_can_read_checks_no_list() -> None:
    def row(number: int, amount: str, total: str | None) -> Record:
        unread = frozenset[str]() if total else frozenset({"summa"})
        return record("utbetalningslista", {"belopp": amount, "summa": total}, row=number, illegible=unread)

    assert _differs([row(1, "9999", None)], terms("pain001")) == SUM_UNREAD
    assert _differs([row(1, "1000", "3000"), row(2, "2000", "3000"), row(3, "9999", None)], terms("pain001")) == SUM_UNREAD


def test_a_row_that_is_put_aside_leaves_no_approval_standing(bank: Office) -> None:
    entry, other = with_another_row(bank)
    for person in (MONA, NILS):
        approve_payment(bank, person, entry, payments(bank, person)[0].seen, utc_now())
    with bank.store.begin() as conn:
        decisions.reject(conn, ANNA, other, store_entries.entry(conn, other).revision, "dubblett", utc_now(), signed=True)
    assert make_run(bank, ANNA, "pain001", utc_now()) is None


def test_a_row_put_aside_by_a_clock_that_is_behind_leaves_no_approval_standing_until_it_is_given_again(bank: Office) -> None:
    entry, other = with_another_row(bank)

    def approve_now(conn: Connection) -> None:
        for person in (MONA, NILS):
            approve(conn, person, entry, seen_now(conn, [entry])[entry], utc_now())

    with bank.store.begin() as conn:
        approve_now(conn)
    ago = utc_now() - timedelta(minutes=10)
    with bank.store.begin() as conn:
        decisions.reject(conn, ANNA, other, store_entries.entry(conn, other).revision, "dubblett", ago, signed=True)
    assert payments(bank, MONA)[0].approved == ()
    with bank.store.begin() as conn:
        approve_now(conn)
    assert len(payments(bank, MONA)[0].approved) == 2


def test_a_row_that_was_no_duplicate_after_all_leaves_no_approval_standing(bank: Office) -> None:
    entry, other = with_another_row(bank)
    with bank.store.begin() as conn:
        revision = store_entries.entry(conn, other).revision
        mark = mark_duplicate(conn, bank.store.images, ANNA, other, revision, Compared(text="Finns redan."), "", utc_now(), signed=True)
    with bank.store.begin() as conn:
        approve(conn, MONA, entry, seen_now(conn, [entry])[entry], utc_now())
    with bank.store.begin() as conn:
        take_back_duplicate(conn, ANNA, mark, utc_now())
    assert payments(bank, MONA)[0].approved == ()
