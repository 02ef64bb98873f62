"""Words with low confidence are read again, and the text is the most probable one by all readings
and the language model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pipeline.domain.form.field import Format
from pipeline.domain.model import Image
from pipeline.domain.settings import ROOT
from pipeline.reading.fields.handwriting import second_pass
from pipeline.reading.fields.handwriting.network import ALPHABET, STEP_PX, Steps
from pipeline.reading.fields.handwriting.second_pass import (
    MAX_RUN_STEPS,
    ImageSecondPass,
    PassSteps,
    combine_passes,
    make_second_pass,
    text_log_probability,
)
from pipeline.reading.fields.handwriting.transcription import transcribe_line
from pipeline.reading.language.ctc import decode_ctc
from pipeline.reading.language.language_model import load_swedish
from tests.support.pages.written_steps import Sign, steps_of, with_doubt

SWEDISH = load_swedish(ROOT / "data" / "models")
LIKELY = 0.02
EITHER = {"å": 0.7, "ä": 0.3}
"""With Swedish, which has `läsa` more often than `låsa`, as likely."""


class Asked:
    """Stub of further readings with given results, which records the requests."""

    def __init__(self, *signs: Sign, number: str = "") -> None:
        self.sees, self.number = steps_of(list(signs)), steps_of(list(number) or [" "])
        self.spans, self.numbers = list[tuple[int, int]](), list[tuple[int, int]]()

    def at_word(self, start: int, end: int) -> PassSteps:
        self.spans.append((start, end))
        return [self.sees]

    def at_number(self, start: int, end: int) -> Steps:
        self.numbers.append((start, end))
        return self.number


def test_probability_of_text_sums_all_alignments() -> None:
    """Equal to a beam search with little pruning."""
    rng = np.random.default_rng(3)
    steps = np.full((6, len(ALPHABET) + 1), 1e-12, np.float32)
    columns = [0, *(ALPHABET.index(sign) + 1 for sign in "ab")]
    steps[:, columns] = rng.dirichlet(np.ones(3), 6)
    for found in decode_ctc(steps, ALPHABET, beams=500):
        if found.text and found.p > LIKELY:
            assert math.exp(text_log_probability(steps, found.text)) == pytest.approx(
                found.p, rel=0.01
            )


def test_second_reading_decides_between_two_texts() -> None:
    uncertain = steps_of(with_doubt("låsa", {1: EITHER}))
    for sees in ("låsa", "läsa"):
        found = transcribe_line(uncertain, SWEDISH, second_pass=Asked(*sees))
        assert found.value == sees
        assert len(found.characters) == len(sees)
        assert found.p > transcribe_line(uncertain, SWEDISH).p


def test_disagreeing_readings_give_low_confidence() -> None:
    """Also of the character on which they disagree, and of no other."""
    looks = [steps_of(text) for text in ("låsa", "läsa")]
    best, other = combine_passes(["låsa", "läsa"], looks, SWEDISH)
    assert {best.text, other.text} == {"låsa", "läsa"}
    assert best.p < 0.5
    assert best.characters[1] < min(best.characters[0], *best.characters[2:])


def test_second_reading_may_propose_new_text() -> None:
    uncertain = steps_of(with_doubt("hjarna", {2: {"a": 0.5, "o": 0.45}}))
    assert transcribe_line(uncertain, SWEDISH, second_pass=Asked(*"hjärna")).value == "hjärna"


def test_only_uncertain_words_are_reread() -> None:
    signs: list[Sign] = [*"Puls 7", {"2": 0.5, "7": 0.49}, " ", *with_doubt("låsa", {1: EITHER})]
    again = Asked(*"läsa")
    assert str(transcribe_line(steps_of(signs), SWEDISH, second_pass=again).value).endswith(" läsa")
    assert again.spans == [(2 * signs.index(" ", 5) + 1, 2 * len(signs))]
    sure = Asked(*"läsa")
    assert (
        transcribe_line(steps_of("Puls 72 lugn natt"), SWEDISH, second_pass=sure).value
        == "Puls 72 lugn natt"
    )
    assert not sure.spans


@pytest.mark.parametrize("form", [None, Format.DOSE])
def test_number_with_disagreeing_networks_has_low_confidence(form: Format | None) -> None:
    """The first network may have missed its comma; the number is left for review."""
    once, both, otherwise = (
        transcribe_line(steps_of("25 mg"), SWEDISH, form, Asked(number=seen))
        for seen in ("", "25 mg" if form else "25", "2,5 mg" if form else "2,5")
    )
    assert both == once
    assert otherwise.value == "25 mg"
    assert otherwise.p == pytest.approx(once.p / 2)
    assert otherwise.alternatives[0] == ("2,5 mg", otherwise.p)
    assert otherwise.p + sum(p for _, p in otherwise.alternatives) <= 1


def test_only_differing_characters_of_number_have_low_confidence() -> None:
    found = transcribe_line(steps_of("Puls 172"), SWEDISH, second_pass=Asked(number="112"))
    assert [i for i, p in enumerate(found.characters) if p <= 0.5] == [len("Puls 1")]


def test_numbers_and_formatted_fields_are_reread_whole_and_unwidened() -> None:
    again = Asked()
    assert (
        transcribe_line(
            steps_of(with_doubt("08:10", {4: {"0": 0.5, "5": 0.49}})), SWEDISH, second_pass=again
        ).value
        == "08:10"
    )
    assert (
        transcribe_line(
            steps_of(with_doubt("08:lo", {3: {"l": 0.5, "1": 0.4}})), SWEDISH, Format.TIME, again
        ).p
        < 0.9
    )
    assert again.numbers == [(0, 10)]
    assert not again.spans


def test_second_reading_inserts_no_digit_into_word() -> None:
    found = transcribe_line(
        steps_of(with_doubt("låsa", {1: EITHER})), SWEDISH, second_pass=Asked(*"l7sa")
    )
    assert found.value in ("låsa", "läsa")


def test_long_runs_are_not_reread() -> None:
    again = Asked(*"x")
    word = "qwxzj" * 8
    assert 2 * len(word) > MAX_RUN_STEPS
    transcribe_line(
        steps_of(
            with_doubt(word, {place: {word[place]: 0.5, "k": 0.45} for place in range(0, 40, 3)})
        ),
        SWEDISH,
        second_pass=again,
    )
    assert not again.spans


def test_part_of_line_is_cropped_at_its_time_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The image may have any height; the network's input is 48 px high."""
    shown: list[tuple[int, ...]] = []

    def seen(
        images: list[np.ndarray[tuple[int, int], np.dtype[np.uint8]]], _file: object
    ) -> list[Steps]:
        shown.extend(image.shape for image in images)
        return [np.zeros((1, len(ALPHABET) + 1), np.float32) for _ in images]

    monkeypatch.setattr("pipeline.reading.fields.handwriting.second_pass.read_steps", seen)
    again = make_second_pass()(np.full((96, 2 * STEP_PX * 40), 255, np.uint8))
    assert again is not None
    again.at_word(10, 20)
    assert shown == [(96, round(2 * STEP_PX * 10 * 1.1)), (96, 2 * STEP_PX * 10)]


