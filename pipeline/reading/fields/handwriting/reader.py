"""Read handwritten lines: the ink alone, through the handwriting network, decoded as Swedish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.confidence import (
    FORMAT_MISMATCH_MAX_P,
    NOT_STRUCK_FROM,
    STRIKE_CERTAIN_FROM,
)
from pipeline.domain.form.field import Format, Meaning
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Image, Reading, State, TextLikelihoods
from pipeline.domain.settings import load_settings
from pipeline.reading.fields.field_image import FieldImage, TextList
from pipeline.reading.fields.handwriting.corrections import (
    DECIMAL_FORMATS,
    correct_unit_signs,
    flag_unread_symbols,
)
from pipeline.reading.fields.handwriting.frames import find_line_ink, may_be_other_rows
from pipeline.reading.fields.handwriting.line_image import (
    LineImage,
    has_comma_below,
    has_two_rows,
    has_unread_words,
    is_cut_off,
    is_dash,
    make_line_image,
    split_into_bands,
)
from pipeline.reading.fields.handwriting.network import ALPHABET, Steps, read_steps
from pipeline.reading.fields.handwriting.second_pass import SecondPassFactory, make_second_pass
from pipeline.reading.fields.handwriting.strikethrough import (
    LinePart,
    Strike,
    find_strikes,
    join_line_parts,
    split_line,
    strike_breaks,
)
from pipeline.reading.fields.handwriting.transcription import DASHES_EMPTY_P, transcribe_line
from pipeline.reading.fields.handwriting.word_boxes import place_words
from pipeline.reading.fields.ink import Ink
from pipeline.reading.imaging.pixels import Mask
from pipeline.reading.language.formats import format_guide, parse_values
from pipeline.reading.language.language_model import (
    NO_NAMES,
    LanguageModel,
    Lexicon,
    add_learned_words,
    load_swedish,
)

# Read condensed writing again, stretched, if the network has hardly a time step per letter.
#
# The network answers once for each 8 px of a line 48 px high. Where two letters share a time step
# one of them is lost, and in the narrowest writing all.

MAX_SIGNS_PER_STEP = 0.55
"""Lines with more signs per time step are stretched: lines rendered in held-out fonts are then read
with two thirds of the errors, French ones with nine tenths. Writing that is not dense is read worse
if it is stretched.
"""
SPREAD_FACTOR, MAX_SPREADS = 1.5, 2
"""How much wider a line is made, and how often, if letters that are then read are as dense."""


def read_condensed(images: Sequence[Image]) -> list[tuple[Image, Steps]]:
    """Return each grey image of a line as it was read best, and the network's answer for it.

    As given or stretched.

    Raises:
        MissingProgramError: the network's file is not installed.
    """
    return [
        _spread_image(image, steps) for image, steps in zip(images, read_steps(images), strict=True)
    ]


def _spread_image(image: Image, steps: Steps) -> tuple[Image, Steps]:
    """Stretch the image until its signs have enough time steps."""
    height, width = image.shape
    # Stop when there are few signs per time step, or none.
    for times in range(1, MAX_SPREADS + 1):
        if 0 < _count_signs(steps) < MAX_SIGNS_PER_STEP * len(steps):
            break
        # Stretch from the original width, so that blur does not accumulate.
        size = round(width * SPREAD_FACTOR**times), height
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8)
        (steps,) = read_steps([image])
    return image, steps


def _count_signs(steps: Steps) -> int:
    """Return how many signs the likeliest path has; pauses do not count."""
    path = steps.argmax(axis=1)
    # A sign starts where the path changes to something else than a pause.
    return int(np.count_nonzero((path != 0) & (path != np.concatenate([[0], path[:-1]]))))


# Compare the texts of a closed list with what the network saw in a line.
#
# The search for the likeliest text keeps a few texts; that of the list may not be among them, or be
# far behind one that nobody is called. So each listed text near to it gets the probability of the
# network's output over all its alignments (the forward variables of CTC, A. Graves et al., ICML
# 2006), relative to that of the text that was read.

MISREAD_P = 0.05
"""The share of each time step that is spread over all characters: a network is sometimes wrong with
high confidence.
"""
IMAGE_TRUST = 0.5
"""Exponent of the likelihood ratio of two texts.

