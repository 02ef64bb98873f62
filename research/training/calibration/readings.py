"""Read held-out data whose truth is known, to fit probability curves and to report on them.

Digits come from held-out people, lines from held-out writers and font families; marks and forms are
drawn.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.model import Image, Reading, State, Value
from pipeline.reading.calibration.curves import (
    LETTER_KEY,
    curve_features,
    curve_key,
    log_odds,
    writer_clarity,
)
from pipeline.reading.calibration.fit import JudgedReading
from pipeline.reading.field_readers import FIELD_READERS, make_field_image
from pipeline.reading.fields.digits import letters
from pipeline.reading.fields.digits.reader import plain_digit_row
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.network import (
    ALPHABET,
    find_network_file,
    find_second_file,
    read_steps,
)
from pipeline.reading.fields.handwriting.word_boxes import align_characters
from pipeline.reading.language.formats import is_same_value, parse_values
from research.evaluation.fields.digit_rows import draw_row_field
from research.evaluation.fields.filled_pages import DigitShapes, DigitWriter, draw_filled_fields
from research.training.digits.rows import CONDITIONS, PX_PER_MM, RowContents, draw_row
from research.training.handwriting.lines import TrainingLine, font_family
from research.training.marks.draw import DrawnMark, draw_mark, draw_sheet
from research.training.marks.strokes import MARK_STYLES

ODD_ROW_SHARE = 0.2
"""Share of drawn rows with something other than digits that is kept.

They are drawn far more often than people write them.
"""
LINES_PER_PAGE = (1, 1, 4, 8, 16)
"""How many lines of a writer are on a page.

Of a single line, nothing else is known of its writer.
"""
LINES_PER_AREA = (2, 3, 4)
"""How many lines are put into an area."""
ROUNDS_PER_AREA_LINE = 4
"""How many times each line is put into an area, with other lines each time.

Writers are few, and of 350 areas an error of 0.04 is chance alone.
"""
DISPUTED_DIVISOR = 5
"""What people disagree on is this many times rarer than other styles, as in fitting."""
MIN_LETTER_P = 1e-4
"""A letter whose highest p, where it should be, is lower is not in the ink."""
ROW_CHARACTERS = "0123456789 "
BOXES_PER_SHEET = 40
"""Boxes of a drawn sheet."""
MIN_VISIBLE_DARKENING = 0.1
"""A mark that darkens the paper less is not on the scan any more (faint pencil at 1 bit).

No person could read it.
"""
LINE_CURVE_KEYS = frozenset(
    {*(str(kind) for kind in Kind if kind.traits.is_handwriting), LETTER_KEY}
)
"""Curves that rest on lines of several collections of very different sizes."""

Truth = tuple[Value, State]


def judge_reading(
    spec: FieldSpec, reading: Reading, truth: Truth, part: str, source: str, hand: float = 0.0
) -> JudgedReading:
    """Compare one reading with the truth; its value and state both have to be right.

    What is no value counts by its state alone.
    """
    state = truth[1]
    # For values both value and state count; otherwise the state alone.
    right = (
        (reading.value, reading.state) == truth if state is State.READ else reading.state is state
    )
    return JudgedReading(
        curve_key(spec, reading), curve_features(spec, reading, hand), right, part, source
    )


def read_uncalibrated(crops: Sequence[FieldImage]) -> list[Reading]:
    """Read each crop by the reader of its kind, with the reader's own score as p."""
    # Group by kind, as readers take all fields of a kind at once; restore the order.
    by_kind: dict[Kind, list[int]] = defaultdict(list)
    for i, crop in enumerate(crops):
        by_kind[crop.spec.kind].append(i)
    found: dict[int, Reading] = {}
    for kind, places in by_kind.items():
        found.update(zip(places, FIELD_READERS[kind]([crops[i] for i in places]), strict=True))
    return [found[i] for i in range(len(crops))]


def judge_pages(
    people: Sequence[DigitWriter], pages: range, kinds: Collection[Kind], rng: Generator
) -> list[JudgedReading]:
    """Judge every field but handwriting, of these kinds, on drawn forms."""
    found = []
    for fields in draw_filled_fields(people, pages, rng, kinds):
        for one, reading in zip(fields, read_uncalibrated([f.crop for f in fields]), strict=True):
            found.append(
                judge_reading(
                    one.crop.spec, reading, (one.value, one.state), one.page, f"forms, {one.way}"
                )
            )
    return found


