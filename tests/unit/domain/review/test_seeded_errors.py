"""What is seeded, and whether it still is in an answer."""

from __future__ import annotations

import pytest

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.model import Reading, State, Value
from pipeline.domain.review.field_values import normalize_value
from pipeline.domain.review.rules import Answer, agrees_with_reading
from pipeline.domain.review.seeded_errors import (
    SeededError,
    apply_seeded_error,
    is_undetected,
    make_seeded_error,
    restore_true_words,
)


def spec(kind: str, **more: object) -> FieldSpec:
    """A field."""
    return FieldSpec.model_validate(
        {"name": "f", "label": "F", "kind": kind, "box": (0, 0, 20, 8)} | more
    )


TIME, DATE = (spec("digits", format=name) for name in ("time", "date"))
PULSE = spec("digits", format="number", cells=3, minimum=20, plausible=(30, 200))
MARK, TEXT, LINES = spec("mark"), spec("text"), spec("lines", lines=3)
CHOICE = spec(
    "choice",
    options=[
        {"value": name, "label": name, "box": (0, 0, 5, 5)}
        for name in ("besok", "telefon", "atgard")
    ],
)
NOTE = "Lägger om såret på höger fot. Gav 75 ml."


def read(value: Value, **more: object) -> Reading:
    """A reading with high confidence."""
    return Reading(value, 0.995, State.READ, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (TIME, "08:15"),
        (DATE, "2026-02-17"),
        (PULSE, "72"),
        (CHOICE, "besok"),
        (MARK, True),
        (LINES, NOTE),
        (TEXT, "2 tabl"),
    ],
)
def test_what_is_planted_is_wrong_and_could_stand_there(field: FieldSpec, value: Value) -> None:
    for seed in map(str, range(20)):
        plant = make_seeded_error(field, read(value), seed)
        assert plant is not None, seed
        assert make_seeded_error(field, read(value), seed) == plant
        assert not agrees_with_reading(field, Answer(plant.value, plant.state), read(value)), seed
        if plant.state is State.READ:
            normalize_value(field, plant.value)
        shown = apply_seeded_error(plant, read(value))
        assert is_undetected(field, plant, read(value), Answer(shown.value, shown.state)), seed
        assert not is_undetected(field, plant, read(value), Answer(value)), seed


def test_a_mark_is_planted_where_none_is() -> None:
    assert make_seeded_error(MARK, Reading.empty(0.995, False), "1") == SeededError(True)


@pytest.mark.parametrize(
    "field",
    [
        spec("digits", format="date", critical=True),
        spec("digits", format="personnummer", means="client_pid"),
        spec("text", means="client_name"),
        spec("text", means="author_name"),
        spec("initials"),
        spec("signature"),
    ],
)
def test_nothing_is_planted_in_identities_and_in_what_is_typed_blind(field: FieldSpec) -> None:
    assert make_seeded_error(field, read("19280128"), "1") is None


def test_nothing_is_planted_where_nothing_would_be_surely_wrong() -> None:
    assert make_seeded_error(TEXT, read("Lugn natt"), "1") is None
    assert make_seeded_error(MARK, Reading(False, 0.9, State.CANCELLED), "1") is None
    assert make_seeded_error(TIME, Reading.empty(0.9), "1") is None
    assert make_seeded_error(PULSE, Reading("x", 0.9, State.READ), "1") is None


def test_a_word_marked_as_doubtful_is_left_alone() -> None:
    characters = tuple(0.5 if sign.isdigit() else 0.995 for sign in NOTE)
    planted = {
        (plant.start, plant.end)
        for seed in range(30)
        if (plant := make_seeded_error(LINES, read(NOTE, characters=characters), str(seed)))
    }
    assert planted == {(NOTE.index("höger"), NOTE.index("höger") + len("vänster"))}


def test_the_shown_reading_has_a_probability_for_each_character() -> None:
    characters = (0.5, *(0.9 for _ in NOTE[1:-1]), 0.6)
    for seed in range(10):
        plant = make_seeded_error(LINES, read(NOTE, characters=characters), str(seed))
        assert plant is not None
        shown = apply_seeded_error(plant, read(NOTE, characters=characters))
        assert len(shown.characters) == len(str(shown.value))
        assert (shown.characters[0], shown.characters[-1]) == (0.5, 0.6)


START = NOTE.index("höger")
SIDE = SeededError(NOTE.replace("höger", "vänster"), State.READ, START, START + len("vänster"))


@pytest.mark.parametrize(
    ("given", "there"),
    [
        ("Lägger om såret på vänster fot. Gav 75 ml. Sov sedan gott.", True),
        ("Nytt från början. Såret på VÄNSTER fot lades om.", True),
        ("Vid hembesöket: lägger om såret påvänster fot. Gav 75 ml.", True),
        ("Lägger om såret på höger fot. Gav 70 ml.", False),
        ("Lägger om såret på höger fot.", False),
        ("?", False),
    ],
)
def test_a_text_in_which_other_places_were_changed_still_has_the_wrong_word(
    given: str, there: bool
) -> None:
    assert is_undetected(LINES, SIDE, read(NOTE), Answer(given)) is there


def test_other_states_are_not_what_was_planted() -> None:
    assert not is_undetected(LINES, SIDE, read(NOTE), Answer(None, State.ILLEGIBLE))
    assert not is_undetected(
        MARK, SeededError(True), Reading.empty(0.9, False), Answer(False, State.EMPTY)
    )


def test_the_true_word_is_put_back_into_the_persons_own_text() -> None:
    given = Answer("Lägger om såret på vänster fot. Gav 50 ml.")
    assert restore_true_words(SIDE, read(NOTE), given) == Answer(
        "Lägger om såret på höger fot. Gav 50 ml."
    )
    assert restore_true_words(SIDE, read(NOTE), Answer(SIDE.value)) is None
    assert restore_true_words(SeededError("08:45"), read("08:15"), Answer("08:45")) is None
