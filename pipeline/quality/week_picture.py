"""The picture of the simulated weeks: what was wrong as read and what is left, by kind of field; the keys; and other assumptions, if any were run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log10
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from pipeline.confidence import Share
from pipeline.document import face_file
from pipeline.quality.week_report import DOUBLE, FIELDS, Outcome

_WIDTH, _ROW, _LEFT, _PLOT = 1200, 46, 400, 640
_INK, _MUTED, _READ, _LEFT_OVER, _LINE = "#22313a", "#5d6a70", "#c3d4d6", "#1f6b75", "#b0553f"
_SIZE, _BAR = 20, 14
_LEAST = 1e-4
"""Where the axis of shares begins: it is logarithmic, since what is left is a small part of what was read."""
_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("all fields that rates are published of", FIELDS),
    ("who, when, dose, amount (typed unseen)", ("critical",)),
    ("marks, digits, signatures", ("shown",)),
    ("names and other single lines", ("text",)),
)
_WORDS = "words of notes"


class _Sheet:
    """A white picture that is written from the top down."""

    def __init__(self, rows: int) -> None:
        self.picture = Image.new("RGB", (_WIDTH, rows * _ROW), "white")
        self.pen = ImageDraw.Draw(self.picture)
        self.font, self.small = (_font(size) for size in (_SIZE, _SIZE - 3))
        self.y = 0

    def head(self, words: str) -> None:
        self.pen.text((16, self.y + 14), words, _INK, self.font)
        self.y += _ROW

    def label(self, words: str) -> None:
        self.pen.text((16, self.y + 12), words, _INK, self.small)

    def bar(self, top: int, length: float, colour: str, words: str) -> None:
        """A bar from the left of the plot, with its number behind it."""
        end, y = _LEFT + max(1.0, length), self.y + top
        self.pen.rectangle((_LEFT, y, end, y + _BAR), fill=colour)
        at = (end + 8, y - 4)
        self.pen.rectangle(self.pen.textbbox(at, words, self.small), fill="white")
        self.pen.text(at, words, _MUTED if colour == _READ else _INK, self.small)

    def line(self, at: float, rows: int, words: str) -> None:
        """What the bars of the next rows are compared with; it lies beneath them."""
        end = self.y + rows * _ROW
        self.pen.line((_LEFT + at, self.y, _LEFT + at, end), _LINE, 2)
        self.pen.text((_LEFT + at - 4, end + 2), words, _LINE, self.small)


def draw(found: Sequence[Outcome], file: Path) -> None:
    """Draw the base by kind, its keys, and one row for each other assumption: a point with its 95 % interval."""
    base, others = found[0], found if len(found) > 1 else ()
    sheet = _Sheet(len(_KINDS) + 7 + (len(others) + 2 if others else 0))
    _errors(sheet, base)
    _keys(sheet, base)
    if others:
        _assumptions(sheet, others)
    file.parent.mkdir(parents=True, exist_ok=True)
    sheet.picture.quantize(24, dither=Image.Dither.NONE).save(file, optimize=True)


def _errors(sheet: _Sheet, base: Outcome) -> None:
    sheet.head("Wrong, as read (pale) and left after review (dark); logarithmic")
    sheet.line(_along(DOUBLE), len(_KINDS) + 1, f"double keying, published: {DOUBLE:.2%}")
    for words, before, after in _shares(base):
        sheet.label(words)
        for place, (share, colour) in enumerate(((before, _READ), (after, _LEFT_OVER))):
            value = share.wrong / max(1, share.of)
            counts = f" ({share.wrong:,} of {share.of:,})" if place else ""
            sheet.bar(6 + place * (_BAR + 3), _along(value), colour, f"{value:.2%}{counts}")
        sheet.y += _ROW
    sheet.y += _ROW


def _shares(base: Outcome) -> Iterator[tuple[str, Share, Share]]:
    for words, kinds in _KINDS:
        yield words, base.errors("before", kinds), base.errors("after", kinds)
    before, after = (Share(base.counts[f"{name}.words"], base.counts[f"{name}.words.of"]) for name in ("before", "after"))
    yield _WORDS, before, after


def _keys(sheet: _Sheet, base: Outcome) -> None:
    sheet.head("Keys, as a share of those of keying everything twice")
    sheet.line(_PLOT / 2, 2, "half")
    for words, notes in (("with notes", True), ("without notes", False)):
        sheet.label(words)
        share = base.keys(notes=notes)
        sheet.bar(14, share * _PLOT, _LEFT_OVER, f"{share:.1%}")
        sheet.y += _ROW
    sheet.y += _ROW


def _assumptions(sheet: _Sheet, found: Sequence[Outcome]) -> None:
    sheet.head("Fields left wrong under other assumptions, 95 % interval; and keys")
    farthest = max(0.002, max(one.errors("after").interval[1] for one in found))
    sheet.line(DOUBLE / farthest * _PLOT, len(found), f"{DOUBLE:.2%}")
    for one in found:
        share = one.errors("after")
        low, value, high = (_LEFT + part / farthest * _PLOT for part in (share.interval[0], share.wrong / max(1, share.of), share.interval[1]))
        y = sheet.y + _ROW / 2
        sheet.label(one.assumed.name)
        sheet.pen.line((low, y, high, y), _LEFT_OVER, 4)
        sheet.pen.ellipse((value - 7, y - 7, value + 7, y + 7), fill=_LEFT_OVER)
        sheet.pen.text((_WIDTH - 110, y - 12), f"{one.keys(notes=True):.0%}", _INK, sheet.font)
        sheet.y += _ROW


def _along(share: float) -> float:
    """Where a share stands on the logarithmic axis, in px from its left; 100 % is its end."""
    return _PLOT * max(0.0, log10(max(share, _LEAST) / _LEAST) / log10(1 / _LEAST))


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(face_file()), size)