def judge_cells(pictures: Image, labels: Iterable[int], source: str) -> list[JudgedReading]:
    """Judge single digits, white on black, each as a row of one box."""
    crops = [
        FieldImage((255 - picture).astype(np.uint8), plain_digit_row(1)) for picture in pictures
    ]
    readings = FIELD_READERS[Kind.DIGITS](crops)
    pairs = enumerate(zip(crops, readings, labels, strict=True))
    return [
        # 50 consecutive digits form a part, in place of a writer.
        judge_reading(c.spec, r, (str(label), State.READ), f"{source} {i // 50}", source)
        for i, (c, r, label) in pairs
    ]


def judge_rows(
    contents: RowContents, count: int, kind: Kind, rng: Generator
) -> list[JudgedReading]:
    """Judge rows of digit or letter boxes, drawn in all conditions and read without a format."""
    # Classes beyond the symbols are "struck out" and "other".
    plain, symbols = (
        (letters.plain_letter_row, letters.LETTER_SYMBOLS[:-2])
        if kind is Kind.LETTERS
        else (plain_digit_row, ROW_CHARACTERS)
    )
    crops: list[FieldImage] = []
    truths: list[Truth] = []
    sources: list[str] = []
    while len(crops) < count:
        condition = str(rng.choice(CONDITIONS))
        row = draw_row(contents, condition, rng)
        truth = _row_truth(row.labels, symbols)
        # Keep rows without a definite truth out, and most of the odd ones.
        if truth is None or (
            truth[1] in (State.CANCELLED, State.ILLEGIBLE) and rng.random() >= ODD_ROW_SHARE
        ):
            continue
        # Bare characters have no template, and so no scale.
        margin = row.margin_px / PX_PER_MM
        crops.append(
            FieldImage(
                row.image,
                plain(len(row.labels)),
                row.blank,
                PX_PER_MM if row.blank is not None else None,
                margin,
            )
        )
        truths.append(truth)
        sources.append(f"rows, {condition}")
    found = zip(crops, FIELD_READERS[kind](crops), truths, sources, strict=True)
    return [judge_reading(c.spec, r, t, f"row {i}", s) for i, (c, r, t, s) in enumerate(found)]


def judge_formatted_rows(shapes: DigitShapes, count: int, rng: Generator) -> list[JudgedReading]:
    """Judge so many rows of each format, every eighth left empty."""
    found: list[JudgedReading] = []
    # Every format, every eighth row empty.
    for name in (Format.DATE, Format.TIME, Format.PERSONAL_NUMBER, Format.NUMBER):
        drawn = [draw_row_field(name, shapes, rng, empty=i % 8 == 0) for i in range(count)]
        readings = FIELD_READERS[Kind.DIGITS]([crop for crop, _ in drawn])
        pairs = enumerate(zip(drawn, readings, strict=True))
        found += [
            judge_reading(crop.spec, r, truth, f"{name} {i}", f"rows, {name}")
            for i, ((crop, truth), r) in pairs
        ]
    return found


def _row_truth(labels: Sequence[int], symbols: str) -> Truth | None:
    """Return what a row says.

    None where there are gaps in it, which digits without a format may not show, or where it is half
    struck out.
    """
    # Struck out as a whole, or unclear.
    if any(label >= len(symbols) for label in labels):
        return (None, State.CANCELLED) if all(label == len(symbols) for label in labels) else None
    text = "".join(symbols[label] for label in labels)
    # A row with gaps only is empty.
    if not text.strip():
        return None, State.EMPTY
    return (text.strip(), State.READ) if " " not in text.strip() else None


