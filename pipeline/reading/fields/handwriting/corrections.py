"""Corrections to a line's reading by its ink: units, commas, unread symbols, ditto marks.

Units of doses are read as something else: a µ as an m or a u, a g as a 9, an l as a 1. 50 µg would
be 50 mg, and 1 g would be 19, with high confidence. The tuned networks were never trained on a µ;
the network as shipped knows it and is asked where a unit of mass follows a number, and the first
stroke of a µ goes below the line. A g and an l differ from digits by their place: apart from the
number, and a g lower than it. A decimal comma that touches a digit is read as a part of it.

Unread symbols are ink that no sign of the reading accounts for: the network passes over what it was
seldom trained on, such as > or an arrow, with high confidence. Ditto marks look like letters or
digits to the reader of a field.
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
from pipeline.reading.fields.handwriting.word_boxes import (
    align_characters,
    find_word_spans,
    likeliest_signs,
)
from pipeline.reading.imaging.pixels import Components, Mask
from pipeline.reading.language.formats import UNITS

MICRO_SIGN = "µ"
MICRO_MIN_P = 0.003
"""A micro sign is proposed if its highest p in a line is at least this: 85 % of those written in
fonts have that, and no letter m (at most 0.002).
"""
MICRO_DOUBT_P = 0.0003
"""From this on a micro sign is an alternative: no m of 177 in fonts has more than 0.0002, and of
eight µ in fonts that are read as an m four have it, the two that were read with most confidence
among them.
"""
MICRO_MIN_STEM = 0.1
"""A micro sign's first stroke reaches at least this far below the digit before, in heights of it.

In 40 fonts to train on, drawn straight, slanted and in black and white, 82 % of µ do, and 3 % of m,
nearly all of one font; of 17 hands of UNIPEN all but one of 72 µ made of their u, and none of 87 m.
"""
MICRO_STEM_REACH = 0.25
"""The sign's first stroke is up to this much of the way from its middle to the g: the middle may be
at its left edge, and the loop of a g may be below its end.
"""
_MILLI_SIGNS = "mM"
"""Other signs before a g are of no unit that is written by hand."""
CONTEXT_WIDTH = 0.3
"""White, or the next letters, on both sides of what the network is shown, in heights of the line.
"""
UNIT_LETTERS = {"9": " g", "8": " g", "1": " l"}
"""Digits as which letters of units are read."""
MIN_LETTER_GAP = {"9": 0.4, "1": 0.35}
"""The last sign of a number may be a letter from this much white before it, in heights of the digit
before; a 9 must also be a little lower. An 8 is asked about in doses only.
"""
G_MIN_DESCENT, G_MIN_TOP_DROP, G_MIN_SLIGHT_DESCENT = 0.15, 0.08, 0.1
"""How much lower than that digit a g ends and begins. Of numbers in fonts that end in 9 or 1 these
limits flag 3 %; they find 96 % of the g that are apart, and 77 % of the l.
"""
_UNIT_INK_LEVEL = 128
"""Ink is darker than this, grey levels."""
_MICRO_SIGNS = "µμ"
"""The micro sign and the Greek letter, which look alike."""
_OTHER_UNITS = "kg hg cl mmHg kr mm cm % °"
_MASS_PATTERN = re.compile(r"[\d½][\d.,/½]*\s?(?P<sign>[^\W\d_hk]|½)g(?![^\W_])")
_BARE_NUMBER_PATTERN = re.compile(
    r"(?<![\w.,:/+–-])(?!(?:19|20)\d\d\b)\d(?:[\d.,]*\d)?(?P<sign>[981])(?![\w½])(?![.,:/–-]\s?\d)"
    rf"(?!\s?(?:{'|'.join(map(re.escape, [*UNITS.split(), *_OTHER_UNITS.split()]))})(?![^\W_]))"
)
"""A number without a unit that is no year."""
COMMA_DOUBT_P = 0.001
"""From this p of a comma between two digits on, a number without one may have one. Of 47 commas of
17 hands that touch a digit and were not read, 39 have it; of 216 whole numbers 25.
"""
DECIMAL_FORMATS = frozenset({Format.DOSE, Format.NUMBER, Format.AMOUNT})
"""Formats whose values may have a comma."""
_WHOLE_NUMBER_PATTERN = re.compile(r"(?<![\w.,:/])\d{2,}(?![.,:/]?\d)")
_DECIMAL_SIGNS = ",."
SYMBOL_INK_LEVEL = 140
"""Ink is darker than this, grey levels."""
MIN_WHITE_GAP = 0.1
"""Ink is divided by at least this much white, in heights of the line."""
MAX_SYMBOL_OFFSET = 0.12
"""The network may see a sign this far beside its ink, in heights of the line."""
MIN_SYMBOL_HEIGHT, MIN_SYMBOL_INK = 0.2, 0.02
"""Ink with less of the line's height, or less area of its height squared, is a dot or dirt."""
DITTO_STROKE_DISTANCE_MM = 0.3, 3.0
"""Minimum and maximum distance between the centres of the two strokes."""
MIN_DITTO_SIMILARITY = 0.6
"""Of the higher of the two strokes: the other is at least this high, and next to it for this much.
"""
MAX_DASH_ASPECT = 0.5
"""Maximum height of a dash next to them, for its length."""
MIN_DITTO_MM2 = 0.08
"""Minimum ink of a stroke, mm²."""
MIN_DITTO_MM, MAX_DITTO_MM = 0.7, 5.0
"""Minimum and maximum height of a ditto mark's stroke, mm."""
MAX_DITTO_STROKE_MM, MAX_DITTO_STROKE_ASPECT = 0.9, 0.5
"""Maximum width of a ditto mark's upright stroke, and of its width for its length, slanted or not.
"""
_DASH_PATTERN = r"[-–—_=~\s.,:]*"
_DITTO_WORDS = re.compile(
    rf"{_DASH_PATTERN}"
    r"(samm?a( som ovan)?|se ovan|som ovan|likaledes|idem|d[:;.,i1!]\s?[o0]|di?tt?o)"
    rf"{_DASH_PATTERN}",
    re.IGNORECASE,
)
_DITTO_SIGNS = re.compile(
    rf"{_DASH_PATTERN}([\"″”“„»«]|['’´`‘]\s?['’´`‘,]|[,‚]\s?[,‚]){_DASH_PATTERN}"
)
_DITTO_STROKES = re.compile(
    rf"{_DASH_PATTERN}[1Il|!/\\(\[{{]\s?[1Il|!/\\)\]}}'\"]{_DASH_PATTERN}"
    r"|[-–—=]\s?[1Il|!/H]\s?[-–—=]?|[1Il|!/H]\s?[-–—=]"
)
"""Two upright strokes, perhaps between dashes, are also read as these; some may be a number or a
person's initials.
"""


