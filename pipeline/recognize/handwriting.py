"""One handwritten line: the ink alone, cut to its extent, through the handwriting network, and read as Swedish."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.field_spec import Format
from pipeline.model import Reading
from pipeline.recognize.crop import Crop
from pipeline.recognize.ink import Ink, find_ink
from pipeline.recognize.language import swedish
from pipeline.recognize.lexicon import NO_NAMES, Lexicon
from pipeline.recognize.line_picture import Line, banded, line_of
from pipeline.recognize.network import read_steps
from pipeline.recognize.transcription import reading
from pipeline.settings import load_settings


def recognize(crops: Sequence[Crop]) -> list[Reading]:
    """Texts of single lines, letters as written; nothing written is `EMPTY`, ink without a letter `ILLEGIBLE`.

    All crops of one call are taken to expect the same names.
    """
    names = crops[0].names if crops else NO_NAMES
    return read_lines([_only_line(find_ink(crop)) for crop in crops], names, [crop.spec.format for crop in crops])


def read_lines(lines: Sequence[Line], names: Lexicon = NO_NAMES, formats: Sequence[Format | None] = ()) -> list[Reading]:
    """Readings of lines as `line_of` makes them; `names` are expected in them, `formats` (one a line, or none at all) say what shape they have."""
    answers = iter(read_steps([line.picture for line in lines if line.picture is not None]))
    language = swedish(load_settings().models).with_names(names)
    found = []
    for line, form in zip(lines, formats or [None] * len(lines), strict=True):
        found.append(Reading.empty(line.empty_p) if line.picture is None else reading(next(answers), language, form))
    return found


def _only_line(ink: Ink) -> Line:
    _, top, _, bottom = ink.field
    slack = 0.1 * (bottom - top)
    return line_of(ink, banded(ink.mask, (top - slack, bottom + slack))[0])
