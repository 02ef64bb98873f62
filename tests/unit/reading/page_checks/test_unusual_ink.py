"""Red ink in a field of a page filled in with another pen raises an issue and has low confidence;
greyscale scans and other pens have none. So do strokes that are too pale to be read.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.model import UNSEEN_P, Image, PageReading
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.read_page import PageReader
from research.evaluation.fields.field_values import make_values
from research.evaluation.measure import EvaluationData
from research.evaluation.untyped import read_scans
from tests.support.shared_data import shared

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")
VISITS = FORMS["besokslista", 1]
RED = (45, 35, 205)
TICKED = ["rad03.mat", "rad05.signatur", "rad07.start", "rad08.namn"]


PENCIL = (230, 226, 236)
"""Blue, green and red of a stroke on paper of 241: 4 to 6 % darker."""
VIOLETS = {"violet": (170, 40, 110), "red violet": (150, 60, 130), "dark violet": (120, 45, 95)}


@cache
def _filled(*, empty: bool = False, ink: tuple[int, int, int] | None = None) -> Image:
    (sheet,), rng = make_blank_sheets(1), np.random.default_rng(3)
    writer = make_writers(1, seed=11)[0]
    values = {} if empty else make_values(VISITS, rng)
    page = (
        fill_field(
            render_sheet_page(VISITS, sheet),
            VISITS.pages[0],
            values,
            replace(writer, colour=ink) if ink else writer,
            rng,
        )
        * 0.945
    ).astype(np.uint8)
    page.flags.writeable = False
    return page


def _ticked(page: Image, names: list[str], colour: tuple[int, int, int] = RED) -> Image:
    """Draw a reviewer's tick in the middle of each of these fields."""
    paper = page.copy()
    for name in names:
        _tick(paper, VISITS.by_name[name], colour)
    return paper


def _tick(paper: Image, spec: FieldSpec, colour: tuple[int, int, int]) -> None:
    x, y = spec.area.x + spec.area.w / 2, spec.area.y + spec.area.h / 2
    path = np.array([(x - 1.5, y), (x, y + 1.8), (x + 2.5, y - 2.5)]) * PRINT_PX_PER_MM
    cv2.polylines(paper, [np.round(path).astype(np.int32)], False, colour, 5, cv2.LINE_AA)


def _read(paper: Image, suffix: str = ".png") -> PageReading:
    data = cv2.imencode(suffix, paper, [cv2.IMWRITE_JPEG_QUALITY, 75] if suffix == ".jpg" else [])[
        1
    ].tobytes()
    return (
        PageReader.of_forms(FORMS)
        .read(data, "image/jpeg" if suffix == ".jpg" else "image/png")
        .reading
    )


def _told(reading: PageReading, code: str = "red_ink") -> set[str]:
    return {
        problem.partition(":")[2] for problem in reading.issues if problem.startswith(f"{code}:")
    }


@pytest.mark.parametrize("dpi", [300, 150])
def test_red_ticks_in_fields_raise_issue(dpi: int) -> None:
    """In empty fields they were read as marks and signatures with high confidence; in filled ones
    they raised no issue.
    """
    paper = cv2.resize(
        _ticked(_filled(), TICKED), None, fx=dpi / 300, fy=dpi / 300, interpolation=cv2.INTER_AREA
    )
    reading = _read(np.asarray(paper, np.uint8), ".jpg")
    assert set(TICKED) <= _told(reading)
    assert len(_told(reading)) <= len(TICKED) + 2  # what the ends of a tick reach into
    assert all(reading.fields[name].p <= UNSEEN_P for name in TICKED)


@pytest.mark.parametrize("ink", list(VIOLETS.values()), ids=list(VIOLETS))
def test_page_filled_in_with_violet_raises_no_issue(ink: tuple[int, int, int]) -> None:
    """Its thin strokes show less red than its thick ones. A red tick on it is still told."""
    assert not _told(_read(_filled(ink=ink), ".jpg"))
    assert set(TICKED) <= _told(_read(_ticked(_filled(ink=ink), TICKED)))


