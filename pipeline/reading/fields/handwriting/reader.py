"""Read handwritten lines: the ink alone, through the handwriting network, decoded as Swedish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.domain.confidence import (
    FORMAT_MISMATCH_MAX_P,
    NOT_STRUCK_FROM,
    STRIKE_CERTAIN_FROM,
)
from pipeline.domain.form.field import Format, Meaning
from pipeline.domain.issues import IssueCode
from pipeline.domain.model import Image, Reading, State, WordBox
from pipeline.domain.settings import load_settings
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.corrections import (
    DECIMAL_FORMATS,
    correct_unit_signs,
    flag_unread_symbols,
)
from pipeline.reading.fields.handwriting.frames import find_line_ink
from pipeline.reading.fields.handwriting.line_image import (
    LineImage,
    is_dash,
    make_line_image,
    split_into_bands,
)
from pipeline.reading.fields.handwriting.listed_texts import weigh_listed
from pipeline.reading.fields.handwriting.narrow import read_condensed
from pipeline.reading.fields.handwriting.network import Steps
from pipeline.reading.fields.handwriting.second_pass import SecondPassFactory, make_second_pass
from pipeline.reading.fields.handwriting.strikethrough import (
    LinePart,
    Strike,
    find_strikes,
    join_line_parts,
    split_line,
    strike_breaks,
)
from pipeline.reading.fields.handwriting.word_boxes import find_word_spans
from pipeline.reading.fields.ink import Ink, Mask
from pipeline.reading.fields.segmentation.other_rows import may_be_other_rows
from pipeline.reading.fields.strokes import (
    has_comma_below,
    has_two_rows,
    has_unread_words,
    is_cut_off,
)
from pipeline.reading.language.formats import format_guide, parse_values
from pipeline.reading.language.language_model import (
    NO_NAMES,
    LanguageModel,
    Lexicon,
    add_learned_words,
    load_swedish,
)
from pipeline.reading.language.transcription import DASHES_EMPTY_P, transcribe_line

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
    return [
        _flag_unread(reading, crop, ink, mask)
        for reading, crop, ink, mask in zip(readings, crops, inks, masks, strict=True)
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
        reading = max(whole, reading, key=_likelihood)
    return replace(reading, p=min(reading.p, FORMAT_MISMATCH_MAX_P), issues=(IssueCode.STRUCK_OUT,))


def _likelihood(reading: Reading) -> float:
    return reading.p if reading.value else 0.0


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

    def read(self, line: Image, network_line: Image, steps: Steps, form: Format | None) -> Reading:
        """Return the reading of one line.

        `network_line` is the line as the network read it, perhaps stretched, `steps` its answer.
        """
        # Decode as Swedish; words with low confidence get a second pass.
        reading = transcribe_line(steps, self.language, form, self.second_pass(network_line))

        if self.with_word_boxes and isinstance(reading.value, str):
            reading = replace(reading, words=_word_boxes(reading.value, steps, line))
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
    language = load_swedish(load_settings().models).with_names(add_learned_words(names))
    line_reader = _LineReader(language, make_second_pass(), with_word_boxes)
    name_reader = replace(line_reader, language=language.of_person())
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


def _word_boxes(text: str, steps: Steps, line: Image) -> tuple[WordBox, ...]:
    """Return the boxes of a text's words from the top left of the line's image, px."""
    # Boxes are as high as the line.
    height, width = line.shape
    return tuple(
        WordBox(span.start, span.end, (span.left, 0.0, span.right - span.left, float(height)))
        for span in find_word_spans(steps, text, width)
    )
