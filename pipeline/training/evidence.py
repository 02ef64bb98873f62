"""Readings of what nobody trained on, with the truth: what curves of probabilities are fitted to and reported on.

Digits come from people set aside, lines from writers and font families set aside, marks and forms are drawn.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.calibration_fit import Evidence
from pipeline.field_spec import FieldSpec, Format, Kind
from pipeline.model import Image, Reading, State, Value
from pipeline.quality.filled_pages import Digits, Writer, filled_fields
from pipeline.quality.filled_rows import drawn_field
from pipeline.recognize import letters
from pipeline.recognize.crop import Crop
from pipeline.recognize.curves import LETTER, features_of, hands_of, key_of, log_odds
from pipeline.recognize.digits import plain_row
from pipeline.recognize.loose import loose_crop
from pipeline.recognize.registry import READERS
from pipeline.training.digit_rows import CONDITIONS, PX_PER_MM, Contents, draw_row
from pipeline.training.drawn_marks import DrawnMark, drawn_mark, drawn_sheet
from pipeline.training.drawn_strokes import STYLES
from pipeline.training.handwriting_data import Line, family

ODD_ROWS = 0.2
"""Share of drawn rows with something other than digits that is kept: they are drawn far more often than people write them."""
PAGE_LINES = (1, 1, 4, 8, 16)
"""So many lines of a hand are on a page: where a line stands alone, nothing else is known of its hand."""
AREA_LINES = (2, 3, 4)
"""So many lines are put into an area."""
AREA_ROUNDS = 4
"""So many times each line is put into an area, with other lines each time: hands are few, and of 350 areas an error of 0.04 is chance alone."""
DISPUTED = 5
"""What people disagree on is so many times rarer than each of the other styles, as in fitting."""
SYMBOLS = "0123456789 "
SHEET = 40
"""Boxes of a drawn sheet."""
SEEN = 0.1
"""A mark that takes less of the paper's grey than this is not on the scan any more (faint pencil at 1 bit): nobody could read it."""
SHAPED = frozenset({*(str(kind) for kind in Kind if kind.traits.is_handwriting), LETTER})
"""Curves that rest on lines of several collections, of very different sizes."""

Truth = tuple[Value, State]


def evidence_of(spec: FieldSpec, reading: Reading, truth: Truth, part: str, source: str, hand: float = 0.0) -> Evidence:
    """One reading against the truth; its value and state both have to be right. What is no value counts by its state alone."""
    state = truth[1]
    right = (reading.value, reading.state) == truth if state is State.READ else reading.state is state
    return Evidence(key_of(spec, reading), features_of(spec, reading, hand), right, part, source)


def read(crops: Sequence[Crop]) -> list[Reading]:
    """Each crop by the reader of its kind, with the reader's own score as p."""
    by_kind: dict[Kind, list[int]] = defaultdict(list)
    for i, crop in enumerate(crops):
        by_kind[crop.spec.kind].append(i)
    found: dict[int, Reading] = {}
    for kind, places in by_kind.items():
        found.update(zip(places, READERS[kind]([crops[i] for i in places]), strict=True))
    return [found[i] for i in range(len(crops))]


def pages(people: Sequence[Writer], count: int, rng: Generator, tick: Callable[[], None], kinds: Collection[Kind] = tuple(Kind)) -> list[Evidence]:
    """Every field but handwriting, of these kinds, of forms filled in by drawing."""
    found = []
    for every in filled_fields(people, count, rng):
        fields = [one for one in every if one.crop.spec.kind in kinds]
        for one, reading in zip(fields, read([f.crop for f in fields]), strict=True):
            found.append(evidence_of(one.crop.spec, reading, (one.value, one.state), one.page, f"forms, {one.way}"))
        tick()
    return found


def cells(pictures: Image, labels: Iterable[int], source: str) -> list[Evidence]:
    """Single digits, white on black, each as a row of one box."""
    crops = [Crop((255 - picture).astype(np.uint8), plain_row(1)) for picture in pictures]
    readings = READERS[Kind.DIGITS](crops)
    pairs = enumerate(zip(crops, readings, labels, strict=True))
    return [evidence_of(c.spec, r, (str(label), State.READ), f"{source} {i // 50}", source) for i, (c, r, label) in pairs]


