"""Units of doses that are written like something else: a µ that is taken for an m or a u, a g for a
9, an l for a 1.

50 µg would be 50 mg, and 1 g would be 19, surely. The tuned networks were never shown a µ; the
network as shipped knows it and is asked where a unit of mass stands after a number. A g and an l
are told from figures by where they stand: apart from the number, and a g lower than it.

Ink in a line that no sign of its reading stands for: what the network was seldom shown, such as
> or an arrow, it passes over surely.

Ditto marks, by their strokes and by what readers take them for: to the reader of a field they
look like letters or digits.
"""

from __future__ import annotations

import re
from dataclasses import replace

import cv2
import numpy as np
from rapidfuzz.distance import Levenshtein

from pipeline.domain.form.field import Format
from pipeline.domain.model import Box, Image, Reading
from pipeline.reading.fields.handwriting.network import (
    ALPHABET,
    Steps,
    find_shipped_file,
    read_all_characters,
)
from pipeline.reading.fields.handwriting.word_boxes import align_characters, find_word_spans
from pipeline.reading.fields.ink import Mask
from pipeline.reading.imaging.components import Components
from pipeline.reading.language.formats import UNITS
from pipeline.reading.language.transcription import likeliest_signs

MICRO_SIGN = "µ"
MICRO_MIN_P = 0.003
"""Highest p of the sign in a line from which on it is proposed: 85 % of it written in fonts have
that, none of as many m (at most 0.002).
"""
CONTEXT_WIDTH = 0.3
"""White, or the next letters, on both sides of what is looked at, in heights of the line."""
UNIT_LETTERS = {"9": " g", "1": " l"}
MIN_LETTER_GAP = {"9": 0.4, "1": 0.35}
"""White before the last sign of a number from which on it may be a letter, in heights of the figure
before; a 9 also has to stand a little lower.
"""
_UNIT_INK_LEVEL = 128
"""Ink is darker than this, grey levels."""
_MICRO_SIGNS = "µμ"
"""The micro sign and the Greek letter, which look alike."""
_OTHER_UNITS = "kg hg cl mmHg kr mm cm % °"
_MASS_PATTERN = re.compile(r"[\d½][\d.,/½]*\s?(?P<sign>[^\W\d_hk]|½)g(?![^\W_])")
_BARE_NUMBER_PATTERN = re.compile(
    r"(?<![\w.,:/+–-])(?!(?:19|20)\d\d\b)\d(?:[\d.,]*\d)?(?P<sign>[91])(?![\w½])(?![.,:/–-]\s?\d)"
    rf"(?!\s?(?:{'|'.join(map(re.escape, [*UNITS.split(), *_OTHER_UNITS.split()]))})(?![^\W_]))"
)
"""A number that nothing belongs to and that is no year."""
SYMBOL_INK_LEVEL = 140
"""Ink is darker than this, grey levels."""
MIN_WHITE_GAP = 0.1
"""So much white, in heights of the line, divides ink."""
MAX_SYMBOL_OFFSET = 0.12
"""A sign may be seen so far beside its ink, in heights of the line."""
DITTO_STROKE_DISTANCE_MM = 0.3, 3.0
"""From the middle of one stroke to that of the other."""
MIN_DITTO_SIMILARITY = 0.6
"""Of the higher of the two strokes: the other is at least so high, and so far beside it."""
MAX_DASH_ASPECT = 0.5
"""A dash beside them is at most so high for its length."""
MIN_DITTO_MM2 = 0.08
"""Least ink of a stroke, mm²."""
_DASH_PATTERN = r"[-–—_=~\s.,:]*"
_DITTO_WORDS = re.compile(
    rf"{_DASH_PATTERN}(samm?a( som ovan)?|se ovan|som ovan|likaledes|idem|d[:;.,i1!]\s?[o0]|di?tt?o){_DASH_PATTERN}",
    re.IGNORECASE,
)
_DITTO_SIGNS = re.compile(
    rf"{_DASH_PATTERN}([\"″”“„»«]|['’´`‘]\s?['’´`‘,]|[,‚]\s?[,‚]){_DASH_PATTERN}"
)
_DITTO_STROKES = re.compile(
    rf"{_DASH_PATTERN}[1Il|!/\\(\[{{]\s?[1Il|!/\\)\]}}'\"]{_DASH_PATTERN}|[-–—=]\s?[1Il|!/H]\s?[-–—=]?|[1Il|!/H]\s?[-–—=]"
)
"""Two upright strokes, perhaps between dashes, are also read as these; some may be a number or
somebody's initials.
"""


