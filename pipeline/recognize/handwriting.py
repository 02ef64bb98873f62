"""One handwritten line: the ink alone, cut to its extent, through the handwriting network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.model import Reading, State
from pipeline.recognize.calibration import calibrated, table
from pipeline.recognize.crop import Crop
from pipeline.recognize.ctc import Transcript, decode
from pipeline.recognize.ink import Ink, find_ink
from pipeline.recognize.line_picture import Line, banded, line_of
from pipeline.recognize.network import ALPHABET, read_steps

DASHES_P = 0.8
"""How surely a line is empty whose ink reads as dashes and dots only."""
NO_TEXT = frozenset("_-–—.,'·~ ")


def recognize(crops: Sequence[Crop]) -> list[Reading]:
    """Texts of single lines, letters as written; nothing written is `EMPTY`, ink without a letter `ILLEGIBLE`."""
    return read_lines([_only_line(find_ink(crop)) for crop in crops])


def read_lines(lines: Sequence[Line]) -> list[Reading]:
    """Readings of lines as `line_of` makes them."""
    answers = iter(read_steps([line.picture for line in lines if line.picture is not None]))
    return [Reading.empty(line.empty_p) if line.picture is None else _reading(decode(next(answers), ALPHABET)) for line in lines]


def _only_line(ink: Ink) -> Line:
    _, top, _, bottom = ink.field
    slack = 0.1 * (bottom - top)
    return line_of(ink, banded(ink.mask, (top - slack, bottom + slack))[0])


def _reading(found: Sequence[Transcript]) -> Reading:
    texts = [_stripped(transcript) for transcript in found]
    best = texts[0]
    if not best.text:
        return Reading(None, 0.5, State.ILLEGIBLE)
    if NO_TEXT.issuperset(best.text):
        return replace(Reading.empty(DASHES_P), alternatives=((best.text, 1.0 - DASHES_P),))
    scores, letters = table("handwriting_p", "line"), table("handwriting_p", "character")
    others = tuple((t.text, calibrated(t.p, scores)) for t in texts[1:] if t.text and t.text != best.text)
    characters = tuple(calibrated(p, letters) for p in best.characters)
    return Reading(best.text, calibrated(best.p, scores), State.READ, others, characters)


def _stripped(transcript: Transcript) -> Transcript:
    text = transcript.text
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    return Transcript(text[start:end], transcript.p, transcript.characters[start:end])
