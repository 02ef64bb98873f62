"""Another sheet in the image of a form raises an issue; the table under a form does not."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import cv2
import numpy as np
import pytest

from pipeline.domain.form.confidence import PREFILL_FROM
from pipeline.domain.form.form import Forms
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Image, Outcome, PageReading
from pipeline.domain.settings import ROOT
from pipeline.files.images import decode_image
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.identify.identify import identify_page
from pipeline.reading.imaging.geometry import PAGE_BOX, to_grayscale
from pipeline.reading.page_checks.covered_areas import has_adjacent_sheet
from pipeline.reading.read_page import PageReader
from research.evaluation.damage.series import SERIES_BY_NAME, DamageTrial, damage_page, fill_sheet
from tests.support.chance import most_errors

pytestmark = pytest.mark.slow

FORMS = Forms.load(ROOT / "forms")
WORDS = (
    "Ringt dottern om nyckeln",
    "Ny tid hos doktorn 14/3",
    "Vill ha hjälp med handling",
    "Sår på hälen, rött",
)


@cache
def form_page() -> Image:
    """A filled form at 150 dpi, grey."""
    return small(to_grayscale(fill_sheet("hsl-anteckning", 0).printed.image))


def small(page: Image) -> Image:
    return np.asarray(cv2.resize(page, (1240, 1754), interpolation=cv2.INTER_AREA), np.uint8)


def note(lines: int = 4, writer: int = 1, paper: int = 255) -> Image:
    """A sheet without markers, A4 at 150 dpi, with some lines of handwriting."""
    page, rng = np.full((3508, 2480), paper, np.uint8), np.random.default_rng(writer)
    for line in range(lines):
        mask = make_writers(writer + 1, seed=11)[writer].words(WORDS[line % len(WORDS)], 130, rng)[
            :, :2000
        ]
        top, (h, w) = 350 + 160 * line, mask.shape
        page[top : top + h, 250 : 250 + w] = (
            page[top : top + h, 250 : 250 + w] * (1 - 0.8 * mask)
        ).astype(np.uint8)
    return small(page)


def on(ground: Image, page: Image) -> Image:
    """The page in the middle of a larger background."""
    out, (h, w) = ground.copy(), page.shape
    top, left = (ground.shape[0] - h) // 2, (ground.shape[1] - w) // 2
    out[top : top + h, left : left + w] = page
    return out


def stripes(pitch_mm: float, wide_mm: float, light: tuple[int, int] = (150, 215)) -> Image:
    """A striped cloth, larger than the form, at 150 dpi."""
    x = np.arange(2480) / (150 / 25.4)
    row = np.where(x % pitch_mm < wide_mm, *light).astype(np.uint8)
    return np.repeat(row[None], 2480, axis=0)


def wood(seed: int, light: float = 190, contrast: float = 45) -> Image:
    """A wooden table with grain and knots along it."""
    rng = np.random.default_rng(seed)
    grain = cv2.GaussianBlur(
        rng.normal(0, 1, (2480, 2480)).astype(np.float32), (0, 0), sigmaX=60, sigmaY=1.5
    )
    return np.asarray(np.clip(light + contrast * grain / grain.std(), 0, 255), np.uint8)


def speckles(seed: int) -> Image:
    """A laminate with dark spots of all sizes."""
    rng = np.random.default_rng(seed)
    spots = cv2.GaussianBlur(rng.normal(0, 1, (2480, 2480)).astype(np.float32), (0, 0), 3.0)
    return np.where(spots / spots.std() > 1.8, 110, 215).astype(np.uint8)


def pen_and_fingers() -> Image:
    table = np.full((2480, 2480), 200, np.uint8)
    cv2.line(table, (150, 400), (500, 1300), (30,), 45)
    for finger in range(4):
        cv2.ellipse(table, (2300, 700 + 130 * finger), (300, 55), 0, 0, 360, (140,), -1)
    return table


def keyboard() -> Image:
    """A pale keyboard partly under the form, with a key pitch of 19 mm and words on some keys."""
    table = np.full((2480, 2480), 150, np.uint8)
    for number in range(6 * 22):
        x, y = 20 + 112 * (number % 22), 40 + 112 * (number // 22)
        cv2.rectangle(table, (x, y), (x + 95, y + 95), (235,), -1)
        text = ("home", "Q", "end", "shift", "W")[number % 5]
        cv2.putText(
            table, text, (x + 8, y + 50), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (60,), 1, cv2.LINE_AA
        )
    return table


def photographed(picture: Image, seed: int = 1) -> Image:
    """The image with noise and light that decreases to the right, as in a phone's photograph."""
    lit = picture * np.linspace(1, 0.55, picture.shape[1])
    grainy = np.clip(lit + np.random.default_rng(seed).normal(0, 5, picture.shape), 0, 255).astype(
        np.uint8
    )
    return np.asarray(
        cv2.imdecode(
            cv2.imencode(".jpg", grainy, [cv2.IMWRITE_JPEG_QUALITY, 70])[1], cv2.IMREAD_GRAYSCALE
        ),
        np.uint8,
    )


