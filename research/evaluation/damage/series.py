"""Run the damage series: filled-in forms, damaged in every way at increasing strength, and read.

What was written, and where each field truly is, is known; so every page is refused, or each of its
fields is right, flagged, or wrong without being flagged. Strengths are in units that can be
measured on paper, on a scanner or on a telephone.
"""

from __future__ import annotations

import multiprocessing
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.domain.form.confidence import PREFILL_FROM
from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.form.page import PageSpec
from pipeline.domain.issues import IssueCode, parse_issues
from pipeline.domain.model import Outcome, PageReading, Reading, Value
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import Sheet
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.imaging import geometry
from pipeline.reading.imaging.process_resources import limit_threads
from pipeline.reading.read_page import DEFAULT_GATE_MM, PageReader
from pipeline.reading.resolve.resolve import ReadingContext
from research.evaluation.damage.curved_paper import PaperShape, photograph_curved
from research.evaluation.damage.damaged_page import Damage, DamagedPage, Warp
from research.evaluation.damage.imaging_damage import (
    add_blur,
    add_motion_blur,
    add_noise,
    add_shadow,
    add_uneven_light,
    binarize,
    change_contrast,
    compress_jpeg,
)
from research.evaluation.damage.page_placement import (
    change_dpi,
    photograph_page,
    photograph_tilted,
    scale_print,
    skew_page,
    stretch_unevenly,
)
from research.evaluation.damage.paper_damage import (
    add_bleed_through,
    add_crease,
    add_dog_ear,
    add_dust,
    apply_tape,
    draw_felt_pen,
    stain_codes,
    tear_corner,
    tear_staple_holes,
)
from research.evaluation.fields.field_values import make_values

Steps = tuple[Damage, ...]
SCAN_DPI = 200
_add_grain = partial(add_noise, sigma=3)
_add_skew = partial(skew_page, degrees=(-1.5, 1.5))
_photograph_handheld = partial(photograph_page, tilt=0.04, width=2448)
_compress_as_sent = partial(compress_jpeg, quality=80)
MAX_OFFSET_MM = 1.0
"""A field that is searched for farther off than this was read in the wrong place."""
COMPARED_KINDS = frozenset({Kind.DIGITS, Kind.MARK, Kind.CHOICE, Kind.SIGNATURE})
"""The field kinds that are compared: those that need no handwriting recognition."""
DAMAGE_SERIAL = "0DAMAGEB"
WRITER_COUNT = 4
_CHUNK_SIZE = 8


@dataclass(frozen=True, slots=True)
class DamageSeries:
    """One kind of damage.

    `strengths` in `unit`, from everyday damage to what nobody should scan. `steps` gives the effect
    of a strength.

    The page comes as it was printed and written on, at 300 dpi, unless `scanned` says that it
    has been scanned at 200 dpi first.
    """

    name: str
    unit: str
    strengths: tuple[float, ...]
    steps: Callable[[float], Steps]
    scanned: bool = True


def photocopied(state: DamagedPage, rng: Generator, *, generations: int) -> DamagedPage:
    """Photocopy a page this many times.

    Each copy is softer, higher in contrast, rescaled, skewed and dustier.
    """
    for _ in range(generations):
        # One generation of a copier: optics, toner, scale, glass, sensor.
        copier: Steps = (
            partial(add_blur, millimetres=0.07),
            partial(change_contrast, gain=1.3, lift=14),
            partial(scale_print, factor=rng.uniform(0.995, 1.005)),
            partial(add_dust, specks=60),
            partial(add_noise, sigma=4),
        )
        for step in copier:
            state = step(state, rng)
    return state


def torn(state: DamagedPage, rng: Generator, *, millimetres: float) -> DamagedPage:
    """Tear a corner off, over a dark or a white scanner lid."""
    return tear_corner(
        state, rng, millimetres=millimetres, ground=40 if rng.random() < 0.5 else 255
    )


def _scan_steps(*damage: Damage) -> Steps:
    """Damage the paper, then scan it."""
    return (*damage, _add_skew, _add_grain)


def _curve_steps(shape: PaperShape, rise_mm: float) -> Steps:
    """Photograph a page that does not lie flat."""
    curve = partial(photograph_curved, shape=shape, rise_mm=rise_mm)
    return (curve, _add_grain, _compress_as_sent)