def correct_unit_signs(
    reading: Reading, picture: Image, steps: Steps, form: Format | None
) -> Reading:
    """Correct signs of units, and lost commas, in the reading of one line.

    Where a sign may have been read as another, both texts have low confidence. `picture` is the
    line's image, `steps` what it was read from, `form` the field's format.
    """
    reading = _correct_letters(_correct_micrograms(reading, picture, steps), picture, steps, form)
    return _correct_commas(reading, steps) if form in DECIMAL_FORMATS else reading


def _correct_commas(reading: Reading, steps: Steps) -> Reading:
    """Return the reading with low confidence where a whole number may have a comma.

    A number that begins with 0 is written with one.
    """
    text = reading.value if isinstance(reading.value, str) else ""
    numbers = list(_WHOLE_NUMBER_PATTERN.finditer(text))
    spans = align_characters(steps, text.replace(MICRO_SIGN, "m")) if numbers else None
    if spans is None:
        return reading
    # The likeliest place of a comma in each number: between the digits of which steps have most.
    columns = [1 + ALPHABET.index(sign) for sign in _DECIMAL_SIGNS]
    comma_p = steps[:, columns].sum(axis=1)
    signs = {}
    for number in numbers:
        places = range(number.start(), number.end() - 1)
        highest = {i: float(comma_p[spans[i][0] : spans[i + 1][1] + 1].max()) for i in places}
        place = max(highest, key=lambda i: highest[i])
        if text[number.start()] == "0":
            place = number.start()
        elif highest[place] < COMMA_DOUBT_P:
            continue
        signs[place] = text[place] + ","
    return _offer_alternative(reading, _replace_signs(text, signs), signs) if signs else reading