def rows(contents: Contents, count: int, rng: Generator, kind: Kind = Kind.DIGITS) -> list[Evidence]:
    """Rows of digit boxes, or letter boxes, drawn in all conditions and read as rows without a format."""
    plain, symbols = (letters.plain_row, letters.SYMBOLS[:-2]) if kind is Kind.LETTERS else (plain_row, SYMBOLS)
    crops: list[Crop] = []
    truths: list[Truth] = []
    sources: list[str] = []
    while len(crops) < count:
        condition = str(rng.choice(CONDITIONS))
        row = draw_row(contents, condition, rng)
        truth = _row_truth(row.labels, symbols)
        if truth is None or (truth[1] in (State.CANCELLED, State.ILLEGIBLE) and rng.random() >= ODD_ROWS):
            continue
        margin = row.margin_px / PX_PER_MM
        crops.append(Crop(row.image, plain(len(row.labels)), row.blank, PX_PER_MM if row.blank is not None else None, margin))
        truths.append(truth)
        sources.append(f"rows, {condition}")
    found = zip(crops, READERS[kind](crops), truths, sources, strict=True)
    return [evidence_of(c.spec, r, t, f"row {i}", s) for i, (c, r, t, s) in enumerate(found)]


def formatted_rows(shapes: Digits, count: int, rng: Generator) -> list[Evidence]:
    """So many rows of each format, every eighth left empty."""
    found: list[Evidence] = []
    for name in (Format.DATE, Format.TIME, Format.PERSONAL_NUMBER, Format.NUMBER):
        drawn = [drawn_field(name, shapes, rng, empty=i % 8 == 0) for i in range(count)]
        readings = READERS[Kind.DIGITS]([crop for crop, _ in drawn])
        pairs = enumerate(zip(drawn, readings, strict=True))
        found += [evidence_of(crop.spec, r, truth, f"{name} {i}", f"rows, {name}") for i, ((crop, truth), r) in pairs]
    return found


def _row_truth(labels: Sequence[int], symbols: str) -> Truth | None:
    """What a row says; None where there are gaps in it, which digits without a format may not show, or where it is half struck out."""
    if any(label >= len(symbols) for label in labels):
        return (None, State.CANCELLED) if all(label == len(symbols) for label in labels) else None
    text = "".join(symbols[label] for label in labels)
    if not text.strip():
        return None, State.EMPTY
    return (text.strip(), State.READ) if " " not in text.strip() else None


