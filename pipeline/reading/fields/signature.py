"""Signatures and initials: whether a hand has written there, and which letters initials may be. Who
signed is weighed in `pipeline/registers/staff.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.confidence import SIGNATURE_MAX_P, SIGNED_FROM
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import SIGNATURE_LETTERS, UNSEEN_P, Image, Reading, State
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.corrections import (
    is_ditto_ink,
    is_ditto_text,
    is_nearly_ditto_text,
    may_be_ditto_text,
)
from pipeline.reading.fields.handwriting.line_image import make_line_image, split_into_bands
from pipeline.reading.fields.handwriting.network import ALPHABET, Steps, read_steps
from pipeline.reading.fields.handwriting.strikethrough import find_strikes
from pipeline.reading.fields.ink import Ink, Mask, find_ink
from pipeline.reading.fields.marks.rules import passes_through
from pipeline.reading.fields.strokes import exclude_print
from pipeline.reading.imaging.components import Components
from pipeline.reading.language.ctc import decode_ctc

DOUBTFUL_SIGNATURE_MM2 = 1.2
"""Ink of a mark that might as well be dirt as a signature; the shortest real ones seen have about
four times as much.
"""
DOUBTFUL_INITIALS_MM2 = 0.8
MIN_STROKE_LENGTH_MM = 1.0
"""Shorter strokes are no writing, mm."""
OUTLINE_MM, MIN_SHARE_OFF_OUTLINE = 0.8, 0.1
"""So near its outline ink may be what is left of print, unless so much of the stroke lies
elsewhere.
"""
MAX_STRAIGHT_WIDTH_MM = 1.2
"""One stroke that is nowhere wider is a dash or a line drawn through, by which people say that
there is nothing to sign.
"""
AREA_STEEPNESS = 2.5
"""How fast doubt goes with the logarithm of the area: twice the doubtful area gives p = 0.85, four
times 0.97.
"""
MAX_INITIALS = 4
"""Most letters of a person's initials."""
LOOKALIKE_LETTERS = {"0": "O", "1": "I", "5": "S", "6": "G", "8": "B"}
"""Figures that the network sees where people sign with letters."""
SEPARATORS = " .,:;-–_'·"
"""Signs between initials, which say as much as a pause."""


def read_signatures(crops: Sequence[FieldImage]) -> list[Reading]:
    """True (`READ`) when there is handwriting in the field, False (`EMPTY`) when not."""
    return [
        _detect_signature(crop, ink, _field_ink(ink), DOUBTFUL_SIGNATURE_MM2)
        for crop, ink in zip(crops, map(find_ink, crops), strict=True)
    ]


def read_initials(crops: Sequence[FieldImage]) -> list[Reading]:
    """As for a signature, with the letters that the handwriting network sees as alternatives and,
    step by step, as lattice.
    """
    inks = [find_ink(crop) for crop in crops]
    own = [_field_ink(ink) for ink in inks]
    present = [
        _detect_signature(crop, ink, mask, DOUBTFUL_INITIALS_MM2)
        for crop, ink, mask in zip(crops, inks, own, strict=True)
    ]
    lines = [
        make_line_image(ink, mask) if reading.state is State.READ else None
        for ink, mask, reading in zip(inks, own, present, strict=True)
    ]
    answers = iter(
        read_steps(
            [line.picture for line in lines if line is not None and line.picture is not None]
        )
    )
    return [
        reading
        if line is None or line.picture is None
        else _add_letters(crop, _flag_struck(reading, line.picture, ink), next(answers))
        for crop, reading, line, ink in zip(crops, present, lines, inks, strict=True)
    ]


def _add_letters(crop: FieldImage, reading: Reading, steps: Steps) -> Reading:
    """The reading with its letters; doubtful, and told of, where they are what ditto marks are read
    as, below another row.
    """
    text = decode_ctc(steps, ALPHABET)[0].text
    if (
        IssueCode.DITTO not in reading.issues
        and (crop.spec.row or 1) > 1
        and any(says(text) for says in (is_ditto_text, may_be_ditto_text, is_nearly_ditto_text))
    ):
        reading = replace(_lower_confidence(reading), issues=(*reading.issues, IssueCode.DITTO))
    return _attach_alternatives(reading, letter_probabilities(steps))


def _detect_signature(crop: FieldImage, ink: Ink, own: Mask, doubtful_mm2: float) -> Reading:
    """Whether somebody signed; doubtful for a line that says that nobody did, and for an empty
    field with writing just above or below it.
    """
    found = _presence_reading(own, ink, doubtful_mm2)
    if found.state is State.READ:
        if is_ditto_ink(own, ink.px_per_mm):
            return replace(_lower_confidence(found), issues=(IssueCode.DITTO,))
        return (
            _lower_confidence(found)
            if _is_straight_stroke(own, ink) or passes_through(ink)
            else found
        )
    near = exclude_print(crop, ink, np.asarray(ink.mask & ~own, np.bool_))
    beside = _presence_reading(near, ink, doubtful_mm2).state is State.READ
    return replace(found, issues=(IssueCode.STRAY_WRITING,)) if beside else found


