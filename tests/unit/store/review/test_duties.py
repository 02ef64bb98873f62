"""A legal duty lives until a person says that it is met, whatever becomes of its paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from pipeline.domain.errors import NotAllowedError, ReviewError
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.law.duties import MetHow, due_at
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import EntryState, Person, Role, Value
from pipeline.review import decisions, rejections
from pipeline.review.corrections import Corrections
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.event_log.verification import verify_chain
from pipeline.store.reports.progress import DeadlineCount, list_open_deadlines
from pipeline.store.review import duties
from pipeline.store.review.duties import Duty, LaterPaper, MetAnswer
from pipeline.store.schema import paper
from pipeline.store.schema.review import met_duty
from tests.support.store.ward import (
    BROR,
    CHIEF,
    EVA,
    NILS,
    NOTE,
    NOW,
    SAID,
    SOUTH,
    Ward,
    answers,
    later,
    page_reading,
    person,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases

SAID_DAY, DAY = date(2026, 2, 17), date(2026, 2, 18)


def _form(form_id: str, *deadlines: dict[str, str]) -> Form:
    top = NOTE.model_dump() | {"id": form_id, "deadlines": deadlines}
    top["pages"] = top["pages"][:1]
    spec = {"name": "gjort", "label": "Gjort", "kind": "digits", "format": "date"}
    top["pages"][0]["fields"] += ({**spec, "box": [20, 120, 60, 8]},)
    return Form.model_validate(top)


CUSTODY = _form("lvu", {"rule": "lvu-ansokan", "day": "datum"})
REPORT = _form("oro", {"rule": "skyddsbedomning", "day": "datum"})
ASSESSMENT = _form("skydd", {"rule": "skyddsbedomning", "day": "datum", "met": "gjort"})
ALL_FORMS = Forms({(one.id, one.version): one for one in (CUSTODY, REPORT, ASSESSMENT)})
DUTY = "lvu-ansokan"
COURT = MetAnswer(MetHow.COURT, date(2026, 2, 26))


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def add(ward: Ward, serial: str, form: Form = CUSTODY, **said: str | None) -> str:
    """A sheet that was read and confirmed; answers with its entry's id."""
    values = {**SAID, **said}
    ward.read(ward.scan(), page_reading(form, serial, values), form)
    confirm(ward, f"{serial}-00", {"gjort": None, **values})
    return f"{serial}-00"


def confirm(
    ward: Ward, entry_id: str, values: Mapping[str, Value], people: Sequence[Person] = (EVA, NILS)
) -> None:
    """Let as many of these people as it takes say the same."""
    for who in people:
        with ward.store.begin() as conn:
            entry = load_entry(conn, entry_id)
            if entry.state not in {EntryState.REVIEW, EntryState.SECOND}:
                continue
            given = answers(values)
            decisions.decide_entry(
                conn, ALL_FORMS, who, decisions.Decision(entry_id, entry.revision, given), NOW
            )


def counted(ward: Ward) -> list[tuple[str, int]]:
    """The duties of Läge."""
    with ward.store.read() as conn:
        found: list[DeadlineCount] = list_open_deadlines(conn, CHIEF)
    return [(each.rule, each.entries) for each in found]


def listed(ward: Ward, who: Person = CHIEF) -> list[Duty]:
    """The duties that a person may say to be met."""
    with ward.store.read() as conn:
        return duties.list_duties(conn, ALL_FORMS, who)


def meet(ward: Ward, entry_id: str, answer: MetAnswer = COURT, rule: str = DUTY) -> None:
    with ward.store.begin() as conn:
        duties.meet_duty(conn, ALL_FORMS, CHIEF, (entry_id, rule), answer, NOW)


def retract(ward: Ward, entry_id: str, rule: str = DUTY) -> None:
    with ward.store.begin() as conn:
        duties.retract_met_duty(conn, ALL_FORMS, CHIEF, (entry_id, rule), later(1))


