"""Boxes that a person has drawn on the blank of a form printed elsewhere, and the form that they give. Lengths are mm from the top left.

Each box has a label and a sort. Boxes that belong to the same choice (`choice`) are its options. Boxes of the first row of a table (`each_row`) are
there again on each of its rows (`rows`), and then each row is an entry. Everything else a form needs is in the draft.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from pipeline.errors import BrokenFileError, FormMakingError
from pipeline.making.drafts import Data, Draft, slug
from pipeline.making.field_sorts import MADE, Sort
from pipeline.making.uploaded import pages_in
from pipeline.picture import decode
from pipeline.plane import grey
from pipeline.scan import ScannedPage
from pipeline.template import Area, Form, Subject

BLANK = "blank.png"
LINE_MM = 9.0
"""A box for several lines has one for each so many mm."""
_MOST_PX = 6000
MOST_SIDES = 8
"""Of a file with an unfilled form."""
_PREFIX = "rad"


def empty_drawing(form_id: str, title: str, area: Area, subject: Subject, size: tuple[float, float]) -> Data:
    """A form without boxes, on paper of this size (mm)."""
    head = {"id": form_id, "version": 1, "title": title, "area": area.value, "criticality": "A", "subject": subject.value, "law": []}
    return head | {"size": [round(side, 1) for side in size], "boxes": []}


def boxes(data: Data) -> list[Data]:
    """The boxes, in the order in which they were drawn."""
    return [dict(one) for one in data.get("boxes") or [] if isinstance(one, Mapping)]


def with_new_box(data: Data, box: Sequence[float], label: str) -> Data:
    """A box more, for a line of text or, if it is small and square, a mark."""
    x, y, w, h = (round(float(side), 1) for side in box)
    mark = max(w, h) <= 9 and 0.5 <= w / max(h, 0.1) <= 2
    sort = Sort.MARK if mark else Sort.LINES if h >= 2 * LINE_MM else Sort.TEXT
    return dict(data) | {"boxes": [*boxes(data), {"label": label, "sort": sort.value, "box": [x, y, w, h]}]}


def with_box(data: Data, at: int, **changed: object) -> Data:
    """A box with other facts; what is empty is left out."""
    every = boxes(data)
    every[at] = {key: value for key, value in (every[at] | changed).items() if value not in ("", None, False, 0)}
    return dict(data) | {"boxes": every}


def without_box(data: Data, at: int) -> Data:
    """A box less."""
    return dict(data) | {"boxes": [one for place, one in enumerate(boxes(data)) if place != at]}


def with_rows(data: Data, count: int, height: float) -> Data:
    """A table of so many rows, each so much below the one before."""
    return dict(data) | {"rows": {"count": int(count), "height": round(float(height), 2)}}


def rows(data: Data) -> tuple[int, float]:
    """How many rows the table has, and how far they are from each other: if nobody has said, two, as high as its boxes reach."""
    told, first = data.get("rows") or {}, [one["box"] for one in boxes(data) if one.get("each_row")]
    reach = _around(first)[3] if first else LINE_MM
    return int(told.get("count") or 2), float(told.get("height") or reach)


def row_boxes(data: Data) -> list[tuple[int, list[float]]]:
    """The boxes of the second and later rows, each with the place of the one that is there again."""
    (count, height), every = rows(data), boxes(data)
    first = [(place, one["box"]) for place, one in enumerate(every) if one.get("each_row")]
    return [(place, [x, round(y + row * height, 2), w, h]) for row in range(1, count) for place, (x, y, w, h) in first]


def drawn_form(draft: Draft) -> Form:
    """The form that the boxes give.

    Raises:
        ValidationError: something is missing or lies outside the page.
    """
    data = draft.data
    head = {key: data.get(key) for key in ("id", "version", "title", "area", "criticality", "subject", "law")}
    every, taken = boxes(data), list[str]()
    page: Data = {"blank": BLANK, "size": data.get("size")}
    page["fields"] = _fields([one for one in every if not one.get("each_row")], taken)
    first = [one for one in every if one.get("each_row")]
    if first:
        page["table"] = _table(first, *rows(data), taken)
    return Form.model_validate(head | {"entries": "row" if first else "sheet", "pages": [page]}, context={"folder": draft.folder})


def _table(first: Sequence[Data], count: int, height: float, taken: list[str]) -> Data:
    left, top, width, _ = _around([one["box"] for one in first])
    within = [one | {"box": [round(one["box"][0] - left, 2), round(one["box"][1] - top, 2), *one["box"][2:]]} for one in first]
    return {"prefix": _PREFIX, "count": count, "x": left, "top": top, "width": width, "height": height, "fields": _fields(within, taken)}


def blank_pictures(data: bytes, name: str) -> list[tuple[bytes, tuple[float, float]]]:
    """Each side of a file with an unfilled form as a PNG, and its size in mm: A4 if it has that shape, else as wide as A4.

    Raises:
        FormMakingError: it is no picture, or has more than `MOST_SIDES` sides.
    """
    sides = pages_in(data, name)
    if len(sides) > MOST_SIDES:
        raise FormMakingError("many_sides")
    return [_blank_picture(side) for side in sides]


def _blank_picture(side: ScannedPage) -> tuple[bytes, tuple[float, float]]:
    try:
        picture = grey(decode(side.data or b"", side.media_type))
    except BrokenFileError as error:
        raise FormMakingError("unreadable") from error
    shrink = _MOST_PX / max(picture.shape[:2])
    if shrink < 1:
        picture = np.asarray(cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8)
    height, width = picture.shape[:2]
    short, long = sorted((width, height))
    paper = (210.0, 297.0) if abs(long / short - 297 / 210) < 0.04 else (210.0, round(210.0 * long / short, 1))
    size = paper if height >= width else (paper[1], paper[0])
    return bytes(cv2.imencode(".png", picture)[1]), size


def _fields(every: Sequence[Data], names: list[str]) -> list[Data]:
    """The fields of some boxes; `names` are those that are taken, and grow."""
    fields: list[Data] = []
    for one in every:
        choice = str(one.get("choice") or "")
        if choice and (begun := next((field for field in fields if field["label"] == choice and field["kind"] == Sort.CHOICE), None)):
            _add_option(begun, one)
            continue
        field = _field(one, _free(slug(choice or str(one.get("label") or ""), "_") or "falt", names))
        if choice:
            field |= {"label": choice, "kind": Sort.CHOICE.value, "options": []}
            _add_option(field, one)
        names.append(field["name"])
        fields.append(field)
    return fields


def _add_option(field: Data, one: Data) -> None:
    label = str(one.get("label") or "")
    value = _free(slug(label, "_") or "val", [option["value"] for option in field["options"]])
    field["options"].append({"value": value, "label": label, "box": one["box"]})
    field["box"] = _around([option["box"] for option in field["options"]])


def _around(some: Sequence[Sequence[float]]) -> list[float]:
    left, top = min(box[0] for box in some), min(box[1] for box in some)
    right, bottom = max(box[0] + box[2] for box in some), max(box[1] + box[3] for box in some)
    return [left, top, round(right - left, 2), round(bottom - top, 2)]


def _field(one: Data, name: str) -> Data:
    made = MADE[Sort(one.get("sort") or Sort.TEXT)]
    said: dict[str, Any] = {"name": name, "label": one.get("label") or "", "kind": made.kind.value, "box": one["box"]}
    said |= {key: one[key] for key in ("critical", "required", "means") if one.get(key)}
    if made.format:
        said["format"] = made.format.value
    if made.cells:
        said["cells"] = int(one.get("cells") or made.cells)
    if made.kind.traits.is_multiline:
        said["lines"] = int(one.get("lines") or max(1, round(one["box"][3] / LINE_MM)))
    return said


def _free(name: str, taken: Sequence[str]) -> str:
    return next(each for each in (name, *(f"{name}_{number}" for number in range(2, 1000))) if each not in taken)