Errors of neighbouring time steps go together, so that the product over them says too much. With 1
six of 646 names of a list were wrong with high confidence, with 0.5 one.
"""
_LOWER = ALPHABET.lower()
_COLUMNS = {character: _LOWER.index(character) + 1 for character in _LOWER}
"""The first column of each character in small letters: that of its capital, if it has one."""
Floats = NDArray[np.float64]


def weigh_listed(steps: Steps, read: str, listed: TextList) -> TextLikelihoods:
    """Return the listed texts near to the one read, with their likelihood relative to it.

    It is at most 1, that of the likeliest spelling, without regard to capitals. Texts with
    characters that the network does not know are left out.

    Args:
        steps: the network's output for the whole line.
        read: the text that was read from it.
        listed: the texts that the line may hold.
    """
    spelt = [pair for pair in listed.find_nearest(read) if _is_writable(pair[1])]
    if not spelt or not _is_writable(read):
        return ()
    written = [read.lower(), *(spelling.lower() for _, spelling in spelt)]
    logs = _log_likelihoods(_fold_capitals(steps), written)
    ratios = np.exp(IMAGE_TRUST * np.minimum(0.0, logs[1:] - logs[0])).tolist()
    likeliest: dict[str, float] = {}
    for (text, _), ratio in zip(spelt, ratios, strict=True):
        likeliest[text] = max(ratio, likeliest.get(text, 0.0))
    return tuple(sorted(likeliest.items(), key=lambda pair: -pair[1]))


def _is_writable(text: str) -> bool:
    return bool(text) and all(character in _COLUMNS for character in text.lower())


def _fold_capitals(steps: Steps) -> Floats:
    """Return the steps with capitals and small letters as one character, and with some noise."""
    folded = np.zeros((len(steps), len(ALPHABET) + 1))
    columns = [0, *(_COLUMNS[character] for character in _LOWER)]
    np.add.at(folded.T, columns, steps.T)
    return np.asarray((1 - MISREAD_P) * folded + MISREAD_P / folded.shape[1], np.float64)


def _log_likelihoods(steps: Floats, texts: Sequence[str]) -> Floats:
    """Return the log probability of each text over all its alignments."""
    # States: pauses, with a character between any two; shorter texts end before the last state.
    lengths = np.array([2 * len(text) for text in texts])
    columns = np.zeros((len(texts), int(lengths.max()) + 1), np.intp)
    for row, text in enumerate(texts):
        columns[row, 1 : 2 * len(text) : 2] = [_COLUMNS[character] for character in text]

    # A pause may be skipped between two unlike characters.
    skips = np.zeros(columns.shape)
    skips[:, 2:] = (columns[:, 2:] != 0) & (columns[:, 2:] != columns[:, :-2])

    # Sum over all paths step by step, scaled against underflow.
    forward, logs = np.zeros(columns.shape), np.zeros(len(texts))
    forward[:, 0] = 1.0
    for step in steps:
        advanced = forward.copy()
        advanced[:, 1:] += forward[:, :-1]
        advanced[:, 2:] += skips[:, 2:] * forward[:, :-2]
        advanced *= step[columns]
        top = advanced.max(axis=1)
        forward = advanced / top[:, None]
        logs += np.log(top)
    rows = np.arange(len(texts))
    ends = forward[rows, lengths] + forward[rows, lengths - 1]
    return np.asarray(logs + np.log(np.maximum(ends, np.finfo(np.float64).tiny)))


DASH_READING = replace(Reading.empty(DASHES_EMPTY_P), alternatives=(("-", 1.0 - DASHES_EMPTY_P),))
"""A dash means that there is nothing to write."""
_PERSON_MEANINGS = frozenset({Meaning.CLIENT_NAME, Meaning.AUTHOR_NAME})
"""Fields that hold a person's name."""