def nearest(ward: Ward, entry_id: str) -> datetime | None:
    with ward.store.read() as conn:
        return load_entry(conn, entry_id).due_at


@pytest.mark.parametrize("state", ["bekräftad", "signerad", "exporterad", "kvitterad"])
def test_a_duty_outlives_review_signature_export_and_receipt(ward: Ward, state: str) -> None:
    entry_id = add(ward, "DUTA")
    with ward.store.begin() as conn:
        changed = update(paper.entry).where(paper.entry.c.id == entry_id)
        conn.execute(changed.values(state=EntryState(state).value))
    assert counted(ward) == [(DUTY, 1)]
    assert [(one.entry_id, one.rule, one.due_at) for one in listed(ward)] == [
        (entry_id, DUTY, due_at(DUTY, SAID_DAY))
    ]


def test_a_duty_that_a_person_says_is_met_is_gone_and_comes_back_when_it_is_undone(
    ward: Ward,
) -> None:
    entry_id = add(ward, "DUTB")
    meet(ward, entry_id)
    assert counted(ward) == []
    assert listed(ward) == []
    assert nearest(ward, entry_id) is None
    with ward.store.read() as conn:
        (met,) = duties.list_met_duties(conn, CHIEF)
    assert (met.duty.entry_id, met.answer, met.by) == (entry_id, COURT, CHIEF.name)
    retract(ward, entry_id)
    assert counted(ward) == [(DUTY, 1)]
    assert nearest(ward, entry_id) == due_at(DUTY, SAID_DAY)
    with ward.store.read() as conn:
        assert duties.list_met_duties(conn, CHIEF) == []
        rows = conn.execute(select(met_duty.c.is_met, met_duty.c.by).order_by(met_duty.c.id))
        assert [tuple(row) for row in rows] == [(True, CHIEF.login), (False, CHIEF.login)]
        done = [event.action for event in list_events(conn, entry_id)][-2:]
        assert done == ["meet_duty", "retract_met_duty"]
    with ward.store.begin() as conn:
        assert verify_chain(conn).problems == ()


def test_what_is_met_stays_met_when_its_entry_is_corrected(ward: Ward) -> None:
    entry_id = add(ward, "DUTC")
    meet(ward, entry_id)
    correct(ward, entry_id, datum="2026-02-16")
    assert counted(ward) == []
    retract(ward, entry_id)
    assert nearest(ward, entry_id) == due_at(DUTY, date(2026, 2, 16))


def correct(ward: Ward, entry_id: str, **said: str) -> None:
    with ward.store.begin() as conn:
        entry = load_entry(conn, entry_id)
        work(Corrections, conn, EVA, forms=ALL_FORMS).correct(
            entry_id, entry.revision, answers(said), "skrivfel"
        )
    confirm(ward, entry_id, said, [NILS])


def test_a_correction_moves_the_duty(ward: Ward) -> None:
    entry_id = add(ward, "DUTD")
    correct(ward, entry_id, datum="2026-02-20")
    assert nearest(ward, entry_id) == due_at(DUTY, date(2026, 2, 20))


@pytest.mark.parametrize(
    ("reason", "left"),
    [("dubblett", 0), ("främmande sida", 0), ("tom rad", 0), ("oläsligt", 1), ("fel person", 1)],
)
def test_paper_that_is_nobodys_has_no_duty_and_a_gap_has(
    ward: Ward, reason: str, left: int
) -> None:
    entry_id = add(ward, "DUTE")
    with ward.store.begin() as conn:
        revision = load_entry(conn, entry_id).revision
        rejections.reject_entry(conn, EVA, rejections.Rejection(entry_id, revision, reason), NOW)
    assert sum(count for _, count in counted(ward)) == len(listed(ward)) == left


