"""Assignment of the strokes of a row to its digit boxes, whole or split, without dust."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.reading.fields.digits.strokes import MAX_16BIT_PX, assign_strokes, find_reached_boxes

EDGES = np.linspace(10, 130, 4)
"""Three cells of 40 px within a margin of 10 px."""
MARGIN = 10.0


def blank_row() -> NDArray[np.float32]:
    return np.zeros((80, 140), np.float32)


def test_stroke_slightly_across_boundary_is_not_split() -> None:
    mask = blank_row()
    mask[30:34, 20:60] = 1
    labels, found, _ = assign_strokes(mask, EDGES, MARGIN)
    assert list(found) == [0]
    (stroke,) = found[0]
    assert (stroke.x, stroke.y, stroke.w, stroke.h, stroke.area) == (20, 30, 40, 4, 160)
    assert np.array_equal(labels == stroke.label, mask > 0)


def test_line_through_row_is_split_at_cell_boundaries() -> None:
    mask = blank_row()
    mask[40:43, 4:136] = 1
    labels, found, _ = assign_strokes(mask, EDGES, MARGIN)
    assert sorted(found) == [0, 1, 2]
    for cell, (piece,) in found.items():
        assert (piece.x, piece.w, piece.area) == (10 + 40 * cell, 40, 120)
        assert np.count_nonzero(labels == piece.label) == piece.area
    assert len({piece.label for (piece,) in found.values()}) == 3


def test_disconnected_parts_of_split_stroke_are_separate_strokes() -> None:
    """An arch with both feet in one cell and its bow in the other."""
    mask = blank_row()
    mask[20:24, 30:80] = mask[50:54, 30:80] = 1
    mask[20:54, 76:80] = 1
    _, found, _ = assign_strokes(mask, EDGES, MARGIN)
    assert sorted((stroke.y, stroke.h) for stroke in found[0]) == [(20, 4), (50, 4)]
    assert [stroke.h for stroke in found[1]] == [34]


def test_specks_line_residues_and_ink_outside_are_ignored() -> None:
    mask = blank_row()
    mask[20:60, 25:30] = 1  # a stroke
    mask[30:32, 40:42] = 1  # a speck
    mask[12:60, 49:52] = 1  # on the side between two cells
    mask[1:7, 60:90] = 1  # above the boxes
    _, found, _ = assign_strokes(mask, EDGES, MARGIN)
    assert {cell: [stroke.x for stroke in strokes] for cell, strokes in found.items()} == {0: [25]}


def test_small_component_is_ignored_only_beside_large_stroke() -> None:
    mask = blank_row()
    mask[20:60, 20:30] = 1
    mask[30:33, 35:38] = mask[30:33, 75:78] = 1
    _, found, _ = assign_strokes(mask, EDGES, MARGIN)
    assert {cell: [stroke.area for stroke in strokes] for cell, strokes in found.items()} == {
        0: [400],
        1: [9],
    }


def test_more_strokes_than_16_bit_labels_are_distinguished() -> None:
    mask = np.zeros((640, 640), np.float32)
    mask[::2, ::2] = 1
    mask[300:320, 500:520] = 1
    labels, found, _ = assign_strokes(mask, np.array([0.0, 640.0]), 0)
    assert mask.size > MAX_16BIT_PX
    assert len(np.unique(labels)) > 2**16
    assert [(stroke.x, stroke.y) for stroke in found[0]] == [(500, 300)]


def test_digit_half_outside_boxes_raises_issue() -> None:
    above, beside = blank_row(), blank_row()
    above[0:16, 25:40] = 1
    beside[25:60, 2:14] = 1
    for mask in (above, beside):
        assert assign_strokes(mask, EDGES, MARGIN)[1:] == ({}, True)


def test_grain_of_paper_is_no_writing_beside_or_in_boxes() -> None:
    """A noisy scan's grain grows together in the margin and was as high as a digit there."""
    for strength, is_outside in ((0.45, False), (1.0, True)):
        contrast = blank_row()
        contrast[0:16, 25:40] = contrast[25:60, 2:8] = strength
        assert assign_strokes(contrast, EDGES, MARGIN)[2] is is_outside
    contrast = blank_row()
    contrast[30:34, 20:24], contrast[40:42, 65:69] = 0.45, 1.0  # grain, and a fleck of dust
    assert assign_strokes(contrast, EDGES, MARGIN)[1:] == ({}, False)


def test_ink_that_only_touches_boxes_raises_no_issue() -> None:
    mask = blank_row()
    mask[0:12, 25:40] = 1  # the foot of what is above
    mask[25:60, 12:30] = 1  # a digit that leaves its box
    mask[38:42, 0:8] = mask[38:42, 132:140] = 1  # dashes beside the boxes
    assert assign_strokes(mask, EDGES, MARGIN)[2] is False


def test_digit_cut_off_by_crop_raises_issue_but_long_descender_does_not() -> None:
    for rows, has_issue in (
        (slice(45, 80), True),
        (slice(0, 35), True),
        (slice(45, 79), False),
        (slice(12, 80), False),
    ):
        mask = blank_row()
        mask[rows, 20:40] = 1
        _, found, outside = assign_strokes(mask, EDGES, MARGIN)
        assert (list(found), outside) == ([0], has_issue), rows


def test_stroke_far_into_next_box_raises_issue() -> None:
    mask = blank_row()
    for step in range(40):
        mask[20 + step, 44 + step // 4 : 51 + step // 4] = (
            1  # slants from the first box into the second, with most of its length
        )
    mask[30:34, 95:135] = 1  # a bar from the second box into the third is no digit
    labels, found, _ = assign_strokes(mask, EDGES, MARGIN)
    assert list(found) == [1, 2]
    assert find_reached_boxes(labels, found, EDGES, 60.0).tolist() == [True, False, False]
