"""Line pictures to train and measure the handwriting network on, each as `recognize/handwriting.py` would hand it over: ink alone, on white.

Writers and font families are set aside whole; nothing that is measured on was trained on.
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

from pipeline.field_spec import FieldSpec, Kind
from pipeline.model import Image
from pipeline.recognize.crop import Crop
from pipeline.recognize.ink import find_ink
from pipeline.recognize.line_picture import banded, line_picture
from pipeline.training.handwriting_text import drawn_text, plain

LINE_MM = 9.0
EVERY = 6
"""One writer (or font family) of this many is set aside."""
JOINED_HEIGHT = 64
WITHOUT_DOTS = frozenset({"32"})
"""Writers of DHSD who wrote no dots on ä, ö and ü at all, though the labels have them: a label is what stands on the paper."""
NO_SIGN = "\uffff"
"""What no face has a picture of."""
WRONG_LABELS = frozenset({3808, 3825})
"""Words of DHSD set aside, by their place in the file, that say something else than their label: Zella/Rhön without its stroke, one name for
another. All words set aside that are read otherwise than their label says were looked at."""
_DOTLESS = str.maketrans("äöüÄÖÜ", "aouAOU")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its picture (dark on white), what it says, and whose hand it is."""

    picture: Image
    text: str
    writer: str


def as_read(image: Image) -> Image | None:
    """A crop of one line as the product would hand it to the network; None without ink."""
    height, width = image.shape
    spec = FieldSpec(name="line", label="line", kind=Kind.TEXT, box=(0, 0, LINE_MM * width / height, LINE_MM))
    ink = find_ink(Crop(image, spec))
    return line_picture(ink, banded(ink.mask, (0, height))[0])


def set_aside(writers: Iterable[str]) -> set[str]:
    """Every sixth by name; nothing of theirs is trained on."""
    return set(sorted(set(writers))[EVERY - 1 :: EVERY])


def dhsd(file: Path, *, held: bool) -> list[Line]:
    """Words of 27 German writers (`x`, `text`, `writer`): those trained on, or (`held`) those set aside."""
    data = np.load(file)
    writers = [f"{int(w):02d}" for w in data["writer"]]
    aside = set_aside(writers)
    texts = [str(t).translate(_DOTLESS) if w in WITHOUT_DOTS else str(t) for t, w in zip(data["text"], writers, strict=True)]
    words = enumerate(zip(data["x"], texts, writers, strict=True))
    made = (_line(x, t, w) for place, (x, t, w) in words if (w in aside) == held and place not in WRONG_LABELS)
    return [line for line in made if line]


def folder(archive: Path, *, held: bool) -> list[Line]:
    """Lines of a zip file: pictures, and `labels.tsv` with a picture's name and its text a row.

    A picture's name is `<any words>_<number>_<more>.png`; all with one number count as one writer, and every sixth writer is set aside (`held`).
    """
    with zipfile.ZipFile(archive) as files:
        rows = list(csv.reader(io.StringIO(files.read("labels.tsv").decode("utf-8")), delimiter="\t", quoting=csv.QUOTE_NONE))
        aside = set_aside(writer_of(name) for name, _ in rows)
        made = (_line(_decoded(files.read(n)), text, writer_of(n)) for n, text in rows if (writer_of(n) in aside) == held)
        return [line for line in made if line]


def writer_of(name: str) -> str:
    """Whose hand a picture of an archive shows; see `folder`."""
    found = re.search(r"_(\d+)", Path(name).stem)
    return found[1] if found else Path(name).stem.rsplit("_", 1)[0]


def _decoded(data: bytes) -> Image:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


def _line(image: Image, text: str, writer: str) -> Line | None:
    label = plain(text)
    picture = as_read(image) if label else None
    return Line(picture, label, writer) if label and picture is not None else None


def joined(words: Sequence[Line], rng: Generator) -> Line:
    """A line of one writer's words, as high as each other, with uneven gaps and a baseline that is not straight."""
    parts: list[Image] = []
    for word in words:
        ink = _inked(word.picture, JOINED_HEIGHT)
        scaled = cv2.resize(ink, None, fx=1.0, fy=float(rng.uniform(0.85, 1.0)), interpolation=cv2.INTER_AREA).astype(np.uint8)
        space = JOINED_HEIGHT + 8 - scaled.shape[0]
        above = int(rng.integers(0, space + 1))
        parts.append(np.pad(scaled, ((above, space - above), (0, int(rng.integers(10, 36)))), constant_values=255))
    line = np.pad(np.hstack(parts), ((0, 0), (19, 0)), constant_values=255)
    return Line(line, " ".join(w.text for w in words), words[0].writer)


def _inked(picture: Image, height: int) -> Image:
    """The picture `height` px high, without most of the white at its sides."""
    width = max(8, round(picture.shape[1] * height / picture.shape[0]))
    scaled = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
    return scaled[:, 14:-14] if width > 48 else scaled


def font_files(directory: Path, *, held: bool) -> list[Path]:
    """Handwriting fonts to train on, or (`held`) to measure on: every sixth family."""
    fonts = sorted(directory.glob("*.ttf"))
    aside = set_aside(family(f.stem) for f in fonts)
    return [f for f in fonts if (family(f.stem) in aside) == held]


def family(writer: str) -> str:
    """The family of a font, by the name of its file without the suffix; people's names stay as they are."""
    return writer.rsplit("-", 1)[0].removesuffix("-uloopet").removesuffix("-loopet")


def rendered(font: Path, rng: Generator, text: str | None = None) -> Line:
    """A line of Swedish care text (drawn, if none is given) in a handwriting font, cut to its ink with the product's white around it."""
    text = text or drawn_text(rng)
    size = int(rng.integers(36, 64))
    face = _face(font, size)
    left, top, right, bottom = face.getbbox(text)
    sheet = Pictures.new("L", (int(right - left) + 2 * size, int(bottom - top) + 2 * size), 255)
    ImageDraw.Draw(sheet).text((size - left, size - top), text, font=face, fill=int(rng.integers(0, 60)))
    picture = as_cut(np.asarray(sheet, np.uint8))
    return Line(picture if picture is not None else np.full((48, 48), 255, np.uint8), text, font.stem)


def draws(font: Path, text: str) -> bool:
    """Whether a face has a picture of each sign of a text, and not the box that stands for what it lacks."""
    return not any(_lacks(font, sign) for sign in text if sign != " ")


@lru_cache(maxsize=65_536)
def _lacks(font: Path, sign: str) -> bool:
    face = _face(font, 40)
    return bytes(face.getmask(sign)) == bytes(face.getmask(NO_SIGN))


def as_cut(picture: Image) -> Image | None:
    """Ink on clean white cut to its extent with the white around it that `line_picture` leaves."""
    mask = picture < 200
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cut = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    above, beside = round(0.15 * cut.shape[0]), round(0.3 * cut.shape[0])
    return np.pad(cut, ((above, above), (beside, beside)), constant_values=255)


@lru_cache(maxsize=512)
def _face(font: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font), size)