def _photo_steps(*damage: Damage) -> Steps:
    """Photograph the page with a telephone."""
    return (_photograph_handheld, *damage, _add_grain, _compress_as_sent)


DAMAGE_SERIES: tuple[DamageSeries, ...] = (
    DamageSeries("none", "", (0,), lambda _: _scan_steps()),
    DamageSeries(
        "skew",
        "degrees",
        (2, 5, 10, 15, 25, 35, 45),
        lambda v: (partial(skew_page, degrees=(v, v)), _add_grain),
    ),
    DamageSeries(
        "perspective",
        "degrees from above",
        (10, 20, 30, 40, 50, 60, 70),
        lambda v: (
            partial(photograph_tilted, degrees=v, width=2448),
            _add_grain,
            _compress_as_sent,
        ),
    ),
    DamageSeries(
        "crease across",
        "mm",
        (0.3, 0.6, 1, 1.5, 2, 3, 4, 6),
        lambda v: _scan_steps(partial(add_crease, millimetres=v)),
    ),
    DamageSeries(
        "creased corner",
        "mm",
        (0.3, 0.6, 1, 1.5, 2, 3, 4, 6),
        lambda v: _scan_steps(partial(add_dog_ear, millimetres=v)),
    ),
    DamageSeries(
        "uneven feed",
        "mm",
        (0.5, 1, 1.5, 2, 3, 4, 6),
        lambda v: _scan_steps(partial(stretch_unevenly, millimetres=v)),
    ),
    DamageSeries(
        "torn corner",
        "mm",
        (15, 30, 45, 60, 80, 110, 150),
        lambda v: _scan_steps(partial(torn, millimetres=v)),
    ),
    DamageSeries(
        "coffee over both codes",
        "light lost",
        (0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1),
        lambda v: _scan_steps(partial(stain_codes, darkness=v)),
    ),
    DamageSeries(
        "staple holes",
        "mm",
        (1, 2, 3, 5, 8, 12),
        lambda v: _scan_steps(partial(tear_staple_holes, millimetres=v)),
    ),
    DamageSeries(
        "felt pen over fields",
        "light lost",
        (0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1),
        lambda v: _scan_steps(partial(draw_felt_pen, darkness=v)),
    ),
    DamageSeries(
        "correction tape",
        "mm",
        (1, 2, 3, 4, 6, 10),
        lambda v: _scan_steps(partial(apply_tape, millimetres=v)),
    ),
    DamageSeries(
        "bleed-through",
        "share of darkness",
        (0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9),
        lambda v: _scan_steps(partial(add_bleed_through, strength=v)),
    ),
    DamageSeries(
        "photocopy",
        "generations",
        (1, 2, 3, 4, 6, 8, 12),
        lambda v: _scan_steps(partial(photocopied, generations=int(v))),
    ),
    DamageSeries(
        "printed smaller",
        "percent",
        (97, 93, 90, 80, 71, 60, 50),
        lambda v: _scan_steps(partial(scale_print, factor=v / 100)),
    ),
    DamageSeries(
        "printed larger",
        "percent",
        (101, 103, 105, 107, 110, 115),
        lambda v: _scan_steps(partial(scale_print, factor=v / 100)),
    ),
    DamageSeries(
        "resolution",
        "dpi",
        (300, 200, 150, 120, 100, 85, 75, 60),
        lambda v: (partial(change_dpi, dpi=v), _add_skew, _add_grain),
        scanned=False,
    ),
    DamageSeries(
        "JPEG",
        "quality",
        (75, 50, 30, 20, 15, 10, 5, 2),
        lambda v: (*_scan_steps(), partial(compress_jpeg, quality=int(v))),
    ),
    DamageSeries(
        "1-bit, too dark",
        "threshold",
        (200, 215, 225, 235, 242, 248),
        lambda v: (*_scan_steps(), partial(binarize, threshold=int(v))),
    ),
    DamageSeries(
        "1-bit, too light",
        "threshold",
        (180, 160, 140, 120, 100, 80, 60),
        lambda v: (*_scan_steps(), partial(binarize, threshold=int(v))),
    ),
    *(
        DamageSeries(
            f"{shape} paper",
            "mm",
            strengths,
            partial(_curve_steps, shape),
            scanned=False,
        )
        for shape, strengths in {
            PaperShape.CURL: (20, 40, 60),
            PaperShape.ARCH: (10, 20, 30),
            PaperShape.WAVE: (5, 10, 15),
            PaperShape.CROSSED: (6, 12, 18),
        }.items()
    ),
    DamageSeries(
        "out of focus",
        "mm",
        (0.1, 0.2, 0.3, 0.4, 0.5, 0.7),
        lambda v: _photo_steps(partial(add_blur, millimetres=v)),
    ),
    DamageSeries(
        "motion blur",
        "mm",
        (0.25, 0.5, 0.75, 1, 1.5, 2, 3),
        lambda v: _photo_steps(partial(add_motion_blur, millimetres=v)),
    ),
    DamageSeries(
        "shadow",
        "light lost",
        (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98),
        lambda v: _photo_steps(partial(add_shadow, darkness=v)),
    ),
    DamageSeries(
        "uneven light",
        "light left",
        (0.7, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05),
        lambda v: _photo_steps(partial(add_uneven_light, darkest=v)),
    ),
)
"""All kinds of damage, in the order of the report."""


