"""Every target, from a store: an entry goes once, is answered, and a correction and a void follow
it there; what may be there already waits.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pipeline.domain.form.field import Kind
from pipeline.domain.model import EntryState
from pipeline.domain.record import DEFAULT_ROUTE, Run
from pipeline.export.care_system_matches import HELD_FOR_MATCH
from pipeline.export.runs import ExportContext, fetch_run_file
from pipeline.export.runs.receipts import ReceiptAnswer, submit_receipts
from pipeline.registers.care_system_list import CareRow
from pipeline.store.entries.entry import load_entry
from pipeline.store.exports import care_system_exports
from pipeline.store.schema.clock import utc_now
from pipeline.texts import Text
from tests.support.store.export_examples import FORM_OF, FORMS, SIV
from tests.support.store.export_office import (
    ANNA,
    TORA,
    agree,
    confirmed,
    correct,
    paying,
    state,
    void,
)
from tests.support.store.route_steps import make_run, make_runs, target_status
from tests.support.store.targets import STATISTICS, TARGETS

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

TAKING = [target for target in TARGETS if target not in STATISTICS]
NEVER_AGAIN = {"pain001"}
"""A payment that was sent is put right at the bank: neither a correction nor a void goes there."""
CHANGED: Mapping[str, tuple[str, str]] = {"besok": ("rad01.slut", "09:30")}
"""What is corrected where a form has no text."""
ROW = CareRow((SIV.pid,), "2021-12-17")


def export(office: ExportContext, target: str) -> Run:
    run = make_run(office, ANNA, target, utc_now())
    assert run is not None
    assert fetch_run_file(office, ANNA, run.id).data
    return run


def receipt(office: ExportContext, run: Run, entry_id: str) -> None:
    answers = [ReceiptAnswer(entry_id, accepted=True)]
    assert submit_receipts(office, ANNA, run.id, answers, utc_now()).accepted == 1


def line(office: ExportContext, target: str) -> tuple[int, int, list[Text]]:
    """How many would go, how many of these are amendments, and the reasons of what would not."""
    found = target_status(office, ANNA, target)
    return found.entries, found.amendments, [each.reason for each in found.unsupported]


@pytest.mark.parametrize("target", TAKING)
def test_an_entry_goes_once_is_answered_and_what_changes_follows_it(
    office: ExportContext, target: str
) -> None:
    entry_id = confirmed(office, target)
    office = paying(office) if target == "pain001" else office
    assert line(office, target) == (1, 0, [])
    run = export(office, target)
    assert line(office, target)[0] == 0
    assert make_run(office, ANNA, target, utc_now()) is None
    receipt(office, run, entry_id)
    if TARGETS[target].is_partial:  # the whole of it is keyed in as well
        assert state(office, entry_id) is EntryState.SIGNED
        (rest,) = make_runs(office, ANNA, DEFAULT_ROUTE.target, utc_now())
        receipt(office, rest, entry_id)
    assert state(office, entry_id) is EntryState.RECEIPTED
    field, said = CHANGED.get(target) or (_text_field(target), "Rättad text.")
    correct(office, entry_id, field, said)
    if (
        state(office, entry_id) is EntryState.SECOND
    ):  # a critical field, that one was the second person of before
        agree(office, entry_id, FORM_OF[target], TORA, **{field.rpartition(".")[2]: said})
    if target in NEVER_AGAIN:
        assert line(office, target)[0] == 0
        assert line(office, target)[2]
        return
    assert line(office, target) == (1, 1, [])
    export(office, target)
    void(office, entry_id)
    assert line(office, target) == (1, 1, [])
    export(office, target)
    assert make_run(office, ANNA, target, utc_now()) is None


@pytest.mark.parametrize("target", TAKING)
def test_what_may_be_there_already_waits_whatever_its_target(
    office: ExportContext, target: str
) -> None:
    entry_id = confirmed(office, target)
    office = paying(office) if target == "pain001" else office
    if not _about_somebody(office, entry_id):
        pytest.skip("the form is about no client")
    with office.store.begin() as conn:
        for area in ("HSL", "SoL", "LSS", "IFO", "ADM"):
            care_system_exports.save_list(conn, ANNA, "Norr", area, [ROW], utc_now())
    assert line(office, target) == (0, 0, [HELD_FOR_MATCH])
    assert make_run(office, ANNA, target, utc_now()) is None


def _text_field(target: str) -> str:
    form = FORMS[FORM_OF[target], 1]
    specs = form.entry_fields(form.rows()[0])
    return next(
        spec.name
        for spec in specs
        if spec.kind in (Kind.TEXT, Kind.LINES) and spec.means is None and not spec.format
    )


def _about_somebody(office: ExportContext, entry_id: str) -> bool:
    with office.store.read() as conn:
        return load_entry(conn, entry_id).client_pid is not None
