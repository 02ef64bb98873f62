"""Early warning scores (NEWS2) of what a row of measurements says: shown in review, never stored.

The scales are versioned data, `data/scales/news2.yaml`, with their source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from pipeline.domain.form.field import FieldSpec, StrictModel
from pipeline.domain.form.form import Form
from pipeline.domain.form.rules import load_rules_file
from pipeline.domain.model import State
from pipeline.domain.review.rules import Answer, AnswerNumbers

SCALES_FILE = Path(__file__).resolve().parents[3] / "data" / "scales" / "news2.yaml"
_Points = Annotated[int, Field(ge=0, le=3)]


class RiskLevel(StrEnum):
    """What a score means for the patient; the texts `news.level.<level>` say it."""

    LOW = "low"
    LOW_MEDIUM = "low_medium"
    MEDIUM = "medium"
    HIGH = "high"


class Parameter(StrictModel):
    """The points of a number: those of the first band that it does not exceed.

    It counts only with the check boxes as in `when`.
    """

    field: str
    bands: tuple[tuple[Decimal | None, _Points], ...]
    when: Mapping[str, bool] = {}


class MarkPoints(StrictModel):
    """The points of a ticked box."""

    field: str
    points: _Points


class ChoicePoints(StrictModel):
    """The points of each option of a choice."""

    field: str
    points: Mapping[str, _Points]


class Scale(StrictModel):
    """A version of a scale, for the forms that have all its fields."""

    scale: str
    version: Annotated[int, Field(ge=1)]
    from_: Annotated[date, Field(alias="from")]
    form: str
    source: str
    parameters: tuple[Parameter, ...]
    marks: tuple[MarkPoints, ...]
    choices: tuple[ChoicePoints, ...]
    levels: tuple[tuple[int | None, RiskLevel], ...]
    single: int

    @property
    def needed(self) -> tuple[str, ...]:
        """The fields that have to be filled in, each once."""
        measured = [part.field for part in self.parameters]
        return tuple(dict.fromkeys([*measured, *(part.field for part in self.choices)]))

    @property
    def boxes(self) -> tuple[str, ...]:
        """The check boxes that decide, where an empty one means no."""
        conditions = (name for part in self.parameters for name in part.when)
        return tuple(dict.fromkeys((*(part.field for part in self.marks), *conditions)))


@dataclass(frozen=True, slots=True)
class Score:
    """A score, or the fields that it lacks: then there are no points and no level."""

    scale: str
    points: int | None
    level: RiskLevel | None
    missing: tuple[FieldSpec, ...] = ()


@cache
def load_scales(file: Path = SCALES_FILE) -> tuple[Scale, ...]:
    """Load all scales in all versions.

    Raises:
        FormError: the file is missing or does not match the schema.
    """
    return load_rules_file(file, TypeAdapter(tuple[Scale, ...]))


def score_answers(form: Form, row: int | None, answers: Mapping[str, Answer]) -> Score | None:
    """Return the score of an entry's answers; None for a form without one, or hardly any value.

    A field that is empty or illegible is missing: nothing is assumed of it.
    """
    specs = {spec.column: spec for spec in form.entry_fields(row)}
    scales = [one for one in load_scales() if one.form == form.id]
    if not scales:
        return None
    scale = max(scales, key=lambda one: one.version)
    if not specs.keys() >= {*scale.needed, *scale.boxes}:
        return None
    by_column = {name: answers[spec.name] for name, spec in specs.items() if spec.name in answers}
    points = _points_by_field(scale, by_column)
    missing = tuple(specs[name] for name in (*scale.needed, *scale.boxes) if name not in points)
    # A single pulse or temperature is no attempt at a score.
    if len(missing) > len(scale.needed) // 2:
        return None
    if missing:
        return Score(scale.scale, None, None, missing)
    total = sum(points.values())
    return Score(scale.scale, total, _level(scale, total, max(points.values())))


def _points_by_field(scale: Scale, answers: Mapping[str, Answer]) -> dict[str, int]:
    """Return the points of each field that is known; a box that only decides has none."""
    numbers = AnswerNumbers(answers)
    points = dict[str, int]()
    # An illegible box is neither ticked nor empty.
    known_boxes = [
        name
        for name in scale.boxes
        if not (name in answers and answers[name].state is State.ILLEGIBLE)
    ]
    marks = {mark.field: mark.points for mark in scale.marks}
    for name in known_boxes:
        points[name] = marks.get(name, 0) if _is_marked(answers, name) else 0
    for part in scale.parameters:
        value = numbers.number(part.field)
        holds = all(
            name in known_boxes and _is_marked(answers, name) == wanted
            for name, wanted in part.when.items()
        )
        if value is not None and holds:
            points[part.field] = _band_points(part, value)
    for choice in scale.choices:
        chosen = numbers.text(choice.field)
        if chosen in choice.points:
            points[choice.field] = choice.points[chosen]
    return points


def _is_marked(answers: Mapping[str, Answer], name: str) -> bool:
    # A mark that was struck out is none.
    return name in answers and answers[name] == Answer(True)


def _band_points(part: Parameter, value: Decimal) -> int:
    return next(points for upper, points in part.bands if upper is None or value <= upper)


def _level(scale: Scale, total: int, highest: int) -> RiskLevel:
    level = next(level for upper, level in scale.levels if upper is None or total <= upper)
    if level is RiskLevel.LOW and highest >= scale.single:
        return RiskLevel.LOW_MEDIUM
    return level