@pytest.mark.parametrize(
    ("form", "first", "second"),
    [
        (Format.NUMBER, "37,5", "37.5"),
        (Format.TIME, "8.30", "08:30"),
        (Format.DATE, "24/11-26", "24/11 2026"),
    ],
)
def test_value_on_which_networks_agree_keeps_confidence(
    form: Format, first: str, second: str
) -> None:
    once, twice = (
        transcribe_line(steps_of(first), SWEDISH, form, Asked(number=seen))
        for seen in (first, second)
    )
    assert twice == once


def test_disagreeing_networks_rank_before_any_third_text() -> None:
    signs: list[Sign] = [{"1": 0.55, "7": 0.44}, "5"]
    found = transcribe_line(steps_of(signs), SWEDISH, Format.NUMBER, Asked(number="25"))
    assert (found.value, [value for value, _ in found.alternatives[:2]]) == ("15", ["25", "75"])
    assert found.p == max(p for _, p in ((found.value, found.p), *found.alternatives))
    assert found.p + sum(p for _, p in found.alternatives) <= 1


@pytest.mark.parametrize(
    ("width", "steps"),
    [(4800, 400), (480, 60), (1, 2)],
    ids=["wider than the network sees", "usual", "one column"],
)
def test_part_is_reread_at_its_time_steps(
    width: int, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Image] = []

    def look(images: Sequence[Image], file: Path) -> list[Steps]:
        assert file.name == "second"
        shown.extend(images)
        return [steps_of("1")] * len(images)

    monkeypatch.setattr(second_pass, "read_steps", look)
    picture = np.full((48, width), 255, np.uint8)
    again = ImageSecondPass(picture, Path("first"), Path("second"))
    for start, end in ((0, steps), (steps // 2, steps)):
        again.at_number(start, end)
    assert [part.shape[1] for part in shown] == [width, max(1, width // 2)]
