"""Boxes that a person has drawn on the blank of a form printed elsewhere, and the form that they
give. Lengths are mm from the top left.

Each box has a label and a sort. Boxes that belong to the same choice (`choice`) are its options.
Boxes of the first row of a table (`each_row`) are there again on each of its rows (`rows`), and
then each row is an entry. Everything else a form needs is in the draft.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from pipeline.domain.errors import BrokenFileError, FormEditorError
from pipeline.domain.form.form import Area, Form, Subject
from pipeline.files.images import decode_image
from pipeline.files.page_files import ScannedPage
from pipeline.forms.field_types import FIELD_TYPE_TRAITS, FieldType
from pipeline.preparation.form_editor.drafts import Draft, YamlData, make_slug
from pipeline.preparation.form_editor.uploads import load_pages
from pipeline.reading.imaging.geometry import to_grayscale

BLANK_IMAGE_FILE = "blank.png"
LINE_HEIGHT_MM = 9.0
"""A box for several lines has one for each so many mm."""
_MAX_IMAGE_PX = 6000
MAX_SIDES = 8
"""Of a file with an unfilled form."""
_ROW_PREFIX = "rad"


def empty_drawing(
    form_id: str, title: str, area: Area, subject: Subject, size: tuple[float, float]
) -> YamlData:
    """A form without boxes, on paper of this size (mm)."""
    head = {
        "id": form_id,
        "version": 1,
        "title": title,
        "area": area.value,
        "criticality": "A",
        "subject": subject.value,
        "law": [],
    }
    return head | {"size": [round(side, 1) for side in size], "boxes": []}


def list_boxes(data: YamlData) -> list[YamlData]:
    """The boxes, in the order in which they were drawn."""
    return [dict(one) for one in data.get("boxes") or [] if isinstance(one, Mapping)]


def add_box(data: YamlData, box: Sequence[float], label: str) -> YamlData:
    """A box more, for a line of text or, if it is small and square, a mark."""
    x, y, w, h = (round(float(side), 1) for side in box)
    mark = max(w, h) <= 9 and 0.5 <= w / max(h, 0.1) <= 2
    sort = (
        FieldType.MARK if mark else FieldType.LINES if h >= 2 * LINE_HEIGHT_MM else FieldType.TEXT
    )
    return dict(data) | {
        "boxes": [*list_boxes(data), {"label": label, "sort": sort.value, "box": [x, y, w, h]}]
    }


def replace_box(data: YamlData, at: int, **changed: object) -> YamlData:
    """A box with other facts; what is empty is left out."""
    every = list_boxes(data)
    every[at] = {
        key: value
        for key, value in (every[at] | changed).items()
        if value not in ("", None, False, 0)
    }
    return dict(data) | {"boxes": every}


def remove_box(data: YamlData, at: int) -> YamlData:
    """A box less."""
    return dict(data) | {
        "boxes": [one for place, one in enumerate(list_boxes(data)) if place != at]
    }


def set_rows(data: YamlData, count: int, height: float) -> YamlData:
    """A table of so many rows, each so much below the one before."""
    return dict(data) | {"rows": {"count": int(count), "height": round(float(height), 2)}}


def table_rows(data: YamlData) -> tuple[int, float]:
    """How many rows the table has, and how far they are from each other: if nobody has said, two,
    as high as its boxes reach.
    """
    told, first = (
        data.get("rows") or {},
        [one["box"] for one in list_boxes(data) if one.get("each_row")],
    )
    reach = _bounding_box(first)[3] if first else LINE_HEIGHT_MM
    return int(told.get("count") or 2), float(told.get("height") or reach)


def list_row_boxes(data: YamlData) -> list[tuple[int, list[float]]]:
    """The boxes of the second and later rows, each with the place of the one that is there again."""
    (count, height), every = table_rows(data), list_boxes(data)
    first = [(place, one["box"]) for place, one in enumerate(every) if one.get("each_row")]
    return [
        (place, [x, round(y + row * height, 2), w, h])
        for row in range(1, count)
        for place, (x, y, w, h) in first
    ]


def build_drawn_form(draft: Draft) -> Form:
    """The form that the boxes give.

    Raises:
        ValidationError: something is missing or lies outside the page.
    """
    data = draft.data
    head = {
        key: data.get(key)
        for key in ("id", "version", "title", "area", "criticality", "subject", "law")
    }
    every, taken = list_boxes(data), list[str]()
    page: YamlData = {"blank": BLANK_IMAGE_FILE, "size": data.get("size")}
    page["fields"] = _fields_from_boxes([one for one in every if not one.get("each_row")], taken)
    first = [one for one in every if one.get("each_row")]
    if first:
        page["table"] = _table_data(first, *table_rows(data), taken)
    return Form.model_validate(
        head | {"entries": "row" if first else "sheet", "pages": [page]},
        context={"folder": draft.folder},
    )


def _table_data(first: Sequence[YamlData], count: int, height: float, taken: list[str]) -> YamlData:
    left, top, width, _ = _bounding_box([one["box"] for one in first])
    within = [
        one
        | {"box": [round(one["box"][0] - left, 2), round(one["box"][1] - top, 2), *one["box"][2:]]}
        for one in first
    ]
    return {
        "prefix": _ROW_PREFIX,
        "count": count,
        "x": left,
        "top": top,
        "width": width,
        "height": height,
        "fields": _fields_from_boxes(within, taken),
    }


def render_blank_images(data: bytes, name: str) -> list[tuple[bytes, tuple[float, float]]]:
    """Each side of a file with an unfilled form as a PNG, and its size in mm: A4 if it has that
    shape, else as wide as A4.

    Raises:
        FormMakingError: it is no picture, or has more than `MOST_SIDES` sides.
    """
    sides = load_pages(data, name)
    if len(sides) > MAX_SIDES:
        raise FormEditorError("many_sides")
    return [_render_blank_image(side) for side in sides]


def _render_blank_image(side: ScannedPage) -> tuple[bytes, tuple[float, float]]:
    try:
        picture = to_grayscale(decode_image(side.data or b"", side.media_type))
    except BrokenFileError as error:
        raise FormEditorError("unreadable") from error
    shrink = _MAX_IMAGE_PX / max(picture.shape[:2])
    if shrink < 1:
        picture = np.asarray(
            cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA), np.uint8
        )
    height, width = picture.shape[:2]
    short, long = sorted((width, height))
    paper = (
        (210.0, 297.0)
        if abs(long / short - 297 / 210) < 0.04
        else (210.0, round(210.0 * long / short, 1))
    )
    size = paper if height >= width else (paper[1], paper[0])
    return bytes(cv2.imencode(".png", picture)[1]), size


def _fields_from_boxes(every: Sequence[YamlData], names: list[str]) -> list[YamlData]:
    """The fields of some boxes; `names` are those that are taken, and grow."""
    fields: list[YamlData] = []
    for one in every:
        choice = str(one.get("choice") or "")
        if choice and (
            begun := next(
                (
                    field
                    for field in fields
                    if field["label"] == choice and field["kind"] == FieldType.CHOICE
                ),
                None,
            )
        ):
            _add_option(begun, one)
            continue
        field = _field_from_box(
            one,
            _unused_name(make_slug(choice or str(one.get("label") or ""), "_") or "falt", names),
        )
        if choice:
            field |= {"label": choice, "kind": FieldType.CHOICE.value, "options": []}
            _add_option(field, one)
        names.append(field["name"])
        fields.append(field)
    return fields


def _add_option(field: YamlData, one: YamlData) -> None:
    label = str(one.get("label") or "")
    value = _unused_name(
        make_slug(label, "_") or "val", [option["value"] for option in field["options"]]
    )
    field["options"].append({"value": value, "label": label, "box": one["box"]})
    field["box"] = _bounding_box([option["box"] for option in field["options"]])


def _bounding_box(boxes: Sequence[Sequence[float]]) -> list[float]:
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return [left, top, round(right - left, 2), round(bottom - top, 2)]


def _field_from_box(one: YamlData, name: str) -> YamlData:
    made = FIELD_TYPE_TRAITS[FieldType(one.get("sort") or FieldType.TEXT)]
    said: dict[str, Any] = {
        "name": name,
        "label": one.get("label") or "",
        "kind": made.kind.value,
        "box": one["box"],
    }
    said |= {key: one[key] for key in ("critical", "required", "means") if one.get(key)}
    if made.format:
        said["format"] = made.format.value
    if made.cells:
        said["cells"] = int(one.get("cells") or made.cells)
    if made.kind.traits.is_multiline:
        said["lines"] = int(one.get("lines") or max(1, round(one["box"][3] / LINE_HEIGHT_MM)))
    return said


def _unused_name(name: str, taken: Sequence[str]) -> str:
    return next(
        each
        for each in (name, *(f"{name}_{number}" for number in range(2, 1000)))
        if each not in taken
    )
