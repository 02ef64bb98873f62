"""Draw words that reach into the next row, and count what is read in the empty field there.

    python -m research.evaluation.damage.other_rows --data FOLDER [--words 200]

Words of UNIPEN's held-out writers whom pages are not drawn with are so low, or so high, in a row
of a form that g and y hang into the field below, or h and l reach into the one above. That field is
empty: a value with high confidence and no flag is a silent error. Words that reach over the upper
or lower line of their own field are to be read as before.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Image, Reading, State
from pipeline.domain.review.rules import prefill_from
from pipeline.domain.settings import ROOT
from pipeline.reading.field_readers import CALIBRATED_READERS
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.imaging.geometry import PX_PER_MM
from pipeline.reading.register.register import cut_box
from pipeline.reading.register.template_images import field_margin_mm, template_image
from research.training.handwriting.lines import TrainingLine
from research.training.strokes.held_out import find_fit_writers, load_held_out_strokes

SEED = 9
KINDS = (Kind.TEXT, Kind.SIGNATURE, Kind.INITIALS)
MAX_GAP_MM = 2.5
"""Fields this near to each other, one below the other, are neighbours."""
MAX_LETTERS = 9
LETTER_MM = 3.5, 7.0
"""Height of a word above its baseline."""
PEN_TONE = 0.75
"""Darkness of the pen, as part of black."""
INK_LEVEL, DENSE_ROW = 100, 0.45
"""Grey levels that are ink; a row with this part of the ink of the densest one is of small letters.
"""
ONE_BIT_SHARE = 0.2
LOW, HIGH = "gjpyqf", "lbdhktfABDEFGHIJKLMNOPRSTUVWX"
"""Letters that hang below the line, and that are tall."""
BATCH = 64
EMPTY_VALUES = {Kind.SIGNATURE: False, Kind.INITIALS: False}
"""What an empty field says, if not nothing."""
Grey = NDArray[np.float32]


class Place(StrEnum):
    """Where a word is, seen from the field that is read."""

    ABOVE = "hangs down from the row above"
    BELOW = "reaches up from the row below"
    OVER_UPPER = "own word, over its upper line"
    OVER_LOWER = "own word, over its lower line"

    @property
    def is_own(self) -> bool:
        """Whether the word is the field's own."""
        return self in (Place.OVER_UPPER, Place.OVER_LOWER)


@dataclass(frozen=True, slots=True)
class Neighbours:
    """A field, and one that ends just above it."""

    form: Form
    page_no: int
    upper: FieldSpec
    lower: FieldSpec

    def read_field(self, place: Place) -> FieldSpec:
        """Return the field that is read: the upper one if the word is in the row below."""
        return self.upper if place is Place.BELOW else self.lower

    @property
    def page_fields(self) -> Sequence[FieldSpec]:
        """All fields of the page."""
        return self.form.pages[self.page_no - 1].all_fields


def find_neighbours(forms: Forms) -> list[Neighbours]:
    """Return all written fields with another one just above."""
    found = []
    for name in sorted({name for name, _ in forms}):
        form = forms.latest(name)
        for page_no, page in enumerate(form.pages, 1):
            written = [spec for spec in page.all_fields if not spec.traits.has_check_boxes]
            for lower in written:
                upper = next((spec for spec in written if _is_above(spec, lower)), None)
                if upper:
                    found.append(Neighbours(form, page_no, upper, lower))
    return found


def _is_above(upper: FieldSpec, lower: FieldSpec) -> bool:
    gap = lower.area.y - upper.area.y - upper.area.h
    beside = upper.area.x >= lower.area.x + lower.area.w or lower.area.x >= (
        upper.area.x + upper.area.w
    )
    return abs(gap) <= MAX_GAP_MM and not beside


