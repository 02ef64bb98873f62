"""Measure registration of small drawn forms with pen strokes over whole rows.

    python -m research.evaluation.fields.overwritten --forms 40

How many are registered, and whether other forms and wrong places are still refused.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.domain.model import Image
from pipeline.reading.imaging import geometry
from pipeline.reading.read_page import DEFAULT_GATE_MM
from pipeline.reading.register import patch_matching
from pipeline.reading.register.register import register_to
from research.evaluation.damage.damaged_page import DamagedPage, Points
from research.evaluation.damage.imaging_damage import add_noise, add_uneven_light
from research.evaluation.damage.page_placement import stretch_unevenly

FORM_SIZE_MM = 105, 148
ROW_COUNT = 11
_TOP_MM, _PITCH_MM = 12, 12
_PX = round(geometry.PX_PER_MM)
_HEAD_MM = 34
"""Two rows that forms of one family share."""
_SEARCH = patch_matching.PatchSearch(px_per_mm=6.0, patch_mm=6.5, reach_mm=2.0)
OVERWRITTEN_ROWS = (2, 4, 6, 8, 10)
"""How many rows are written over."""


def draw_form(rng: Generator, head: Image | None = None) -> Image:
    """Draw rows with a word and pale boxes for digits, 8 px/mm.

    The head may be that of another form.
    """
    form = np.full((FORM_SIZE_MM[1] * _PX, FORM_SIZE_MM[0] * _PX), 250, np.uint8)
    # A word at a random indent.
    for row in range(ROW_COUNT):
        y, left = (_TOP_MM + _PITCH_MM * row) * _PX, int(rng.integers(8, 20)) * _PX
        word = "".join(rng.choice(list("ABDEGHKMNRSTX"), 5))
        cv2.putText(form, word, (left, y), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (60,), 2, cv2.LINE_AA)
        # Pale boxes below it, 5.5 mm wide.
        for cell in range(int(rng.integers(12, 15))):
            cv2.rectangle(
                form, (left + cell * 44, y + 8), (left + (cell + 1) * 44, y + 64), (205,), 2
            )
    if head is not None:
        form[: _HEAD_MM * _PX] = head[: _HEAD_MM * _PX]
    return form


def overwrite_rows(form: Image, rows: int, rng: Generator) -> Image:
    """Draw pen strokes over words and boxes of so many rows, from the second on."""
    page, ink = form.copy(), int(rng.integers(30, 90))
    for row in range(1, 1 + rows):
        for line in range(2):
            # A wavering pen stroke across the row, two per row.
            across = np.arange(6 * _PX, 100 * _PX, 20)
            up = (_TOP_MM + _PITCH_MM * row) * _PX + line * 28 + rng.integers(-24, 40, len(across))
            cv2.polylines(
                page,
                [np.stack([across, up], axis=1).astype(np.int32)],
                False,
                (ink,),
                4,
                cv2.LINE_AA,
            )
    return page


@dataclass(frozen=True, slots=True)
class OverwriteResult:
    """The result for one page.

    Whether print was found nearly everywhere, without and with knowing what is under ink; whether
    the page was registered; its true error.
    """

    before: bool
    now: bool
    is_registered: bool
    error_mm: float


def judge_registration(
    page: DamagedPage, form: Image, start_mm: tuple[float, float] = (0.0, 0.0)
) -> OverwriteResult:
    """Register the page to a form from about its true place, moved by `start_mm`."""
    # The start for registration: the true place, moved.
    start = geometry.raster_homography(geometry.PX_PER_MM) @ np.array(
        [[1, 0, start_mm[0]], [0, 1, start_mm[1]], [0, 0, 1.0]]
    )
    # Measure the offsets of print patches about that start.
    flat = geometry.warp_box(page.image, start, geometry.page_box(form), _SEARCH.px_per_mm)
    shifts = patch_matching.measure_patch_offsets(
        flat, form, patch_matching.find_patches(form), _SEARCH
    )
    # Without and with the knowledge of what is under ink.
    before, now = (
        patch_matching.is_found_nearly_everywhere(each, geometry.page_box(form))
        for each in (replace(shifts, overwritten=None), shifts)
    )
    registration = register_to(page.image, start, form)
    # True error at a grid of points, mm; its 95th percentile counts.
    places = np.stack(
        np.meshgrid(np.linspace(10, 95, 6), np.linspace(10, 138, 8)), axis=-1
    ).reshape(-1, 2)
    true = page.where(places * geometry.PX_PER_MM - 0.5)
    error = np.linalg.norm(registration.to_px(places) - true, axis=1) / geometry.PX_PER_MM
    return OverwriteResult(
        before, now, registration.residual_mm <= DEFAULT_GATE_MM, float(np.percentile(error, 95))
    )


def spoil_page(page: Image, way: str, rng: Generator, fed_mm: float = 0.6) -> DamagedPage:
    """Degrade the page.

    As scanned, as fed unevenly (print is up to so many mm off), or as photographed in uneven light.
    """
    state = DamagedPage(page, lambda points: points)
    if way == "uneven feed":
        state = stretch_unevenly(
            state, rng, millimetres=fed_mm * 210 / FORM_SIZE_MM[0]
        )  # it takes the page for an A4
    if way == "uneven light":
        state = add_uneven_light(state, rng, darkest=0.5)
    return add_noise(state, rng, sigma=4)


def shift_half(page: Image, mm: int, rng: Generator) -> DamagedPage:
    """Move a half of the page down by this much, as a fold does."""
    top, by = int(rng.integers(20, 70)) * _PX, mm * _PX
    bottom = top + FORM_SIZE_MM[1] * _PX // 2
    moved = page.copy()
    moved[top:bottom] = page[top - by : bottom - by]

    def where(points: Points) -> Points:
        # Only the part that was moved has another place.
        inside = (points[:, 1] >= top - by) & (points[:, 1] < bottom - by)
        return points + np.stack([np.zeros(len(points)), by * inside], axis=1)

    return DamagedPage(moved, where)


def _run_trials(seed: int) -> Iterator[tuple[str, OverwriteResult]]:
    rng = np.random.default_rng([2026, seed])
    # Another form of the same family: an identical head, different rows below.
    form = draw_form(rng)
    sister = draw_form(rng, head=form)
    # What should be registered: the right form, however it was scanned.
    for rows in OVERWRITTEN_ROWS:
        for way in ("scanned", "uneven feed", "uneven light"):
            yield (
                f"right, {rows:2} rows, {way}",
                judge_registration(spoil_page(overwrite_rows(form, rows, rng), way, rng), form),
            )
        # What should be refused: another form, a fold, and a start that is one row off.
        yield (
            f"another form of the family, {rows:2} rows",
            judge_registration(spoil_page(overwrite_rows(sister, rows, rng), "scanned", rng), form),
        )
        yield (
            f"a half 3 mm off, {rows:2} rows",
            judge_registration(shift_half(overwrite_rows(form, rows, rng), 3, rng), form),
        )
        yield (
            f"right form a row off, {rows:2} rows",
            judge_registration(
                spoil_page(overwrite_rows(form, rows, rng), "scanned", rng),
                form,
                (0.0, float(_PITCH_MM)),
            ),
        )


def main() -> None:
    """Count over drawn forms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--forms", type=int, default=40)
    parser.add_argument("--first", type=int, default=0, help="number of the first drawn form")
    args = parser.parse_args()
    counts: dict[str, Counter[str]] = {}
    for seed in range(args.first, args.first + args.forms):
        for name, one in _run_trials(seed):
            count = counts.setdefault(name, Counter())
            count.update(
                trials=1,
                before=int(one.before),
                now=int(one.now),
                registered=int(one.is_registered),
                off=int(one.is_registered and one.error_mm > DEFAULT_GATE_MM),
            )
    for name, count in counts.items():
        print(
            f"{name}: {count['trials']} pages, found before {count['before']}, now {count['now']}, "
            f"registered {count['registered']}, of these off {count['off']}"
        )


if __name__ == "__main__":
    main()
