"""What became of one damaged page: refused, or each field right, doubtful or silently wrong, and how far off it was looked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline import plane
from pipeline.confidence import HIGH_CONFIDENCE
from pipeline.field_spec import FieldSpec, Kind
from pipeline.issues import IssueCode, parse_issues
from pipeline.model import Outcome, PageReading, Reading, Value
from pipeline.page_spec import PageSpec
from pipeline.quality.damage_paper import Warp
from pipeline.quality.filling import PX_PER_MM

ASTRAY_MM = 1.0
"""A field that is looked for farther off than this was read in the wrong place."""
KINDS = frozenset({Kind.DIGITS, Kind.MARK, Kind.CHOICE, Kind.SIGNATURE})
"""What is compared: kinds whose value does not hang on handwriting being read."""


@dataclass(frozen=True, slots=True)
class FieldOutcome:
    """One field of a page that was read. `offset_mm` is how far from its true middle it was looked for."""

    name: str
    kind: Kind
    right: bool
    p: float
    offset_mm: float
    flagged: bool

    @property
    def silent(self) -> bool:
        """Wrong, or looked for in the wrong place, and nothing says so."""
        return self.p >= HIGH_CONFIDENCE and not self.flagged and (not self.right or self.offset_mm > ASTRAY_MM)


@dataclass(frozen=True, slots=True)
class PageOutcome:
    """One damaged page; `fields` is empty when it was refused."""

    refused: tuple[str, ...]
    residual_mm: float | None
    fields: tuple[FieldOutcome, ...]


def page_outcome(reading: PageReading, page: PageSpec, written: Mapping[str, Value], where: Warp) -> PageOutcome:
    """A reading against what was written and where it truly lay; `where` takes px of the clean page at 300 dpi to px of the picture."""
    if reading.outcome is not Outcome.READ:
        return PageOutcome(reading.problems or (str(reading.outcome),), reading.residual_mm, ())
    specs = [spec for spec in page.all_fields if spec.kind in KINDS]
    offsets = _offsets_mm(specs, reading.fields, where)
    flagged = {issue.field for issue in parse_issues(reading.problems) if issue.code in (IssueCode.COVERED, IssueCode.PLACE_UNSURE)}
    fields = [
        FieldOutcome(spec.name, spec.kind, _is_right(spec, written.get(spec.name), got), got.p, float(offset), spec.name in flagged)
        for spec, offset in zip(specs, offsets, strict=True)
        for got in [reading.fields[spec.name]]
    ]
    return PageOutcome((), reading.residual_mm, tuple(fields))


def _is_right(spec: FieldSpec, truth: Value, got: Reading) -> bool:
    return got.value == (truth if spec.kind in (Kind.DIGITS, Kind.CHOICE) else bool(truth))


def _offsets_mm(specs: list[FieldSpec], fields: Mapping[str, Reading], where: Warp) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How far the middle of each field's upright outline was found from where it truly is, mm on paper."""
    outlines = np.array([plane.corners(spec.area) for spec in specs]) * PX_PER_MM - 0.5
    true = where(outlines.reshape(-1, 2)).reshape(outlines.shape)
    middles = (true.min(axis=1) + true.max(axis=1)) / 2
    across, down = (np.linalg.norm(true[:, corner] - true[:, 0], axis=1) for corner in (1, 3))
    scale = (across / [s.area.w for s in specs] + down / [s.area.h for s in specs]) / 2
    boxes = np.array([fields[s.name].box_px for s in specs], float)
    found = boxes[:, :2] + boxes[:, 2:] / 2
    return np.asarray(np.linalg.norm(found - middles, axis=1) / scale, np.float64)
