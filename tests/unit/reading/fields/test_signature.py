"""Detection of signatures and initials."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import UNSEEN_P, Image, Reading, State
from pipeline.domain.settings import ROOT
from pipeline.reading.field_readers import CALIBRATED_READERS
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.signature import read_initials, read_signatures
from pipeline.reading.register.template_images import cut_field_images, template_image

PX = 8.0


def test_signature_is_detected_and_printed_line_is_not() -> None:
    blank = _page()
    signed = blank.copy()
    path = np.array([(40 + 6 * i, 70 + round(25 * np.sin(i))) for i in range(40)], np.int32)
    cv2.polylines(signed, [path], False, 60, 3, cv2.LINE_AA)
    there, missing = read_signatures(
        [_crop(signed, blank, Kind.SIGNATURE), _crop(blank, blank, Kind.SIGNATURE)]
    )
    assert (there.value, there.state) == (True, State.READ)
    assert (missing.value, missing.state) == (False, State.EMPTY)
    assert min(there.p, missing.p) > 0.95


@pytest.mark.parametrize(("side", "least", "most"), [(2, 0.9, 1.0), (8, 0.5, 0.8), (24, 0.95, 1.0)])
def test_spot_that_may_be_dirt_has_low_probability(side: int, least: float, most: float) -> None:
    blank = _page()
    spotted = blank.copy()
    spotted[40 : 40 + side, 100 : 100 + side] = 40
    (reading,) = read_signatures([_crop(spotted, blank, Kind.SIGNATURE)])
    assert least <= reading.p <= most


def test_writing_of_field_above_is_not_a_signature() -> None:
    blank = _page()
    crossed = blank.copy()
    cv2.line(crossed, (100, 0), (104, 12), 40, 4)
    cv2.line(crossed, (300, 0), (304, 14), 40, 4)
    (reading,) = read_signatures([_crop(crossed, blank, Kind.SIGNATURE)])
    assert reading.value is False


def test_print_thickened_by_thresholding_is_not_a_signature() -> None:
    blank = _page()
    cv2.rectangle(blank, (16, 16), (383, 111), 190, 2)
    bolder = np.where(blank < 200, 0, 255).astype(np.uint8)
    cv2.line(bolder, (16, 19), (383, 19), 0, 2)
    cv2.line(bolder, (13, 30), (13, 70), 0, 3)
    (reading,) = read_signatures([_crop(bolder, blank, Kind.SIGNATURE)])
    assert reading.value is False


def test_initials_are_read_as_letters() -> None:
    blank = _page()
    signed = blank.copy()
    cv2.putText(signed, "KL", (60, 90), cv2.FONT_HERSHEY_SIMPLEX, 1.8, 40, 4, cv2.LINE_AA)
    there, missing = read_initials(
        [_crop(signed, blank, Kind.INITIALS), _crop(blank, blank, Kind.INITIALS)]
    )
    assert there.value is True
    assert there.alternatives[0][0] == "KL"
    assert missing.value is False


def _page() -> Image:
    page = np.full((128, 400), 250, np.uint8)
    page[108:110] = 140
    return page


def _crop(image: Image, blank: Image, kind: Kind) -> FieldImage:
    spec = FieldSpec(name="sign", label="sign", kind=kind, box=(10, 10, 46, 12))
    return FieldImage(image, spec, blank, PX, 2.0)


def _signed(text: str, foot: int) -> Image:
    page = _page()
    cv2.putText(page, text, (60, foot), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 40, 4, cv2.LINE_AA)
    return page


@pytest.mark.parametrize("kind", [Kind.SIGNATURE, Kind.INITIALS])
@pytest.mark.parametrize(
    "ends",
    [((80, 60), (160, 62)), ((80, 90), (160, 40)), ((120, 0), (124, 127)), ((0, 60), (399, 64))],
)
def test_dash_or_line_through_field_needs_review(
    ends: tuple[tuple[int, int], tuple[int, int]], kind: Kind
) -> None:
    page = _page()
    cv2.line(page, *ends, 40, 3, cv2.LINE_AA)
    (reading,) = CALIBRATED_READERS[kind]([_crop(page, _page(), kind)])
    assert reading.p <= UNSEEN_P


def test_struck_out_initials_have_low_confidence_and_issue() -> None:
    struck = _signed("KL", 80)
    cv2.line(struck, (50, 66), (120, 64), 40, 3, cv2.LINE_AA)
    kept, gone = CALIBRATED_READERS[Kind.INITIALS](
        [_crop(page, _page(), Kind.INITIALS) for page in (_signed("KL", 80), struck)]
    )
    assert kept.p > 0.99
    assert kept.issues == ()
    assert gone.p <= UNSEEN_P
    assert gone.issues == (IssueCode.STRUCK_OUT,)


@pytest.mark.parametrize("kind", [Kind.SIGNATURE, Kind.INITIALS])
def test_signature_below_field_raises_issue(kind: Kind) -> None:
    blank = np.full((128, 400), 250, np.uint8)
    page = blank.copy()
    cv2.putText(page, "KL", (60, 134), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 40, 4, cv2.LINE_AA)
    below, empty = CALIBRATED_READERS[kind]([_crop(page, blank, kind), _crop(blank, blank, kind)])
    assert below.issues == (IssueCode.STRAY_WRITING,)
    assert empty.issues == ()


def test_spot_that_may_be_dirt_is_not_a_confident_signature() -> None:
    page = _page()
    page[40:48, 100:108] = 40
    (reading,) = CALIBRATED_READERS[Kind.SIGNATURE]([_crop(page, _page(), Kind.SIGNATURE)])
    assert reading.p < 0.8


Lines = tuple[tuple[tuple[float, float], tuple[float, float]], ...]


@pytest.fixture(scope="module")
def drug_list() -> Form:
    return Forms.load(ROOT / "forms").latest("narkotikalista")


def _in_black_frames(form: Form, name: str, written: Lines = (), threshold: int = 200) -> Reading:
    """Read initials on a sheet whose pale frames 1 bit made black; lines are in mm of the field."""
    (spec,) = (spec for spec in form.pages[0].all_fields if spec.name == name)
    page = np.where(template_image(form, 1) < threshold, 0, 255).astype(np.uint8)
    left, top = spec.box[:2]
    for ends in written:
        start, end = (tuple(round(PX * v) for v in (left + x, top + y)) for x, y in ends)
        cv2.line(page, start, end, (0,), 3)
    (crop,) = cut_field_images(page, form, 1, [spec])
    (reading,) = CALIBRATED_READERS[Kind.INITIALS]([replace(crop, one_bit=True)])
    return reading


@pytest.mark.parametrize("name", ["rad3_signatur", "rad3_kontroll"])
@pytest.mark.parametrize("threshold", [160, 190, 200, 210, 226])
def test_black_frames_of_next_fields_are_no_initials(
    drug_list: Form, name: str, threshold: int
) -> None:
    reading = _in_black_frames(drug_list, name, threshold=threshold)
    assert reading.state is State.EMPTY
    assert reading.p > 0.95


def test_initials_between_black_frames_are_read(drug_list: Form) -> None:
    letters = (((3.0, 2.0), (3.0, 6.5)), ((3.0, 6.5), (5.0, 6.5)), ((7.0, 2.0), (6.8, 6.5)))
    reading = _in_black_frames(drug_list, "rad3_signatur", letters)
    assert reading.state is State.READ
    assert reading.p > 0.95


@pytest.mark.parametrize("x", [0.1, 0.3, 0.5, 1.5])
def test_thin_letter_along_black_frame_is_not_lost(drug_list: Form, x: float) -> None:
    reading = _in_black_frames(drug_list, "rad3_kontroll", (((x + 0.2, 1.5), (x, 6.5)),))
    assert reading.state is State.READ or reading.p <= UNSEEN_P
