"""An entry of a run that leaves the unit's sight, forwarded or behind a block, takes nothing of the
run with it but itself.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import EntryState, Person, Role
from pipeline.domain.record import Run
from pipeline.export.key_in import screen
from pipeline.export.runs import ExportContext, fetch_run_file, list_runs
from pipeline.export.runs.receipts import (
    ReceiptAnswer,
    ReceiptResult,
    apply_receipt_file,
    fetch_receipt_template,
    open_run_items,
    submit_receipts,
)
from pipeline.review.transfers import Transfers
from pipeline.store.accounts import people
from pipeline.store.entries.entry import load_entry
from pipeline.store.registers import blocks
from pipeline.store.schema.clock import utc_now
from tests.support.store.export_examples import ARNE, FORMS, SIV
from tests.support.store.export_office import (
    ANNA,
    STIG,
    confirm,
    count_held_back,
    next_client,
    state,
)
from tests.support.store.passwords import hashed
from tests.support.store.route_steps import make_run
from tests.support.store.work import work

pytest_plugins = (
    "tests.support.store.databases",
    "tests.support.store.offices",
)

NORA = Person("nora", "Nora Nord", "sjuksköterska", Role.REVIEWER, frozenset({"Norr"}), ALL_AREAS)
NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}
GONE, HERE, DONE = "AAAA01-00", "AAAA02-00", "AAAA03-00"


def made(office: ExportContext, target: str = "skriv-in") -> Run:
    """A run of three entries, made by a person who works in one unit only."""
    with office.store.begin() as conn:
        people.save_person(conn, NORA, hashed("fyra lösa ord här"))
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    for serial in ("AAAA02", "AAAA03"):
        confirm(office, "hsl-anteckning", serial, personnummer=ARNE.pid, **NOTE)
    run = make_run(office, NORA, target, utc_now())
    assert run is not None
    return run


def forwarded(office: ExportContext, run: Run) -> None:
    submit_receipts(
        office,
        NORA,
        run.id,
        [ReceiptAnswer(GONE, accepted=False, text="Hör till Söder")],
        utc_now(),
    )
    with office.store.begin() as conn:
        work(Transfers, conn, NORA, utc_now(), forms=FORMS).send(
            GONE, load_entry(conn, GONE).revision, "Söder", ""
        )


def blocked(office: ExportContext, _: Run) -> None:
    with office.store.begin() as conn:
        blocks.set_block(conn, STIG, "Söder", SIV.pid, "på begäran", utc_now())


both_ways = pytest.mark.parametrize("leave", [forwarded, blocked])


@both_ways
def test_the_others_are_listed_keyed_in_and_receipted(
    office: ExportContext, leave: Callable[[ExportContext, Run], None]
) -> None:
    run = made(office)
    leave(office, run)
    (status,) = list_runs(office, NORA)
    assert (status.run.entries, status.hidden, status.waiting, status.refused) == (3, 1, 2, 0)
    (waiting,) = screen.list_waiting_lists(office, NORA)
    assert (waiting.entries, waiting.waiting, waiting.hidden) == (2, 2, 1)
    assert count_held_back(office, NORA, run.id) == 0
    shown = next_client(office, NORA, run.id)
    assert shown is not None
    assert shown.entry_ids[0] == HERE
    submit_receipts(
        office,
        NORA,
        run.id,
        [ReceiptAnswer(HERE, accepted=True), ReceiptAnswer(DONE, accepted=True)],
        utc_now(),
    )
    assert (state(office, HERE), state(office, DONE)) == (
        EntryState.RECEIPTED,
        EntryState.RECEIPTED,
    )
    assert next_client(office, NORA, run.id) is None
    assert (screen.list_waiting_lists(office, NORA), list_runs(office, NORA)[0].waiting) == ([], 0)


@both_ways
def test_what_is_gone_is_neither_shown_nor_receipted_nor_in_any_file(
    office: ExportContext, leave: Callable[[ExportContext, Run], None]
) -> None:
    run = made(office)
    leave(office, run)
    assert [item.entry_id for item in open_run_items(office, NORA, run.id)] == [HERE, DONE]
    template = fetch_receipt_template(office, NORA, run.id)
    assert GONE not in template.data.decode()
    assert template.entries == 2
    with pytest.raises(NotAllowedError):
        submit_receipts(
            office,
            NORA,
            run.id,
            [ReceiptAnswer(HERE, accepted=True), ReceiptAnswer(GONE, accepted=True)],
            utc_now(),
        )
    assert state(office, HERE) is EntryState.EXPORTED
    with pytest.raises(NotAllowedError):
        fetch_run_file(office, NORA, run.id)
    assert fetch_run_file(office, ANNA, run.id).entries == 3
    assert list_runs(office, ANNA)[0].hidden == 0


@both_ways
def test_of_a_whole_receipt_file_the_others_are_settled_and_the_rest_is_counted(
    office: ExportContext, leave: Callable[[ExportContext, Run], None]
) -> None:
    run = made(office)
    leave(office, run)
    file = "".join(
        f"{run.id};{entry_id};{word}\n"
        for entry_id, word in ((GONE, "nekad"), (HERE, "godkänd"), (DONE, "godkänd"))
    )
    told = apply_receipt_file(office, NORA, f"körning;post;status\n{file}".encode(), utc_now())
    assert told == ReceiptResult(2, 0, 0, 0, hidden=1)
    with pytest.raises(NotAllowedError):
        apply_receipt_file(office, NORA, f"post;status\n{GONE};nekad\n".encode(), utc_now())


def test_a_run_of_which_a_person_sees_nothing_stays_closed(office: ExportContext) -> None:
    run = made(office)
    assert list_runs(office, STIG) == []
    assert screen.list_waiting_lists(office, STIG) == []
    for look in (fetch_run_file, open_run_items, fetch_receipt_template, count_held_back):
        with pytest.raises(NotAllowedError):
            look(office, STIG, run.id)


@both_ways
def test_statistics_stay_listed_and_their_file_stays_with_those_who_may_see_all(
    office: ExportContext, leave: Callable[[ExportContext, Run], None]
) -> None:
    listed = made(office)
    run = make_run(office, NORA, "khsl", utc_now())
    assert run is not None
    leave(office, listed)
    assert [
        (each.run.id, each.hidden, each.waiting)
        for each in list_runs(office, NORA)
        if each.run.target == "khsl"
    ] == [(run.id, 1, 0)]
    with pytest.raises(NotAllowedError):
        fetch_run_file(office, NORA, run.id)
