"""The examples that the network of check boxes is fitted to, with their answers.

Features of drawn boxes and sheets, Efterskrift's forms, and real answer sheets as they are and
degraded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.model import State
from pipeline.reading.fields.marks.classifier import MARK_CLASSES, Numbers
from pipeline.reading.fields.marks.reader import measure_boxes
from research.evaluation.fields.marks import (
    AnswerBox,
    AnswerSheet,
    SheetUse,
    cut_boxes,
    load_answer_sheets,
    load_sheet_image,
)
from research.training.marks.answer_sheets import SPOILING_MODES, spoil_sheet
from research.training.marks.draw import DrawnMark, draw_mark, draw_sheet
from research.training.marks.printed_forms import PrintedMark, print_marked_sheets
from research.training.marks.strokes import MARK_STYLES

BOXES_PER_STYLE = 600
"""Drawn single boxes of every style, half of them without their blank."""
DRAWN_SHEET_COUNT, BOXES_PER_DRAWN_SHEET = 700, (4, 12, 40, 90)
"""Drawn sheets, and how many boxes they have."""
PRINTED_PAGE_COUNT, PRINTED_PAGE_WEIGHT = 360, 3
"""Pages of Efterskrift's forms, and how often each counts.

They are fewer than all else, and what is read most.
"""
PART_SIZES, WHOLE_SHEET_SIZE = (6, 25, 90, 250), 10_000
"""How many boxes of a real sheet are looked at together, at most."""
SPOILT_COPIES = 3
"""How often each way of degrading is tried on each real sheet."""
DISPUTED_TARGET = (0.5, 0.25, 0.25)


@dataclass(frozen=True, slots=True)
class MarkSet:
    """Examples.

    `values` (boxes, features), `wanted` (boxes, classes), `sheets` (boxes,), `source` a name a box:
    the style, or the family of the sheet.
    """

    values: Numbers
    wanted: Numbers
    sheets: NDArray[np.int64]
    source: NDArray[np.str_]

    def at(self, chosen: NDArray[np.bool_]) -> MarkSet:
        """Return a part of the set."""
        return MarkSet(
            self.values[chosen], self.wanted[chosen], self.sheets[chosen], self.source[chosen]
        )


def join_sets(sets: Iterable[MarkSet]) -> MarkSet:
    """Return all of them, with their sheets separate."""
    every, first = [], 0
    for one in sets:
        # Renumber sheets, so that those of different sets do not mix; 0 is no sheet.
        sheets = np.where(one.sheets > 0, one.sheets + first, 0)
        first = max(first, int(sheets.max(initial=0)))
        every.append((one.values, one.wanted, sheets, one.source))
    values, wanted, numbers, source = (np.concatenate(parts) for parts in zip(*every, strict=True))
    return MarkSet(values, wanted, numbers, source)


def draw_single_boxes(each: int, seed: int) -> MarkSet:
    """Draw `each` boxes of every style, every second without its blank.

    What is drawn around a box is only seen with a blank, and rare on paper: a fifth as many, so
    that plain empty boxes stay sure. Most boxes on paper are empty: three times as many.
    """
    random = np.random.default_rng(seed)
    # Fewer disputed marks, more empty boxes.
    counts = {style: each if truth else each // 5 for style, (truth, _) in MARK_STYLES.items()} | {
        "empty": 3 * each
    }
    return _measure_drawn(
        [
            draw_mark(style, random, with_blank=i % 2 == 0 or MARK_STYLES[style][0] is None)
            for style, n in counts.items()
            for i in range(n)
        ]
    )


def draw_sheets(count: int, seed: int) -> MarkSet:
    """Draw so many sheets of some boxes each."""
    random = np.random.default_rng(seed)
    return _measure_drawn(
        [
            box
            for number in range(count)
            for box in draw_sheet(int(random.choice(BOXES_PER_DRAWN_SHEET)), random, number + 1)
        ]
    )


def print_sheets(pages: int, seed: int) -> MarkSet:
    """Print, mark and scan so many sheets of Efterskrift's forms."""
    return _measure_drawn(
        [box for sheet in print_marked_sheets(pages, np.random.default_rng(seed)) for box in sheet]
    )


def load_real_sheets(scans: Path, seed: int) -> MarkSet:
    """Return the answer sheets for development, each as it is and degraded in every way.

    Boxes of one image are looked at in parts of several sizes.
    """
    random = np.random.default_rng(seed)
    sets = []
    for sheet in load_answer_sheets():
        # Held-out sheets are never looked at here.
        if sheet.use is SheetUse.DEVELOPMENT:
            grey = load_sheet_image(sheet, scans)
            pictures = [
                grey,
                *(
                    spoil_sheet(grey, sheet.px_per_mm, way, random)
                    for way in SPOILING_MODES
                    for _ in range(SPOILT_COPIES)
                ),
            ]
            # The whole sheet, then parts of the sheet and of its degraded copies.
            sets.append(
                _measure_answer_boxes(cut_boxes(sheet, grey), sheet, WHOLE_SHEET_SIZE, random)
            )
            sets += [
                _measure_answer_boxes(
                    cut_boxes(sheet, picture), sheet, int(random.choice(PART_SIZES)), random
                )
                for picture in pictures
            ]
    return join_sets(sets)


def sheet_family(sheet: AnswerSheet) -> str:
    """Return the name of a sheet without its number: one form, in one writer or by one camera."""
    # The name without its number.
    return sheet.name.rstrip("0123456789").rstrip("-")


def _measure_drawn(marks: Sequence[DrawnMark | PrintedMark]) -> MarkSet:
    # A disputed mark is wanted as the first two classes, half each.
    split = [0.5 if state in MARK_CLASSES[:2] else 0.0 for state in MARK_CLASSES]
    wanted = np.array(
        [
            split if m.truth is None else [float(m.truth is state) for state in MARK_CLASSES]
            for m in marks
        ]
    )
    values = np.stack([measure_boxes([m.crop])[0][0] for m in marks])
    return MarkSet(
        values,
        wanted,
        np.array([m.crop.sheet_number for m in marks]),
        np.array([m.style for m in marks]),
    )


def _measure_answer_boxes(
    boxes: Sequence[AnswerBox], sheet: AnswerSheet, size: int, random: np.random.Generator
) -> MarkSet:
    """Return the examples of a sheet's boxes.

    A filled bubble may count as marked or as filled solid. Of what people disagree on, half is
    wanted as empty.
    """
    # A random part of the sheet's boxes.
    chosen = random.permutation(len(boxes))[:size]
    # Wanted classes: empty, marked, filled solid.
    answers = {True: (0.0, 1.0, 1.0), False: (1.0, 0.0, 0.0), None: DISPUTED_TARGET}
    values = np.stack([measure_boxes([boxes[i].crop])[0][0] for i in chosen])
    wanted = np.array([answers[boxes[i].marked] for i in chosen])
    return MarkSet(
        values,
        wanted,
        np.ones(len(chosen), np.int64),
        np.array([sheet_family(sheet)] * len(chosen)),
    )


def is_marked(wanted: Numbers) -> NDArray[np.bool_]:
    """Return where only "empty" is a wrong answer."""
    return np.asarray(wanted[:, MARK_CLASSES.index(State.EMPTY)] == 0, np.bool_)