def read_handwriting(crops: Sequence[FieldImage]) -> list[Reading]:
    """Return the texts of single lines, letters as written.

    Nothing written is `EMPTY`, and so is a dash; ink without a letter is `ILLEGIBLE`. Struck-out
    words are left out and flagged, and so are words above or below the line and beyond the image.
    All field images of one call are taken to expect the same names.
    """
    # 1. The ink of each line, split where words are struck out.
    inks = [find_line_ink(crop) for crop in crops]
    masks = [_line_ink(ink) for ink in inks]
    wholes = [make_line_image(ink, mask) for ink, mask in zip(inks, masks, strict=True)]
    lines = [_split_at_strikes(whole, ink) for whole, ink in zip(wholes, inks, strict=True)]

    # 2. Read all parts of all lines together, and as a whole those that are perhaps not struck
    # out. Only an unbroken line has its field's format.
    read_parts = [
        [
            *((part, _is_unbroken(line)) for part in line if isinstance(part, LineImage)),
            *([(whole, True)] if _is_doubtful(line) else []),
        ]
        for whole, line in zip(wholes, lines, strict=True)
    ]
    fields = [crop for crop, parts in zip(crops, read_parts, strict=True) for _ in parts]
    answers = iter(
        read_line_images(
            [part for parts in read_parts for part, _ in parts],
            crops[0].expected_names if crops else NO_NAMES,
            [
                crop.spec.format if whole else None
                for crop, parts in zip(crops, read_parts, strict=True)
                for _, whole in parts
            ],
            fields,
        )
    )

    # 3. Put each line together, and flag what is not read.
    readings = [
        _read_around_strikes(line, answers, None if _is_unbroken(line) else crop.spec.format)
        for crop, line in zip(crops, lines, strict=True)
    ]
    readings = [
        _flag_unread(reading, crop, ink, mask)
        for reading, crop, ink, mask in zip(readings, crops, inks, masks, strict=True)
    ]
    return [
        reading if whole.picture is None else replace(reading, lines=(whole.picture,))
        for reading, whole in zip(readings, wholes, strict=True)
    ]


def _line_ink(ink: Ink) -> Mask:
    """Return the ink of the line, without what belongs above or below."""
    # The field's own rows, with some slack for ascenders and descenders.
    _, top, _, bottom = ink.field
    slack = 0.1 * (bottom - top)
    return split_into_bands(ink.mask, (top - slack, bottom + slack))[0]


def _split_at_strikes(line: LineImage, ink: Ink) -> tuple[LinePart, ...]:
    """Split the line at its struck-out places."""
    if line.picture is None:
        return (line,)
    (strikes,) = find_strikes([line.picture], ink.px_per_mm)
    return split_line(line.picture, strike_breaks(line.picture, strikes))


def _is_doubtful(line: Sequence[LinePart]) -> bool:
    """Return whether what seems to be struck out may be a long bar of tt, or slanting writing."""
    strikes = [part.p for part in line if isinstance(part, Strike)]
    return bool(strikes) and max(strikes) < STRIKE_CERTAIN_FROM


def _is_unbroken(line: Sequence[LinePart]) -> bool:
    """Return whether only one part of a line is to be read."""
    return sum(isinstance(part, LineImage) for part in line) == 1


def _read_around_strikes(
    line: Sequence[LinePart], answers: Iterator[Reading], form: Format | None
) -> Reading:
    """Return what is left of a line without its struck-out words, as a value of the format.

    Where nothing is left it is `ILLEGIBLE`, so that a person sees it.
    """
    # Without strikes the parts are simply joined.
    part_readings = [next(answers) for part in line if isinstance(part, LineImage)]
    if len(part_readings) == len(line):
        return join_line_parts(part_readings)

    # Something is struck out: what is left must still have the format's shape.
    reading = Reading(None, 0.5, State.ILLEGIBLE)
    if part_readings:
        reading = _fit_format(join_line_parts(part_readings), form)

    # A word below a real strike is hardly read so well. Where it reads less well, the text with it
    # may be likelier than what is left, which is never sure: a unit after a number or a whole word
    # may look struck out.
    if _is_doubtful(line):
        whole = next(answers)
        if whole.state is State.READ and whole.value and whole.p >= NOT_STRUCK_FROM:
            return whole
        reading = max(whole, reading, key=lambda one: one.p if one.value else 0.0)
    return replace(reading, p=min(reading.p, FORMAT_MISMATCH_MAX_P), issues=(IssueCode.STRUCK_OUT,))


