"""How well check boxes are read: on real answer sheets, on those held out, and on our own forms with every kind of mark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.field_spec import Kind
from pipeline.model import State
from pipeline.quality.answer_sheets import Use, answer_sheets, seen_boxes
from pipeline.quality.marked_forms import MarkedBox, marked_boxes
from pipeline.quality.measure import Data, Judged, Row, absent, row
from pipeline.recognize.registry import RECOGNIZERS

KIND = "mark"
PAGES, FEW_PAGES = 42, 7
SEED = 2021


def mark_rows(data: Data) -> list[Row]:
    """Answer sheets of development, answer sheets held out, and forms printed and marked; writers are sheets, or ways and styles of marks."""
    scans = data.find("scans")
    boxes = list(marked_boxes(FEW_PAGES if data.quick else PAGES, SEED))
    return [*(_sheets(use, scans, quick=data.quick) for use in Use), row(KIND, "own forms, printed and marked", judged(boxes))]


def judged(boxes: Sequence[MarkedBox]) -> list[Judged]:
    """What was read against what was drawn. A mark that people may disagree on may be read as one; read as empty it counts as wrong."""
    return [Judged(box.reading.p, box.reading.value is (box.marked is not False), f"{box.way}, {box.style}") for box in boxes]


def _sheets(use: Use, scans: Path | None, *, quick: bool) -> Row:
    name = f"answer sheets, {use}"
    if scans is None:
        return absent(KIND, name)
    found: list[Judged] = []
    for sheet in answer_sheets():
        if sheet.use is use:
            boxes = seen_boxes(sheet, scans)[:: 10 if quick else 1]
            readings = RECOGNIZERS[Kind.MARK]([box.crop for box in boxes])
            pairs = zip(boxes, readings, strict=True)
            found += [Judged(r.p, (r.state is State.READ) is (b.marked is not False), sheet.name) for b, r in pairs]
    return row(KIND, name, found)