def _lower_confidence(reading: Reading) -> Reading:
    return replace(
        reading, p=min(reading.p, UNSEEN_P), alternatives=((not reading.value, UNSEEN_P),)
    )


def _is_straight_stroke(own: Mask, ink: Ink) -> bool:
    """Whether the ink is one straight stroke."""
    points = cv2.findNonZero(_keep_strokes(own, ink).view(np.uint8))
    (_, (width, height), _) = cv2.minAreaRect(points)
    return min(width, height) <= MAX_STRAIGHT_WIDTH_MM * ink.px_per_mm < max(width, height)


def _flag_struck(reading: Reading, picture: Image, ink: Ink) -> Reading:
    """Doubtful, and told of, where initials are struck out."""
    (strikes,) = find_strikes([picture], ink.px_per_mm)
    return (
        replace(_lower_confidence(reading), issues=(*reading.issues, IssueCode.STRUCK_OUT))
        if strikes
        else reading
    )


def letter_probabilities(steps: Steps) -> NDArray[np.float32]:
    """The network's answer for letters only: (steps, 1 + len(SIGNATURE_LETTERS)), the pause first;
    small letters count as capitals.
    """
    gathered = steps @ _letter_mapping()
    return np.asarray(gathered / np.maximum(gathered.sum(axis=1, keepdims=True), 1e-9), np.float32)


@lru_cache(maxsize=1)
def _letter_mapping() -> NDArray[np.float32]:
    """(1 + len(ALPHABET), 1 + len(SIGNATURE_LETTERS)): 1 where what the network knows means a
    letter or a pause.
    """
    gathering = np.zeros((1 + len(ALPHABET), 1 + len(SIGNATURE_LETTERS)), np.float32)
    gathering[0, 0] = 1.0
    for i, sign in enumerate(ALPHABET, start=1):
        letter = SIGNATURE_LETTERS.find(LOOKALIKE_LETTERS.get(sign, sign.upper()))
        if letter >= 0 or sign in SEPARATORS:
            gathering[i, letter + 1] = 1.0
    return gathering


def _field_ink(ink: Ink) -> Mask:
    """The ink that belongs to the field and not to the one above or below."""
    _, top, _, bottom = ink.field
    return split_into_bands(ink.mask, (top, bottom))[0]


def _presence_reading(own: Mask, ink: Ink, doubtful_mm2: float) -> Reading:
    """Whether the ink of a field is writing; so much of it, mm², may be or not."""
    area = np.count_nonzero(_keep_strokes(own, ink)) / ink.px_per_mm**2
    p = 1.0 / (1.0 + (doubtful_mm2 / max(area, 0.01)) ** AREA_STEEPNESS)
    if p >= SIGNED_FROM:
        return Reading(
            True,
            min(p, SIGNATURE_MAX_P),
            State.READ,
            ((False, max(1.0 - p, 1.0 - SIGNATURE_MAX_P)),),
        )
    return Reading(
        False, min(1.0 - p, SIGNATURE_MAX_P), State.EMPTY, ((True, max(p, 1.0 - SIGNATURE_MAX_P)),)
    )


def _keep_strokes(mask: Mask, ink: Ink) -> Mask:
    """Without spots, as a hand draws strokes, and without what lies along the outline of the field
    only: black and white makes print bolder.
    """
    strokes = Components.of(mask)
    length = np.hypot(strokes.column(cv2.CC_STAT_WIDTH), strokes.column(cv2.CC_STAT_HEIGHT))
    beside = np.bincount(strokes.labels[~_outline_mask(mask.shape, ink)], minlength=len(length))
    keep = (length >= MIN_STROKE_LENGTH_MM * ink.px_per_mm) & (
        beside >= MIN_SHARE_OFF_OUTLINE * strokes.column(cv2.CC_STAT_AREA)
    )
    keep[0] = False
    return strokes.pixels(keep)


def _outline_mask(shape: tuple[int, ...], ink: Ink) -> Mask:
    """The printed outline of the field and what is next to it."""
    reach = round(OUTLINE_MM * ink.px_per_mm)
    left, top, right, bottom = ink.field
    zone = np.zeros(shape, np.bool_)
    zone[max(0, top - reach) : bottom + reach, max(0, left - reach) : right + reach] = True
    zone[top + reach : bottom - reach, left + reach : right - reach] = False
    return zone


def _attach_alternatives(reading: Reading, steps: NDArray[np.float32]) -> Reading:
    found = [
        (t.text, reading.p * min(1.0, t.p))
        for t in decode_ctc(steps, SIGNATURE_LETTERS)
        if 0 < len(t.text) <= MAX_INITIALS
    ]
    lattice = tuple(tuple(step) for step in steps.tolist())
    return replace(
        reading, alternatives=(*found, *reading.alternatives), cell_probabilities=lattice
    )
