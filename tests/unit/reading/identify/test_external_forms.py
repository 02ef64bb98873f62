"""A page without codes is identified by its print, and one that fits no form well is rejected."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.domain.errors import FormError
from pipeline.domain.form.form import Form, Forms, load_form
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import UNSEEN_P, Image, Outcome, PageReading
from pipeline.forms.library import geometry_digest
from pipeline.forms.printing import make_blank_sheets, print_sheets
from pipeline.reading.imaging import geometry
from pipeline.reading.read_page import DEFAULT_GATE_MM, PageReader
from pipeline.reading.register.external_forms import (
    LOOSE_RESIDUAL_MM,
    ExternalFormMatch,
    locate_form,
    match_external_form,
)
from pipeline.reading.register.page_fit import Creases
from pipeline.reading.register.register import Registration
from pipeline.reading.register.template_images import (
    extract_features,
    extract_template_features,
    load_template_file,
)
from research.evaluation.damage.damaged_page import DamagedPage, Points
from research.evaluation.damage.imaging_damage import add_noise, add_uneven_light
from research.evaluation.damage.paper_damage import add_dust
from tests.support.form_rules import form_problem_texts
from tests.support.pages.distort import distort
from tests.support.pages.printed_elsewhere import page, written_form
from tests.support.pages.synthetic_page import scribbled, synthetic_page

pytestmark = pytest.mark.slow

MM = 300 / 25.4
PLACES = np.stack(np.meshgrid(np.linspace(13, 197, 9), np.linspace(20, 280, 12)), axis=-1).reshape(
    -1, 2
)
WARD = page("Observationslista", 0)
OTHER = page("Läkemedelslista", 13)
LIKE_WARD = page("Observationslista", 0, 9)


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Form:
    return written_form(tmp_path_factory.mktemp("forms"), "observation", WARD)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Form:
    return written_form(tmp_path_factory.mktemp("forms"), "lakemedel", OTHER)


def _written(blank: Image, seed: int = 3) -> Image:
    return scribbled(blank, np.random.default_rng(seed), lines=25)


def _sighted(image: Image, *forms: Form) -> ExternalFormMatch:
    return match_external_form(image, forms, DEFAULT_GATE_MM)


def _errors_mm(found: Registration, damaged: DamagedPage) -> Points:
    true_px = damaged.where(PLACES * MM - 0.5)
    beside = damaged.where((PLACES + np.array([1, 0])) * MM - 0.5)
    return np.asarray(
        np.linalg.norm(found.to_px(PLACES) - true_px, axis=1)
        / np.linalg.norm(beside - true_px, axis=1)
    )


@pytest.mark.parametrize(
    "name",
    [
        "upside_down",
        "photo_turned_in_shadow",
        *(
            pytest.param(name, marks=pytest.mark.nightly)
            for name in (
                "quarter_turn",
                "grey_150_dpi",
                "colour_600_dpi",
                "one_bit",
                "printed_at_90_percent",
            )
        ),
    ],
)
def test_page_is_identified_in_any_orientation_and_scan(name: str, ward: Form, other: Form) -> None:
    damaged = distort(name, _written(WARD), np.random.default_rng(5))
    seen = _sighted(damaged.image, ward, other)
    assert seen.form is ward
    assert seen.registration
    assert np.percentile(_errors_mm(seen.registration, damaged), 95) <= 0.5


@pytest.mark.parametrize(
    "blank", [OTHER, LIKE_WARD], ids=["another form", "a form with the same head and layout"]
)
def test_wrong_form_is_rejected(blank: Image, ward: Form) -> None:
    assert _sighted(_written(blank), ward).form is None


def test_right_one_of_two_forms_with_same_upper_half_is_identified(
    ward: Form, tmp_path: Path
) -> None:
    like = written_form(tmp_path, "observation-ny", LIKE_WARD)
    assert _sighted(_written(WARD), ward, like).form is ward
    assert _sighted(_written(LIKE_WARD), ward, like).form is like


def test_page_that_fits_two_forms_equally_is_rejected(ward: Form, tmp_path: Path) -> None:
    twin = written_form(tmp_path, "tvilling", WARD)
    seen = _sighted(_written(WARD), ward, twin)
    assert seen.form is None
    assert seen.issues == (Issue(IssueCode.FORM_UNCERTAIN),)


def test_newest_of_two_versions_on_same_paper_is_used(ward: Form) -> None:
    newer = ward.model_copy(update={"version": 2})
    assert _sighted(_written(WARD), ward, newer).form is newer


def test_handwriting_alone_and_own_forms_are_not_external_forms(ward: Form, other: Form) -> None:
    note = scribbled(np.full((3508, 2480), 240, np.uint8), np.random.default_rng(2), lines=80)
    assert _sighted(note, ward, other) == ExternalFormMatch()
    assert _sighted(synthetic_page(300), ward, other) == ExternalFormMatch()


def test_half_a_page_is_rejected(ward: Form) -> None:
    assert _sighted(np.ascontiguousarray(_written(WARD)[:1700]), ward).form is None


@pytest.mark.nightly
def test_mirrored_page_is_rejected(ward: Form) -> None:
    assert _sighted(np.ascontiguousarray(_written(WARD)[:, ::-1]), ward) == ExternalFormMatch()


def test_homography_supported_by_one_corner_is_rejected() -> None:
    blank = np.asarray(cv2.resize(WARD, (1680, 2376), interpolation=cv2.INTER_AREA), np.uint8)
    corner = np.full_like(WARD, 255)
    corner[:700, :1000] = WARD[:700, :1000]
    assert (
        locate_form(
            extract_template_features(blank),
            geometry.PAGE_BOX,
            extract_features(geometry.shrink_image(corner, 0.5), 6000),
            (1240, 1754),
        )
        is None
    )


def _creased(blank: Image, lift_mm: float) -> DamagedPage:
    """Folded once across and once along and flattened again: near a fold the paper rises and its
    print is displaced, most at the fold.
    """

    def shift(mm: Points) -> Points:
        along = np.clip(1 - np.abs(mm[:, 1] - 140 - 0.05 * mm[:, 0]) / 45, 0, None)
        across = np.clip(1 - np.abs(mm[:, 0] - 110) / 35, 0, None)
        return np.stack([0.7 * across, along - 0.4 * across], axis=1) * lift_mm

    h, w = blank.shape
    x, y = np.meshgrid(np.arange(w), np.arange(h))
    px = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float64)
    from_mm = (px + 0.5) / MM
    source = px - shift(from_mm) * MM
    at_x, at_y = (source[:, i].reshape(h, w).astype(np.float32) for i in (0, 1))
    image = np.asarray(cv2.remap(blank, at_x, at_y, cv2.INTER_LINEAR, borderValue=255), np.uint8)

    def where(points: Points) -> Points:
        moved = points.copy()
        for _ in range(30):
            moved = points + shift((moved + 0.5) / MM) * MM
        return moved

    return DamagedPage(image, where)


@pytest.mark.parametrize("lift_mm", [0.6, 1.2])
def test_creased_sheet_is_registered(lift_mm: float, ward: Form) -> None:
    damaged = _creased(_written(WARD), lift_mm)
    seen = _sighted(damaged.image, ward)
    assert seen.form is ward
    assert seen.registration
    assert seen.registration.residual_mm <= 0.6  # estimated; processors differ by some hundredths
    assert np.percentile(_errors_mm(seen.registration, damaged), 95) <= 0.5


@pytest.mark.parametrize(
    ("lift_mm", "seed"),
    [
        (1.6, 3),
        *(
            pytest.param(*case, marks=pytest.mark.nightly)
            for case in [(0.6, 3), (1.2, 4), (2.0, 3), (2.0, 4), (2.4, 3)]
        ),
    ],
)
def test_residual_of_creased_sheet_bounds_its_error(lift_mm: float, seed: int, ward: Form) -> None:
    damaged = _creased(_written(WARD, seed), lift_mm)
    seen = match_external_form(damaged.image, [ward], gate_mm=99.0)
    assert seen.registration
    true = float(np.percentile(_errors_mm(seen.registration, damaged), 95))
    assert 0.9 * true <= seen.registration.residual_mm <= 1.3 * true + 0.1


@pytest.mark.parametrize("lift_mm", [5.0])
def test_too_creased_sheet_is_rejected(lift_mm: float, ward: Form) -> None:
    assert _sighted(_creased(_written(WARD), lift_mm).image, ward).form is None


def _read(image: Image, form: Form) -> PageReading:
    reader = PageReader.of_forms(Forms({(form.id, 1): form}))
    return reader.read(cv2.imencode(".png", image)[1].tobytes(), "image/png").reading


def test_every_place_on_loosely_fitting_sheet_is_unsure(ward: Form) -> None:
    reading = _read(_creased(_written(WARD), 2.4).image, ward)
    assert reading.outcome is Outcome.READ
    assert reading.residual_mm is not None
    assert DEFAULT_GATE_MM < reading.residual_mm <= LOOSE_RESIDUAL_MM
    assert {"place_unsure:klar", "place_unsure:namn"} <= set(reading.issues)
    assert max(field.p for field in reading.fields.values()) <= UNSEEN_P


def test_fields_outside_the_picture_are_covered(ward: Form) -> None:
    # The lower two thirds: the box at the top right and the line below it are not in it
    reading = _read(np.ascontiguousarray(_written(WARD)[1000:]), ward)
    assert reading.outcome is Outcome.READ
    assert {"covered:klar", "covered:namn"} <= set(reading.issues)
    assert max(field.p for field in reading.fields.values()) <= UNSEEN_P


def test_fields_in_picture_of_a_part_are_read(ward: Form) -> None:
    reading = _read(np.ascontiguousarray(WARD[:2400]), ward)
    assert reading.outcome is Outcome.READ
    assert not [issue for issue in reading.issues if issue.startswith("covered")]
    assert reading.fields["klar"].value is False


def test_part_of_another_form_is_rejected(ward: Form) -> None:
    assert _sighted(np.ascontiguousarray(_written(LIKE_WARD)[1000:]), ward).form is None
    assert _sighted(np.ascontiguousarray(_written(OTHER)[:2400]), ward).form is None


def test_form_with_same_words_farther_down_is_rejected(tmp_path: Path) -> None:
    shifted = written_form(tmp_path, "forskjuten", page("Lista 7", 7))
    assert _sighted(_written(page("Lista 3", 3)), shifted).form is None


def test_part_that_two_forms_share_is_rejected(tmp_path: Path) -> None:
    one, two = (
        written_form(tmp_path, name, page("Observationslista", 0, lower))
        for name, lower in (("nedan-a", 5), ("nedan-b", 11))
    )
    upper = np.ascontiguousarray(_written(page("Observationslista", 0, 5))[:2100])
    assert _sighted(upper, one, two).form in (None, one)


def test_right_form_of_many_is_proposed(ward: Form, tmp_path: Path) -> None:
    many = [
        written_form(tmp_path, f"lista-{turn}", page(f"Lista {turn}", turn))
        for turn in range(1, 13)
    ]
    assert _sighted(_written(WARD), *many, ward).form is ward
    assert _sighted(_written(LIKE_WARD), *many).form is None


def test_small_page_on_a_dark_table_is_found(ward: Form, other: Form) -> None:
    rng = np.random.default_rng(5)
    table = np.clip(rng.normal(90, 6, (4000, 3000)), 0, 255).astype(np.uint8)
    small = cv2.resize(_written(WARD), (848, 1200), interpolation=cv2.INTER_AREA)
    table[1200:2400, 900:1748] = small
    assert _sighted(table, ward, other).form is ward


def test_unfilled_scan_is_as_good_a_blank(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    scan: DamagedPage = DamagedPage(WARD, lambda points: points)
    for damage in (
        partial(add_uneven_light, darkest=0.85),
        partial(add_noise, sigma=5),
        partial(add_dust, specks=60),
    ):
        scan = damage(scan, rng)
    form = written_form(tmp_path, "skannad", scan.image)
    page_ = form.pages[0]
    assert page_.blank
    template = load_template_file(page_.blank, page_.size)
    assert np.median(template) == 255
    seen = _sighted(distort("hard_jpeg", _written(WARD), rng).image, form)
    assert seen.form is form
    assert seen.registration
    assert seen.registration.residual_mm <= 0.3


def test_crease_correction_is_zero_without_measurements() -> None:
    creases = Creases(np.array([[50.0, 50.0], [60.0, 50.0], [50.0, 60.0]]), np.full((3, 2), 0.5))
    near, far = creases.shift(np.array([[53.0, 53.0], [180.0, 250.0]]))
    assert np.allclose(near, 0.5, atol=0.08)
    assert np.allclose(far, 0)


def test_paper_need_not_be_a4(tmp_path: Path) -> None:
    small = np.ascontiguousarray(WARD[: round(148 * MM), : round(196 * MM)])
    form = written_form(tmp_path, "halv", small, (196, 148))
    around = np.full((2600, 2500), 90, np.uint8)
    around[300 : 300 + small.shape[0], 90 : 90 + small.shape[1]] = small
    seen = _sighted(around, form)
    assert seen.form is form
    assert seen.registration
    assert seen.registration.upright.shape == (1184, 1568)
    assert np.allclose(seen.registration.to_px(np.array([[0.0, 0.0]])), (89.5, 299.5), atol=1.5)


def test_external_page_is_read_with_same_kinds_and_no_serial(ward: Form) -> None:
    filled = WARD.copy()
    cv2.line(
        filled, (round(180.6 * MM), round(10.6 * MM)), (round(184.4 * MM), round(14.4 * MM)), 40, 6
    )
    cv2.line(
        filled, (round(180.6 * MM), round(14.4 * MM)), (round(184.4 * MM), round(10.6 * MM)), 40, 6
    )
    digitized = PageReader.of_forms(Forms({(ward.id, 1): ward})).read(
        cv2.imencode(".png", filled)[1].tobytes(), "image/png"
    )
    reading = digitized.reading
    assert reading.outcome is Outcome.READ
    assert reading.code
    assert (reading.code.form, reading.code.serial) == ("observation", "")
    assert reading.fields["klar"].value is True
    assert reading.fields["namn"].value in (None, "")
    assert digitized.upright


@pytest.mark.nightly
def test_rejected_page_has_neither_form_nor_upright_image(ward: Form) -> None:
    digitized = PageReader.of_forms(Forms({(ward.id, 1): ward})).read(
        cv2.imencode(".png", _written(LIKE_WARD))[1].tobytes(), "image/png"
    )
    assert digitized.reading.outcome is Outcome.UNIDENTIFIED
    assert digitized.reading.code is None
    assert digitized.upright is None


def test_valid_and_invalid_definitions(ward: Form, tmp_path: Path) -> None:
    assert [p for p in form_problem_texts(ward) if not p.startswith("no field means")] == []
    page_spec = ward.pages[0]
    with pytest.raises(ValueError, match="make each side a form of one page"):
        Form.model_validate(
            ward.model_dump() | {"pages": [page_spec, page_spec.model_dump() | {"fields": ()}]}
        )
    with pytest.raises(ValueError, match="another size needs the blank"):
        Form.model_validate(
            ward.model_dump()
            | {
                "pages": [
                    page_spec.model_dump() | {"blank": None, "size": (100, 100), "fields": ()}
                ]
            }
        )
    with pytest.raises(FormError, match="printed elsewhere"):
        print_sheets(ward, make_blank_sheets(1))
    empty = written_form(tmp_path, "tom", np.full((3508, 2480), 255, np.uint8))
    assert any("too little print" in problem for problem in form_problem_texts(empty))
    (tmp_path / "tom" / "blank.png").unlink()
    with pytest.raises(FormError, match=r"blank\.png"):
        geometry_digest(load_form(tmp_path / "tom" / "form.yaml"))


def test_other_blank_changes_geometry_digest(tmp_path: Path) -> None:
    one, two = (
        written_form(tmp_path / name, "lika", picture)
        for name, picture in (("a", WARD), ("b", OTHER))
    )
    assert geometry_digest(one) != geometry_digest(two)
