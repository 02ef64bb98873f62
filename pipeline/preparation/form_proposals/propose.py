"""Propose the fields of a blank form: places to write, their labels, and what they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, TypeAdapter
from rapidfuzz import fuzz

from pipeline.domain.form.field import Meaning
from pipeline.domain.form.rules import load_rules_file
from pipeline.domain.model import Box, Image, PrintedWord
from pipeline.domain.settings import ROOT
from pipeline.forms.field_types import FieldType
from pipeline.preparation.form_proposals.fields import Shape, find_drawn_fields
from pipeline.preparation.form_proposals.labels import LabelledField, find_table, label_fields
from pipeline.preparation.form_proposals.shapes import (
    find_shapes,
    join_lines,
    place_own_words,
    read_words,
)
from pipeline.reading.imaging.geometry import PX_PER_MM, to_grayscale

# What printed labels say about a field: `data/form_labels.yaml`.

LABELS_FILE = ROOT / "data" / "form_labels.yaml"
_MIN_FUZZY_LENGTH, _MIN_FUZZY_SCORE = 6, 86
"""Phrases of so many letters may be misread, while they are so like the label (0–100)."""
_MIN_SHARE = 0.42
"""Share of a label that a phrase inside it must be."""
_WORD = re.compile(r"[^\w]+")
HintKind = Literal["date", "time", "personnummer", "choice", "marks"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelRule(_Strict):
    """Phrases of labels, and the type and meanings of the fields that have them."""

    phrases: tuple[str, ...]
    type: FieldType
    means: tuple[Meaning, ...] = ()
    source: str


class LabelList(_Strict):
    """The whole list; `choices` are sets of options that exclude each other."""

    version: int
    labels: tuple[LabelRule, ...]
    hints: Mapping[HintKind, tuple[str, ...]]
    choices: tuple[tuple[str, ...], ...]

    def find_rule(self, label: str) -> LabelRule | None:
        """Return the rule of the longest phrase that a label begins with, or mostly is."""
        text = f" {plain_words(label)} "
        found = [
            (len(phrase), rule)
            for rule in self.labels
            for phrase in rule.phrases
            if text.startswith(words := f" {plain_words(phrase)} ")
            or (words in text and len(words) >= _MIN_SHARE * len(text))
        ]
        if found:
            return max(found, key=lambda pair: pair[0])[1]
        like = self._find_like(text.strip())
        return like[1] if like else None

    def spell(self, label: str) -> str:
        """Return a label with the spelling of the phrase that it seems to be, misread."""
        text = plain_words(label)
        like = self._find_like(text)
        if not like or any(f" {plain_words(phrase)} " in f" {text} " for phrase in self._phrases):
            return label
        return like[0].capitalize()

    @property
    def _phrases(self) -> list[str]:
        return [phrase for rule in self.labels for phrase in rule.phrases]

    def _find_like(self, text: str) -> tuple[str, LabelRule] | None:
        """Return the phrase that a text is most like, with its rule."""
        likeness, phrase, rule = max(
            (
                (fuzz.ratio(plain_words(phrase), text), phrase, rule)
                for rule in self.labels
                for phrase in rule.phrases
                if len(phrase) >= _MIN_FUZZY_LENGTH
            ),
            key=lambda found: found[0],
        )
        return (phrase, rule) if likeness >= _MIN_FUZZY_SCORE else None

    def find_hint(self, text: str) -> HintKind | None:
        """Return the kind of the longest hint in a text."""
        small = _respell(text)
        found = [
            (len(word), kind)
            for kind, words in self.hints.items()
            for word in words
            if _respell(word) in small
        ]
        return max(found)[1] if found else None

    def without_hints(self, label: str) -> str:
        """Return a label without its hints, colons and rules of dots."""
        kept = label
        words = sorted((word for words in self.hints.values() for word in words), key=len)
        for word in reversed(words):
            if word != "kl.":
                kept = re.sub(re.escape(word), " ", kept, flags=re.IGNORECASE)
        kept = re.sub(r"[\s._…:|\[\]()]+$|^[\s._…:|\[\])*]+", "", kept)
        return re.sub(r"\s+", " ", kept).strip() or label.strip()

    def exclude_each_other(self, labels: Sequence[str]) -> bool:
        """Return whether options of these labels are always one choice."""
        words = {plain_words(label) for label in labels}
        return len(words) > 1 and any(words <= set(options) for options in self.choices)


@cache
def load_label_list() -> LabelList:
    """Load the list."""
    return load_rules_file(LABELS_FILE, TypeAdapter(LabelList))


def plain_words(text: str) -> str:
    """Return the words of a text in small letters, with single spaces."""
    return _WORD.sub(" ", text.casefold()).replace("_", " ").strip()


def _respell(text: str) -> str:
    """Write a hint as it is when rings over letters were not read, and without spaces."""
    return text.casefold().replace("å", "a").replace("ä", "a").replace(" ", "")


_FRAME_MM = 0.15
"""From the inside of a box to the middle of its line."""
_COMB_CELLS = {
    FieldType.PERSONAL_NUMBER: 12,
    FieldType.DATE: 8,
    FieldType.TIME: 4,
}
"""Number of cells that the reader of a type knows."""
_ON_LINE = {
    FieldType.PERSONAL_NUMBER: FieldType.PERSONAL_NUMBER_LINE,
    FieldType.DATE: FieldType.DATE_LINE,
    FieldType.TIME: FieldType.TIME_LINE,
    FieldType.NUMBER: FieldType.TEXT,
    FieldType.CODE: FieldType.TEXT,
    FieldType.LINES: FieldType.TEXT,
}
"""The types of fields without cells, where they differ."""
_MAX_NUMBER_CELLS = 5
_MAX_CHOICE = 6


@dataclass(frozen=True, slots=True)
class FieldProposal:
    """A field that a blank seems to have; its box is mm.

    `choice` is the label of the choice that a check box is an option of. In `each_row` it is of the
    first row of the table.
    """

    type: FieldType
    box: Box
    label: str = ""
    choice: str = ""
    means: Meaning | None = None
    cells: int = 0
    lines: int = 0
    each_row: bool = False


@dataclass(frozen=True, slots=True)
class Proposals:
    """The fields in reading order, and of a table the number of rows and their distance, mm."""

    fields: tuple[FieldProposal, ...]
    rows: tuple[int, float] | None = None


def propose_fields(
    image: Image, size: tuple[float, float], words: Sequence[PrintedWord] = ()
) -> Proposals:
    """Return what a blank of this size (mm) seems to have.

    Args:
        words: those that the file has as text, with shares of the page; by OCR if there are none.

    Raises:
        MissingProgramError: Tesseract is needed and not installed.
    """
    grey = _scale(to_grayscale(image), size)
    shapes = find_shapes(grey)
    found = place_own_words(words, size, shapes) or read_words(grey, shapes)
    lines = join_lines(found, shapes.boxes)
    known = load_label_list()
    fields = label_fields(find_drawn_fields(shapes, lines), lines)
    fields = [field for field in fields if field.text or field.drawn.shape is not Shape.RULE]
    table = find_table(fields)
    first_row = set(table.first_row) if table else set[int]()
    left_out = table.other_rows if table else frozenset[int]()
    proposed = [
        _propose(field, known, each_row=index in first_row)
        for index, field in enumerate(fields)
        if index not in left_out
    ]
    proposed = _choose_choices(proposed, known)
    return Proposals(
        tuple(_assign_meanings(proposed, known)), (table.count, table.height) if table else None
    )


def _scale(grey: Image, size: tuple[float, float]) -> Image:
    wanted = (round(size[0] * PX_PER_MM), round(size[1] * PX_PER_MM))
    interpolation = cv2.INTER_AREA if grey.shape[1] > wanted[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(grey, wanted, interpolation=interpolation), np.uint8)


def _propose(field: LabelledField, known: LabelList, *, each_row: bool) -> FieldProposal:
    drawn, box = field.drawn, field.box
    framed = Box(box.x - _FRAME_MM, box.y - _FRAME_MM, box.w + 2 * _FRAME_MM, box.h + 2 * _FRAME_MM)
    proposal = FieldProposal(
        FieldType.TEXT,
        framed if drawn.shape is not Shape.RULE else box,
        known.spell(known.without_hints(field.text)),
        field.group_text if drawn.shape is Shape.MARK else "",
        each_row=each_row,
    )
    if drawn.shape is Shape.MARK:
        return replace(proposal, type=FieldType.MARK)
    rule, hint = known.find_rule(proposal.label), known.find_hint(field.text)
    by_label = rule.type if rule else None
    if drawn.shape is Shape.COMB:
        comb_type = _comb_type(drawn.cells, by_label, hint)
        cells = 0 if comb_type in _COMB_CELLS else drawn.cells
        return replace(proposal, type=comb_type, cells=cells)
    by_label = by_label or _type_of_hint(hint)
    if drawn.lines > 1 and by_label not in (FieldType.SIGNATURE, FieldType.INITIALS):
        return replace(proposal, type=FieldType.LINES, lines=drawn.lines)
    return replace(proposal, type=_ON_LINE.get(by_label, by_label) if by_label else FieldType.TEXT)


def _type_of_hint(hint: HintKind | None) -> FieldType | None:
    return {
        "date": FieldType.DATE,
        "time": FieldType.TIME,
        "personnummer": FieldType.PERSONAL_NUMBER,
    }.get(hint or "")


def _comb_type(cells: int, by_label: FieldType | None, hint: HintKind | None) -> FieldType:
    """Return the type of a row of cells: what its label or hint says, if it has as many cells."""
    for wanted in (_type_of_hint(hint), by_label):
        if wanted and _COMB_CELLS.get(wanted) == cells:
            return wanted
    if cells == _COMB_CELLS[FieldType.PERSONAL_NUMBER]:
        return FieldType.PERSONAL_NUMBER
    if cells == _COMB_CELLS[FieldType.DATE] and by_label is None:
        return FieldType.DATE
    is_number = by_label in (FieldType.NUMBER, FieldType.AMOUNT) or (
        cells <= _MAX_NUMBER_CELLS and by_label is not FieldType.CODE
    )
    return FieldType.NUMBER if is_number else FieldType.CODE


def _choose_choices(proposed: Sequence[FieldProposal], known: LabelList) -> list[FieldProposal]:
    """Make check boxes of one group the options of a choice, or fields of their own.

    They are options where the paper says so, or where their words exclude each other.
    """
    result = []
    for proposal in proposed:
        group = [
            other.label
            for other in proposed
            if other.choice == proposal.choice
            and other.type is FieldType.MARK
            and other.each_row == proposal.each_row
        ]
        choice = ""
        if proposal.choice and len(set(group)) > 1:
            hint = known.find_hint(proposal.choice)
            is_few = len(group) <= _MAX_CHOICE and hint != "marks"
            if hint == "choice" or known.exclude_each_other(group) or is_few:
                choice = known.without_hints(proposal.choice)
        result.append(replace(proposal, choice=choice))
    return result


def _assign_meanings(proposed: Sequence[FieldProposal], known: LabelList) -> list[FieldProposal]:
    """Give each field the first meaning of its label that no field before it has."""
    taken: set[Meaning] = set()
    result = []
    for proposal in proposed:
        rule = known.find_rule(proposal.label) if proposal.type is not FieldType.MARK else None
        means = next((one for one in (rule.means if rule else ()) if one not in taken), None)
        if means:
            taken.add(means)
        result.append(replace(proposal, means=means))
    return result


# Turn a scanned blank so that its rules are level: boxes have level sides.

_WORK_PX = 1200
"""Width of the picture in which the angle is looked for."""
_MAX_ANGLE_DEG, _COARSE_DEG, _FINE_DEG = 5.0, 0.5, 0.05
_MIN_GAIN = 1.1
"""So much steeper must the profile be at another angle: a page without rules is not turned."""


def level_page(grey: Image) -> Image:
    """Return a grey page turned so that its rules are level; as it is if they are."""
    angle = _find_angle(grey)
    if angle == 0:
        return grey
    height, width = grey.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    turned = cv2.warpAffine(
        grey, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(turned, np.uint8)


def _find_angle(grey: Image) -> float:
    """Return the angle of the rules, degrees: level rules give the rows of ink steep steps."""
    scale = min(1.0, _WORK_PX / grey.shape[1])
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    ink = cv2.adaptiveThreshold(
        small, 1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 31, 12
    ).astype(np.float32)
    height, width = ink.shape

    def steepness(angle: float) -> float:
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
        rows = cv2.warpAffine(ink, turn, (width, height)).sum(axis=1)
        return float(np.square(np.diff(rows)).sum())

    coarse = max(np.arange(-_MAX_ANGLE_DEG, _MAX_ANGLE_DEG + 0.01, _COARSE_DEG), key=steepness)
    fine = np.arange(coarse - _COARSE_DEG, coarse + _COARSE_DEG + 0.001, _FINE_DEG)
    best = float(max(fine, key=steepness))
    return best if steepness(best) > _MIN_GAIN * steepness(0.0) else 0.0
