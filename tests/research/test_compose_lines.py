"""Swedish text composed of pieces of writers' lines: right letters in the right order, with
accents, nothing invented where letters are missing.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.model import Image
from research.training.handwriting import compose_lines
from research.training.handwriting.alignment import AlignedLine
from research.training.handwriting.augment import UnaccentedLetter, add_accent
from research.training.handwriting.compose_lines import (
    NETWORK_DELAY,
    LetterWriter,
    LetterWriters,
    compose_swedish_texts,
    cut_written_line,
)
from research.training.handwriting.lines import TrainingLine

pytestmark = pytest.mark.slow

HIGH, WIDE = 48, 20
TOPS = {"a": 20, "o": 20, "b": 8, "l": 2}
"""Letters are bars on the baseline 40; what tells them apart is where they begin."""


def line_of(text: str) -> AlignedLine:
    """Bars for letters, 8 px wide, one every 20 px."""
    picture = np.full((HIGH, WIDE * len(text)), 255, np.uint8)
    for i, letter in enumerate(text):
        if letter != " ":
            cv2.rectangle(picture, (WIDE * i + 6, TOPS[letter]), (WIDE * i + 13, 39), (0,), -1)
    late = NETWORK_DELAY * HIGH
    return AlignedLine(
        TrainingLine(picture, text, "w"),
        tuple(WIDE * i + 10 + late for i in range(len(text))),
        -0.01,
    )


def hands_of(*texts: str, others: str = "") -> LetterWriters:
    """One writer of the texts, and others who wrote one more."""
    own, everyone = LetterWriter("w"), LetterWriter("")
    for text in (*texts, *((others,) if others else ())):
        line = cut_written_line(line_of(text))
        assert line is not None
        everyone.add(line)
        if text != others:
            own.add(line)
    return LetterWriters([own], everyone)


def bars(picture: Image) -> list[tuple[int, int]]:
    """Top row and height of each connected piece of ink, from left to right."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((picture < 128).astype(np.uint8))
    return [(int(top), int(high)) for _, top, _, high, _ in sorted(stats[1:].tolist())]


def test_letters_are_in_text_order_on_one_baseline() -> None:
    line = hands_of("aaloba oo", "oa la oa").composed("bola", np.random.default_rng(1))
    assert line is not None
    assert (line.text, line.writer) == ("bola", "w")
    found = bars(line.picture)
    assert [round(high / found[1][1], 1) for _, high in found] == [1.6, 1.0, 1.9, 1.0]
    feet = [top + high for top, high in found]
    assert max(feet) - min(feet) <= 0.2 * found[1][1]


def test_words_are_separated_by_white() -> None:
    line = hands_of("aaloba oo").composed("lo ba", np.random.default_rng(2))
    assert line is not None
    white = np.flatnonzero(np.diff(np.flatnonzero((line.picture < 128).any(axis=0))) > 1)
    gaps = np.diff(np.flatnonzero((line.picture < 128).any(axis=0)))[white]
    assert len(gaps) == 3
    assert gaps[1] == max(gaps)


@pytest.mark.parametrize("text", ["å", "ä", "ö"])
def test_missing_accented_letters_are_composed(text: str) -> None:
    line = hands_of("aaloba oo").composed(text, np.random.default_rng(3))
    assert line is not None
    plain = (
        bars(line.picture)[0]
        if len(bars(line.picture)) == 1
        else max(bars(line.picture), key=lambda bar: bar[1])
    )
    above = line.picture[: plain[0]]
    assert (above < 128).any()


def test_ring_differs_from_two_dots() -> None:
    def pieces(letter: str) -> set[int]:
        found = set()
        for seed in range(12):
            ink = np.zeros((80, 80), np.float32)
            base = UnaccentedLetter(letter, 40.0, 60.0, 26.0, 1.0)
            add_accent(ink, base, np.random.default_rng(seed))
            found.add(cv2.connectedComponents((ink > 0.5).astype(np.uint8))[0] - 1)
        return found

    assert pieces("å") == {1}
    assert pieces("ä") == {1, 2}


def test_numbers_and_mostly_borrowed_texts_are_excluded() -> None:
    hands = hands_of("aaloaaa oo", others="bb")
    rng = np.random.default_rng(4)
    assert hands.composed("a1", rng) is None
    assert hands.composed("bab", rng) is None
    assert hands.composed("aolaaaob", rng) is not None
    assert hands.composed("aolaaaox", rng) is None


@pytest.mark.parametrize(
    ("known", "count"), [(["aaloba oo", "oa la oa"], 12), (["aaloba oo"], 12), ([], 0)]
)
def test_texts_have_length_of_field_values(
    known: list[str], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        compose_lines,
        "make_letter_writers",
        lambda lines: hands_of(*known) if lines else LetterWriters([], LetterWriter("")),
    )
    monkeypatch.setattr(compose_lines, "draw_text", lambda *_: "lo ba bola la ob alb")
    found = compose_swedish_texts(
        [line_of(text).line for text in known], count or 5, np.random.default_rng(4)
    )
    assert len(found) == count
    assert all(
        f" {line.text} " in " lo ba bola la ob alb " and len(line.text.split()) <= 3
        for line in found
    )
    assert len({len(line.text.split()) for line in found}) == (3 if found else 0)


def test_impossible_texts_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose_lines, "make_letter_writers", lambda _: hands_of("aaloba oo"))
    monkeypatch.setattr(compose_lines, "draw_text", lambda *_: "kry")
    assert compose_swedish_texts([line_of("oo").line], 3, np.random.default_rng(5)) == []
