"""Client codes: given once by unit, resolved when a reviewer types one, and never given again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy.exc import IntegrityError

from pipeline.domain.errors import ClientConflictError, InvalidAnswerError, UsageError
from pipeline.domain.form.form import Forms
from pipeline.domain.identity_numbers import CLIENT_CODE_COUNT, is_client_code, make_client_code
from pipeline.domain.model import EntryState, State, Value
from pipeline.domain.review.rules import Answer, asked_fields
from pipeline.domain.settings import ROOT
from pipeline.registers.client_check import NO_CLIENT_STATEMENT, ClientStatement, ConflictChoice
from pipeline.review import decisions
from pipeline.review.rows import SeenRow, confirm_rows, list_rows
from pipeline.store.database.store import Store
from pipeline.store.entries.client_identities import (
    find_code_owner,
    give_client_codes,
    list_client_codes,
)
from pipeline.store.entries.entry import load_entry
from pipeline.store.registers.client_register import client_register_version
from pipeline.store.schema import review
from tests.support.store.ward import ASTA, BROR, EVA, NORTH, NOW, SOUTH, Ward, page_reading

pytest_plugins = ("tests.support.store.databases",)

VISITS = Forms.load(ROOT / "forms").latest("besokslista")
ROW: dict[str, Value] = {
    "datum": "2026-02-17",
    "skribent": "Disa Penn",
    "rad01.start": "08:00",
    "rad01.slut": "08:30",
    "rad01.omvardnad": True,
}


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


def give(ward: Ward, *pids: str, unit: str = NORTH) -> dict[str, str]:
    with ward.store.begin() as conn:
        return give_client_codes(conn, unit, pids, NOW)


@pytest.mark.parametrize("code", ["1009", "108", "10080", "1O08", ""])
def test_a_code_has_four_digits_and_a_check_digit(code: str) -> None:
    assert is_client_code(make_client_code(100))
    assert not is_client_code(code)


def test_a_client_keeps_the_code_and_nobody_else_gets_it(ward: Ward) -> None:
    first = give(ward, ASTA.pid)
    both = give(ward, BROR.pid, ASTA.pid)
    assert both[ASTA.pid] == first[ASTA.pid]
    assert len(set(both.values())) == len(both)
    with ward.store.begin() as conn:
        for change in (
            review.client_code.update().values(pid=BROR.pid),
            review.client_code.delete(),
        ):
            with pytest.raises(IntegrityError), conn.begin_nested():
                conn.execute(change)


def test_codes_are_those_of_a_unit(ward: Ward) -> None:
    code = give(ward, ASTA.pid)[ASTA.pid]
    with ward.store.read() as conn:
        assert find_code_owner(conn, NORTH, code) == ASTA.pid
        assert find_code_owner(conn, SOUTH, code) is None
        assert [one.pid for one in list_client_codes(conn, SOUTH)] == []


def test_readers_learn_of_new_codes(ward: Ward) -> None:
    with ward.store.read() as conn:
        before = client_register_version(conn)
    give(ward, ASTA.pid)
    with ward.store.read() as conn:
        assert client_register_version(conn) > before


def test_a_unit_without_codes_left_is_told(ward: Ward) -> None:
    give(ward, *(f"p{number}" for number in range(CLIENT_CODE_COUNT)))
    with pytest.raises(UsageError):
        give(ward, ASTA.pid)


def visit(ward: Ward, **row: Value) -> str:
    """An entry of the first row, as the machine reads it."""
    values = ROW | {f"rad01.{name}": value for name, value in row.items()}
    ward.read(ward.scan(), page_reading(VISITS, "AAAA", values), VISITS)
    return "AAAA-01"


def decide(
    ward: Ward, entry_id: str, about: ClientStatement = NO_CLIENT_STATEMENT, **row: str
) -> EntryState:
    said = ROW | {f"rad01.{name}": value for name, value in row.items()}
    given = {
        spec.name: Answer(said[spec.name]) if said.get(spec.name) else Answer(None, State.EMPTY)
        for spec in asked_fields(VISITS, 1)
        if spec.name != "rad01.personnummer" or said.get(spec.name)
    }
    forms = Forms({(VISITS.id, VISITS.version): VISITS})
    with ward.store.begin() as conn:
        return decisions.decide_entry(
            conn, forms, EVA, decisions.Decision(entry_id, 0, given, about=about), NOW
        )


def test_a_typed_code_is_the_clients_number(ward: Ward) -> None:
    code = give(ward, ASTA.pid)[ASTA.pid]
    entry_id = visit(ward, kod=code, personnummer=ASTA.pid)
    assert decide(ward, entry_id, kod=code) is EntryState.CONFIRMED
    with ward.store.read() as conn:
        assert load_entry(conn, entry_id).client_pid == ASTA.pid


@pytest.mark.parametrize(
    ("code", "error"), [("1009", "client_code_wrong"), ("9993", "client_code_unknown")]
)
def test_a_code_of_nobody_is_refused(ward: Ward, code: str, error: str) -> None:
    give(ward, ASTA.pid)
    entry_id = visit(ward, kod=code)
    with pytest.raises(InvalidAnswerError) as raised:
        decide(ward, entry_id, kod=code)
    assert (raised.value.key, raised.value.fields) == (f"error.{error}", ("rad01.kod",))


def test_a_code_of_another_client_than_the_number_is_a_conflict(ward: Ward) -> None:
    code = give(ward, BROR.pid)[BROR.pid]
    entry_id = visit(ward, kod=code, personnummer=ASTA.pid)
    ask = ClientStatement(choice=ConflictChoice.ASK)
    with pytest.raises(ClientConflictError) as raised:
        decide(ward, entry_id, ask, kod=code, personnummer=ASTA.pid)
    assert raised.value.codes == ("code_other",)
    slip = ClientStatement(choice=ConflictChoice.CODE_SLIP)
    assert decide(ward, entry_id, slip, kod=code, personnummer=ASTA.pid) is EntryState.CONFIRMED


@pytest.mark.parametrize(
    ("p_number", "asked", "typed", "state"),
    [
        (0.9995, (), "", EntryState.CONFIRMED),
        (0.99, ("rad01.kod",), "own", EntryState.CONFIRMED),
        (0.99, ("rad01.kod",), "other", EntryState.SECOND),
    ],
)
def test_in_a_list_confirmed_together_the_code_is_typed_where_the_client_is_not_sure(
    ward: Ward, p_number: float, asked: tuple[str, ...], typed: str, state: EntryState
) -> None:
    codes = give(ward, ASTA.pid, BROR.pid)
    values = ROW | {"rad01.kod": codes[ASTA.pid], "rad01.personnummer": ASTA.pid}
    read = page_reading(VISITS, "AAAA", values)
    fields = {name: replace(one, p=0.9995) for name, one in read.fields.items()}
    fields["rad01.kod"] = replace(fields["rad01.kod"], p=0.997)
    fields["rad01.personnummer"] = replace(fields["rad01.personnummer"], p=p_number)
    ward.read(ward.scan(), replace(read, fields=fields), VISITS)
    forms = Forms({(VISITS.id, VISITS.version): VISITS})
    said = {"own": codes[ASTA.pid], "other": codes[BROR.pid]}.get(typed)
    answers = {"rad01.kod": Answer(said)} if said else {}
    with ward.store.begin() as conn:
        (row, *_) = list_rows(conn, forms, EVA, "AAAA", NOW)
        assert row.deviations == asked
        confirm_rows(conn, forms, EVA, [SeenRow("AAAA-01", 0, answers)], NOW)
        assert load_entry(conn, "AAAA-01").state is state
