"""The rules of review, without a database."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import InvalidAnswerError, MissingAnswerError
from pipeline.domain.form.confidence import CLIENT_MAX_P, CLIENT_NUMBER_ONLY_MAX_P
from pipeline.domain.form.field import FieldSpec, Kind, Meaning
from pipeline.domain.form.form import Forms
from pipeline.domain.model import TYPED_BY_AUTHOR, Reading, State, Value
from pipeline.domain.review.field_values import normalize_value
from pipeline.domain.review.rules import (
    Answer,
    agrees_with_reading,
    asked_fields,
    complete_answers,
    fill_left_empty,
    is_settled,
    needs_blind_keying,
    normalize_answer,
)
from pipeline.domain.settings import ROOT
from tests.support.store.ward import ASTA, NOTE, VISITS


def spec(kind: str, **more: object) -> FieldSpec:
    """A field."""
    return FieldSpec.model_validate(
        {"name": "f", "label": "F", "kind": kind, "box": (0, 0, 20, 8)} | more
    )


DATE, TIME, PID = (spec("digits", format=name) for name in ("date", "time", "personnummer"))
NUMBER = spec("digits", format="number", cells=4, decimals=1)
DOSE = spec("text", format="dose")
CODE = spec("digits", format="code", cells=6)
TEXT, MARK, SIGNATURE, INITIALS = (spec(kind) for kind in ("text", "mark", "signature", "initials"))
CHOICE = spec("choice", options=[{"value": "besok", "label": "Besök", "box": (0, 0, 5, 5)}])


@pytest.mark.parametrize(
    ("field", "typed", "stored"),
    [
        (DATE, "2026-02-17", "2026-02-17"),
        (DATE, "20260217", "2026-02-17"),
        (DATE, "260217", "2026-02-17"),
        (
            DATE,
            f"{(today_in_sweden().year + 11) % 100:02d}0503",
            f"{today_in_sweden().year - 89}-05-03",
        ),
        (DATE, " 2026.02.17 ", "2026-02-17"),
        (DATE, "2024-02-29", "2024-02-29"),
        (TIME, "08:15", "08:15"),
        (TIME, "8.15", "08:15"),
        (TIME, "0815", "08:15"),
        (TIME, "815", "08:15"),
        (TIME, "24.00", "24:00"),
        (TIME, "2400", "24:00"),
        (PID, "18900101-9802", ASTA.pid),
        (PID, "900101+9802", ASTA.pid[2:]),
        (PID, "121212+1212", "191212121212"),
        (PID, "22950606fh20", "22950606FH20"),
        (NUMBER, "37,5", "37.5"),
        (NUMBER, "037", "37.0"),
        (NUMBER, "-1.25", "-1.25"),
        (NUMBER, "0,125", "0.125"),
        (NUMBER, "12 500", "12500.0"),
        (NUMBER, "1234.500", "1234.5"),
        (CODE, "0041-2 3", "004123"),
        (TEXT, " Sov gott. ", "Sov gott."),
        (MARK, True, True),
        (SIGNATURE, False, False),
        (INITIALS, "EE", "EE"),
        (CHOICE, "besok", "besok"),
    ],
)
def test_values_are_stored_in_one_way(field: FieldSpec, typed: Value, stored: Value) -> None:
    assert normalize_value(field, typed) == stored


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        (DATE, "2026-02-30"),
        (DATE, "17 februari"),
        (DATE, "2026-2"),
        (DATE, "16/12/21"),
        (DATE, "16.12.21"),
        (DATE, f"{(today_in_sweden().year + 2) % 100:02d}0503"),
        (TIME, "24:01"),
        (TIME, "875"),
        (PID, "1890010198"[:9]),
        (PID, "18900101ÅÄÖ2"),
        (NUMBER, "37,5 grader"),
        (NUMBER, "1e9"),
        (NUMBER, "NaN"),
        (NUMBER, "12.500"),
        (NUMBER, "1,250"),
        (CODE, "1234567"),
        (CODE, "A1"),
        (CHOICE, "telefon"),
        (TEXT, True),
        (MARK, None),
    ],
)
def test_values_that_do_not_fit_are_refused_without_being_quoted(
    field: FieldSpec, typed: Value
) -> None:
    with pytest.raises(InvalidAnswerError) as error:
        normalize_value(field, typed)
    assert error.value.fields == ("f",)
    assert str(typed) not in str(error.value)


@given(st.decimals(-9999, 9999, places=4, allow_nan=False, allow_infinity=False))
def test_a_stored_number_is_stored_as_it_is(number: Decimal) -> None:
    for decimals in range(4):
        field = NUMBER.model_copy(update={"decimals": decimals})
        try:
            stored = normalize_value(field, f"{number}")
        except InvalidAnswerError:
            continue
        assert normalize_value(field, stored) == stored


@given(st.text())
def test_no_text_breaks_a_format(text: str) -> None:
    for field in (DATE, TIME, PID, NUMBER, CODE, TEXT):
        try:
            once = normalize_value(field, text)
        except InvalidAnswerError:
            continue
        assert normalize_value(field, once) == once


@pytest.mark.parametrize(
    ("field", "answer", "stored"),
    [
        (TEXT, Answer("x", State.EMPTY), Answer(None, State.EMPTY)),
        (TEXT, Answer("x", State.ILLEGIBLE), Answer(None, State.ILLEGIBLE)),
        (MARK, Answer(False), Answer(False, State.EMPTY)),
        (MARK, Answer(None, State.EMPTY), Answer(False, State.EMPTY)),
        (MARK, Answer(None, State.CANCELLED), Answer(False, State.CANCELLED)),
        (MARK, Answer(True), Answer(True)),
    ],
)
def test_states_are_stored_in_one_way(field: FieldSpec, answer: Answer, stored: Answer) -> None:
    assert normalize_answer(field, answer) == stored


def test_blank_is_no_answer_and_only_marks_are_cancelled() -> None:
    for blank in (None, "", " \n"):
        with pytest.raises(MissingAnswerError):
            normalize_answer(TEXT, Answer(blank))
    with pytest.raises(InvalidAnswerError):
        normalize_answer(TEXT, Answer(None, State.CANCELLED))


def read(value: Value, state: State = State.READ) -> Reading:
    """A reading."""
    return Reading(value, 0.5, state)


@pytest.mark.parametrize(
    ("field", "answer", "reading", "same"),
    [
        (TEXT, Answer("Sov  GOTT"), read("sov gott"), True),
        (TEXT, Answer("Sov gott"), read("Sov illa"), False),
        (DATE, Answer("2026-02-17"), read("20260217"), True),
        (DATE, Answer("2026-02-17"), read("20261317"), False),
        (NUMBER, Answer("37.0"), read("37"), True),
        (DOSE, Answer("50 ug"), read("50 µg"), True),
        (DOSE, Answer("50 mikrogram"), read("50 µg"), True),
        (DOSE, Answer("50 mg"), read("50 µg"), False),
        (DOSE, Answer("50 mg"), read("50mg"), True),
        (DOSE, Answer("1 1/2 tabl"), read("11/2 tabl"), False),
        (MARK, Answer(True), read(True), True),
        (MARK, Answer(True), read(False, State.EMPTY), False),
        (MARK, Answer(False, State.EMPTY), read(False, State.EMPTY), True),
        (MARK, Answer(False, State.CANCELLED), read(False, State.CANCELLED), True),
        (TEXT, Answer(None, State.EMPTY), read(None, State.EMPTY), True),
        (TEXT, Answer(None, State.ILLEGIBLE), read("x"), False),
        (TEXT, Answer("x"), None, False),
    ],
)
def test_person_and_machine_agree_on_what_is_meant(
    field: FieldSpec, answer: Answer, reading: Reading | None, same: bool
) -> None:
    assert agrees_with_reading(field, answer, reading) is same
    assert is_settled(field, answer, reading) is (same or field.kind is Kind.TEXT)
    critical = field.model_copy(update={"critical": True})
    assert is_settled(critical, answer, reading) is same


@pytest.mark.parametrize(("p", "typed"), [(CLIENT_NUMBER_ONLY_MAX_P, True), (CLIENT_MAX_P, False)])
def test_a_personal_number_is_shown_only_where_more_than_the_number_says_so(
    p: float, typed: bool
) -> None:
    number = Forms.load(ROOT / "forms").latest("korlista").meaning(Meaning.CLIENT_PID, 1)
    assert number is not None
    assert not number.critical
    assert needs_blind_keying(number, Reading(ASTA.pid, p, State.READ)) is typed


@pytest.mark.parametrize(
    ("field", "p", "typed"),
    [
        (MARK, 0.994, True),
        (MARK, 0.995, False),
        (DATE, 0.98, True),
        (DATE, 0.99, False),
        (TEXT, 0.89, True),
        (TEXT, 0.9, False),
        (TEXT.model_copy(update={"kind": Kind.LINES}), 0.1, False),
        (MARK.model_copy(update={"critical": True}), 1.0, True),
    ],
)
def test_what_is_doubtful_is_typed_unseen_marks_sooner_and_names_later(
    field: FieldSpec, p: float, typed: bool
) -> None:
    assert needs_blind_keying(field, Reading("x", p, State.READ)) is typed


def test_what_was_surely_not_read_is_typed_unseen() -> None:
    """Dates in zeros like a P were shown as illegible, and one key would have left them so."""
    assert needs_blind_keying(DATE, Reading(None, 0.999, State.ILLEGIBLE))


def test_who_was_not_shown_the_reading_and_says_otherwise_is_not_enough() -> None:
    said = Answer(True)
    assert not is_settled(MARK, said, Reading(False, 0.99, State.EMPTY))
    assert is_settled(MARK, said, Reading(False, 0.995, State.EMPTY))  # shown, and changed
    assert is_settled(MARK, said, Reading(True, 0.5, State.READ))
    assert is_settled(MARK, said, None)
    heading = MARK.model_copy(update={"routine": True})
    assert is_settled(heading, said, Reading(False, 0.5, State.EMPTY))


@pytest.mark.parametrize(
    ("value", "enough"),
    [("37.0", True), ("73", False), ("29.9", False), ("30", True), ("43", True)],
)
def test_an_unlikely_number_needs_two_people_though_the_machine_read_the_same(
    value: str, enough: bool
) -> None:
    temperature = NUMBER.model_copy(update={"critical": True, "minimum": 30.0, "maximum": 43.0})
    assert is_settled(temperature, Answer(value), read(value)) is enough


def test_what_its_author_typed_is_shown_and_changed_only_by_two_people() -> None:
    critical = TIME.model_copy(update={"critical": True})
    typed = Reading("09:40", 1.0, State.READ, evidence=(TYPED_BY_AUTHOR,))
    empty = Reading(None, 1.0, State.EMPTY, evidence=(TYPED_BY_AUTHOR,))
    unlikely = Reading("09:40", 1.0, State.READ, evidence=(TYPED_BY_AUTHOR, "outside_outage"))
    assert not needs_blind_keying(critical, typed)
    assert is_settled(critical, Answer("9.40"), typed)
    assert not is_settled(critical, Answer("09:50"), typed)
    assert not is_settled(critical, Answer(None, State.ILLEGIBLE), typed)
    assert not is_settled(critical, Answer("09:40"), empty)
    assert not is_settled(critical, Answer("09:40"), unlikely)
    assert is_settled(TIME, Answer("09:50"), typed)


def test_an_optional_critical_field_that_both_find_empty_is_settled() -> None:
    optional = DATE.model_copy(update={"critical": True})
    assert is_settled(optional, Answer(None, State.EMPTY), Reading.empty(0.9))
    assert not is_settled(optional, Answer(None, State.EMPTY), read("2026-02-17"))
    assert not is_settled(optional, Answer(None, State.EMPTY), None)


def test_printed_fields_and_other_rows_are_not_asked() -> None:
    assert "enhet" not in [field.name for field in asked_fields(NOTE, None)]
    assert [field.name for field in asked_fields(VISITS, 2)] == [
        "datum",
        "skribent",
        "rad02.pnr",
        "rad02.tid",
        "rad02.mat",
        "rad02.sign",
    ]


def test_all_that_is_missing_or_wrong_is_named_at_once() -> None:
    fields = [DATE.model_copy(update={"name": "a"}), TIME.model_copy(update={"name": "b"})]
    with pytest.raises(MissingAnswerError) as missing:
        complete_answers(fields, {})
    assert missing.value.fields == ("a", "b")
    with pytest.raises(InvalidAnswerError) as invalid:
        complete_answers(fields, {"a": Answer("x"), "b": Answer("y")})
    assert invalid.value.fields == ("a", "b")


def test_a_field_left_alone_is_empty_only_where_the_machine_agrees() -> None:
    optional, needed = (
        DATE.model_copy(update={"name": "a"}),
        DATE.model_copy(update={"name": "b", "required": True}),
    )
    nothing, something = Reading.empty(0.99), Reading("2026-02-17", 0.9, State.READ)
    assert fill_left_empty([optional], {}, {"a": nothing}) == {"a": Answer(None, State.EMPTY)}
    assert fill_left_empty([optional], {}, {"a": something}) == {}
    assert fill_left_empty([optional], {}, {}) == {}
    assert fill_left_empty([needed], {}, {"b": nothing}) == {}
    assert fill_left_empty([optional], {"a": Answer("x")}, {"a": nothing}) == {"a": Answer("x")}


@pytest.mark.parametrize("reason", ["outside_outage", "implausible"])
def test_what_is_odd_goes_to_another_person_although_two_agree(reason: str) -> None:
    field = DATE.model_copy(update={"critical": True})
    answer, reading = Answer("2021-11-17"), Reading("2021-11-17", 0.99, State.READ)
    assert is_settled(field, answer, reading)
    assert not is_settled(
        field, answer, Reading("2021-11-17", 0.99, State.READ, evidence=(reason,))
    )