def _correct_micrograms(reading: Reading, picture: Image, steps: Steps) -> Reading:
    """Return the reading with µ where a unit of mass shows it, or as an alternative."""
    text = reading.value if isinstance(reading.value, str) else ""
    # Ask the network as shipped about each unit of mass.
    micro_p = {
        unit.start("sign"): _micro_p(_cut_unit_context(unit, text, picture, steps))
        for unit in _MASS_PATTERN.finditer(text)
    }
    low = {i for i in micro_p if text[i] != "½" and _has_low_stem(i, text, picture, steps)}
    doubtful = {i: MICRO_SIGN for i, p in micro_p.items() if p >= MICRO_DOUBT_P or i in low}
    if not doubtful:
        return reading
    # A low stem and a trace of p together, or no sign of another unit, make a µ likely too.
    likely = {
        i: MICRO_SIGN
        for i in doubtful
        if micro_p[i] >= MICRO_MIN_P
        or (i in low and (micro_p[i] >= MICRO_DOUBT_P or text[i] not in _MILLI_SIGNS))
    }
    other = text if likely else _replace_signs(text, doubtful)
    return replace(_offer_alternative(reading, other, doubtful), value=_replace_signs(text, likely))


def _correct_letters(
    reading: Reading, picture: Image, steps: Steps, form: Format | None
) -> Reading:
    """Flag digits at the end of a number that may be a letter, with low confidence.

    In a dose every number without a unit is flagged; other formats than dose and free text have no
    such letter.
    """
    if form not in (None, Format.DOSE):
        return reading
    text = reading.value if isinstance(reading.value, str) else ""
    # The last digit of each number without a unit.
    places = [number.start("sign") for number in _BARE_NUMBER_PATTERN.finditer(text)]
    signs = {
        i: UNIT_LETTERS[text[i]]
        for i in places
        if form is Format.DOSE
        or (text[i] in MIN_LETTER_GAP and _is_unit_letter(i, text, picture, steps))
    }
    return _offer_alternative(reading, _replace_signs(text, signs), signs) if signs else reading


def _replace_signs(text: str, signs: dict[int, str]) -> str:
    return "".join(signs.get(i, sign) for i, sign in enumerate(text))


def _offer_alternative(reading: Reading, other_text: str, places: dict[int, str]) -> Reading:
    """Return the reading with low confidence at some places, and another text as likely."""
    # Both texts get half of the p, and so do the characters that differ.
    half = reading.p / 2
    characters = tuple(p / 2 if i in places else p for i, p in enumerate(reading.characters))
    rest = tuple((value, p) for value, p in reading.alternatives if value != other_text)
    return replace(reading, p=half, alternatives=((other_text, half), *rest), characters=characters)


def _cut_unit_context(unit: re.Match[str], text: str, picture: Image, steps: Steps) -> Image:
    """Return the part of a line's image that shows a number and its unit.

    The whole image if it is not known where the words are.
    """
    height, width = picture.shape
    # The words that the number and its unit are in.
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


def _micro_p(picture: Image) -> float:
    """Return the highest p that the network as shipped gives a micro sign."""
    ((steps, characters),) = read_all_characters([picture], find_shipped_file())
    # The shipped network knows the micro sign; the tuned ones do not.
    columns = [1 + characters.index(sign) for sign in _MICRO_SIGNS]
    return float(steps[:, columns].sum(axis=1).max())


