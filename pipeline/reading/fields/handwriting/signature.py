"""Read signatures and initials: whether a field is signed, and by which letters.

`pipeline/reading/resolve/known_names.py` decides which member of staff signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.confidence import SIGNATURE_MAX_P, SIGNED_FROM
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import SIGNATURE_LETTERS, UNSEEN_P, Image, Reading, State
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.corrections import (
    is_ditto_ink,
    is_ditto_text,
    is_nearly_ditto_text,
    may_be_ditto_text,
)
from pipeline.reading.fields.handwriting.frames import drop_pieces_of_print, may_be_other_rows
from pipeline.reading.fields.handwriting.line_image import (
    exclude_print,
    make_line_image,
    split_into_bands,
)
from pipeline.reading.fields.handwriting.network import (
    ALPHABET,
    Steps,
    find_program_file,
    read_steps,
)
from pipeline.reading.fields.handwriting.strikethrough import find_strikes
from pipeline.reading.fields.ink import Ink, find_ink
from pipeline.reading.fields.marks.rules import passes_through
from pipeline.reading.imaging.pixels import Components, Mask
from pipeline.reading.language.ctc import decode_ctc

EVEN_ODDS_SIGNATURE_MM2 = 1.2
"""Ink that is as likely dirt as a signature; the shortest real ones known have about four times
as much.
"""
EVEN_ODDS_INITIALS_MM2 = 0.8
"""The same for initials."""
MIN_STROKE_LENGTH_MM = 1.0
"""Shorter strokes are no writing, mm."""
OUTLINE_MM, MIN_SHARE_OFF_OUTLINE = 0.8, 0.1
"""Ink this close to the field's outline may be a remnant of print, unless this share of the stroke
is elsewhere.
"""
INSIDE_FRAME_MM = 0.25
"""In black and white nothing deeper in a field than this is taken for its frame, mm: 2,606 empty
fields at thresholds of 160 to 226 had no ink there, and a thin I along the frame has.
"""
MAX_STRAIGHT_WIDTH_MM = 1.2
"""A single stroke that is nowhere wider is a dash or a line through the field: there is nothing to
sign.
"""
MAX_NARROW_MM = 9.0
"""A box this narrow has neighbours whose writing reaches into it, mm."""
AREA_STEEPNESS = 2.5
"""How fast p rises with the logarithm of the area: twice the area of even odds gives p = 0.85, four
times 0.97.
"""
MAX_INITIALS = 4
"""Maximum number of letters of a person's initials."""
LOOKALIKE_LETTERS = {"0": "O", "1": "I", "5": "S", "6": "G", "8": "B"}
"""Digits that the network reads where people sign with letters."""
SEPARATORS = " .,:;-–_'·"
"""Signs between initials; they count as a pause."""


def read_signatures(crops: Sequence[FieldImage]) -> list[Reading]:
    """Return True (`READ`) if there is handwriting in the field, False (`EMPTY`) if not."""
    return [
        _detect_signature(crop, ink, _field_ink(ink), EVEN_ODDS_SIGNATURE_MM2)
        for crop, ink in zip(crops, map(_find_written_ink, crops), strict=True)
    ]


def read_initials(crops: Sequence[FieldImage]) -> list[Reading]:
    """Return whether there are initials, and their letters.

    As for a signature; the letters that the handwriting network reads are alternatives and, step by
    step, `cell_probabilities`.
    """
    # Is anything written?
    inks = [_find_written_ink(crop) for crop in crops]
    masks = [_field_ink(ink) for ink in inks]
    readings = [
        _detect_signature(crop, ink, mask, EVEN_ODDS_INITIALS_MM2)
        for crop, ink, mask in zip(crops, inks, masks, strict=True)
    ]

    # Read what is written as lines, all in one batch.
    lines = [
        make_line_image(ink, mask) if reading.state is State.READ else None
        for ink, mask, reading in zip(inks, masks, readings, strict=True)
    ]
    answers = iter(
        read_steps(
            [line.picture for line in lines if line is not None and line.picture is not None],
            find_program_file(),
        )
    )
    return [
        reading
        if line is None or line.picture is None
        else _add_letters(crop, _flag_struck(reading, line.picture, ink), next(answers))
        for crop, reading, line, ink in zip(crops, readings, lines, inks, strict=True)
    ]