def test_what_was_made_void_keeps_its_duty_until_somebody_says_that_it_does_not_apply(
    ward: Ward,
) -> None:
    entry_id = add(ward, "DUTF")
    ward.export(entry_id)
    with ward.store.begin() as conn:
        revision = load_entry(conn, entry_id).revision
        work(Corrections, conn, EVA).void(entry_id, revision, "inskriven i Treserva")
    assert counted(ward) == [(DUTY, 1)]
    meet(ward, entry_id, MetAnswer(MetHow.NOT_DUE, NOW.date()))
    assert counted(ward) == []


def proposals(ward: Ward) -> list[LaterPaper]:
    return [one.proposal for one in listed(ward) if one.proposal is not None]


def test_an_assessment_of_the_same_child_proposes_that_the_report_is_assessed(ward: Ward) -> None:
    report = add(ward, "DUTG", REPORT)
    add(ward, "DUTH", ASSESSMENT, pnr=BROR.pid, namn=BROR.name, gjort="2026-02-18")
    wrong = add(ward, "DUTI", ASSESSMENT, gjort="2026-02-16")  # before the report
    assert proposals(ward) == []
    made = add(ward, "DUTJ", ASSESSMENT, gjort="2026-02-18")
    proposal, same = proposals(ward)
    assert proposal == same  # the sheet whose day cannot be is open itself
    meet(ward, wrong, proposal.answer, "skyddsbedomning")
    assert (proposal.entry_id, proposal.day) == (made, DAY)
    meet(ward, report, proposal.answer, "skyddsbedomning")
    assert counted(ward) == []
    with ward.store.read() as conn:
        met, _ = duties.list_met_duties(conn, CHIEF)
    assert met.answer == MetAnswer(MetHow.PAPER, DAY, made)


def test_a_later_paper_is_of_the_same_person(ward: Ward) -> None:
    report = add(ward, "DUTK", REPORT)
    other = add(ward, "DUTL", REPORT, pnr=BROR.pid, namn=BROR.name)
    mine = add(ward, "DUTM", REPORT)
    with ward.store.read() as conn:
        assert duties.find_paper_of_same_person(conn, CHIEF, report, "DUTM") == mine
        with pytest.raises(ReviewError, match="no such paper"):
            duties.find_paper_of_same_person(conn, CHIEF, report, "DUTL")
    for wrong in (other, report, None):
        with pytest.raises(ReviewError, match="no such paper"):
            meet(ward, report, MetAnswer(MetHow.PAPER, DAY, wrong), "skyddsbedomning")


def test_a_duty_is_met_once_and_neither_in_the_future_nor_before_it_was_one(ward: Ward) -> None:
    entry_id = add(ward, "DUTN")
    with ward.store.read() as conn:
        began = date.fromisoformat(str(load_entry(conn, entry_id).event_on))
    with pytest.raises(ReviewError, match="before what the paper is about"):
        meet(ward, entry_id, MetAnswer(MetHow.COURT, began - timedelta(days=1)))
    with pytest.raises(ReviewError, match="not come yet"):
        meet(ward, entry_id, MetAnswer(MetHow.COURT, date(2026, 3, 3)))
    meet(ward, entry_id)
    with pytest.raises(ReviewError, match="no such deadline"):
        meet(ward, entry_id)
    retract(ward, entry_id)
    with pytest.raises(ReviewError, match="undone"):
        retract(ward, entry_id)


def test_only_who_may_says_that_a_duty_is_met(ward: Ward) -> None:
    entry_id = add(ward, "DUTO")
    elsewhere = person("sofia", Role.MANAGER, (SOUTH,))
    other_area = person("chef", Role.MANAGER, areas=ALL_AREAS - {"HSL"})
    for who in (elsewhere, other_area, person("tora", Role.TYPIST)):
        with pytest.raises(NotAllowedError), ward.store.begin() as conn:
            duties.meet_duty(conn, ALL_FORMS, who, (entry_id, DUTY), COURT, NOW)
    assert listed(ward, elsewhere) == listed(ward, other_area) == []
    assert counted(ward) == [(DUTY, 1)]


