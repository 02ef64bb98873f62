"""Whoever is denied something is in the log, also where the right is asked before any transaction; and the log holds nothing of what people wrote."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.errors import NotAllowedError
from pipeline.export import receipts, run_files, runs
from pipeline.export.runs import Office
from pipeline.learning import learn
from pipeline.learning.learn import School
from pipeline.model import Person, Role
from pipeline.store import corrections, decisions
from pipeline.store.chain_rows import all_rows, verify
from pipeline.store.clock import utc_now
from pipeline.uploads import take_in_uploads
from tests import export_office
from tests.export_examples import SIV
from tests.ward import person, whole_log

pytest_plugins = ("tests.databases", "tests.offices")
pytestmark = pytest.mark.both_databases

CHIEF = person("chef", Role.MANAGER, ("Norr",))
ABROAD = person("ute", Role.REVIEWER, ("Väster",))


def _upload(office: Office, who: Person) -> object:
    return take_in_uploads(office.store, office.settings, [("a.pdf", b"x")], person=who, unit="Norr", place="")


def _learn(office: Office, who: Person) -> object:
    return learn.learn(School(office.store, office.settings, office.forms), who, lambda _done, _of: None)


ACTS: dict[str, Callable[[Office, Person], object]] = {
    "ready": lambda office, who: runs.ready(office, who),
    "make_run": lambda office, who: runs.make_run(office, who, "rivta", utc_now()),
    "history": lambda office, who: run_files.history(office, who),
    "run_file": lambda office, who: run_files.run_file(office, who, "x"),
    "apply_receipt_file": lambda office, who: receipts.apply_receipt_file(office, who, b"", utc_now()),
    "take_in_uploads": _upload,
    "learn": _learn,
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_denial_is_noted_once_wherever_it_is_asked(office: Office, act: Callable[[Office, Person], object]) -> None:
    with pytest.raises(NotAllowedError):
        act(office, CHIEF)
    with office.store.read() as conn:
        assert [(row.by, row.action) for row in all_rows(conn) if row.action == "denied"] == [("chef", "denied")]


def test_a_whole_way_leaves_its_rows_and_no_word_that_was_written(office: Office) -> None:
    entry = export_office.confirm(office, "hsl-anteckning", "AAAA0001", anteckning="Såret läker fint.", plan="Ny omläggning.")
    run = runs.make_run(office, export_office.ANNA, "rivta", utc_now())
    assert run is not None
    run_files.run_file(office, export_office.ANNA, run.id)
    receipts.give_receipts(office, export_office.ANNA, run.id, [receipts.Answer(entry, accepted=True, text="Mottaget, tack.")], utc_now())
    export_office.correct(office, entry, "anteckning", "Såret läker inte.")
    with pytest.raises(NotAllowedError), office.store.begin() as conn:
        corrections.void(conn, ABROAD, entry, 9, "fel person", utc_now())
    with pytest.raises(NotAllowedError), office.store.begin() as conn:
        decisions.reopen(conn, ABROAD, entry, 9)
    with office.store.read() as conn:
        done = {(row.by, row.action, row.unit) for row in all_rows(conn)}
        log = whole_log(conn)
        assert verify(conn).count == 0
    assert {
        ("anna", "decide", "Norr"),
        ("anna", "exported", "Norr"),
        ("anna", "fetch_export", "Norr"),
        ("anna", "receipted", "Norr"),
        ("ute", "denied", "Norr"),
    } <= done
    for secret in (SIV.pid, SIV.pid[2:], SIV.name, "Såret", "omläggning", "tack", "Gun Ek", "fel person", "läste fel"):
        assert secret not in log
