"""The picture of the simulated weeks: remaining errors and keys under each assumption, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from pipeline.export.typeface import find_typeface
from pipeline.quality.week_report import DOUBLE, Outcome

_WIDTH, _ROW, _TOP, _LEFT = 1200, 44, 92, 430
_PLOT, _KEYS = 520, 180
_INK, _MUTED, _BAR, _LINE = "#22313a", "#5d6a70", "#1f6b75", "#b0553f"
_SIZE = 20


def draw(found: Sequence[Outcome], file: Path) -> None:
    """Draw one row an assumption: a point with its 95 % interval on a line from nought, and the share of double keying's keys."""
    font, small = (_font(size) for size in (_SIZE, _SIZE - 3))
    picture = Image.new("RGB", (_WIDTH, _TOP + _ROW * len(found) + 34), "white")
    pen = ImageDraw.Draw(picture)
    farthest = max(0.002, max(one.errors("after").interval[1] for one in found))

    def x(share: float) -> float:
        return _LEFT + share / farthest * _PLOT

    pen.text((_LEFT, 18), "wrong fields left, 95 % interval", _INK, font)
    pen.text((_WIDTH - _KEYS + 10, 18), "keys", _INK, font)
    bottom = _TOP + _ROW * len(found)
    for share, colour, words in ((0.0, _MUTED, "0"), (DOUBLE, _LINE, "double keying, published 0.14 %")):
        pen.line((x(share), _TOP - 12, x(share), bottom), colour, 2)
        pen.text((x(share) + 4, _TOP - 36), words, colour, small)
    for number, one in enumerate(found):
        y = _TOP + _ROW * number + _ROW / 2
        low, high = one.errors("after").interval
        share = one.errors("after").wrong / max(1, one.errors("after").of)
        pen.text((16, y - 12), one.assumed.name, _INK, small)
        pen.line((x(low), y, x(high), y), _BAR, 4)
        pen.ellipse((x(share) - 7, y - 7, x(share) + 7, y + 7), fill=_BAR)
        pen.text((_WIDTH - _KEYS + 10, y - 12), f"{one.keys(notes=True):.0%}", _INK, font)
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(16, dither=Image.Dither.NONE).save(file, optimize=True)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    face = find_typeface()
    return ImageFont.truetype(str(face.regular), size) if face else ImageFont.load_default(size)