def test_an_undecided_entry_whose_duty_is_met_leaves_the_front_of_the_queue(ward: Ward) -> None:
    ward.read(ward.scan(), page_reading(CUSTODY, "DUTP", SAID), CUSTODY)
    meet(ward, "DUTP-00")
    assert nearest(ward, "DUTP-00") is None
    # Read once more, and confirmed: it stays met
    ward.read(ward.scan(), page_reading(CUSTODY, "DUTP", SAID), CUSTODY)
    confirm(ward, "DUTP-00", {"gjort": None, **SAID})
    assert nearest(ward, "DUTP-00") is None


@pytest.mark.parametrize(
    ("done", "left"), [("2031-12-22", 1), ("2011-12-22", 1), ("2026-02-18", 0)]
)
def test_a_day_on_the_paper_that_cannot_be_meets_nothing(ward: Ward, done: str, left: int) -> None:
    """One to come is planned, one years before the event is misread or of something else."""
    add(ward, "DUTQ", ASSESSMENT, gjort=done)
    assert len(listed(ward)) == sum(count for _, count in counted(ward)) == left
    add(ward, "DUTR", REPORT)
    assert len(proposals(ward)) == 1 - left


def test_of_several_reports_an_assessment_is_proposed_for_the_one_it_names(ward: Ward) -> None:
    add(ward, "DUTS", REPORT)
    named = add(ward, "DUTT", REPORT, datum="2026-02-20")
    made = add(ward, "DUTU", ASSESSMENT, datum="2026-02-20", gjort="2026-02-21")
    assert [(one.entry_id, one.proposal.entry_id) for one in listed(ward) if one.proposal] == [
        (named, made)
    ]


@pytest.mark.parametrize("change", ["rejected", "of another client", "reviewed again", "the same"])
def test_what_a_paper_met_is_open_again_when_the_paper_does_not_hold(
    ward: Ward, change: str
) -> None:
    report = add(ward, "DUTV", REPORT)
    made = add(ward, "DUTW", ASSESSMENT, gjort="2026-02-18")
    meet(ward, report, MetAnswer(MetHow.PAPER, DAY, made), "skyddsbedomning")
    assert counted(ward) == []
    if change == "of another client":
        correct(ward, made, pnr=BROR.pid, namn=BROR.name)
    elif change == "the same":
        correct(ward, made, skribent="Dina Penn")
    else:
        with ward.store.begin() as conn:
            entry = load_entry(conn, made)
            decider = next(
                one for one in (EVA, NILS) if one.login in (entry.second_by or EVA.login)
            )
            if change == "rejected":
                rejections.reject_entry(
                    conn, EVA, rejections.Rejection(made, entry.revision, "fel person"), NOW
                )
            else:
                work(Corrections, conn, decider).undo([(made, entry.revision)])
    is_open = [] if change == "the same" else [("skyddsbedomning", 1)]
    assert [one for one in counted(ward) if one[0] == "skyddsbedomning"] == is_open
    with ward.store.read() as conn:
        assert len(duties.list_met_duties(conn, CHIEF)) == 1 - len(is_open)
    if is_open:
        assert nearest(ward, report) == due_at("skyddsbedomning", SAID_DAY)


def test_until_two_agree_on_the_first_day_the_earlier_end_holds(ward: Ward) -> None:
    read = page_reading(CUSTODY, "DUTX", {**SAID, "datum": "2026-02-27"})
    ward.read(ward.scan(), read, CUSTODY)
    confirm(ward, "DUTX-00", {"gjort": None, **SAID}, [EVA])
    with ward.store.read() as conn:
        assert load_entry(conn, "DUTX-00").state is EntryState.SECOND
    assert nearest(ward, "DUTX-00") == due_at(DUTY, SAID_DAY)
    later_day = {"gjort": None, **SAID, "datum": "2026-02-27"}
    confirm(ward, "DUTX-00", later_day, [NILS])
    assert nearest(ward, "DUTX-00") == due_at(DUTY, date(2026, 2, 27))