def _add_letters(crop: FieldImage, reading: Reading, steps: Steps) -> Reading:
    """Return the reading with its letters; low confidence if they may be ditto marks.

    Ditto marks are read as certain letters and are below another row.
    """
    # Decode without a language model, as initials are no words.
    text = decode_ctc(steps, ALPHABET)[0].text
    # In a grid a digit is a code and says that nothing was given: a person looks at it.
    if crop.spec.day is not None and _may_be_code(text):
        reading = _lower_confidence(reading)
    may_be_ditto = any(
        matches(text) for matches in (is_ditto_text, may_be_ditto_text, is_nearly_ditto_text)
    )
    if IssueCode.DITTO not in reading.issues and (crop.spec.row or 1) > 1 and may_be_ditto:
        reading = replace(_lower_confidence(reading), issues=(*reading.issues, IssueCode.DITTO))
    return _attach_alternatives(reading, letter_probabilities(steps))


def _may_be_code(text: str) -> bool:
    """Return whether what is written may be a code: a single character, or one with a digit.

    A written digit is often read as a letter, such as 1 as I, so a single letter may be one too.
    """
    written = [sign for sign in text if sign not in SEPARATORS]
    return len(written) <= 1 or any(sign.isdigit() for sign in written)


def _detect_signature(crop: FieldImage, ink: Ink, mask: Mask, even_odds_mm2: float) -> Reading:
    """Return whether the field is signed.

    Confidence is low for a stroke that means "nobody", and where letters of another row reach into
    the field; an empty field with writing just above or below it is flagged.
    """
    reading = _presence_reading(mask, ink, even_odds_mm2)

    # Something is written, but perhaps no signature.
    if reading.state is State.READ:
        if is_ditto_ink(mask, ink.px_per_mm):
            return replace(_lower_confidence(reading), issues=(IssueCode.DITTO,))
        if _is_straight_stroke(mask, ink) or passes_through(ink) or may_be_other_rows(ink, mask):
            return _lower_confidence(reading)
        return reading

    # Nothing is written, but perhaps along the outline: with 1 bit no print is left there.
    if crop.one_bit:
        reading = _doubt_along_outline(reading, mask, ink, even_odds_mm2)

    # Or just above or below. All around a box of a grid of days are other boxes, whose initials
    # reach into it: where it should be signed, it is asked about.
    if crop.spec.day is not None:
        return reading
    rest = exclude_print(crop, ink, np.asarray(ink.mask & ~mask, np.bool_))
    has_more = _presence_reading(rest, ink, even_odds_mm2).state is State.READ
    return replace(reading, issues=(IssueCode.STRAY_WRITING,)) if has_more else reading


def _lower_confidence(reading: Reading) -> Reading:
    return replace(
        reading, p=min(reading.p, UNSEEN_P), alternatives=((not reading.value, UNSEEN_P),)
    )


def _doubt_along_outline(reading: Reading, mask: Mask, ink: Ink, even_odds_mm2: float) -> Reading:
    """Return the reading of an empty field, with low confidence if strokes are at its outline."""
    with_outline = _weigh_area(_long_strokes(mask, ink), ink, even_odds_mm2)
    return _lower_confidence(reading) if with_outline.state is State.READ else with_outline


def _is_straight_stroke(mask: Mask, ink: Ink) -> bool:
    """Return whether the ink is one straight stroke."""
    points = cv2.findNonZero(_keep_strokes(mask, ink).view(np.uint8))
    # The smallest rotated rectangle: narrow, and longer than it is wide.
    (_, (width, height), _) = cv2.minAreaRect(points)
    return min(width, height) <= MAX_STRAIGHT_WIDTH_MM * ink.px_per_mm < max(width, height)


def _flag_struck(reading: Reading, line_image: Image, ink: Ink) -> Reading:
    """Flag struck-out initials, with low confidence."""
    (strikes,) = find_strikes([line_image], ink.px_per_mm)
    if not strikes:
        return reading
    return replace(_lower_confidence(reading), issues=(*reading.issues, IssueCode.STRUCK_OUT))


def letter_probabilities(steps: Steps) -> NDArray[np.float32]:
    """Return the network's answer for letters only.

    (time steps, 1 + len(SIGNATURE_LETTERS)), the pause first; small letters count as capitals.
    """
    # Other signs are dropped, the rest is normalized.
    gathered = steps @ _letter_mapping()
    return np.asarray(gathered / np.maximum(gathered.sum(axis=1, keepdims=True), 1e-9), np.float32)


