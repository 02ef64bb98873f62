"""Measure what the form editor proposes on blanks: fields found, of the right type, and false ones.

The project's own forms are printed and drawn as pictures, of which only the print is known; of the
real blanks of others (`$EFTERSKRIFT_SHARED/scans/formhtr`) their users drew the boxes. The printed
unit and name of own forms, the grids of days and the key at the foot are no fields.

    python -m research.evaluation.blanks                 # all, by form
    python -m research.evaluation.blanks --pictures DIR  # and what was proposed, drawn on each page
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Box, Image
from pipeline.domain.settings import ROOT
from pipeline.files.pdf_render import render_own_pdf
from pipeline.forms.field_types import FieldType, find_field_type
from pipeline.forms.printing import Sheet, print_sheets
from pipeline.preparation.form_proposals.propose import Proposals, plain_words, propose_fields
from pipeline.preparation.practice.synthetic_handwriting import SHARED_FOLDER

_A4 = (210.0, 297.0)
_MIN_IOU = 0.5
_DPI = 200
_MARKS = frozenset({FieldType.MARK, FieldType.CHOICE})
_WRITTEN = frozenset(FieldType) - _MARKS
"""Others tell only check boxes from what is written."""
_COLORS = {True: (60, 140, 0), False: (0, 0, 220)}  # BGR


@dataclass(frozen=True, slots=True)
class TrueField:
    """A field as its form has it; any of the types is right."""

    box: Box
    types: frozenset[FieldType]
    label: str = ""


@dataclass(frozen=True, slots=True)
class Blank:
    """A page of a blank, its true fields, and places that are none and count for nothing."""

    name: str
    page: Image
    size: tuple[float, float]
    fields: tuple[TrueField, ...]
    ignored: tuple[Box, ...] = ()


def main() -> None:
    """Print the table of all blanks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--only", default="", help="forms whose name begins so")
    options = parser.parse_args()
    for title, blanks in (("own", own_blanks()), ("foreign", foreign_blanks())):
        total: Counter[str] = Counter()
        for blank in blanks:
            if not blank.name.startswith(options.only):
                continue
            proposals = propose_fields(blank.page, blank.size)
            counts = count(blank, proposals)
            total += counts
            print(f"{blank.name:34}{_row(counts)}")
            if options.pictures:
                draw(blank, proposals, options.pictures / f"{blank.name}.png")
        print(f"{f'all {title}':34}{_row(total)}")


def own_blanks() -> Iterator[Blank]:
    """Yield the pages of the newest version of each own form."""
    forms = Forms.load(ROOT / "forms")
    for form_id in sorted({form_id for form_id, _ in forms}):
        form = forms.latest(form_id)
        pdf = print_sheets(form, [Sheet("0" * 8)])
        for number in range(1, len(form.pages) + 1):
            page = render_own_pdf(pdf, number, dpi=_DPI, grayscale=True)
            yield Blank(f"{form_id} {number}", page, _A4, *_true_fields(form, number))


def _true_fields(form: Form, number: int) -> tuple[tuple[TrueField, ...], tuple[Box, ...]]:
    page = form.pages[number - 1]
    fields, ignored = list[TrueField](), [spec.area for spec in page.all_fields if spec.day]
    for spec in page.all_fields:
        if spec.day:
            continue
        if spec.kind is Kind.PRINTED:
            ignored.append(spec.area)
            continue
        types = frozenset({find_field_type(spec.kind, spec.format)})
        fields += [TrueField(box, types, label) for box, label in _boxes(spec)]
    return tuple(fields), tuple(ignored)


def _boxes(spec: FieldSpec) -> list[tuple[Box, str]]:
    if spec.options:
        return [(Box(*option.box), option.label) for option in spec.options]
    return [(spec.area, spec.label)]