def marks(each: int, seed: int) -> list[Evidence]:
    """Check boxes in every style, alone and on sheets of about as many, where the mark is still to be seen.

    Of what people disagree on (a circle around the box, a mark beside it) only what is read as empty counts, and it counts as wrong.
    """
    rng = np.random.default_rng(seed)
    agreed = [style for style, (truth, _) in STYLES.items() if truth]
    alone = [drawn_mark(style, rng, with_blank=i % 2 == 0) for style in agreed for i in range(each)]
    alone += [drawn_mark(style, rng) for style in STYLES if style not in agreed for _ in range(each // DISPUTED)]
    sheets = [box for number in range(max(1, each * len(agreed) // SHEET)) for box in drawn_sheet(SHEET, rng, number + 1)]
    drawn = [one for one in (*alone, *sheets) if one.truth is State.EMPTY or one.shows >= SEEN]
    readings = READERS[Kind.MARK]([one.crop for one in drawn])
    return [
        evidence_of(d.crop.spec, r, (d.truth is not State.EMPTY, d.truth or State.READ), _part(d, i), "drawn marks")
        for i, (d, r) in enumerate(zip(drawn, readings, strict=True))
        if d.truth or r.state is State.EMPTY
    ]


def _part(drawn: DrawnMark, number: int) -> str:
    return f"sheet {drawn.crop.sheet}" if drawn.crop.sheet else f"mark {number}"


def lines(written: Sequence[Line], source: str, rng: Generator) -> list[Evidence]:
    """Single handwritten lines, and each of their characters."""
    crops = [loose_crop(line.picture, Kind.TEXT, None) for line in written]
    readings = READERS[Kind.TEXT](crops)
    hands = hands_of_pages([line.writer for line in written], readings, rng)
    found: list[Evidence] = []
    for line, crop, reading, hand in zip(written, crops, readings, hands, strict=True):
        part = family(line.writer)
        found.append(evidence_of(crop.spec, reading, (line.text, State.READ), part, source, hand))
        found += [Evidence(LETTER, (log_odds(p),), right, part, source) for p, right in _letters(reading, line.text)]
    return found


def hands_of_pages(writers: Sequence[str], readings: Sequence[Reading], rng: Generator) -> list[float]:
    """What the other lines of a page tell of a hand, pages of one writer being as long as pages are, or a line alone."""
    places: dict[str, list[int]] = defaultdict(list)
    for i, writer in enumerate(writers):
        places[writer].append(i)
    hands = [0.0] * len(readings)
    for own in places.values():
        while own:
            size = int(rng.choice(PAGE_LINES))
            page, own = own[:size], own[size:]
            for i, hand in zip(page, hands_of([readings[i] for i in page]), strict=True):
                hands[i] = hand
    return hands


def _letters(reading: Reading, text: str) -> list[tuple[float, bool]]:
    blocks = difflib.SequenceMatcher(None, str(reading.value or ""), text, autojunk=False).get_matching_blocks()
    right = {i for start, _, length in blocks for i in range(start, start + length)}
    return [(p, i in right) for i, p in enumerate(reading.characters)]


def areas(written: Sequence[Line], source: str, rng: Generator) -> list[Evidence]:
    """Lines of one writer under each other on a ruled area. Each line counts once, however often it is used."""
    found: list[Evidence] = []
    for turn in range(AREA_ROUNDS):
        order = rng.permutation(len(written)) if turn else range(len(written))
        found += _areas_once([written[i] for i in order], source, rng)
    return found


def _areas_once(written: Sequence[Line], source: str, rng: Generator) -> list[Evidence]:
    by_writer: dict[str, list[Line]] = defaultdict(list)
    for line in written:
        by_writer[line.writer].append(line)
    groups = []
    for own in by_writer.values():
        while own:
            size = int(rng.choice(AREA_LINES))
            groups.append(own[:size])
            own = own[size:]
    crops = [area_crop([line.picture for line in some]) for some in groups]
    readings = READERS[Kind.LINES](crops)
    hands = hands_of_pages([some[0].writer for some in groups], readings, rng)
    pairs = zip(groups, crops, readings, hands, strict=True)
    found = [
        evidence_of(c.spec, r, ("\n".join(line.text for line in some), State.READ), family(some[0].writer), source, h) for some, c, r, h in pairs
    ]
    return [replace(one, weight=1 / AREA_ROUNDS) for one in found]


def area_crop(pictures: Sequence[Image], line_mm: float = 9.0) -> Crop:
    """Line pictures under each other, one a ruled line, as the crop of a field at 8 px/mm."""
    height = round(line_mm * PX_PER_MM)
    width = max(round(picture.shape[1] * height / picture.shape[0]) for picture in pictures) + height
    return loose_crop(np.vstack([_on_line(picture, height, width) for picture in pictures]), Kind.LINES, len(pictures))


def _on_line(picture: Image, height: int, width: int) -> Image:
    factor = 0.95 * height / picture.shape[0]
    small = np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
    below = height - small.shape[0]
    return np.pad(small, ((below, 0), (height // 4, width - small.shape[1] - height // 4)), constant_values=255)


def evened(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Weights under which every source of a key counts alike, and all together as many as there are."""
    sizes: Mapping[tuple[str, str], float] = _sizes(evidence)
    sources = defaultdict(set)
    totals: dict[str, float] = defaultdict(float)
    for (key, source), count in sizes.items():
        sources[key].add(source)
        totals[key] += count
    shares = {at: totals[at[0]] / len(sources[at[0]]) / size for at, size in sizes.items()}
    return [replace(e, weight=e.weight * shares[e.key, e.source]) if e.key in SHAPED else e for e in evidence]


def _sizes(evidence: Sequence[Evidence]) -> dict[tuple[str, str], float]:
    sizes: dict[tuple[str, str], float] = defaultdict(float)
    for one in evidence:
        sizes[one.key, one.source] += one.weight
    return sizes