@lru_cache(maxsize=1)
def _letter_mapping() -> NDArray[np.float32]:
    """Return the matrix that adds up all signs that mean a letter or a pause.

    (1 + len(ALPHABET), 1 + len(SIGNATURE_LETTERS)), 0 or 1.
    """
    mapping = np.zeros((1 + len(ALPHABET), 1 + len(SIGNATURE_LETTERS)), np.float32)
    mapping[0, 0] = 1.0
    # Lookalikes count as their letter, separators as the pause.
    for i, sign in enumerate(ALPHABET, start=1):
        letter = SIGNATURE_LETTERS.find(LOOKALIKE_LETTERS.get(sign, sign.upper()))
        if letter >= 0 or sign in SEPARATORS:
            mapping[i, letter + 1] = 1.0
    return mapping


def _find_written_ink(crop: FieldImage) -> Ink:
    """Return the ink of a field image, in black and white without pieces of print around it.

    The frames of the fields beside it look like I and L where pale lines came out black.
    """
    found = find_ink(crop)
    mask = drop_pieces_of_print(crop, found).mask.copy()
    left, top, right, bottom = found.field
    edge = round(INSIDE_FRAME_MM * found.px_per_mm)
    inside = slice(top + edge, bottom - edge), slice(left + edge, right - edge)
    mask[inside] = found.mask[inside]
    return replace(found, mask=mask)


def _field_ink(ink: Ink) -> Mask:
    """Return the ink that belongs to the field and not to one beside it."""
    left, top, right, bottom = ink.field
    # Strokes whose middle is above or below the field belong elsewhere.
    mask = split_into_bands(ink.mask, (top, bottom))[0]
    if right - left > MAX_NARROW_MM * ink.px_per_mm:
        return mask
    # In a box of a grid, strokes whose middle is left or right of it too.
    strokes = Components.of(mask)
    middle = strokes.column(cv2.CC_STAT_LEFT) + strokes.column(cv2.CC_STAT_WIDTH) / 2
    return strokes.pixels((middle >= left) & (middle <= right))


def _presence_reading(mask: Mask, ink: Ink, even_odds_mm2: float) -> Reading:
    """Return whether the ink of a field is writing; at `even_odds_mm2` both are as likely."""
    return _weigh_area(_keep_strokes(mask, ink), ink, even_odds_mm2)


def _weigh_area(strokes: Mask, ink: Ink, even_odds_mm2: float) -> Reading:
    """Return whether strokes have the area of writing."""
    area = np.count_nonzero(strokes) / ink.px_per_mm**2
    # A logistic function of the log of the area.
    p = 1.0 / (1.0 + (even_odds_mm2 / max(area, 0.01)) ** AREA_STEEPNESS)
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
    """Return the ink without spots and without remnants of the field's outline.

    Black-and-white scans make print bolder.
    """
    strokes = Components.of(_long_strokes(mask, ink))
    off_outline = np.bincount(
        strokes.labels[~_outline_mask(mask.shape, ink)], minlength=len(strokes)
    )
    area = strokes.column(cv2.CC_STAT_AREA)
    return strokes.pixels(off_outline >= MIN_SHARE_OFF_OUTLINE * area)


def _long_strokes(mask: Mask, ink: Ink) -> Mask:
    """Return the ink without spots."""
    strokes = Components.of(mask)
    length = np.hypot(strokes.column(cv2.CC_STAT_WIDTH), strokes.column(cv2.CC_STAT_HEIGHT))
    return strokes.pixels(length >= MIN_STROKE_LENGTH_MM * ink.px_per_mm)


def _outline_mask(shape: tuple[int, ...], ink: Ink) -> Mask:
    """Return where the field's printed outline is, and what is next to it."""
    reach = round(OUTLINE_MM * ink.px_per_mm)
    # A frame around the outline, inside and outside.
    left, top, right, bottom = ink.field
    zone = np.zeros(shape, np.bool_)
    zone[max(0, top - reach) : bottom + reach, max(0, left - reach) : right + reach] = True
    zone[top + reach : bottom - reach, left + reach : right - reach] = False
    return zone


def _attach_alternatives(reading: Reading, steps: NDArray[np.float32]) -> Reading:
    """Add the letters that were read as alternatives, and their probabilities."""
    texts = [
        (transcript.text, reading.p * min(1.0, transcript.p))
        for transcript in decode_ctc(steps, SIGNATURE_LETTERS)
        if 0 < len(transcript.text) <= MAX_INITIALS
    ]
    probabilities = tuple(tuple(step) for step in steps.tolist())
    return replace(
        reading, alternatives=(*texts, *reading.alternatives), cell_probabilities=probabilities
    )