G_MIN_DESCENT, G_MIN_TOP_DROP, G_MIN_SLIGHT_DESCENT = 0.15, 0.08, 0.1
"""How much lower than that figure a g ends and begins. Of numbers in fonts that end in 9 or 1 these
limits doubt 3 %; they find 96 % of the g that stand apart, and 77 % of the l.
"""


def correct_unit_signs(
    found: Reading, picture: Image, steps: Steps, form: Format | None
) -> Reading:
    """The reading of one line with the signs of units that it may have taken for others; neither
    reading is sure then.

    `picture` is the line's, `steps` what it was read from, `form` the field's format.
    """
    return _correct_letters(_correct_micrograms(found, picture, steps), picture, steps, form)


def _correct_micrograms(found: Reading, picture: Image, steps: Steps) -> Reading:
    """With µ where a unit of mass shows it."""
    text = found.value if isinstance(found.value, str) else ""
    signs = {
        unit.start("sign"): MICRO_SIGN
        for unit in _MASS_PATTERN.finditer(text)
        if _is_micro(_cut_unit_context(unit, text, picture, steps))
    }
    return (
        replace(_offer_alternative(found, text, signs), value=_replace_signs(text, signs))
        if signs
        else found
    )


def _correct_letters(found: Reading, picture: Image, steps: Steps, form: Format | None) -> Reading:
    """With the figures as read, doubtful where the last may be a letter, as in every dose without a
    unit; other formats have no such letter.
    """
    if form not in (None, Format.DOSE):
        return found
    text = found.value if isinstance(found.value, str) else ""
    places = [number.start("sign") for number in _BARE_NUMBER_PATTERN.finditer(text)]
    signs = {
        i: UNIT_LETTERS[text[i]]
        for i in places
        if form is Format.DOSE or _is_unit_letter(i, text, picture, steps)
    }
    return _offer_alternative(found, _replace_signs(text, signs), signs) if signs else found


def _replace_signs(text: str, signs: dict[int, str]) -> str:
    return "".join(signs.get(i, sign) for i, sign in enumerate(text))


def _offer_alternative(found: Reading, other: str, places: dict[int, str]) -> Reading:
    """Doubtful at some places, with another text that is as likely."""
    half = found.p / 2
    characters = tuple(p / 2 if i in places else p for i, p in enumerate(found.characters))
    rest = tuple((value, p) for value, p in found.alternatives if value != other)
    return replace(found, p=half, alternatives=((other, half), *rest), characters=characters)


def _cut_unit_context(unit: re.Match[str], text: str, picture: Image, steps: Steps) -> Image:
    """The part of a line's picture that shows a number and its unit; all of it where it is not
    known what stands where.
    """
    height, width = picture.shape
    words = [
        word
        for word in find_word_spans(steps, text, width)
        if word.end > unit.start() and word.start < unit.end()
    ]
    if not words:
        return picture
    return picture[
        :,
        max(0, round(words[0].left - CONTEXT_WIDTH * height)) : round(
            words[-1].right + CONTEXT_WIDTH * height
        ),
    ]


def _is_micro(picture: Image) -> bool:
    ((steps, known),) = read_all_characters([picture], find_shipped_file())
    columns = [1 + known.index(sign) for sign in _MICRO_SIGNS]
    return bool(steps[:, columns].sum(axis=1).max() >= MICRO_MIN_P)