def judge_marks(each: int, rng: Generator) -> list[JudgedReading]:
    """Judge check boxes in every style, alone and on sheets.

    The sheets have about as many, where the mark is still visible.

    Of what people disagree on (a circle around the box, a mark beside it) only what is read as
    empty counts, and it counts as wrong.
    """
    # Styles with an agreed meaning, half of them with a template image.
    agreed = [style for style, (truth, _) in MARK_STYLES.items() if truth]
    alone = [draw_mark(style, rng, with_blank=i % 2 == 0) for style in agreed for i in range(each)]
    # Disputed styles are rarer.
    alone += [
        draw_mark(style, rng)
        for style in MARK_STYLES
        if style not in agreed
        for _ in range(each // DISPUTED_DIVISOR)
    ]
    # Sheets of one writer, with about as many boxes in all.
    sheets = [
        box
        for number in range(max(1, each * len(agreed) // BOXES_PER_SHEET))
        for box in draw_sheet(BOXES_PER_SHEET, rng, number + 1)
    ]
    # Leave out marks that the scan lost.
    drawn = [
        one
        for one in (*alone, *sheets)
        if one.truth is State.EMPTY or one.shows >= MIN_VISIBLE_DARKENING
    ]
    readings = FIELD_READERS[Kind.MARK]([one.crop for one in drawn])
    return [
        judge_reading(
            d.crop.spec,
            r,
            (d.truth is not State.EMPTY, d.truth or State.READ),
            _sheet_part(d, i),
            "drawn marks",
        )
        for i, (d, r) in enumerate(zip(drawn, readings, strict=True))
        # A disputed mark counts only if it was read as empty, which is wrong.
        if d.truth or r.state is State.EMPTY
    ]


def _sheet_part(drawn: DrawnMark, number: int) -> str:
    return f"sheet {drawn.crop.sheet_number}" if drawn.crop.sheet_number else f"mark {number}"


def judge_lines(
    written: Sequence[TrainingLine], source: str, rng: Generator
) -> list[JudgedReading]:
    """Judge single handwritten lines, and each of their characters."""
    crops = [make_field_image(line.picture, Kind.TEXT, None) for line in written]
    readings = FIELD_READERS[Kind.TEXT](crops)
    # Features of the writer come from the other lines of the simulated page.
    hands = page_writer_clarity([line.writer for line in written], readings, rng)
    found: list[JudgedReading] = []
    for line, crop, reading, hand in zip(written, crops, readings, hands, strict=True):
        # Weights of one font family are one writer.
        part = font_family(line.writer)
        found.append(judge_reading(crop.spec, reading, (line.text, State.READ), part, source, hand))
        # Each character counts for the curve of characters.
        found += [
            JudgedReading(LETTER_KEY, (log_odds(p),), right, part, source)
            for p, right in _judge_letters(reading, line.text)
        ]
    return found


def judge_formatted_lines(
    written: Sequence[tuple[Format, TrainingLine]], source: str
) -> list[JudgedReading]:
    """Judge lines with a format, each standing alone."""
    crops = []
    for value_format, line in written:
        plain = make_field_image(line.picture, Kind.TEXT, None)
        crops.append(replace(plain, spec=plain.spec.model_copy(update={"format": value_format})))
    pairs = zip(written, crops, FIELD_READERS[Kind.TEXT](crops), strict=True)
    return [
        JudgedReading(
            curve_key(crop.spec, reading),
            curve_features(crop.spec, reading),
            reading.state is State.READ
            and any(
                is_same_value(value_format, str(reading.value), value)
                for value in parse_values(value_format, line.text)
            ),
            font_family(line.writer),
            source,
        )
        for (value_format, line), crop, reading in pairs
        if reading.state is State.READ
    ]


def shows_all_letters(line: TrainingLine) -> bool:
    """Check that either network sees some ink of each letter of a composed line.

    Pieces that were cut beside a letter lack it, or bring another one: such a line does not say
    its text, and to read what it shows would count as wrong.
    """
    networks = [find_network_file(), *filter(None, [find_second_file()])]
    return any(_least_letter_p(line, network) >= MIN_LETTER_P for network in networks)


def _least_letter_p(line: TrainingLine, network: Path) -> float:
    (steps,) = read_steps([line.picture], network)
    spans = align_characters(steps, line.text)
    if spans is None:
        return 0.0
    return min(
        float(steps[first : last + 1, ALPHABET.index(sign) + 1].max())
        for sign, (first, last) in zip(line.text, spans, strict=True)
    )


def page_writer_clarity(
    writers: Sequence[str], readings: Sequence[Reading], rng: Generator
) -> list[float]:
    """Return what the other lines of a page, or a line alone, show of a writer.

    Pages of one writer are as long as pages are.
    """
    # Lines of each writer, cut into pages of random length.
    places: dict[str, list[int]] = defaultdict(list)
    for i, writer in enumerate(writers):
        places[writer].append(i)
    hands = [0.0] * len(readings)
    for own in places.values():
        while own:
            size = int(rng.choice(LINES_PER_PAGE))
            page, own = own[:size], own[size:]
            for i, hand in zip(page, writer_clarity([readings[i] for i in page]), strict=True):
                hands[i] = hand
    return hands


def _judge_letters(reading: Reading, text: str) -> list[tuple[float, bool]]:
    # Characters in matching blocks of an edit alignment are right.
    blocks = difflib.SequenceMatcher(
        None, str(reading.value or ""), text, autojunk=False
    ).get_matching_blocks()
    right = {i for start, _, length in blocks for i in range(start, start + length)}
    return [(p, i in right) for i, p in enumerate(reading.characters)]


def judge_areas(
    written: Sequence[TrainingLine], source: str, rng: Generator
) -> list[JudgedReading]:
    """Judge lines of one writer below each other on a ruled area.

    Each line counts once, however often it is used.
    """
    found: list[JudgedReading] = []
    # The first round in the given order, the others shuffled.
    for turn in range(ROUNDS_PER_AREA_LINE):
        order = rng.permutation(len(written)) if turn else range(len(written))
        found += _judge_areas_once([written[i] for i in order], source, rng)
    return found


def _judge_areas_once(
    written: Sequence[TrainingLine], source: str, rng: Generator
) -> list[JudgedReading]:
    # Lines of one writer are grouped into areas.
    by_writer: dict[str, list[TrainingLine]] = defaultdict(list)
    for line in written:
        by_writer[line.writer].append(line)
    groups = []
    for own in by_writer.values():
        while own:
            size = int(rng.choice(LINES_PER_AREA))
            groups.append(own[:size])
            own = own[size:]
    crops = [make_area_image([line.picture for line in some]) for some in groups]
    readings = FIELD_READERS[Kind.LINES](crops)
    hands = page_writer_clarity([some[0].writer for some in groups], readings, rng)
    pairs = zip(groups, crops, readings, hands, strict=True)
    found = [
        judge_reading(
            c.spec,
            r,
            ("\n".join(line.text for line in some), State.READ),
            font_family(some[0].writer),
            source,
            h,
        )
        for some, c, r, h in pairs
    ]
    # All rounds together weigh as much as one.
    return [replace(one, weight=1 / ROUNDS_PER_AREA_LINE) for one in found]


def make_area_image(pictures: Sequence[Image], line_mm: float = 9.0) -> FieldImage:
    """Put line images below each other, one per rule, as the crop of a field at 8 px/mm."""
    height = round(line_mm * PX_PER_MM)
    # As wide as the longest line plus a margin.
    width = (
        max(round(picture.shape[1] * height / picture.shape[0]) for picture in pictures) + height
    )
    return make_field_image(
        np.vstack([_place_on_line(picture, height, width) for picture in pictures]),
        Kind.LINES,
        len(pictures),
    )


def _place_on_line(picture: Image, height: int, width: int) -> Image:
    # A line fills 95 % of the pitch and is placed on the rule, indented by a quarter.
    factor = 0.95 * height / picture.shape[0]
    small = np.asarray(
        cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8
    )
    below = height - small.shape[0]
    return np.pad(
        small,
        ((below, 0), (height // 4, width - small.shape[1] - height // 4)),
        constant_values=255,
    )


def even_weights(evidence: Sequence[JudgedReading]) -> list[JudgedReading]:
    """Return weights under which every source of a key counts alike.

    All together count as many as there are.
    """
    sizes: Mapping[tuple[str, str], float] = _source_sizes(evidence)
    sources = defaultdict(set)
    # Total weight of each key, and its sources.
    totals: dict[str, float] = defaultdict(float)
    for (key, source), count in sizes.items():
        sources[key].add(source)
        totals[key] += count
    # Each source gets an equal part of the key's total weight.
    shares = {at: totals[at[0]] / len(sources[at[0]]) / size for at, size in sizes.items()}
    return [
        replace(e, weight=e.weight * shares[e.key, e.source]) if e.key in LINE_CURVE_KEYS else e
        for e in evidence
    ]


def _source_sizes(evidence: Sequence[JudgedReading]) -> dict[tuple[str, str], float]:
    sizes: dict[tuple[str, str], float] = defaultdict(float)
    for one in evidence:
        sizes[one.key, one.source] += one.weight
    return sizes
