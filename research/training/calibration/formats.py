"""Draw lines with a date, a time, a telephone number, a code or a dose, as people write them.

Digits are those of held-out people, each line of one UNIPEN writer or of several of MNIST's and
optdigits' (nobody there has all digits), or whole lines are in held-out fonts. Signs between digits
are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from pipeline.domain.form.field import Format
from pipeline.domain.model import Image
from research.evaluation.fields.filled_pages import DigitShapes
from research.training.handwriting.augment import spoil
from research.training.handwriting.lines import TrainingLine, cut_clean_ink, render_line
from research.training.strokes.compose import compose_text, draw_sign
from research.training.strokes.held_out import find_fit_writers
from research.training.strokes.pieces import CAPITAL_HEIGHT, PieceWriter, make_piece_writer
from research.training.strokes.samples import load_stroke_file
from research.training.strokes.sources import draw_line

DIGIT_PX = (36, 60)
"""Height of digits as they are drawn."""
SIZE_SPREAD, GAP_PX = 0.08, (2.0, 12.0)
"""How much digits of one line differ in height, and the white between them."""
LINES_PER_PERSON, LINES_PER_HAND = 10, 28
"""Lines of mixed digits that count as one person's, and lines of each UNIPEN writer.

They are three, one of whom puts a stroke through each zero.
"""
DOSE_UNITS = ("mg", "mg", "mg", "ml", "g", "tabl", "E", "st", "droppar")
WRITTEN_FORMATS = (Format.DATE, Format.TIME, Format.PHONE, Format.CODE)
"""Formats of digits and signs alone; a dose has letters, which only fonts have."""
FormattedLine = tuple[Format, TrainingLine]


def draw_formatted_lines(
    handwriting: Path, fonts: Sequence[Path], shapes: DigitShapes, count: int
) -> Iterator[tuple[str, list[FormattedLine]]]:
    """Yield so many lines in fonts and in mixed digits, and some of each UNIPEN writer.

    Each with the name of its set.
    """
    rng = np.random.default_rng([count, 1])
    if fonts:
        yield "formats, fonts", _draw_in_fonts(fonts, count, rng)
    if shapes:
        yield "formats, mixed digits", list(_draw_mixed(shapes, count, rng))
    file = handwriting / "unipen_strokes.npz"
    if file.is_file():
        yield "formats, UNIPEN", list(_draw_in_hands(_load_digit_hands(file), rng))


def draw_value(value_format: Format, rng: Generator) -> str:
    """Return a value of a format in one of the ways in which people write it."""
    match value_format:
        case Format.DATE:
            day = date(2024, 1, 1) + timedelta(days=int(rng.integers(1400)))
            ways = ("%Y-%m-%d", "%Y-%m-%d", "%y-%m-%d", "%y%m%d", "%Y%m%d")
            short = f"{day.day}/{day.month}"
            return _one_of((*(day.strftime(way) for way in ways), short, short, short), rng)
        case Format.TIME:
            hour, minute = int(rng.integers(24)), int(rng.integers(60))
            sign = _one_of((".", ".", ":", ":", ""), rng)
            return (
                f"{hour:02d}{sign}{minute:02d}" if rng.random() < 0.85 else f"{hour}.{minute:02d}"
            )
        case Format.PHONE:
            pairs = [f"{n:02d}" for n in rng.integers(100, size=2)]
            middle = f"{rng.integers(1000):03d}"
            area = _one_of(("08", "046", "031", "0470", "0912"), rng)
            mobile = f"07{_one_of('02369', rng)}-{middle} {' '.join(pairs)}"
            fixed = f"{area}-{middle} {pairs[0]}{' ' + pairs[1] if len(area) < 4 else ''}"
            return mobile if rng.random() < 0.7 else fixed
        case Format.CODE:
            return "".join(str(n) for n in rng.integers(10, size=int(rng.integers(5, 11))))
        case _:
            amount = _one_of(
                ("5", "10", "20", "2,5", "0,5", "1", "2", "7,5", "100", "40", "1,5", "4"), rng
            )
            way = rng.random()
            if way < 0.2:
                return f"{rng.integers(1, 4)}x{rng.integers(1, 5)}"
            return f"{amount} {_one_of(DOSE_UNITS, rng)}"


def _one_of(things: Sequence[str], rng: Generator) -> str:
    return things[int(rng.integers(len(things)))]


def _draw_in_fonts(fonts: Sequence[Path], count: int, rng: Generator) -> list[FormattedLine]:
    formats = (*WRITTEN_FORMATS, Format.DOSE, Format.DOSE)
    found = []
    for number in range(count):
        value_format = formats[number % len(formats)]
        font = fonts[int(rng.integers(len(fonts)))]
        line = render_line(font, rng, draw_value(value_format, rng))
        picture = spoil(line.picture, rng, real=False)
        found.append((value_format, TrainingLine(picture, line.text, line.writer)))
    return found


def _draw_mixed(shapes: DigitShapes, count: int, rng: Generator) -> Iterator[FormattedLine]:
    for number in range(count):
        value_format = WRITTEN_FORMATS[number % len(WRITTEN_FORMATS)]
        text = draw_value(value_format, rng)
        picture = cut_clean_ink(_put_together(text, shapes, rng))
        if picture is not None:
            person = f"digits {number // LINES_PER_PERSON}"
            yield value_format, TrainingLine(spoil(picture, rng, real=True), text, person)


def _put_together(text: str, shapes: DigitShapes, rng: Generator) -> Image:
    """Return digits and signs side by side on one line, black on white."""
    height = float(rng.uniform(*DIGIT_PX))
    canvas = np.full((round(3 * height), round((len(text) + 2) * 1.3 * height)), 255, np.uint8)
    x, base = height, 2 * height
    for sign in text:
        if sign == " ":
            x += 0.35 * height
        elif sign.isdigit():
            own = shapes[int(sign)]
            digit = own[int(rng.integers(len(own)))]
            scale = height * float(np.exp(rng.normal(0, SIZE_SPREAD))) / digit.shape[0]
            small = cv2.resize(digit, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            top, left = round(base) - small.shape[0], round(x)
            part = canvas[top : round(base), left : left + small.shape[1]]
            np.minimum(part, (255 - small).astype(np.uint8)[:, : part.shape[1]], out=part)
            x += small.shape[1] + float(rng.uniform(*GAP_PX))
        else:
            piece, scale = draw_sign(sign, rng), height / CAPITAL_HEIGHT
            for stroke in piece.strokes:
                places = np.round(stroke * scale + (x, base)).astype(np.int32)
                thickness = max(2, round(0.09 * height))
                cv2.polylines(canvas, [places.reshape(-1, 1, 2)], False, 0, thickness, cv2.LINE_AA)
            x += piece.width * scale + float(rng.uniform(*GAP_PX)) / 2
    return canvas


def _load_digit_hands(file: Path) -> list[PieceWriter]:
    """Return the writers to fit to that wrote all digits."""
    strokes = load_stroke_file(file)
    wanted = find_fit_writers(file)
    own: dict[str, list[int]] = {}
    for place in strokes.find("digit", held=True):
        own.setdefault(strokes.writers[strokes.writer[place]], []).append(place)
    hands = [
        make_piece_writer(strokes, writer, places, {})
        for writer, places in sorted(own.items())
        if writer in wanted
    ]
    return [hand for hand in hands if _has_all_digits(hand.places)]


def _has_all_digits(places: Mapping[str, object]) -> bool:
    return all(str(digit) in places for digit in range(10))


def _draw_in_hands(hands: Sequence[PieceWriter], rng: Generator) -> Iterator[FormattedLine]:
    for number in range(LINES_PER_HAND * len(hands)):
        value_format = WRITTEN_FORMATS[number % len(WRITTEN_FORMATS)]
        hand = hands[number // LINES_PER_HAND]
        made = compose_text(hand, draw_value(value_format, rng), rng)
        picture = draw_line(made.strokes, 1.0, rng) if made else None
        if made and picture is not None:
            yield value_format, TrainingLine(picture, made.text, hand.writer)