def _is_unit_letter(i: int, text: str, picture: Image, steps: Steps) -> bool:
    """Whether the last figure of a number stands as a letter does: apart from the one before, and
    lower if it is a 9.
    """
    where = align_characters(
        steps, text.replace(MICRO_SIGN, "m")
    )  # the network that answered the steps has no µ
    if where is None:
        return False
    before, here = (
        (first + last + 1) / 2 * picture.shape[1] / len(steps)
        for first, last in where[i - 1 : i + 1]
    )
    ink, wide = np.asarray(picture < _UNIT_INK_LEVEL, np.bool_), here - before
    left, right = _widest_gap(ink[:, int(before) : int(here)])
    middle = int(before) + (left + right) // 2
    figure, last = (
        ink[:, max(0, int(before - 0.6 * wide)) : middle],
        ink[:, middle : int(here + 0.8 * wide) + 1],
    )
    if not (figure.any() and last.any()):
        return False
    (top, bottom), (last_top, last_bottom) = _ink_extent(figure), _ink_extent(last)
    high = max(1, bottom - top)
    apart, lower, at_top = (
        (right - left) / high,
        (last_bottom - bottom) / high,
        (last_top - top) / high,
    )
    if text[i] == "9":
        return (lower >= G_MIN_DESCENT and at_top >= G_MIN_TOP_DROP) or (
            apart >= MIN_LETTER_GAP["9"] and lower >= G_MIN_SLIGHT_DESCENT
        )
    return apart >= MIN_LETTER_GAP["1"]