def test_violet_ticks_on_a_page_of_another_pen_raise_issue() -> None:
    assert _told(_read(_ticked(_filled(), TICKED, VIOLETS["red violet"])))


def test_page_filled_in_with_red_raises_no_issue() -> None:
    assert not _told(_read(_ticked(_filled(empty=True), TICKED)))


@pytest.mark.parametrize(
    "colour",
    [(150, 40, 20), (115, 60, 30), (40, 40, 40), (140, 50, 60)],
    ids=["blue", "dark blue", "black", "violet blue"],
)
def test_other_pens_are_not_red(colour: tuple[int, int, int]) -> None:
    assert not _told(_read(_ticked(_filled(), TICKED, colour)))


def test_grey_scans_colour_fringes_and_highlighter_are_not_red_ink() -> None:
    ticked = _ticked(_filled(), TICKED)
    assert not _told(_read(np.asarray(cv2.cvtColor(ticked, cv2.COLOR_BGR2GRAY), np.uint8)))
    fringed = _filled().copy()
    fringed[:, 2:, 2] = _filled()[:, :-2, 2]  # the red channel is displaced by 0.17 mm
    assert not _told(_read(fringed))
    marked, area = _filled().copy(), VISITS.by_name["rad03.namn"].area
    band = marked[
        round(area.y * PRINT_PX_PER_MM) : round((area.y + area.h) * PRINT_PX_PER_MM),
        round(area.x * PRINT_PX_PER_MM) : round((area.x + area.w) * PRINT_PX_PER_MM),
    ]
    band[:] = (band * np.array([0.75, 0.5, 1.0])).astype(np.uint8)
    assert not _told(_read(marked))


@pytest.mark.parametrize("dpi", [300, 200])
@pytest.mark.parametrize("is_grey", [False, True], ids=["colour", "grey"])
def test_pale_writing_is_not_empty(dpi: int, *, is_grey: bool) -> None:
    """Pencil on a scan that was too light was read as empty with high confidence."""
    written = make_values(VISITS, np.random.default_rng(3))
    paper = _scanned_at(dpi, _filled(ink=PENCIL))
    reading = _read(np.asarray(cv2.cvtColor(paper, cv2.COLOR_BGR2GRAY)) if is_grey else paper)
    pale = _told(reading, "pale_writing")
    asked = [spec for spec in VISITS.pages[0].all_fields if spec.traits.filled_by_hand]
    filled = [spec.name for spec in asked if written.get(spec.name) not in (None, "", False)]
    assert not [
        name
        for name in filled
        if reading.fields[name].p > UNSEEN_P and reading.fields[name].value is None
    ]
    assert len(pale) > 0.9 * len(filled)
    assert not pale - set(filled)


def test_neither_grain_nor_a_clear_pen_is_pale() -> None:
    assert not _told(_read(_scanned_at(200, _filled())), "pale_writing")
    assert not _told(_read(_scanned_at(200, _filled(empty=True))), "pale_writing")


@pytest.mark.shared
def test_nothing_of_real_sheets_is_wrong_with_high_confidence() -> None:
    """One is filled in with red pencil, so pale that a person just sees it."""
    fields = read_scans(EvaluationData(shared("scans").parent, None))
    assert not [one.spec.name for one in fields if one.is_sure and not one.right]


def _scanned_at(dpi: int, paper: Image) -> Image:
    """Return a page as scanned, with grain."""
    small = cv2.resize(paper, None, fx=dpi / 300, fy=dpi / 300, interpolation=cv2.INTER_AREA)
    grain = np.random.default_rng(5).normal(0, 4, small.shape[:2])[..., None]
    return np.asarray(np.clip(small + grain, 0, 255), np.uint8)


def test_words_of_which_a_part_is_too_pale_have_low_confidence() -> None:
    """In ink 12 % darker than paper "Ylva Ström" was read as "r m" with high confidence."""
    reading = _read(_scanned_at(300, _filled(ink=(224, 224, 224))))
    texts = [name for name in reading.fields if VISITS.by_name[name].kind is Kind.TEXT]
    read = [reading.fields[name] for name in texts if reading.fields[name].value]
    assert read
    assert max(one.p for one in read) <= UNSEEN_P