SERIES_BY_NAME = {one.name: one for one in DAMAGE_SERIES}


@dataclass(frozen=True, slots=True)
class FieldOutcome:
    """One field of a page that was read.

    `offset_mm` is the distance between its true middle and where it was searched for.
    """

    name: str
    kind: Kind
    right: bool
    p: float
    offset_mm: float
    flagged: bool

    @property
    def silent(self) -> bool:
        """Whether the field is wrong, or was read elsewhere, without being flagged."""
        return (
            self.p >= PREFILL_FROM
            and not self.flagged
            and (not self.right or self.offset_mm > MAX_OFFSET_MM)
        )


@dataclass(frozen=True, slots=True)
class PageOutcome:
    """One damaged page; `fields` is empty when it was refused."""

    refused: tuple[str, ...]
    residual_mm: float | None
    fields: tuple[FieldOutcome, ...]


def judge_page(
    reading: PageReading, page: PageSpec, written: Mapping[str, Value], where: Warp
) -> PageOutcome:
    """Compare a reading with what was written and where it truly was.

    `where` maps px of the clean page at 300 dpi to px of the image.
    """
    # A refused page has no fields to compare.
    if reading.outcome is not Outcome.READ:
        return PageOutcome(reading.issues or (str(reading.outcome),), reading.residual_mm, ())
    specs = [spec for spec in page.all_fields if spec.kind in COMPARED_KINDS]
    # Distance between where each field truly is and where it was read.
    offsets = _offsets_mm(specs, reading.fields, where)
    # Fields that the page checks flag as covered or out of place.
    flagged = {
        issue.field
        for issue in parse_issues(reading.issues)
        if issue.code in (IssueCode.COVERED, IssueCode.PLACE_UNSURE)
    }
    fields = [
        FieldOutcome(
            spec.name,
            spec.kind,
            _is_right(spec, written.get(spec.name), got),
            got.p,
            float(offset),
            spec.name in flagged,
        )
        for spec, offset in zip(specs, offsets, strict=True)
        for got in [reading.fields[spec.name]]
    ]
    return PageOutcome((), reading.residual_mm, tuple(fields))


def _is_right(spec: FieldSpec, truth: Value, got: Reading) -> bool:
    # Digits and choices must match exactly; of marks and signatures only whether they are there.
    return got.value == (truth if spec.kind in (Kind.DIGITS, Kind.CHOICE) else bool(truth))