def _fit_format(reading: Reading, form: Format | None) -> Reading:
    """Return the value of parts that were read separately, with low p if it misses the format."""
    if form is None or not isinstance(reading.value, str):
        return reading
    # Only a text of the format's shape has a single value.
    values = parse_values(form, reading.value) if format_guide(form).fits(reading.value) else ()
    if len(values) != 1:
        return replace(reading, p=min(reading.p, FORMAT_MISMATCH_MAX_P), alternatives=())
    return replace(
        reading,
        value=values[0],
        alternatives=(),
        characters=reading.characters if values[0] == reading.value else (),
    )


def _flag_unread(reading: Reading, crop: FieldImage, ink: Ink, line: Mask) -> Reading:
    """Flag writing in the image that is not read, or may belong to another row.

    Confidence is low if that would change the value.
    """
    # A comma below the line, or a second row, changes the value; parts of other rows are none.
    may_change = reading.state is State.READ and (
        (crop.spec.format in DECIMAL_FORMATS and has_comma_below(ink, line))
        or has_two_rows(ink, line)
        or may_be_other_rows(ink, line)
    )
    if may_change:
        reading = replace(reading, p=min(reading.p, FORMAT_MISMATCH_MAX_P))
    if may_change or is_cut_off(crop, ink, line) or has_unread_words(crop, ink, line):
        return replace(reading, issues=(*reading.issues, IssueCode.STRAY_WRITING))
    return reading


@dataclass(frozen=True, slots=True)
class _LineReader:
    """What lines that are read together have in common."""

    language: LanguageModel
    second_pass: SecondPassFactory
    with_word_boxes: bool
    names: Lexicon

    def read(self, line: Image, network_line: Image, steps: Steps, form: Format | None) -> Reading:
        """Return the reading of one line.

        `network_line` is the line as the network read it, perhaps stretched, `steps` its answer.
        """
        # Decode as Swedish; words with low confidence get a second pass.
        reading = transcribe_line(steps, self.language, form, self.second_pass(network_line))

        if self.with_word_boxes and isinstance(reading.value, str):
            reading = replace(reading, words=place_words(reading, steps, line.shape, self.names))
        reading = flag_unread_symbols(reading, network_line, steps)
        return correct_unit_signs(reading, network_line, steps, form)


def read_line_images(
    lines: Sequence[LineImage],
    names: Lexicon = NO_NAMES,
    formats: Sequence[Format | None] = (),
    fields: Sequence[FieldImage | None] = (),
    *,
    with_word_boxes: bool = False,
) -> list[Reading]:
    """Return the readings of lines as `make_line_image` makes them.

    `names` are expected in them; `formats` (one per line, or none at all) give their shape, and
    `fields` (as many, or none) are those that the lines are of: whether one is a person's name, and
    the texts that it may hold. If `with_word_boxes`, the readings hold boxes of their words from
    the top left of the line's image, px.
    """
    # The network would take a dash for letters.
    pictures = [
        None if line.picture is None or is_dash(line.picture) else line.picture for line in lines
    ]
    answers = iter(read_condensed([picture for picture in pictures if picture is not None]))
    language = replace(load_swedish(load_settings().models), names=add_learned_words(names))
    line_reader = _LineReader(language, make_second_pass(), with_word_boxes, names)
    name_reader = replace(line_reader, language=replace(language, person=True))
    readings = []
    for line, picture, form, field in zip(
        lines,
        pictures,
        formats or [None] * len(lines),
        fields or [None] * len(lines),
        strict=True,
    ):
        if picture is not None:
            is_person = field is not None and field.spec.means in _PERSON_MEANINGS
            reader = name_reader if is_person else line_reader
            network_line, steps = next(answers)
            reading = reader.read(picture, network_line, steps, form)
            readings.append(_compare_with_list(reading, steps, field))
        else:
            readings.append(Reading.empty(line.empty_p) if line.picture is None else DASH_READING)
    return readings


def _compare_with_list(reading: Reading, steps: Steps, field: FieldImage | None) -> Reading:
    """Return the reading with the texts of its field's list that the line may hold."""
    if field is None or reading.state is not State.READ or not isinstance(reading.value, str):
        return reading
    return replace(reading, listed=weigh_listed(steps, reading.value, field.listed))