def draw_field(
    pair: Neighbours, word: TrainingLine, place: Place, rng: Generator
) -> FieldImage | None:
    """Return the field that is read, with the word where it is; None if it has no room."""
    read = pair.read_field(place)
    home = pair.upper if place is Place.ABOVE else pair.lower
    ink, above = _size_word(word, home.area.w * PX_PER_MM, rng)
    # The baseline is near the lower line of its row, or tall letters reach over the upper one.
    if place in (Place.ABOVE, Place.OVER_LOWER):
        baseline = (home.area.y + home.area.h - rng.uniform(0.2, 1.6)) * PX_PER_MM
    else:
        over = min(0.4 * above, rng.uniform(0.8, 2.5) * PX_PER_MM)
        baseline = home.area.y * PX_PER_MM + above - over
    template = template_image(pair.form, pair.page_no)
    page = template.astype(np.float32)
    top, left = round(baseline) - above, round(home.area.x * PX_PER_MM + rng.uniform(2, 12))
    part = page[max(0, top) : top + ink.shape[0], left : left + ink.shape[1]]
    if part.shape != ink.shape:
        return None
    np.minimum(part, 255 - ink * PEN_TONE, out=part)
    one_bit = bool(rng.random() < ONE_BIT_SHARE)
    scanned, margin = _scan(page, one_bit, rng), field_margin_mm(read, pair.page_fields)
    cut = (cut_box(image, read.area, margin) for image in (scanned, template))
    return FieldImage(next(cut), read, next(cut), PX_PER_MM, margin, one_bit=one_bit)


def _size_word(word: TrainingLine, width_px: float, rng: Generator) -> tuple[Grey, int]:
    """Return the ink of a word, 255 = ink, and how many rows of it are above its baseline."""
    ink = np.asarray(255 - word.picture.astype(np.float32), np.float32)
    rows, columns = (np.flatnonzero((ink > INK_LEVEL).any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    # Below the lowest dense row are tails only.
    dense = np.count_nonzero(ink > INK_LEVEL, axis=1)
    above = int(np.flatnonzero(dense > DENSE_ROW * dense.max())[-1]) + 1
    wanted = rng.uniform(*LETTER_MM) * PX_PER_MM / above
    scale = min(wanted, (width_px - PX_PER_MM) / ink.shape[1])
    sized = cv2.resize(ink, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(sized, np.float32), round(above * scale)


def _scan(page: Grey, one_bit: bool, rng: Generator) -> Image:
    """Return a page as a scanner gives it: soft and grainy, perhaps in black and white."""
    soft = cv2.GaussianBlur(page, (0, 0), rng.uniform(0.4, 0.9))
    grey = np.clip(soft + rng.normal(0, 3, soft.shape), 0, 255).astype(np.uint8)
    return np.where(grey < rng.integers(150, 200), 0, 255).astype(np.uint8) if one_bit else grey


def measure(kind: Kind, place: Place, words: Sequence[TrainingLine], count: int) -> str:
    """Return a row of the table: fields that are read, sure, silently wrong, and flagged."""
    letters = LOW if place in (Place.ABOVE, Place.OVER_LOWER) else HIGH
    reaching = [word for word in words if set(word.text) & set(letters)]
    every = find_neighbours(Forms.load(ROOT / "forms"))
    pairs = [pair for pair in every if pair.read_field(place).kind is kind]
    drawn: list[tuple[TrainingLine, FieldImage]] = []
    for number in range(count):
        rng = np.random.default_rng([SEED, list(Place).index(place), number])
        word = reaching[rng.integers(len(reaching))]
        field = draw_field(pairs[rng.integers(len(pairs))], word, place, rng)
        if field:
            drawn.append((word, field))
    readings = [
        reading
        for start in range(0, len(drawn), BATCH)
        for reading in CALIBRATED_READERS[kind]([crop for _, crop in drawn[start : start + BATCH]])
    ]
    sure = [_is_sure(crop, one) for (_, crop), one in zip(drawn, readings, strict=True)]
    wrong = [
        certain and one.value != (word.text if place.is_own else EMPTY_VALUES.get(kind))
        for (word, _), one, certain in zip(drawn, readings, sure, strict=True)
    ]
    read = sum(one.state is not State.EMPTY for one in readings)
    flagged = sum(bool(one.issues) for one in readings)
    return f"| {kind} | {place} | {len(drawn)} | {read} | {sum(sure)} | {sum(wrong)} | {flagged} |"


def _is_sure(crop: FieldImage, reading: Reading) -> bool:
    return reading.p >= prefill_from(crop.spec) and not reading.issues


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--words", type=int, default=200)
    args = parser.parse_args()
    file = args.data / "handwriting" / "unipen_strokes.npz"
    writers = find_fit_writers(file)
    words = [
        word
        for word in load_held_out_strokes(file, "word")
        if word.writer in writers and len(word.text) <= MAX_LETTERS
    ]
    print("| field | word | drawn | read as written | sure | of these wrong | flagged |")
    print("|---|---|--:|--:|--:|--:|--:|")
    for kind in KINDS:
        for place in Place:
            if kind is Kind.TEXT or not place.is_own:
                print(measure(kind, place, words, args.words), flush=True)


if __name__ == "__main__":
    main()