def foreign_blanks() -> Iterator[Blank]:
    """Yield real blanks of others, with the boxes that their users drew."""
    folder = SHARED_FOLDER / "scans" / "formhtr"
    for name, config in (("front", "front"), ("back", "back"), ("template_tara", "tara")):
        data = json.loads((folder / "config" / f"config_{config}.json").read_text("utf-8"))
        pdf = (folder / "template" / f"{name}.pdf").read_bytes()
        page = render_own_pdf(pdf, 1, dpi=_DPI)
        size = (_A4[0], _A4[0] * page.shape[0] / page.shape[1])
        across, down = size[0] / data["width"], size[1] / data["height"]
        fields = []
        for each in data["content"]:
            left, top, right, bottom = each["coords"]
            box = Box(left * across, top * down, (right - left) * across, (bottom - top) * down)
            is_mark = each["type"] == "Checkbox"
            fields.append(TrueField(box, _MARKS if is_mark else _WRITTEN, each["varname"]))
        yield Blank(f"formhtr {name}", page, size, tuple(fields))


def count(blank: Blank, proposals: Proposals) -> Counter[str]:
    """Return the numbers of true, found, rightly typed and rightly labelled fields, and false ones.

    A box belongs to the true field that it shares most with, each once.
    """
    proposed = all_boxes(proposals)
    pairs = sorted(
        (
            (iou(true.box, box), at, index)
            for at, true in enumerate(blank.fields)
            for index, (box, _, _) in enumerate(proposed)
        ),
        reverse=True,
    )
    found: dict[int, int] = {}
    for share, at, index in pairs:
        if share >= _MIN_IOU and at not in found and index not in found.values():
            found[at] = index
    right = sum(proposed[index][1] in blank.fields[at].types for at, index in found.items())
    labelled = sum(
        _same_words(proposed[index][2], blank.fields[at].label) for at, index in found.items()
    )
    used = set(found.values())
    false = [
        box
        for index, (box, _, _) in enumerate(proposed)
        if index not in used and not any(_covers(other, box) for other in blank.ignored)
    ]
    return Counter(
        true=len(blank.fields), found=len(found), type=right, label=labelled, false=len(false)
    )


def _same_words(proposed: str, true: str) -> bool:
    """Whether a label is the true one, perhaps with its unit after it."""
    return f"{plain_words(proposed)} ".startswith(f"{plain_words(true)} ")


def all_boxes(proposals: Proposals) -> list[tuple[Box, FieldType, str]]:
    """Return the boxes of all proposals, those of the table's rows too, with type and label."""
    count_, height = proposals.rows or (1, 0.0)
    return [
        (
            Box(field.box.x, field.box.y + row * height, field.box.w, field.box.h),
            FieldType.CHOICE if field.choice else field.type,
            field.label,
        )
        for field in proposals.fields
        for row in range(count_ if field.each_row else 1)
    ]


def iou(one: Box, other: Box) -> float:
    """Return the share that two boxes have in common of what both cover."""
    w = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    h = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    common = max(0.0, w) * max(0.0, h)
    return common / (one.w * one.h + other.w * other.h - common)


def _covers(other: Box, box: Box) -> bool:
    middle = (box.x + box.w / 2, box.y + box.h / 2)
    inside = (
        other.x <= middle[0] <= other.x + other.w
        and other.y - 3 <= middle[1] <= other.y + other.h + 3
    )
    return inside or iou(other, box) > 0.2


def draw(blank: Blank, proposals: Proposals, path: Path) -> None:
    """Draw what was proposed on a page: green what is a field, red what is not."""
    page = blank.page if blank.page.ndim == 3 else cv2.cvtColor(blank.page, cv2.COLOR_GRAY2BGR)
    picture, scale = np.ascontiguousarray(page), page.shape[1] / _A4[0]
    for box, field_type, label in all_boxes(proposals):
        is_true = any(iou(true.box, box) >= _MIN_IOU for true in blank.fields)
        corners = [round(side * scale) for side in (box.x, box.y, box.x + box.w, box.y + box.h)]
        cv2.rectangle(picture, corners[:2], corners[2:], _COLORS[is_true], 2)
        text = f"{field_type} {label}".encode("ascii", "replace").decode()
        at = (corners[0] + 2, corners[1] + 16)
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (200, 0, 120), 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)


def _row(counts: Counter[str]) -> str:
    true, found = counts["true"], counts["found"]
    shares: Sequence[tuple[str, int, int]] = (
        ("found", found, true),
        ("right type", counts["type"], found),
        ("right label", counts["label"], found),
    )
    text = "".join(f"  {name} {part}/{whole}" for name, part, whole in shares)
    return f"{text}  false {counts['false']}"


if __name__ == "__main__":
    main()
