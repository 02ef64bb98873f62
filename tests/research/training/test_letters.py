"""A line's characters are located in the network's output, and letters and parts of words are cut
out there.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.model import Image
from research.training.handwriting import letters
from research.training.handwriting.alignment import AlignedLine, find_best_alignment
from research.training.handwriting.letters import (
    CaseShapes,
    LetterContents,
    add_accent_marks,
    cut_letters,
)
from research.training.handwriting.lines import TrainingLine

HIGH = 48


def logs(columns: list[int], classes: int = 4) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Network output with one class per step, 0 for none."""
    p = np.full((len(columns), classes), 0.01)
    p[np.arange(len(columns)), columns] = 1 - 0.01 * (classes - 1)
    return np.asarray(np.log(p), np.float64)


def test_each_character_is_located_at_its_time_step() -> None:
    places, fit = find_best_alignment(logs([0, 1, 1, 0, 2, 0, 0, 3]), [1, 2, 3])
    assert places == [1.5, 4.0, 7.0]
    assert fit > -1


def test_repeated_letter_needs_blank_between() -> None:
    places, _ = find_best_alignment(logs([1, 1, 0, 1, 1]), [1, 1])
    assert places == [0.5, 3.5]
    _, unlikely = find_best_alignment(logs([1, 1, 1, 1, 1]), [1, 1])
    assert unlikely < -3


def word(*boxes: tuple[int, int]) -> Image:
    """Black bars in given columns on white."""
    picture = np.full((HIGH, 120), 255, np.uint8)
    for left, right in boxes:
        cv2.rectangle(picture, (left, 10), (right - 1, 38), (0,), -1)
    return picture


def test_letters_are_split_halfway_between_centres() -> None:
    picture = word((10, 20), (50, 70), (90, 96))
    found = cut_letters(
        [AlignedLine(TrainingLine(picture, "aBc", "w"), (15.0, 60.0, 93.0), -0.1)], "aBc"
    )
    assert [(one.letter, one.writer) for one in found] == [("a", "w"), ("B", "w"), ("c", "w")]
    assert [one.picture.shape[1] - 4 for one in found] == [10, 20, 6]


def test_words_that_do_not_match_label_are_not_split() -> None:
    assert (
        cut_letters([AlignedLine(TrainingLine(word((10, 20)), "a", "w"), (15.0,), -2.0)], "a") == []
    )


def test_ring_is_above_its_letter() -> None:
    letter = np.full((40, 30), 255, np.uint8)
    assert add_accent_marks(letter, ring=True).shape[0] > letter.shape[0] + 6
    assert add_accent_marks(letter, ring=False).shape[0] > letter.shape[0] + 4


def test_a_cross_alone_is_no_cancelled_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    mark, cross = np.full((64, 40), 100, np.uint8), np.full((64, 40), 200, np.uint8)
    monkeypatch.setattr(letters, "draw_scribble", lambda kind, _: cross if kind == 3 else mark)
    glyphs = {i: [np.full((64, 40), 255, np.uint8)] for i in range(29)}
    contents = LetterContents(
        CaseShapes({}, glyphs), CaseShapes({}, glyphs), {i: [] for i in glyphs}, [mark]
    )
    rng = np.random.default_rng(1)
    drawn = [contents.cell(0, 1, rng) for _ in range(300)]
    struck = [
        picture.max()
        for label, picture in drawn
        if label == contents.struck and picture is not None
    ]
    # Marks over a letter are as dark as the letter, those alone as themselves.
    assert set(struck) == {100, 255}
