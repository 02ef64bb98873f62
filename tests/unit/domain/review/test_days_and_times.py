"""Days and times that cannot be: in the future, or an end before its start."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from pipeline.domain.errors import RecountError
from pipeline.domain.form.field import Format, Meaning
from pipeline.domain.form.form import Forms
from pipeline.domain.model import State
from pipeline.domain.review.recount import fields_to_look_at, fields_to_recheck, recount_answers
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import ROOT

FORMS = Forms.load(ROOT / "forms")
VISITS = FORMS.latest("besokslista")
NOW = datetime(2026, 7, 18, 22, 30, tzinfo=UTC)
"""Half past midnight of the 19th in Sweden."""


def kinds(form: str, row: int | None, **given: str) -> list[tuple[str, str]]:
    said = {name.replace("__", "."): Answer(text) for name, text in given.items()}
    found = recount_answers(FORMS.latest(form), row, said, now=NOW)
    return [(one.field, one.code) for one in found]


@pytest.mark.parametrize(
    ("day", "time", "field"),
    [
        ("2026-07-18", "23:59", None),
        ("2026-07-19", "00:30", None),
        ("2026-07-19", "00:31", "handelsetid"),
        ("2026-07-20", "00:10", "handelsedatum"),
        ("260720", "9", "handelsedatum"),
        ("2026-07", "09:00", None),
    ],
)
def test_no_day_and_no_time_of_today_is_in_the_future(
    day: str, time: str, field: str | None
) -> None:
    found = kinds("hsl-anteckning", None, handelsedatum=day, handelsetid=time)
    assert found == ([(field, "in_future")] if field else [])


def test_a_day_that_is_planned_may_be_in_the_future() -> None:
    """Only what has happened, and was written down, has to be past."""
    planned = [
        (form, spec)
        for form in FORMS.values()
        for spec in form.fields
        if spec.format is Format.DATE
        and spec.means is None
        and spec.column not in {one.met for one in form.all_deadlines}
    ]
    assert planned
    for form, spec in planned:
        found = recount_answers(form, spec.row, {spec.name: Answer("2027-01-01")}, now=NOW)
        assert "in_future" not in {one.code for one in found}


@pytest.mark.parametrize(
    ("form_id", "field"),
    [("lvu-omhandertagande", "understallt_datum"), ("skyddsbedomning", "aterkoppling_datum")],
)
def test_a_duty_is_done_on_a_day_that_has_been(form_id: str, field: str) -> None:
    """The day ends the duty: one that is typed wrong would hide it."""
    form = FORMS.latest(form_id)
    for day, codes in (("2027-01-01", ["in_future"]), ("2026-06-01", [])):
        found = recount_answers(form, None, {field: Answer(day)}, now=NOW)
        assert [one.code for one in found if one.field == field] == codes


@pytest.mark.parametrize(
    ("day", "start", "is_asked"),
    [
        ("2025-07-18", date(2026, 7, 10), True),
        ("2026-07-02", date(2026, 7, 10), True),
        ("2026-07-03", date(2026, 7, 10), False),
        ("2026-07-18", date(2026, 7, 10), False),
        ("2025-07-18", None, False),
        ("2025-07", date(2026, 7, 10), False),
    ],
)
def test_an_event_long_before_the_outage_is_asked_about(
    day: str, start: date | None, is_asked: bool
) -> None:
    """Last year's number passed; nobody else has to look, old paper may have been left behind."""
    form = FORMS.latest("hsl-anteckning")
    said = {"handelsedatum": Answer(day), "skrivet_datum": Answer("2026-07-18")}
    found = recount_answers(form, None, said, now=NOW, outage_start=start)
    kinds = [(one.field, one.code) for one in found]
    assert kinds == ([("handelsedatum", "before_outage")] if is_asked else [])
    assert fields_to_recheck(form, None, said, NOW, ask=False, outage_start=start) == set()


def test_birth_and_prescription_days_may_be_long_before_the_outage() -> None:
    others = [
        (form, spec)
        for form in FORMS.values()
        for spec in form.fields
        if spec.format is Format.DATE and spec.means is not Meaning.EVENT_DATE
    ]
    assert others
    for form, spec in others:
        said, start = {spec.name: Answer("1931-01-01")}, date(2026, 7, 10)
        found = recount_answers(form, spec.row, said, now=NOW, outage_start=start)
        assert "before_outage" not in {one.code for one in found}


def test_an_end_is_after_its_start() -> None:
    visit = {"datum": "2026-07-18", "rad01__start": "10:15", "rad01__slut": "09:40"}
    assert kinds("besokslista", 1, **visit) == [("rad01.start", "end_before_start")]
    assert kinds("besokslista", 1, **visit | {"rad01__slut": "10:15"}) == []
    assert kinds("besokslista", 1, **visit | {"rad01__slut": "9"}) == []


def test_a_note_is_not_written_before_what_happened() -> None:
    days = {"handelsedatum": "2026-07-18", "skrivet_datum": "2026-07-17"}
    assert kinds("hsl-anteckning", None, **days) == [("skrivet_datum", "written_before_event")]


def test_the_typist_is_asked_and_only_the_impossible_needs_another_person() -> None:
    night = {"rad01.start": Answer("23:40"), "rad01.slut": Answer("00:15")}
    future = {"datum": Answer("2026-07-30")}
    for said, second in ((night, set()), (future, {"datum"}), (night | future, {"datum"})):
        with pytest.raises(RecountError) as asked:
            fields_to_recheck(VISITS, 1, said, NOW, ask=True)
        assert second <= set(asked.value.fields)
        assert fields_to_recheck(VISITS, 1, said, NOW, ask=False) == second
    assert fields_to_look_at(VISITS, 1, night) == {"rad01.start"}
    empty = {"rad01.start": Answer("23:40"), "rad01.slut": Answer(None, State.EMPTY)}
    assert fields_to_recheck(VISITS, 1, empty, NOW, ask=True) == set()
