from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.domain.form.form import Forms
from pipeline.domain.model import Outcome, Reading, State, WordBox
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import Sheet
from pipeline.preparation.practice.fill_sheet import fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.fields.handwriting.network import ALPHABET
from pipeline.reading.fields.handwriting.strikethrough import (
    join_line_parts,
    join_readings,
    prepend_reading,
)
from pipeline.reading.fields.handwriting.word_boxes import (
    WordSpan,
    align_characters,
    find_word_spans,
)
from pipeline.reading.read_page import PageReader

pytestmark = pytest.mark.slow

TEXT = "Sov gott hela natten.\nÅt frukost.\n\nVill ringa sin dotter."


def steps(*signs: str) -> NDArray[np.float32]:
    """Network output with certainty of these characters, one per step; "" is a blank."""
    answers = np.full((len(signs), 1 + len(ALPHABET)), 0.001, np.float32)
    for at, sign in enumerate(signs):
        answers[at, ALPHABET.index(sign) + 1 if sign else 0] = 0.9
    return answers


def test_each_character_is_located_at_its_time_step() -> None:
    assert align_characters(steps("", "S", "S", "", "o", "v", ""), "Sov") == [
        (1, 2),
        (4, 4),
        (5, 5),
    ]


def test_repeated_character_needs_blank_between() -> None:
    assert align_characters(steps("t", "", "t"), "tt") == [(0, 0), (2, 2)]
    assert align_characters(steps("t", "t"), "tt") is None


def test_impossible_text_has_no_alignment() -> None:
    assert align_characters(steps("a"), "ab") is None
    assert align_characters(steps("a", "b"), "") is None
    assert align_characters(steps("a", "b"), "aж") is None
    assert find_word_spans(steps("a"), "abc", 8) == ()


def test_corrected_text_is_still_located() -> None:
    assert align_characters(steps("", "S", "a", "v", ""), "Sov") == [(1, 1), (2, 2), (3, 3)]


def test_words_are_split_at_spaces() -> None:
    seen = steps("", "J", "a", " ", "n", "u", "")
    assert find_word_spans(seen, "Ja nu", 70) == (
        WordSpan(0, 2, 10.0, 30.0),
        WordSpan(3, 5, 40.0, 60.0),
    )


def test_word_positions_follow_preceding_text() -> None:
    first, other = (
        Reading(text, 0.9, State.READ, words=(WordBox(0, len(text), (0.0, 0.0, 1.0, 1.0)),))
        for text in ("Ja", "nu")
    )
    assert [(word.start, word.end) for word in join_readings([first, other], ["\n\n"]).words] == [
        (0, 2),
        (4, 6),
    ]
    assert [(word.start, word.end) for word in prepend_reading(first, "\n").words] == [(1, 3)]


def test_results_of_parts_are_combined() -> None:
    whole = join_readings(
        [
            Reading("Zoviraxin", 0.9, State.READ, image_only_p=0.5, unknown_words=1),
            Reading("till natten", 0.9, State.READ, image_only_p=0.4),
        ],
        [" "],
    )
    assert whole.image_only_p == pytest.approx(0.2)
    assert whole.unknown_words == 1


def test_line_with_unreadable_part_has_low_confidence() -> None:
    read, unread = (
        Reading("2 mg", 0.99, State.READ, (("7 mg", 0.01),)),
        Reading(None, 0.5, State.ILLEGIBLE),
    )
    assert (join_line_parts([read, unread]).value, join_line_parts([read, unread]).p) == (
        "2 mg",
        0.495,
    )
    assert join_line_parts([read, unread]).alternatives == (("7 mg", 0.005),)
    assert join_line_parts([read, unread, read]).p < 0.5
    assert join_line_parts([read, Reading.empty(0.8)]) == read


@pytest.fixture(scope="module")
def note() -> tuple[Reading, NDArray[np.bool_]]:
    """The reading of a filled note, and its ink, at 8 px/mm."""
    forms = Forms.load(ROOT / "forms")
    form = forms["hsl-anteckning", 1]
    blank = render_sheet_page(form, Sheet("0" * 8, "Norra"))
    filled = fill_field(
        blank, form.pages[0], {"anteckning": TEXT}, make_writers(1, 3)[0], np.random.default_rng(3)
    )
    done, data = cv2.imencode(".png", filled)
    assert done
    found = PageReader.of_forms(forms).read(data.tobytes(), "image/png")
    assert found.reading.outcome is Outcome.READ
    ink = np.abs(filled.astype(np.int16) - blank) > 60
    small = cv2.resize(ink.astype(np.uint8), (1680, 2376), interpolation=cv2.INTER_AREA) > 0
    return found.reading.fields["anteckning"], small


def test_every_word_of_note_is_located_on_page(
    note: tuple[Reading, NDArray[np.bool_]],
) -> None:
    reading, ink = note
    text = str(reading.value)
    assert [text[word.start : word.end] for word in reading.words] == text.split()
    for word in reading.words:
        x, y, w, h = (round(8 * value) for value in word.box)
        assert ink[y : y + h, x : x + w].any(), text[word.start : word.end]


def test_word_boxes_are_in_reading_order_and_cover_ink(
    note: tuple[Reading, NDArray[np.bool_]],
) -> None:
    reading, ink = note
    boxes = [word.box for word in reading.words]
    rows: dict[int, list[tuple[float, float]]] = {}
    for x, y, w, _ in boxes:
        rows.setdefault(round((y - 106.5) / 9), []).append((x, x + w))
    assert sorted(rows) == [0, 1, 3]
    for row in rows.values():
        assert all(right <= left for (_, right), (left, _) in itertools.pairwise(row))
    covered = np.zeros_like(ink)
    for x, y, w, h in boxes:
        covered[
            round(8 * y) : round(8 * (y + h)), round(8 * (x - 1.5)) : round(8 * (x + w + 1.5))
        ] = True
    area = np.zeros_like(ink)
    area[8 * 107 : 8 * 187, 8 * 15 : 8 * 195] = True
    assert (ink & area & covered).sum() > 0.97 * (ink & area).sum()
