"""Payments: never twice, and never without two approvals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree
from sqlalchemy import Connection, update

from pipeline.domain.errors import NotAllowedError, ReviewError, StaleDecisionError
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import EntryState, Person, Role, State
from pipeline.domain.record import Record
from pipeline.domain.review.rules import Answer as Answered
from pipeline.export.payments.approval import (
    TOTAL_MISMATCH,
    UNCONFIRMED_ROWS,
    UNREADABLE_AMOUNT,
    UNREADABLE_TOTAL,
    _explain_total,
    approve_payment,
    list_payments,
)
from pipeline.export.payments.pain001 import (
    ALREADY_IN_FILE,
    ALREADY_PAID,
    NOT_APPROVED,
)
from pipeline.export.runs import ExportContext, fetch_run_file
from pipeline.export.runs.receipts import ReceiptAnswer, submit_receipts
from pipeline.review import rejections
from pipeline.review.rejections import (
    ComparisonSource,
    Duplicate,
    mark_duplicate,
    withdraw_duplicate_mark,
)
from pipeline.store.accounts import people
from pipeline.store.entries import entry as store_entries
from pipeline.store.event_log import events
from pipeline.store.exports.payment_approvals import (
    latest_decisions,
    save_approval,
    withdraw_approval,
)
from pipeline.store.schema import paper, registers
from pipeline.store.schema.clock import utc_now
from tests.support.store.export_examples import (
    ARNE,
    FORMS,
    SIV,
    record,
    terms,
)
from tests.support.store.export_office import (
    ANNA,
    MONA,
    NILS,
    PER,
    confirm,
    correct,
    corrected,
    review,
    state,
)
from tests.support.store.passwords import hashed
from tests.support.store.route_steps import make_run, target_status
from tests.unit.export.formats.payments.payment_lists import BANK, approved, only, schema

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

OVE = Person("ove", "Ove Lind", "chef", Role.MANAGER, frozenset({"Norr"}), ALL_AREAS)


@pytest.fixture
def bank(office: ExportContext) -> ExportContext:
    """An office that may pay."""
    return ExportContext(
        office.store,
        office.settings.model_copy(
            update={"payment_account": BANK.payment_account, "payment_bic": "ESSESESS"}
        ),
        FORMS,
    )


LISTED: Mapping[str, str | bool] = {
    "clearing": "3300",
    "konto": "1234567",
    "belopp": "4500",
    "summa": "4500",
    "namn": SIV.name,
}


def listed(office: ExportContext, serial: str = "AAAA01", **fields: str | bool) -> str:
    """The first row of a list is confirmed; its other rows stay empty."""
    entry = confirm(office, "utbetalningslista", serial, "Norr", **{**LISTED, **fields})
    with office.store.begin() as conn:
        other = update(paper.entry).where(paper.entry.c.sheet == serial, paper.entry.c.id != entry)
        conn.execute(other.values(state="avvisad"))
    return entry


def with_another_row(office: ExportContext) -> tuple[str, str]:
    """A list of two rows: the first is to be paid, the other has been paid already."""
    entry, other = listed(office, summa="5000"), "AAAA01-02"
    with office.store.begin() as conn:
        rejections.reopen_rejected(
            conn, ANNA, other, store_entries.load_entry(conn, other).revision
        )
    paid = {
        **LISTED,
        "belopp": "500",
        "summa": "5000",
        "personnummer": ARNE.pid,
        "namn": ARNE.name,
        "utbetald": True,
    }
    review(office, other, "utbetalningslista", **paid)
    return entry, other


def test_two_approvals_and_then_one_file(bank: ExportContext) -> None:
    entry = listed(bank)
    assert make_run(bank, ANNA, "pain001", utc_now()) is None
    approved(bank, MONA)
    assert [each.reason for each in target_status(bank, ANNA, "pain001").unsupported] == [
        NOT_APPROVED
    ]
    approved(bank, NILS)
    made = make_run(bank, ANNA, "pain001", utc_now())
    assert made is not None
    schema().assertValid(etree.fromstring(fetch_run_file(bank, ANNA, made.id).data))
    assert state(bank, entry) is EntryState.EXPORTED
    assert make_run(bank, ANNA, "pain001", utc_now()) is None
    assert list_payments(bank, MONA) == []


def test_a_payment_that_is_made_goes_the_other_ways_only(bank: ExportContext) -> None:
    listed(bank, utbetald=True)
    assert [each.blocked_reason for each in list_payments(bank, MONA)] == [ALREADY_PAID]
    with pytest.raises(ReviewError, match="Something stops"):
        approved(bank, MONA)
    assert make_run(bank, ANNA, "pain001", utc_now()) is None
    assert make_run(bank, ANNA, "skriv-in", utc_now()) is not None


def test_nobody_approves_twice_or_what_was_confirmed_or_signed_by_the_same(
    bank: ExportContext,
) -> None:
    listed(bank)
    approved(bank, MONA)
    with pytest.raises(ReviewError, match="already"):
        approved(bank, MONA)
    approved(bank, NILS)
    with pytest.raises(ReviewError, match="Two persons"):
        approved(bank, OVE)
    confirmer = Person(
        ANNA.login, ANNA.name, "enhetschef", Role.MANAGER, frozenset({"Norr"}), ALL_AREAS
    )
    with pytest.raises(ReviewError, match="already"):
        approved(bank, confirmer)


def test_the_ones_who_keyed_it_never_approve_it(bank: ExportContext) -> None:
    listed(bank)
    for who in (ANNA, PER):
        both = Person(
            who.login, who.name, "enhetschef", Role.MANAGER, frozenset({"Norr"}), ALL_AREAS
        )
        with pytest.raises(ReviewError, match="already"):
            approved(bank, both)


def test_a_correction_leaves_no_approval_standing(bank: ExportContext) -> None:
    entry = listed(bank)
    stale = only(bank)
    approved(bank, MONA, NILS)
    correct(bank, entry, "rad01.avser", "El")
    assert only(bank).approved == ()
    assert make_run(bank, ANNA, "pain001", utc_now()) is None
    with pytest.raises(StaleDecisionError):
        approve_payment(bank, MONA, entry, stale.last_decision, utc_now())
    approved(bank, MONA, NILS)
    assert make_run(bank, ANNA, "pain001", utc_now()) is not None


def test_a_correction_of_another_row_leaves_no_approval_standing(bank: ExportContext) -> None:
    entry, other = with_another_row(bank)
    for person in (MONA, NILS):
        each = list_payments(bank, person)[0]
        approve_payment(bank, person, entry, each.last_decision, utc_now())
    corrected(bank, other, "rad02.belopp", Answered("900"))
    assert list_payments(bank, MONA)[0].approved == ()
    assert make_run(bank, ANNA, "pain001", utc_now()) is None


def test_what_was_in_a_file_is_never_in_another(bank: ExportContext) -> None:
    entry = listed(bank)
    approved(bank, MONA, NILS)
    made = make_run(bank, ANNA, "pain001", utc_now())
    assert made is not None
    submit_receipts(
        bank, ANNA, made.id, [ReceiptAnswer(entry, accepted=False, text="fel konto")], utc_now()
    )
    review(
        bank,
        entry,
        "utbetalningslista",
        clearing="3300",
        konto="7654321",
        belopp="4500",
        summa="4500",
        namn=SIV.name,
    )
    assert only(bank).blocked_reason == ALREADY_IN_FILE
    assert make_run(bank, ANNA, "pain001", utc_now()) is None


def test_an_approval_can_be_taken_back_until_the_file_is_made(bank: ExportContext) -> None:
    entry = listed(bank)
    approved(bank, MONA, NILS)
    with bank.store.begin() as conn:
        withdraw_approval(conn, MONA, entry, utc_now())
    assert [each.by for each in only(bank).approved] == ["nils"]
    approved(bank, OVE)
    assert make_run(bank, ANNA, "pain001", utc_now()) is not None
    with bank.store.begin() as conn, pytest.raises(ReviewError, match="taken back"):
        withdraw_approval(conn, NILS, entry, utc_now())
    with bank.store.read() as conn:
        done = [each.action for each in events.list_events(conn, entry) if "approv" in each.action]
    assert done == [
        "approve_payment",
        "approve_payment",
        "take_back_payment_approval",
        "approve_payment",
    ]


def test_only_managers_of_the_unit_approve(bank: ExportContext) -> None:
    entry = listed(bank)
    elsewhere = Person("eva", "Eva", "chef", Role.MANAGER, frozenset({"Söder"}), ALL_AREAS)
    assert list_payments(bank, elsewhere) == []
    for person in (ANNA, elsewhere):
        with pytest.raises(NotAllowedError), bank.store.begin() as conn:
            save_approval(conn, person, entry, 1, utc_now())
    with pytest.raises(NotAllowedError):
        list_payments(bank, ANNA)


def test_the_sum_on_the_paper_has_to_be_that_of_its_rows(bank: ExportContext) -> None:
    listed(bank, summa="4600")
    assert only(bank).blocked_reason == TOTAL_MISMATCH
    with pytest.raises(ReviewError, match="Something stops"):
        approved(bank, MONA)


def test_an_amount_that_nobody_can_read_stops_its_own_list_only(bank: ExportContext) -> None:
    entry, other = with_another_row(bank)
    elsewhere = listed(bank, "AAAA02")
    corrected(bank, other, "rad02.belopp", Answered(None, State.ILLEGIBLE))
    stops = {each.entry_id: each.blocked_reason for each in list_payments(bank, MONA)}
    assert (stops[entry], stops[elsewhere]) == (UNREADABLE_AMOUNT, None)


def test_a_list_with_rows_to_come_waits(bank: ExportContext) -> None:
    confirm(
        bank,
        "utbetalningslista",
        "AAAA02",
        clearing="3300",
        konto="1234567",
        belopp="4500",
        namn=SIV.name,
    )
    assert only(bank).blocked_reason == UNCONFIRMED_ROWS


def test_a_protected_payee_is_not_named(bank: ExportContext) -> None:
    listed(bank)
    with bank.store.begin() as conn:
        conn.execute(
            update(registers.client).where(registers.client.c.pid == SIV.pid).values(protected=True)
        )
    assert only(bank).payee == ""


def test_no_payment_goes_while_a_row_of_its_list_is_undecided(bank: ExportContext) -> None:
    listed(bank)
    approved(bank, MONA, NILS)
    with bank.store.begin() as conn:
        rejections.reopen_rejected(
            conn, ANNA, "AAAA01-02", store_entries.load_entry(conn, "AAAA01-02").revision
        )
    assert only(bank).blocked_reason
    assert make_run(bank, ANNA, "pain001", utc_now()) is None


def test_a_sum_that_nobody_can_read_checks_no_list() -> None:
    def row(number: int, amount: str, total: str | None) -> Record:
        unread = frozenset[str]() if total else frozenset({"summa"})
        return record(
            "utbetalningslista", {"belopp": amount, "summa": total}, row=number, illegible=unread
        )

    assert _explain_total([row(1, "9999", None)], terms("pain001")) == UNREADABLE_TOTAL
    assert (
        _explain_total(
            [row(1, "1000", "3000"), row(2, "2000", "3000"), row(3, "9999", None)], terms("pain001")
        )
        == UNREADABLE_TOTAL
    )


def test_a_row_that_is_put_aside_leaves_no_approval_standing(bank: ExportContext) -> None:
    entry, other = with_another_row(bank)
    for person in (MONA, NILS):
        approve_payment(
            bank, person, entry, list_payments(bank, person)[0].last_decision, utc_now()
        )
    with bank.store.begin() as conn:
        rejections.reject_entry(
            conn,
            ANNA,
            rejections.Rejection(
                other, store_entries.load_entry(conn, other).revision, "dubblett", signed=True
            ),
            utc_now(),
        )
    assert make_run(bank, ANNA, "pain001", utc_now()) is None


def test_a_row_put_aside_by_a_clock_that_is_behind_leaves_no_approval_until_it_is_given_again(
    bank: ExportContext,
) -> None:
    entry, other = with_another_row(bank)

    def approve_now(conn: Connection) -> None:
        for person in (MONA, NILS):
            save_approval(conn, person, entry, latest_decisions(conn, [entry])[entry], utc_now())

    with bank.store.begin() as conn:
        approve_now(conn)
    ago = utc_now() - timedelta(minutes=10)
    with bank.store.begin() as conn:
        rejections.reject_entry(
            conn,
            ANNA,
            rejections.Rejection(
                other, store_entries.load_entry(conn, other).revision, "dubblett", signed=True
            ),
            ago,
        )
    assert list_payments(bank, MONA)[0].approved == ()
    with bank.store.begin() as conn:
        approve_now(conn)
    assert len(list_payments(bank, MONA)[0].approved) == 2


def test_a_row_that_was_no_duplicate_after_all_leaves_no_approval_standing(
    bank: ExportContext,
) -> None:
    entry, other = with_another_row(bank)
    with bank.store.begin() as conn:
        seen = store_entries.load_entry(conn, other)
        compared = ComparisonSource(text="Finns redan.")
        duplicate = Duplicate(other, seen.revision, compared, previous=seen)
        mark = mark_duplicate(conn, bank.store.images, ANNA, duplicate, utc_now())
    with bank.store.begin() as conn:
        save_approval(conn, MONA, entry, latest_decisions(conn, [entry])[entry], utc_now())
    with bank.store.begin() as conn:
        withdraw_duplicate_mark(conn, ANNA, mark, utc_now())
    assert list_payments(bank, MONA)[0].approved == ()


def test_two_accounts_of_one_person_are_not_two_approvals(bank: ExportContext) -> None:
    entry = listed(bank)
    with bank.store.begin() as conn:
        for one in (MONA, NILS):
            people.save_person(conn, replace(one, key="E1"), hashed("fyra små blå hästar"))
    approved(bank, MONA)
    with bank.store.begin() as conn, pytest.raises(ReviewError):
        save_approval(conn, NILS, entry, latest_decisions(conn, [entry])[entry], utc_now())


def test_who_confirmed_by_another_account_does_not_approve(bank: ExportContext) -> None:
    entry = listed(bank)
    with bank.store.begin() as conn:
        assert store_entries.load_entry(conn, entry).first_by == ANNA.login
        for one in (MONA, ANNA):
            people.save_person(conn, replace(one, key="E1"), hashed("fyra små blå hästar"))
    with bank.store.begin() as conn, pytest.raises(ReviewError):
        save_approval(conn, MONA, entry, latest_decisions(conn, [entry])[entry], utc_now())


def test_the_same_account_and_amount_in_two_lists_is_said_also_after_one_is_paid(
    bank: ExportContext,
) -> None:
    first = listed(bank)
    approved(bank, MONA, NILS)
    assert only(bank).repeats == ()
    assert make_run(bank, ANNA, "pain001", utc_now())
    listed(bank, "BBBB02")
    assert only(bank).repeats == (first.partition("-")[0],)
