"""Load line images to train and measure the handwriting network on.

Each is as the product hands it over: ink only, on white. Writers and font families are held out
whole; nothing that is measured on was trained on.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.model import Image
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.line_image import cut_line, split_into_bands
from pipeline.reading.fields.ink import find_ink
from research.training.handwriting.texts import draw_text, normalize_label

LINE_MM = 9.0
HELD_OUT_EVERY = 6
"""One writer (or font family) of this many is held out."""
JOINED_HEIGHT_PX = 64
WRITERS_WITHOUT_DOTS = frozenset({"32"})
"""Writers of DHSD who wrote no dots on ä, ö and ü, though the labels have them.

A label is what is written on the paper.
"""
UNASSIGNED_CHARACTER = "\uffff"
"""A character that no face has an image of."""
WRONG_LABELS = frozenset({3808, 3825})
"""Held-out words of DHSD, by their place in the file, that differ from their label.

Zella/Rhön without its stroke, one name for another. All held-out words that are read otherwise
than their label says were looked at.
"""
_DOTLESS = str.maketrans("äöüÄÖÜ", "aouAOU")


@dataclass(frozen=True, slots=True)
class TrainingLine:
    """One line: its image (dark on white), its text, and its writer."""

    picture: Image
    text: str
    writer: str


def cut_like_product(image: Image) -> Image | None:
    """Return a crop of one line as the product hands it to the network; None without ink."""
    height, width = image.shape
    # As a field of a form, which is as high as its line.
    spec = FieldSpec(
        name="line", label="line", kind=Kind.TEXT, box=(0, 0, LINE_MM * width / height, LINE_MM)
    )
    # One band over the whole image.
    ink = find_ink(FieldImage(image, spec))
    cut = cut_line(ink, split_into_bands(ink.mask, (0, height))[0])
    return cut.picture if cut else None


def held_out_writers(writers: Iterable[str]) -> set[str]:
    """Return every sixth writer by name; nothing of theirs is trained on."""
    return set(sorted(set(writers))[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY])


def load_dhsd(file: Path, *, held: bool) -> list[TrainingLine]:
    """Return words of 27 German writers (`x`, `text`, `writer`).

    Those trained on, or (`held`) those held out.
    """
    data = np.load(file)
    # Correct the labels of writers without dots, and leave out wrong labels.
    writers = [f"{int(w):02d}" for w in data["writer"]]
    aside = held_out_writers(writers)
    texts = [
        str(t).translate(_DOTLESS) if w in WRITERS_WITHOUT_DOTS else str(t)
        for t, w in zip(data["text"], writers, strict=True)
    ]
    words = enumerate(zip(data["x"], texts, writers, strict=True))
    made = (
        _make_line(x, t, w)
        for place, (x, t, w) in words
        if (w in aside) == held and place not in WRONG_LABELS
    )
    return [line for line in made if line]


def load_archive(archive: Path, *, held: bool) -> list[TrainingLine]:
    """Return lines of a zip file.

    It has images, and `labels.tsv` with an image's name and its text per row.

    A picture's name is `<any words>_<number>_<more>.png`; all with one number count as one
    writer, and every sixth writer is held out (`held`).
    """
    with zipfile.ZipFile(archive) as files:
        # Fields are separated by tabs; quotes are characters of the text.
        rows = list(
            csv.reader(
                io.StringIO(files.read("labels.tsv").decode("utf-8")),
                delimiter="\t",
                quoting=csv.QUOTE_NONE,
            )
        )
        aside = held_out_writers(archive_writer(name) for name, _ in rows)
        made = (
            _make_line(_decode_image(files.read(n)), text, archive_writer(n))
            for n, text in rows
            if (archive_writer(n) in aside) == held
        )
        return [line for line in made if line]


def archive_writer(name: str) -> str:
    """Return the writer of an image in an archive; see `folder`."""
    # The number in the name; without one, the name up to its last part.
    found = re.search(r"_(\d+)", Path(name).stem)
    return found[1] if found else Path(name).stem.rsplit("_", 1)[0]


def _decode_image(data: bytes) -> Image:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


def _make_line(image: Image, text: str, writer: str) -> TrainingLine | None:
    label = normalize_label(text)
    picture = cut_like_product(image) if label else None
    return TrainingLine(picture, label, writer) if label and picture is not None else None


def join_words(words: Sequence[TrainingLine], rng: Generator) -> TrainingLine:
    """Join one writer's words to a line.

    As high as each other, with uneven gaps and a baseline that is not straight.
    """
    parts: list[Image] = []
    # Words of one writer are joined at equal height, except for a random shrinkage.
    for word in words:
        ink = _scale_to_height(word.picture, JOINED_HEIGHT_PX)
        scaled = cv2.resize(
            ink, None, fx=1.0, fy=float(rng.uniform(0.85, 1.0)), interpolation=cv2.INTER_AREA
        ).astype(np.uint8)
        # Random height on the line, and a random gap to the next word.
        space = JOINED_HEIGHT_PX + 8 - scaled.shape[0]
        above = int(rng.integers(0, space + 1))
        parts.append(
            np.pad(
                scaled,
                ((above, space - above), (0, int(rng.integers(10, 36)))),
                constant_values=255,
            )
        )
    line = np.pad(np.hstack(parts), ((0, 0), (19, 0)), constant_values=255)
    return TrainingLine(line, " ".join(w.text for w in words), words[0].writer)


def _scale_to_height(picture: Image, height: int) -> Image:
    """Return the image `height` px high, without most of the white at its sides."""
    width = max(8, round(picture.shape[1] * height / picture.shape[0]))
    scaled = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    return scaled[:, 14:-14] if width > 48 else scaled


def find_fonts(directory: Path, *, held: bool) -> list[Path]:
    """Return handwriting fonts to train on, or (`held`) to measure on: every sixth family."""
    fonts = sorted(directory.glob("*.ttf"))
    aside = held_out_writers(font_family(f.stem) for f in fonts)
    return [f for f in fonts if (font_family(f.stem) in aside) == held]


def font_family(writer: str) -> str:
    """Return the family of a font from the name of its file.

    Names of people stay as they are.
    """
    return writer.rsplit("-", 1)[0].removesuffix("-uloopet").removesuffix("-loopet")


def render_line(font: Path, rng: Generator, text: str | None = None) -> TrainingLine:
    """Render a line of Swedish care text (drawn, if none is given) in a handwriting font.

    It is cut to its ink with the product's white around it.
    """
    text = text or draw_text(rng)
    size = int(rng.integers(36, 64))
    # Render with plenty of room, then cut to the ink.
    face = _load_font(font, size)
    left, top, right, bottom = face.getbbox(text)
    sheet = Pictures.new("L", (int(right - left) + 2 * size, int(bottom - top) + 2 * size), 255)
    ImageDraw.Draw(sheet).text(
        (size - left, size - top), text, font=face, fill=int(rng.integers(0, 60))
    )
    picture = cut_clean_ink(np.asarray(sheet, np.uint8))
    return TrainingLine(
        picture if picture is not None else np.full((48, 48), 255, np.uint8), text, font.stem
    )


def can_draw(font: Path, text: str) -> bool:
    """Return whether a face has an image of each character, and not the box for missing ones."""
    return not any(_lacks_glyph(font, sign) for sign in text if sign != " ")


@lru_cache(maxsize=65_536)
def _lacks_glyph(font: Path, sign: str) -> bool:
    face = _load_font(font, 40)
    # Compare with the image of a character that no face has.
    return bytes(face.getmask(sign)) == bytes(face.getmask(UNASSIGNED_CHARACTER))


def cut_clean_ink(picture: Image) -> Image | None:
    """Cut ink on clean white to its extent, with the white margin that `make_line_image` leaves."""
    mask = picture < 200
    if not mask.any():
        return None
    # Bounding box of ink, and the product's margin in parts of its height.
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cut = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    above, beside = round(0.15 * cut.shape[0]), round(0.3 * cut.shape[0])
    return np.pad(cut, ((above, above), (beside, beside)), constant_values=255)


@lru_cache(maxsize=512)
def _load_font(font: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font), size)
