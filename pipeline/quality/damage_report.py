"""The damage series summed up: for each kind the last strength at which all is as without damage, the first at which it is not, and how it fails."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipeline.confidence import HIGH_CONFIDENCE
from pipeline.issues import split_code
from pipeline.quality.damage_kinds import Series
from pipeline.quality.damage_outcome import PageOutcome
from pipeline.quality.damage_series import Trial

WORSE = 0.02
"""A strength is failing when so much more of the fields than without damage is wrong, or a page is refused, or a value is silently wrong."""


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of damage at one strength, over all sheets. `offset_mm` is the largest true offset of a field that was not flagged."""

    strength: float
    pages: int
    refused: int
    reasons: tuple[str, ...]
    fields: int
    wrong: int
    doubtful: int
    flagged: int
    silent: int
    residual_mm: float
    offset_mm: float

    @property
    def wrong_share(self) -> float:
        """Wrong fields of all fields that were read."""
        return self.wrong / self.fields if self.fields else 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one kind of damage does. `last_good` and `failing` are strengths; None when all fail, or none does."""

    name: str
    unit: str
    steps: tuple[Step, ...]
    last_good: float | None
    failing: float | None
    how: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def findings(outcomes: Iterable[tuple[Trial, PageOutcome]], series: Sequence[Series]) -> list[Finding]:
    """One finding a kind of damage, in the order given."""
    grouped: dict[str, dict[float, list[PageOutcome]]] = defaultdict(lambda: defaultdict(list))
    for trial, outcome in outcomes:
        grouped[trial.kind][trial.strength].append(outcome)
    undamaged = [page for pages in grouped.get("none", {}).values() for page in pages]
    usual = _step(0, undamaged).wrong_share if undamaged else 0.0
    return [_finding(one, grouped[one.name], usual) for one in series if one.name in grouped]


def _finding(series: Series, by_strength: Mapping[float, Sequence[PageOutcome]], usual: float) -> Finding:
    steps = tuple(_step(strength, by_strength[strength]) for strength in series.strengths if strength in by_strength)
    failing = next((step for step in steps if _fails(step, usual)), None)
    good = [step.strength for step in (steps if failing is None else steps[: steps.index(failing)])]
    how = _how(failing) if failing else "does not fail"
    return Finding(series.name, series.unit, steps, good[-1] if good else None, failing.strength if failing else None, how)


def _step(strength: float, pages: Sequence[PageOutcome]) -> Step:
    fields = [field for page in pages for field in page.fields]
    refused = [page for page in pages if page.refused]
    reasons = sorted({split_code(reason)[0] for page in refused for reason in page.refused})
    return Step(
        strength,
        len(pages),
        len(refused),
        tuple(reasons),
        len(fields),
        sum(not field.right for field in fields),
        sum(field.p < HIGH_CONFIDENCE for field in fields),
        sum(field.flagged for field in fields),
        sum(field.silent for field in fields),
        max((page.residual_mm for page in pages if page.residual_mm is not None and not page.refused), default=0.0),
        float(np.max([field.offset_mm for field in fields if not field.flagged], initial=0.0)),
    )


def _fails(step: Step, usual: float) -> bool:
    return bool(step.refused or step.silent or step.wrong_share > usual + WORSE)


def _how(step: Step) -> str:
    parts = []
    if step.refused:
        parts.append(f"{step.refused} of {step.pages} pages refused ({', '.join(step.reasons)})")
    if step.wrong:
        parts.append(f"{step.wrong} of {step.fields} fields wrong, {step.wrong - step.silent} of them doubtful")
    if step.silent:
        parts.append(f"{step.silent} SILENT")
    return "; ".join(parts)


def markdown(found: Sequence[Finding]) -> str:
    """The findings as a table for people, with the sums below."""
    steps = [step for finding in found for step in finding.steps]
    lines = ["| damage | last good | failing | how it fails there | silent at any strength |", "|---|---|---|---|---|"]
    for one in found:
        silent = sum(step.silent for step in one.steps)
        lines.append(f"| {one.name} | {_shown(one.last_good, one.unit)} | {_shown(one.failing, one.unit)} | {one.how} | {silent} |")
    pages, refused = sum(step.pages for step in steps), sum(step.refused for step in steps)
    fields, silent = sum(step.fields for step in steps), sum(step.silent for step in steps)
    return "\n".join([*lines, "", f"{pages} pages, {refused} refused; {fields} fields read, {silent} of them silently wrong."])


def _shown(strength: float | None, unit: str) -> str:
    return "–" if strength is None else f"{strength:g} {unit}".strip()
