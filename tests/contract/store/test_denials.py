"""Whoever is denied something is in the log, also where the right is asked before any transaction;
and the log holds nothing of what people wrote.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import Person, Role
from pipeline.export import runs
from pipeline.export.runs import ExportContext, receipts
from pipeline.operations.intake import import_uploads
from pipeline.operations.learning import learn
from pipeline.operations.learning.learn import LearningContext
from pipeline.store.database.clock import utc_now
from pipeline.store.event_log.hash_chain import read_rows
from pipeline.store.event_log.verification import verify_chain
from pipeline.store.review import corrections, decisions
from tests.support.store import export_office, route_steps
from tests.support.store.export_examples import SIV
from tests.support.store.ward import person, whole_log

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")
pytestmark = pytest.mark.both_databases

CHIEF = person("chef", Role.MANAGER, ("Norr",))
ABROAD = person("ute", Role.REVIEWER, ("Väster",))


def _upload(office: ExportContext, who: Person) -> object:
    return import_uploads(
        office.store, office.settings, [("a.pdf", b"x")], person=who, unit="Norr", place=""
    )


def _learn(office: ExportContext, who: Person) -> object:
    return learn.learn_from_entries(
        LearningContext(office.store, office.settings, office.forms), who, lambda _done, _of: None
    )


ACTS: dict[str, Callable[[ExportContext, Person], object]] = {
    "ready": lambda office, who: runs.list_run_previews(office, who),
    "make_run": lambda office, who: runs.make_runs(office, who, "rivta", utc_now()),
    "history": lambda office, who: runs.list_runs(office, who),
    "run_file": lambda office, who: runs.fetch_run_file(office, who, "x"),
    "apply_receipt_file": lambda office, who: receipts.apply_receipt_file(
        office, who, b"", utc_now()
    ),
    "take_in_uploads": _upload,
    "learn": _learn,
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_a_denial_is_noted_once_wherever_it_is_asked(
    office: ExportContext, act: Callable[[ExportContext, Person], object]
) -> None:
    with pytest.raises(NotAllowedError):
        act(office, CHIEF)
    with office.store.read() as conn:
        assert [(row.by, row.action) for row in read_rows(conn) if row.action == "denied"] == [
            ("chef", "denied")
        ]


def test_a_whole_way_leaves_its_rows_and_no_word_that_was_written(office: ExportContext) -> None:
    entry = export_office.confirm(
        office, "hsl-anteckning", "AAAA0001", anteckning="Såret läker fint.", plan="Ny omläggning."
    )
    run = route_steps.make_run(office, export_office.ANNA, "rivta", utc_now())
    assert run is not None
    runs.fetch_run_file(office, export_office.ANNA, run.id)
    receipts.submit_receipts(
        office,
        export_office.ANNA,
        run.id,
        [receipts.ReceiptAnswer(entry, accepted=True, text="Mottaget, tack.")],
        utc_now(),
    )
    export_office.correct(office, entry, "anteckning", "Såret läker inte.")
    with pytest.raises(NotAllowedError), office.store.begin() as conn:
        corrections.void_entry(conn, ABROAD, entry, 9, "fel person", utc_now())
    with pytest.raises(NotAllowedError), office.store.begin() as conn:
        decisions.reopen_rejected(conn, ABROAD, entry, 9)
    with office.store.read() as conn:
        done = {(row.by, row.action, row.unit) for row in read_rows(conn)}
        log = whole_log(conn)
        assert verify_chain(conn).count == 0
    assert {
        ("anna", "decide", "Norr"),
        ("anna", "exported", "Norr"),
        ("anna", "fetch_export", "Norr"),
        ("anna", "receipted", "Norr"),
        ("ute", "denied", "Norr"),
    } <= done
    for secret in (
        SIV.pid,
        SIV.pid[2:],
        SIV.name,
        "Såret",
        "omläggning",
        "tack",
        "Gun Ek",
        "fel person",
        "läste fel",
    ):
        assert secret not in log