def _has_low_stem(i: int, text: str, picture: Image, steps: Steps) -> bool:
    """Return whether the sign before a g begins with a stroke below the line, as a µ does."""
    digit = max(place for place in range(i) if text[place].isnumeric())
    middles = [int(x) for x in _find_middles(text, picture, steps) or ()]
    if not middles or middles[digit] >= middles[i]:
        return False

    # Cut at the white between the digit and the sign, and before the end of the sign.
    ink = np.asarray(picture < _UNIT_INK_LEVEL, np.bool_)
    left, right = (
        middles[digit] + edge for edge in _widest_gap(ink[:, middles[digit] : middles[i]])
    )
    digit_ink = ink[:, (middles[digit - 1] + middles[digit]) // 2 if digit else 0 : left]
    end = middles[i] + round(MICRO_STEM_REACH * (middles[i + 1] - middles[i]))
    if not digit_ink.any():
        return False

    # Of the sign what is connected to ink beside the lower half of the digit: no loop of the g.
    top, bottom = _ink_extent(digit_ink)
    parts = Components.of(ink[:, right : end + 1]).labels
    beside = parts[(top + bottom) // 2 : bottom + 1]
    stem = np.isin(parts, beside[beside > 0])
    return bool(
        stem.any() and _ink_extent(stem)[1] - bottom >= MICRO_MIN_STEM * max(1, bottom - top)
    )


def _find_middles(text: str, picture: Image, steps: Steps) -> list[float] | None:
    """Return where the middle of each sign is, px; None if the text does not fit the steps."""
    # The network of the steps has no µ.
    spans = align_characters(steps, text.replace(MICRO_SIGN, "m"))
    if spans is None:
        return None
    return [(first + last + 1) / 2 * picture.shape[1] / len(steps) for first, last in spans]


def _is_unit_letter(i: int, text: str, picture: Image, steps: Steps) -> bool:
    """Return whether the last digit of a number is placed as a letter is.

    Apart from the one before, and lower if it is a 9.
    """
    # Where the digit and the one before are read.
    middles = _find_middles(text, picture, steps)
    if middles is None:
        return False
    before_x, digit_x = middles[i - 1 : i + 1]

    # Cut between them in the middle of the widest gap.
    ink = np.asarray(picture < _UNIT_INK_LEVEL, np.bool_)
    distance = digit_x - before_x
    left, right = _widest_gap(ink[:, int(before_x) : int(digit_x)])
    middle = int(before_x) + (left + right) // 2
    before = ink[:, max(0, int(before_x - 0.6 * distance)) : middle]
    digit = ink[:, middle : int(digit_x + 0.8 * distance) + 1]
    if not (before.any() and digit.any()):
        return False

    # Compare gap, foot and top, in heights of the digit before.
    (top, bottom), (digit_top, digit_bottom) = _ink_extent(before), _ink_extent(digit)
    height = max(1, bottom - top)
    gap = (right - left) / height
    descent, top_drop = (digit_bottom - bottom) / height, (digit_top - top) / height
    if text[i] == "9":
        return (descent >= G_MIN_DESCENT and top_drop >= G_MIN_TOP_DROP) or (
            gap >= MIN_LETTER_GAP["9"] and descent >= G_MIN_SLIGHT_DESCENT
        )
    return gap >= MIN_LETTER_GAP["1"]


def _widest_gap(ink: Mask) -> tuple[int, int]:
    """Return the first and last column, exclusive, of the widest white between two signs.

    The middle where there is none.
    """
    # Columns with ink, and one at each side.
    edges = np.flatnonzero(np.concatenate([[True], ink.any(axis=0), [True]]))
    widest = int(np.diff(edges).argmax())
    left, right = int(edges[widest]), int(edges[widest + 1]) - 1
    return (left, right) if right > left else (ink.shape[1] // 2, ink.shape[1] // 2)


def _ink_extent(ink: Mask) -> tuple[int, int]:
    """Return the first and last row with ink."""
    rows = np.flatnonzero(ink.any(axis=1))
    return int(rows[0]), int(rows[-1])


def flag_unread_symbols(reading: Reading, picture: Image, steps: Steps) -> Reading:
    """Return the reading of one line, with low confidence if its image holds more.

    The sign after what was passed over, or the last one, then also has low confidence. `picture` is
    the line's image, `steps` what it was read from. Of two collections no word that is read rightly
    is flagged by this (226 words).
    """
    text = reading.value if isinstance(reading.value, str) else ""
    height, width = picture.shape

    # Where each sign of the text is, px.
    signs = [
        (i, start * width / len(steps), end * width / len(steps))
        for i, start, end in _sign_steps(reading, text, steps)
    ]
    if not signs:
        return reading

    # The right edges of pieces of ink that no sign is near.
    offset = MAX_SYMBOL_OFFSET * height
    unread = [
        right
        for left, right in _ink_pieces(picture)
        if not any(start <= right + offset and end >= left - offset for _, start, end in signs)
    ]
    if not unread:
        return reading

    # Half the p of the text and of the sign after each such piece.
    affected = {
        next((i for i, start, _ in signs if start >= right), signs[-1][0]) for right in unread
    }
    characters = tuple(p / 2 if i in affected else p for i, p in enumerate(reading.characters))
    return replace(reading, p=reading.p / 2, characters=characters)


def _sign_steps(reading: Reading, text: str, steps: Steps) -> list[tuple[int, int, int]]:
    """Return the number of each sign that is no space, and its time steps.

    A value written otherwise than the line has no time steps of its own; then those of the
    likeliest signs are taken.
    """
    # Without aligned characters the likeliest signs of the time steps are in.
    if text and not reading.characters:
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
    """Return the columns of each piece of ink between white that is large enough for a sign."""
    height = picture.shape[0]
    ink = np.asarray(picture < SYMBOL_INK_LEVEL, np.bool_)
    # Divide the columns with ink where there is much white between them.
    columns = np.flatnonzero(ink.any(axis=0))
    breaks = np.flatnonzero(np.diff(columns) > MIN_WHITE_GAP * height)
    pieces = [
        (int(piece[0]), int(piece[-1]) + 1) for piece in np.split(columns, breaks + 1) if len(piece)
    ]
    return [(left, right) for left, right in pieces if _is_symbol(ink[:, left:right], height)]


def _is_symbol(ink: Mask, height: int) -> bool:
    """Return whether a piece of ink is large enough for a sign."""
    rows = np.flatnonzero(ink.any(axis=1))
    return bool(
        rows[-1] + 1 - rows[0] >= MIN_SYMBOL_HEIGHT * height
        and np.count_nonzero(ink) >= MIN_SYMBOL_INK * height**2
    )


def is_ditto_text(text: str) -> bool:
    """Return whether a text is a ditto mark, or a word with that meaning."""
    # A word or a sign for "the same".
    return any(form.fullmatch(text.strip()) for form in (_DITTO_WORDS, _DITTO_SIGNS))


def may_be_ditto_text(text: str) -> bool:
    """Return whether a text may be a ditto mark.

    Below something that it can repeat it is hardly anything else, unless it is a number.
    """
    return _DITTO_STROKES.fullmatch(text.strip()) is not None


def is_nearly_ditto_text(text: str) -> bool:
    """Return whether letters are `samma` but for one of them or a gap.

    For fields where no words are known.
    """
    # At most one edit from `samma`.
    return Levenshtein.distance("samma", re.sub(r"\W", "", text).lower(), score_cutoff=1) <= 1


def is_ditto_ink(ink: Mask, px_per_mm: float) -> bool:
    """Return whether all ink in a field is a ditto mark."""
    parts = Components.of(ink)

    # All strokes but specks.
    strokes = [
        part
        for part in range(1, len(parts))
        if parts.stats[part, cv2.CC_STAT_AREA] >= MIN_DITTO_MM2 * px_per_mm**2
    ]
    boxes = [Box(*(parts.stats[part, :4] / px_per_mm).tolist()) for part in strokes]

    # They must be two upright strokes, and at most two dashes.
    dashes = [box for box in boxes if box.h <= MAX_DASH_ASPECT * box.w]
    upright = [
        (part, box)
        for part, box in zip(strokes, boxes, strict=True)
        if MIN_DITTO_MM <= box.h <= MAX_DITTO_MM and box.w < box.h
    ]
    if len(upright) != 2 or len(upright) + len(dashes) != len(strokes) or len(dashes) > 2:
        return False
    return all(
        _is_straight_stroke(parts, part, px_per_mm) for part, _ in upright
    ) and _are_similar_strokes(*(box for _, box in upright))


def _is_straight_stroke(parts: Components, part: int, px_per_mm: float) -> bool:
    """Return whether a stroke is thin and straight, slanted or not."""
    # The sides of the smallest rotated rectangle around the stroke.
    (_, sides, _) = cv2.minAreaRect(cv2.findNonZero((parts.labels == part).view(np.uint8)))
    return min(sides) <= min(MAX_DITTO_STROKE_MM * px_per_mm, MAX_DITTO_STROKE_ASPECT * max(sides))


def _are_similar_strokes(first: Box, second: Box) -> bool:
    """Return whether two strokes are as far apart, as high and as level as in a ditto mark."""
    min_distance, max_distance = DITTO_STROKE_DISTANCE_MM
    distance = abs(first.x + first.w / 2 - second.x - second.w / 2)
    overlap = min(first.y + first.h, second.y + second.h) - max(first.y, second.y)
    return min_distance <= distance <= max_distance and overlap >= MIN_DITTO_SIMILARITY * max(
        first.h, second.h
    )