def note_on_wood() -> Image:
    """A form and half a sheet of notes on a wooden table."""
    table = wood(7, 170, 30)
    table[300:2054, 60:1300] = form_page()
    table[500:1377, 1400:2330] = note()[:877, :930]
    return table


def finds_other_sheet(picture: Image) -> bool:
    homography = identify_page(picture).page_homography
    assert homography is not None
    return has_adjacent_sheet(picture, homography, PAGE_BOX)


BESIDE: dict[str, Callable[[], Image]] = {
    "to the right": lambda: np.hstack([form_page(), note()]),
    "to the left": lambda: np.hstack([note(writer=2), form_page()]),
    "below": lambda: np.vstack([form_page(), note(writer=3)]),
    "above": lambda: np.vstack([note(writer=0), form_page()]),
    "turned": lambda: np.hstack(
        [form_page(), on(np.full((1754, 1754), 255, np.uint8), np.rot90(note()))]
    ),
    "upside down": lambda: np.hstack([form_page(), np.rot90(note(), 2)]),
    "of two lines": lambda: np.hstack([form_page(), note(2)]),
    "on a table": note_on_wood,
    "greyish": lambda: np.hstack([form_page(), note(paper=190)]),
}
TABLES: dict[str, Callable[[], Image]] = {
    "plain": lambda: np.full((2480, 2480), 200, np.uint8),
    "black": lambda: np.random.default_rng(5).integers(0, 40, (2480, 2480)).astype(np.uint8),
    "wood": partial(wood, 1),
    "pale wood": partial(wood, 2, 225, 30),
    "dark wood": partial(wood, 3, 110, 40),
    "narrow stripes": partial(stripes, 3.0, 1.0),
    "stripes": partial(stripes, 8.0, 2.0),
    "wide stripes": partial(stripes, 25.0, 10.0),
    "laminate": partial(speckles, 6),
    "white and brown wood": lambda: wood(65, 217, 53),
    "keyboard": keyboard,
    "pen and fingers": pen_and_fingers,
}


@pytest.mark.parametrize("name", BESIDE)
def test_note_beside_form_raises_issue(name: str) -> None:
    picture = np.ascontiguousarray(BESIDE[name]())
    assert finds_other_sheet(picture)
    assert finds_other_sheet(photographed(picture))


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("across", [False, True])
def test_table_surface_is_not_paper(name: str, across: bool) -> None:
    table = TABLES[name]()
    picture = on(np.ascontiguousarray(table.T) if across else table, form_page())
    assert not finds_other_sheet(picture)
    assert not finds_other_sheet(photographed(picture))


def test_scan_of_form_alone_is_not_analysed() -> None:
    assert not finds_other_sheet(form_page())


def test_empty_sheet_beside_form_raises_no_issue() -> None:
    assert not finds_other_sheet(np.hstack([form_page(), note(0)]))


@pytest.mark.parametrize("name", ["05-telefon-1.jpg", "05-telefon-2.jpg"])
def test_a_photograph_of_a_form_shows_no_other_paper(name: str) -> None:
    data = (ROOT / "data" / "samples" / "stack" / name).read_bytes()
    assert not finds_other_sheet(decode_image(data, "image/jpeg"))


@pytest.mark.parametrize(
    ("kind", "strength"),
    [("perspective", 40), ("shadow", 0.7), ("torn corner", 60), ("printed smaller", 71)],
)
def test_a_damaged_form_shows_no_other_paper(kind: str, strength: float) -> None:
    assert strength in SERIES_BY_NAME[kind].strengths
    assert not finds_other_sheet(
        damage_page(
            DamageTrial("besokslista", 0, kind, strength), fill_sheet("besokslista", 0)
        ).image
    )


def test_form_is_read_and_other_sheet_raises_issue() -> None:
    """A value that is certain beside another sheet is that of the form alone."""
    reader = PageReader.of_forms(FORMS)
    page = np.asarray(
        cv2.resize(
            to_grayscale(fill_sheet("besokslista", 1).printed.image),
            (1654, 2339),
            interpolation=cv2.INTER_AREA,
        ),
        np.uint8,
    )
    beside = np.hstack([page, cv2.resize(note(), (1654, 2339))])
    alone, both = (
        reader.read(cv2.imencode(".png", picture)[1].tobytes(), "image/png").reading
        for picture in (page, beside)
    )
    assert alone.outcome is both.outcome is Outcome.READ
    assert IssueCode.MORE_PAPER in both.issues
    assert IssueCode.MORE_PAPER not in alone.issues
    other = [name for name, one in both.fields.items() if one.value != alone.fields[name].value]
    assert not [name for name in other if is_certain(both, name) and is_certain(alone, name)]
    assert len(other) <= most_errors(len(both.fields), 0.99)


def is_certain(reading: PageReading, name: str) -> bool:
    return reading.fields[name].p >= PREFILL_FROM