def _offsets_mm(
    specs: list[FieldSpec], fields: Mapping[str, Reading], where: Warp
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return how far the middle of each field was found from its true place, mm on paper."""
    # True outlines of the fields, px of the damaged image (pixel centres at half integers).
    outlines = np.array([geometry.box_corners(spec.area) for spec in specs]) * PRINT_PX_PER_MM - 0.5
    true = where(outlines.reshape(-1, 2)).reshape(outlines.shape)
    middles = (true.min(axis=1) + true.max(axis=1)) / 2
    # Local scale, px/mm, from the top and left sides of each outline.
    across, down = (np.linalg.norm(true[:, corner] - true[:, 0], axis=1) for corner in (1, 3))
    scale = (across / [s.area.w for s in specs] + down / [s.area.h for s in specs]) / 2
    # Middles of the boxes that were read.
    boxes = np.array([fields[s.name].box_px for s in specs], float)
    found = boxes[:, :2] + boxes[:, 2:] / 2
    return np.asarray(np.linalg.norm(found - middles, axis=1) / scale, np.float64)


@dataclass(frozen=True, slots=True)
class DamageTrial:
    """One page to be read: a sheet of a form, with one kind of damage at one strength."""

    form: str
    sheet: int
    kind: str
    strength: float


@dataclass(frozen=True, slots=True)
class FilledSheet:
    """A filled page as printed (300 dpi) and as scanned, and what is written on it."""

    printed: DamagedPage
    scanned: DamagedPage
    values: dict[str, Value]


def plan_trials(
    forms: Sequence[str], series: Sequence[DamageSeries], sheets: int
) -> list[DamageTrial]:
    """Return every strength of every kind of damage, on this many filled sheets of each form.

    Trials of one sheet follow each other.
    """
    return [
        DamageTrial(form, sheet, one.name, strength)
        for form in forms
        for sheet in range(sheets)
        for one in series
        for strength in one.strengths
    ]


def run_trials(
    plan: Sequence[DamageTrial], processes: int
) -> Iterator[tuple[DamageTrial, PageOutcome]]:
    """Yield each trial and its outcome, in order, as they end."""
    limit_threads()
    with ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_single_thread
    ) as pool:
        yield from zip(plan, pool.map(run_trial, plan, chunksize=_CHUNK_SIZE), strict=True)


def _single_thread() -> None:
    cv2.setNumThreads(1)


def run_trial(trial: DamageTrial) -> PageOutcome:
    """Damage one page and read it."""
    form = _find_form(trial.form)
    written = fill_sheet(trial.form, trial.sheet)
    damaged = damage_page(trial, written)
    # PNG is lossless: only the damage itself may change the image.
    data = cv2.imencode(".png", damaged.image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
    reading = _load_reader().read(data, "image/png").reading
    return judge_page(reading, form.pages[0], written.values, damaged.where)


def damage_page(trial: DamageTrial, written: FilledSheet) -> DamagedPage:
    """Return the page as it arrives; one sheet has the same accident at every strength."""
    series = SERIES_BY_NAME[trial.kind]
    state = written.scanned if series.scanned else written.printed
    # The seed depends on kind and sheet only: strengths differ in nothing but strength.
    rng = np.random.default_rng([zlib.crc32(trial.kind.encode()), trial.sheet])
    for step in series.steps(trial.strength):
        state = step(state, rng)
    return state


@lru_cache(maxsize=2)
def fill_sheet(form_id: str, sheet: int) -> FilledSheet:
    """Return the filled sheet that the trials of this form and number start from."""
    form = _find_form(form_id)
    rng = np.random.default_rng([zlib.crc32(form_id.encode()), sheet])
    hand = make_writers(WRITER_COUNT, seed=11)[sheet % WRITER_COUNT]
    values = make_values(form, rng)
    page = fill_field(
        render_sheet_page(form, Sheet(DAMAGE_SERIAL, "Hemsjukvården Centrum")),
        form.pages[0],
        values,
        hand,
        rng,
    )
    printed = DamagedPage(page, lambda points: points)
    return FilledSheet(printed, partial(change_dpi, dpi=SCAN_DPI)(printed, rng), values)


def list_form_ids() -> list[str]:
    """Return the ids of all forms."""
    return sorted({form.id for form in _load_forms().values()})


@lru_cache(maxsize=1)
def _load_forms() -> Forms:
    return Forms.load(ROOT / "forms")


def _find_form(form_id: str) -> Form:
    return _load_forms().latest(form_id)


@lru_cache(maxsize=1)
def _load_reader() -> PageReader:
    return PageReader(_load_forms(), ReadingContext(None), DEFAULT_GATE_MM, COMPARED_KINDS)