def _widest_gap(ink: Mask) -> tuple[int, int]:
    """The first and the last column, exclusive, of the widest white between two signs; the middle
    where there is none.
    """
    edges = np.flatnonzero(np.concatenate([[True], ink.any(axis=0), [True]]))
    widest = int(np.diff(edges).argmax())
    left, right = int(edges[widest]), int(edges[widest + 1]) - 1
    return (left, right) if right > left else (ink.shape[1] // 2, ink.shape[1] // 2)


def _ink_extent(ink: Mask) -> tuple[int, int]:
    rows = np.flatnonzero(ink.any(axis=1))
    return int(rows[0]), int(rows[-1])


MIN_SYMBOL_HEIGHT, MIN_SYMBOL_INK = 0.2, 0.02
"""Less of the line's height, or of its height squared, is a dot or dirt."""


def flag_unread_symbols(found: Reading, picture: Image, steps: Steps) -> Reading:
    """The reading of one line, doubtful if there is more in its picture; so is the sign after what
    was passed over, or the last one.

    `picture` is the line's, `steps` what it was read from. No word of two collections that is
    read rightly is doubted by this (226 words).
    """
    text = found.value if isinstance(found.value, str) else ""
    height, width = picture.shape
    signs = [
        (i, start * width / len(steps), end * width / len(steps))
        for i, start, end in _sign_steps(found, text, steps)
    ]
    if not signs:
        return found
    slack = MAX_SYMBOL_OFFSET * height
    missed = [
        right
        for left, right in _ink_pieces(picture)
        if not any(start <= right + slack and end >= left - slack for _, start, end in signs)
    ]
    if not missed:
        return found
    doubtful = {
        next((i for i, start, _ in signs if start >= right), signs[-1][0]) for right in missed
    }
    characters = tuple(p / 2 if i in doubtful else p for i, p in enumerate(found.characters))
    return replace(found, p=found.p / 2, characters=characters)


def _sign_steps(found: Reading, text: str, steps: Steps) -> list[tuple[int, int, int]]:
    """The number of each sign that is no space, and its steps; a value written otherwise than the
    line has none of its own, but what was seen has.
    """
    if text and not found.characters:
        return [
            (i, sign.start, sign.end)
            for i, sign in enumerate(likeliest_signs(steps))
            if ALPHABET[sign.column - 1] != " "
        ]
    return [
        (i, first, last + 1)
        for i, (first, last) in enumerate(align_characters(steps, text) or ())
        if text[i] != " "
    ]


def _ink_pieces(picture: Image) -> list[tuple[int, int]]:
    """The columns of each piece of ink with white on both sides that is large enough for a sign."""
    height = picture.shape[0]
    ink = np.asarray(picture < SYMBOL_INK_LEVEL, np.bool_)
    columns = np.flatnonzero(ink.any(axis=0))
    breaks = np.flatnonzero(np.diff(columns) > MIN_WHITE_GAP * height)
    pieces = [
        (int(some[0]), int(some[-1]) + 1) for some in np.split(columns, breaks + 1) if len(some)
    ]
    return [(left, right) for left, right in pieces if _is_symbol(ink[:, left:right], height)]


def _is_symbol(ink: Mask, height: int) -> bool:
    rows = np.flatnonzero(ink.any(axis=1))
    return bool(
        rows[-1] + 1 - rows[0] >= MIN_SYMBOL_HEIGHT * height
        and np.count_nonzero(ink) >= MIN_SYMBOL_INK * height**2
    )


MIN_DITTO_MM, MAX_DITTO_MM = 0.7, 5.0
"""Least and greatest height of a ditto mark's stroke, mm."""


MAX_DITTO_STROKE_MM, MAX_DITTO_STROKE_ASPECT = 0.9, 0.5
"""An upright stroke of a ditto mark is nowhere wider, and so wide for its length at most, slanted
or not.
"""


def is_ditto_text(text: str) -> bool:
    """Whether a text is a ditto mark, or a word that stands for one."""
    return any(form.fullmatch(text.strip()) for form in (_DITTO_WORDS, _DITTO_SIGNS))


def may_be_ditto_text(text: str) -> bool:
    """Whether a text may be a ditto mark: below something that it can repeat it hardly is anything
    else, unless it is a number.
    """
    return _DITTO_STROKES.fullmatch(text.strip()) is not None


def is_nearly_ditto_text(text: str) -> bool:
    """Whether letters, where no words are known, are `samma` but for one of them or a gap."""
    return Levenshtein.distance("samma", re.sub(r"\W", "", text).lower(), score_cutoff=1) <= 1


def is_ditto_ink(ink: Mask, px_per_mm: float) -> bool:
    """Whether all that stands in a field is a ditto mark."""
    parts = Components.of(ink)
    own = [
        part
        for part in range(1, len(parts))
        if parts.stats[part, cv2.CC_STAT_AREA] >= MIN_DITTO_MM2 * px_per_mm**2
    ]
    boxes = [Box(*(parts.stats[part, :4] / px_per_mm).tolist()) for part in own]
    dashes = [box for box in boxes if box.h <= MAX_DASH_ASPECT * box.w]
    upright = [
        (part, box)
        for part, box in zip(own, boxes, strict=True)
        if MIN_DITTO_MM <= box.h <= MAX_DITTO_MM and box.w < box.h
    ]
    if len(upright) != 2 or len(upright) + len(dashes) != len(own) or len(dashes) > 2:
        return False
    return all(
        _is_straight_stroke(parts, part, px_per_mm) for part, _ in upright
    ) and _are_similar_strokes(*(box for _, box in upright))


def _is_straight_stroke(parts: Components, part: int, px_per_mm: float) -> bool:
    (_, sides, _) = cv2.minAreaRect(cv2.findNonZero((parts.labels == part).view(np.uint8)))
    return min(sides) <= min(MAX_DITTO_STROKE_MM * px_per_mm, MAX_DITTO_STROKE_ASPECT * max(sides))


def _are_similar_strokes(one: Box, other: Box) -> bool:
    apart = abs(one.x + one.w / 2 - other.x - other.w / 2)
    beside = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    return DITTO_STROKE_DISTANCE_MM[0] <= apart <= DITTO_STROKE_DISTANCE_MM[
        1
    ] and beside >= MIN_DITTO_SIMILARITY * max(one.h, other.h)
