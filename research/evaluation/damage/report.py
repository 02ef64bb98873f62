"""Summarise the damage series, and draw strips of damaged pages for the documentation.

For each kind of damage: the last strength at which everything is as without damage, the first at
which it is not, and how it fails. `python -m research.evaluation.damage.report FILE` draws the
strips; fields that are flagged are framed.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image as Pillow

from pipeline.domain.form.confidence import PREFILL_FROM
from pipeline.domain.form.form import Forms
from pipeline.domain.issues import IssueCode, parse_issues, split_code
from pipeline.domain.model import Image
from pipeline.domain.settings import ROOT
from pipeline.reading.read_page import DEFAULT_GATE_MM, PageReader
from pipeline.reading.resolve.resolve import ReadingContext
from research.evaluation.damage.series import (
    COMPARED_KINDS,
    DamageSeries,
    DamageTrial,
    PageOutcome,
    damage_page,
    fill_sheet,
)

MAX_WORSE_SHARE = 0.02
"""A strength fails when so many more fields than without damage are wrong.

It also fails when a page is refused, or a value is wrong without being flagged.
"""
SHOWN_TRIALS = (
    DamageTrial("besokslista", 0, "felt pen over fields", 0.7),
    DamageTrial("besokslista", 0, "shadow", 0.95),
    DamageTrial("besokslista", 0, "creased corner", 6),
    DamageTrial("besokslista", 0, "photocopy", 3),
)
_STRIP_SIZE_PX = 440, 250
"""Width and height of a strip, px."""
_PAGE_WIDTH_PX = 900
_FRAME_COLOUR = (0, 0, 200)
_PALETTE_SIZE = 14


@dataclass(frozen=True, slots=True)
class DamageStep:
    """One kind of damage at one strength, over all sheets.

    `offset_mm` is the largest true offset of a field that was not flagged.
    """

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
        """The share of wrong fields among all fields that were read."""
        return self.wrong / self.fields if self.fields else 0.0


@dataclass(frozen=True, slots=True)
class DamageFinding:
    """The effect of one kind of damage.

    `last_good` and `failing` are strengths; None when all fail, or none does.
    """

    name: str
    unit: str
    steps: tuple[DamageStep, ...]
    last_good: float | None
    failing: float | None
    how: str

    def as_dict(self) -> dict[str, Any]:
        """Return the values for JSON."""
        return asdict(self)


def summarize_series(
    outcomes: Iterable[tuple[DamageTrial, PageOutcome]], series: Sequence[DamageSeries]
) -> list[DamageFinding]:
    """Return one finding for each kind of damage, in the order given."""
    # Group by kind and strength.
    grouped: dict[str, dict[float, list[PageOutcome]]] = defaultdict(lambda: defaultdict(list))
    for trial, outcome in outcomes:
        grouped[trial.kind][trial.strength].append(outcome)
    # The undamaged pages give the share of errors that damage is compared with.
    undamaged = [page for pages in grouped.get("none", {}).values() for page in pages]
    usual = _summarize_step(0, undamaged).wrong_share if undamaged else 0.0
    return [_summarize_kind(one, grouped[one.name], usual) for one in series if one.name in grouped]


def _summarize_kind(
    series: DamageSeries, by_strength: Mapping[float, Sequence[PageOutcome]], usual: float
) -> DamageFinding:
    steps = tuple(
        _summarize_step(strength, by_strength[strength])
        for strength in series.strengths
        if strength in by_strength
    )
    # The weakest strength that fails; all weaker ones are good.
    failing = next((step for step in steps if _is_failing(step, usual)), None)
    good = [step.strength for step in (steps if failing is None else steps[: steps.index(failing)])]
    how = _describe_failure(failing) if failing else "does not fail"
    return DamageFinding(
        series.name,
        series.unit,
        steps,
        good[-1] if good else None,
        failing.strength if failing else None,
        how,
    )


def _summarize_step(strength: float, pages: Sequence[PageOutcome]) -> DamageStep:
    fields = [field for page in pages for field in page.fields]
    refused = [page for page in pages if page.refused]
    # Reasons without the field's name.
    reasons = sorted({split_code(reason)[0] for page in refused for reason in page.refused})
    return DamageStep(
        strength,
        len(pages),
        len(refused),
        tuple(reasons),
        len(fields),
        sum(not field.right for field in fields),
        sum(field.p < PREFILL_FROM for field in fields),
        sum(field.flagged for field in fields),
        sum(field.silent for field in fields),
        max(
            (
                page.residual_mm
                for page in pages
                if page.residual_mm is not None and not page.refused
            ),
            default=0.0,
        ),
        float(np.max([field.offset_mm for field in fields if not field.flagged], initial=0.0)),
    )


def _is_failing(step: DamageStep, usual: float) -> bool:
    return bool(step.refused or step.silent or step.wrong_share > usual + MAX_WORSE_SHARE)


def _describe_failure(step: DamageStep) -> str:
    parts = []
    if step.refused:
        parts.append(f"{step.refused} of {step.pages} pages refused ({', '.join(step.reasons)})")
    if step.wrong:
        parts.append(
            f"{step.wrong} of {step.fields} fields wrong, {step.wrong - step.silent} of them "
            "doubtful"
        )
    if step.silent:
        parts.append(f"{step.silent} SILENT")
    return "; ".join(parts)


def format_markdown(found: Sequence[DamageFinding]) -> str:
    """Return the findings as a table, with the totals below."""
    steps = [step for finding in found for step in finding.steps]
    lines = [
        "| damage | last good | failing | how it fails there | silent at any strength |",
        "|---|---|---|---|---|",
    ]
    for one in found:
        silent = sum(step.silent for step in one.steps)
        lines.append(
            f"| {one.name} | {_format_strength(one.last_good, one.unit)} | "
            f"{_format_strength(one.failing, one.unit)} | {one.how} | {silent} |"
        )
    pages, refused = sum(step.pages for step in steps), sum(step.refused for step in steps)
    fields, silent = sum(step.fields for step in steps), sum(step.silent for step in steps)
    return "\n".join(
        [
            *lines,
            "",
            f"{pages} pages, {refused} refused; {fields} fields read, {silent} of them silently "
            "wrong.",
        ]
    )


def _format_strength(strength: float | None, unit: str) -> str:
    return "–" if strength is None else f"{strength:g} {unit}".strip()


def draw_strips() -> Image:
    """Draw one strip for each trial of `SHOWN`, two in a row, BGR."""
    reader = PageReader(
        Forms.load(ROOT / "forms"), ReadingContext(None), DEFAULT_GATE_MM, COMPARED_KINDS
    )
    cut = [_draw_strip(trial, reader) for trial in SHOWN_TRIALS]
    rows = [np.hstack(cut[at : at + 2]) for at in range(0, len(cut), 2)]
    return np.vstack(rows)


def _draw_strip(trial: DamageTrial, reader: PageReader) -> Image:
    """Return the part of the damaged page around the first framed field, or its middle."""
    picture = damage_page(trial, fill_sheet(trial.form, trial.sheet)).image
    reading = reader.read(cv2.imencode(".png", picture)[1].tobytes(), "image/png").reading
    # Fields that the page checks flag are framed.
    names = [
        issue.field
        for issue in parse_issues(reading.issues)
        if issue.code in (IssueCode.COVERED, IssueCode.PLACE_UNSURE)
    ]
    boxes = [box for name in names if (box := reading.fields[name].box_px)]
    shown = (
        picture
        if picture.ndim == 3
        else np.asarray(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR), np.uint8)
    )
    shown = np.ascontiguousarray(shown)
    for x, y, w, h in boxes:
        cv2.rectangle(shown, (x, y), (x + w, y + h), _FRAME_COLOUR, max(2, picture.shape[1] // 500))
    # Scale all pages to the same width.
    factor = _PAGE_WIDTH_PX / picture.shape[1]
    small = cv2.resize(
        shown, (_PAGE_WIDTH_PX, round(picture.shape[0] * factor)), interpolation=cv2.INTER_AREA
    )
    # Cut a strip around the median of the framed fields.
    middle = (
        np.median([(x + w / 2, y + h / 2) for x, y, w, h in boxes], axis=0) * factor
        if boxes
        else np.array(small.shape[1::-1]) / 2
    )
    # Keep the strip within the page.
    left, top = (
        int(np.clip(at - side / 2, 0, full - side))
        for at, side, full in zip(middle, _STRIP_SIZE_PX, small.shape[1::-1], strict=True)
    )
    part = np.asarray(
        small[top : top + _STRIP_SIZE_PX[1], left : left + _STRIP_SIZE_PX[0]], np.uint8
    )
    return np.asarray(
        cv2.copyMakeBorder(part, 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=(255, 255, 255)), np.uint8
    )


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(draw_strips()[:, :, ::-1]).quantize(
        _PALETTE_SIZE, dither=Pillow.Dither.NONE
    ).save(target, optimize=True)
