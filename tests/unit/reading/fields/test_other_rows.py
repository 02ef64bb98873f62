"""Parts of other rows in an empty field, and writing of its own that reaches over its lines."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import UNSEEN_P, Image, State
from pipeline.reading.field_readers import CALIBRATED_READERS, make_field_image
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.reader import read_handwriting
from pipeline.reading.fields.handwriting.signature import read_initials, read_signatures

PX, MARGIN, WIDTH, HEIGHT = 8, 16, 320, 64


def _table_cell() -> Image:
    """A cell with the lines of its neighbours, 8 px/mm."""
    sheet = np.full((HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN), 255, np.uint8)
    for y in (MARGIN - 5, MARGIN, MARGIN + HEIGHT, MARGIN + HEIGHT + 5):
        cv2.line(sheet, (0, y), (sheet.shape[1], y), (150,), 2)
    for x in (MARGIN, MARGIN + WIDTH):
        cv2.line(sheet, (x, 0), (x, sheet.shape[0]), (150,), 2)
    return sheet


def _field(text: str, baseline: int, scale: float, kind: Kind = Kind.TEXT) -> FieldImage:
    """The cell with a text whose baseline is so many px below its top line."""
    image = _table_cell()
    written = np.full((image.shape[0] + 100, image.shape[1]), 255, np.uint8)
    at = (60, 100 + MARGIN + baseline)
    cv2.putText(written, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, (40,), 3, cv2.LINE_AA)
    box = (20.0, 20.0, WIDTH / PX, HEIGHT / PX)
    spec = FieldSpec.model_construct(name="f", label="f", kind=kind, box=box, day=None, row=None)
    seen = np.minimum(image, written[100:])
    return FieldImage(seen, spec, _table_cell(), float(PX), MARGIN / PX)


@pytest.mark.parametrize("text", ["H", "M"])
def test_tops_of_the_row_below_are_never_certain(text: str) -> None:
    (reading,) = CALIBRATED_READERS[Kind.TEXT]([_field(text, 104, 2.8)])
    assert reading.p < 0.9
    assert IssueCode.STRAY_WRITING in reading.issues


def test_a_tail_of_the_row_above_is_never_certain() -> None:
    hanging = _field("", 0, 1.0)
    cv2.ellipse(hanging.image, (150, 20), (9, 34), 20, 0, 360, (40,), 3)
    (reading,) = CALIBRATED_READERS[Kind.TEXT]([hanging])
    assert reading.p < 0.9
    assert IssueCode.STRAY_WRITING in reading.issues


@pytest.mark.parametrize(
    ("text", "baseline", "scale"),
    [("3 ggr", 34, 1.6), ("1", 34, 1.6), ("hall", 30, 2.4), ("ALI", 42, 3.0), ("JA", 42, 3.0)],
)
def test_writing_that_reaches_over_its_own_line_is_not_lost(
    text: str, baseline: int, scale: float
) -> None:
    (reading,) = read_handwriting([_field(text, baseline, scale)])
    assert reading.state is not State.EMPTY


def test_a_letter_that_hangs_over_its_lower_line_is_not_the_row_below() -> None:
    (reading,) = read_handwriting([_field("30 g", 58, 1.6)])
    assert (reading.state, reading.issues) == (State.READ, ())


def test_a_sign_at_the_edge_of_an_image_without_a_margin_is_read() -> None:
    image = np.full((64, 200), 255, np.uint8)
    cv2.putText(image, "J", (60, 34), cv2.FONT_HERSHEY_SIMPLEX, 1.7, (40,), 3, cv2.LINE_AA)
    (reading,) = read_handwriting([make_field_image(image, Kind.TEXT, None)])
    assert (reading.state, reading.issues) == (State.READ, ())


@pytest.mark.parametrize("kind", [Kind.SIGNATURE, Kind.INITIALS])
@pytest.mark.parametrize("centres", [(150,), (140, 172)])
def test_tails_of_the_row_above_are_asked_about_and_large_initials_are_not(
    kind: Kind, centres: tuple[int, ...]
) -> None:
    read = read_signatures if kind is Kind.SIGNATURE else read_initials
    hanging, signed = _field("", 0, 1.0, kind), _field("AK", 30, 1.8, kind)
    for x in centres:
        cv2.ellipse(hanging.image, (x, 20), (9, 34), 20, 0, 360, (40,), 3)
    cv2.line(hanging.image, (centres[0], 4), (centres[-1], 4), (40,), 3)
    (tails,), (initials,) = read([hanging]), read([signed])
    assert tails.p <= UNSEEN_P
    assert (initials.state, initials.p > 0.99) == (State.READ, True)
