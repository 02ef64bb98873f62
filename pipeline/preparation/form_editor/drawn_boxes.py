"""Edit boxes drawn on the blank of a form printed elsewhere, and make the form that they give.

Each box has a label and a field type (`sort`). Boxes of the same choice (`choice`) are its options.
Boxes of the first row of a table (`each_row`) are repeated on each of its rows (`rows`); each row
is then an entry. A box may be `proposed`: it is no field before a person has accepted it. Lengths
are mm from the top left. No function changes the data that it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.domain.errors import BrokenFileError, FormEditorError
from pipeline.domain.form.field import Meaning
from pipeline.domain.form.form import Area, Form, Subject
from pipeline.domain.model import PrintedWord
from pipeline.files.images import ScannedPage, decode_image
from pipeline.files.page_files import PNG
from pipeline.files.sandbox_pages import load_pages_and_words
from pipeline.forms.field_types import FIELD_TYPE_TRAITS, FieldType, required_keys
from pipeline.preparation.form_editor.drafts import Draft, YamlData, make_slug, unused_name
from pipeline.preparation.form_proposals.propose import FieldProposal, level_page, propose_fields
from pipeline.reading.imaging.geometry import to_grayscale

BLANK_IMAGE_FILE = "blank.png"
LINE_HEIGHT_MM = 9.0
"""Height of a line in a box for several lines."""
_MAX_MARK_MM, _MIN_MARK_RATIO, _MAX_MARK_RATIO = 9.0, 0.5, 2.0
"""A new box is a check box if it is no larger than this, with such a ratio of width to height."""
_MAX_IMAGE_PX = 6000
MAX_SIDES = 8
"""Largest number of pages of a file with a blank form."""
_A4_MM, _A4_RATIO_TOLERANCE = (210.0, 297.0), 0.04
_ROW_PREFIX = "rad"
_NUMBER_TYPES = frozenset(
    {FieldType.NUMBER, FieldType.AMOUNT, FieldType.DOSE, FieldType.BLOOD_PRESSURE}
)
_FACTS_BY_MEANING: Mapping[str, YamlData] = {
    Meaning.CLIENT_PID.value: {"critical": True, "required": True},
    Meaning.EVENT_DATE.value: {"critical": True, "required": True},
    Meaning.EVENT_TIME.value: {"critical": True},
}
"""What a box is at first whose meaning is known, as in the program's own forms: whose it is and
when it happened are keyed blind. It can be changed."""


def empty_drawing(
    form_id: str, title: str, area: Area, subject: Subject, size: tuple[float, float]
) -> YamlData:
    """Return the data of a form without boxes, on paper of this size (mm)."""
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


def list_boxes(data: YamlData, *, proposed: bool | None = None) -> list[YamlData]:
    """Return the boxes in the order of the form's fields, each with an `id` that it keeps.

    Args:
        proposed: return only those that are still proposals, or only those that are fields.
    """
    boxes = [dict(box) for box in data.get("boxes") or [] if isinstance(box, Mapping)]
    last = max((int(box.get("id") or 0) for box in boxes), default=0)
    for box in boxes:
        if not box.get("id"):
            last += 1
            box["id"] = last
    return [box for box in boxes if proposed in (None, bool(box.get("proposed")))]


def add_box(data: YamlData, box: Sequence[float], label: str) -> YamlData:
    """Add a box; its type follows from its size: check box, lines of text, or one line."""
    x, y, w, h = (round(float(side), 1) for side in box)
    # Small and nearly square: a check box.
    if max(w, h) <= _MAX_MARK_MM and _MIN_MARK_RATIO <= w / max(h, 0.1) <= _MAX_MARK_RATIO:
        field_type = FieldType.MARK
    # At least two lines high.
    elif h >= 2 * LINE_HEIGHT_MM:
        field_type = FieldType.LINES
    else:
        field_type = FieldType.TEXT
    boxes = list_boxes(data)
    box_id = max((int(one["id"]) for one in boxes), default=0) + 1
    added = {"id": box_id, "label": label, "sort": field_type.value, "box": [x, y, w, h]}
    return dict(data) | {"boxes": [*boxes, added]}


def replace_box(data: YamlData, box_id: int, **changed: object) -> YamlData:
    """Change facts of a box, which accepts it; empty facts are removed.

    A box that gets a meaning gets what goes with it.
    """
    changed = dict(_FACTS_BY_MEANING.get(str(changed.get("means") or ""), {})) | changed
    return dict(data) | {
        "boxes": [
            {
                key: value
                for key, value in (box | changed).items()
                if value not in ("", None, False, 0) and key != "proposed"
            }
            if box["id"] == box_id
            else box
            for box in list_boxes(data)
        ]
    }


def accept_proposals(data: YamlData) -> YamlData:
    """Make all proposals fields."""
    boxes = [
        {key: value for key, value in box.items() if key != "proposed"} for box in list_boxes(data)
    ]
    return dict(data) | {"boxes": boxes}


def remove_box(data: YamlData, box_id: int) -> YamlData:
    """Remove a box."""
    return dict(data) | {"boxes": [box for box in list_boxes(data) if box["id"] != box_id]}


def remove_proposals(data: YamlData) -> YamlData:
    """Remove the boxes that nobody has accepted."""
    return dict(data) | {"boxes": list_boxes(data, proposed=False)}


def propose_boxes(data: YamlData, image: bytes, words: Sequence[PrintedWord] = ()) -> YamlData:
    """Add what the image (PNG) of the blank seems to have as proposals, before the other boxes.

    Args:
        words: those that the file has as text; read from the image if there are none.

    Raises:
        MissingProgramError: Tesseract is not installed.
    """
    proposals = propose_fields(decode_image(image, PNG), tuple(data["size"]), words)
    boxes = list_boxes(data)
    last = max((int(box["id"]) for box in boxes), default=0)
    is_serious = data.get("criticality") == "A"
    proposed = [
        {"id": last + number} | _box_of(proposal, is_serious=is_serious)
        for number, proposal in enumerate(proposals.fields, start=1)
    ]
    added = dict(data) | {"boxes": [*proposed, *boxes]}
    return set_rows(added, *proposals.rows) if proposals.rows else added


def _box_of(proposal: FieldProposal, *, is_serious: bool) -> YamlData:
    """Return the box of a proposal; in a serious form its numbers are keyed blind."""
    means = proposal.means.value if proposal.means else ""
    box: YamlData = {
        "critical": is_serious and proposal.type in _NUMBER_TYPES,
        "label": proposal.label,
        "sort": proposal.type.value,
        "box": [round(side, 1) for side in proposal.box.as_list()],
        "choice": proposal.choice,
        "means": means,
        "cells": proposal.cells,
        "lines": proposal.lines,
        "each_row": proposal.each_row,
        "proposed": True,
    } | _FACTS_BY_MEANING.get(means, {})
    return {key: value for key, value in box.items() if value}


def set_rows(data: YamlData, count: int, height: float) -> YamlData:
    """Set the number of rows of the table and the distance between them."""
    return dict(data) | {"rows": {"count": int(count), "height": round(float(height), 2)}}


def table_rows(data: YamlData) -> tuple[int, float]:
    """Return the number of rows of the table and the distance between them.

    By default there are two, as high as the boxes of the first row together.
    """
    rows = data.get("rows") or {}
    # Default row height: that of the first row's boxes together.
    boxes = list_boxes(data)
    first_row = [box["box"] for box in boxes if box.get("each_row")]
    height = _bounding_box(first_row)[3] if first_row else LINE_HEIGHT_MM
    return int(rows.get("count") or 2), float(rows.get("height") or height)


def list_row_boxes(data: YamlData) -> list[YamlData]:
    """Return the boxes of the second and later rows, each with the `id` of the one it repeats."""
    count, height = table_rows(data)
    first_row = [box for box in list_boxes(data) if box.get("each_row")]
    # Copies of the first row's boxes, a row height apart.
    return [
        box | {"box": [x, round(y + row * height, 2), w, h]}
        for row in range(1, count)
        for box in first_row
        for x, y, w, h in [box["box"]]
    ]


def build_drawn_form(draft: Draft) -> Form:
    """Make the form that the boxes give.

    Raises:
        ValidationError: something is missing, or outside the page.
    """
    data = draft.data
    head = {
        key: data.get(key)
        for key in ("id", "version", "title", "area", "criticality", "subject", "law")
    }
    boxes, names = list_boxes(data, proposed=False), list[str]()
    page: YamlData = {"blank": BLANK_IMAGE_FILE, "size": data.get("size")}
    # Boxes outside the table; names are unique over the whole form.
    page["fields"] = _fields_from_boxes([box for box in boxes if not box.get("each_row")], names)
    first_row = [box for box in boxes if box.get("each_row")]
    if first_row:
        page["table"] = _table_data(first_row, *table_rows(data), names)
    return Form.model_validate(
        head | {"entries": "row" if first_row else "sheet", "pages": [page]},
        context={"folder": draft.folder},
    )


def _table_data(
    first_row: Sequence[YamlData], count: int, height: float, names: list[str]
) -> YamlData:
    """Return the table; its fields are measured from the top left of its first row."""
    left, top, width, _ = _bounding_box([box["box"] for box in first_row])
    relative = [
        box
        | {"box": [round(box["box"][0] - left, 2), round(box["box"][1] - top, 2), *box["box"][2:]]}
        for box in first_row
    ]
    return {
        "prefix": _ROW_PREFIX,
        "count": count,
        "x": left,
        "top": top,
        "width": width,
        "height": height,
        "fields": _fields_from_boxes(relative, names),
    }


@dataclass(frozen=True, slots=True)
class BlankSide:
    """A page of a file with a blank form: PNG, its size in mm, and the words of the file."""

    image: bytes
    size: tuple[float, float]
    words: Sequence[PrintedWord]


def render_blank_sides(data: bytes, name: str) -> list[BlankSide]:
    """Render each page of a file with a blank form.

    The size is A4 if the page has that shape, else as wide as A4.

    Raises:
        FormEditorError: a page is no image, or there are more than `MAX_SIDES`.
    """
    sides = load_pages_and_words(data, name)
    if len(sides) > MAX_SIDES:
        raise FormEditorError("many_sides")
    return [BlankSide(*_render_blank_image(side), words) for side, words in sides]


def _render_blank_image(side: ScannedPage) -> tuple[bytes, tuple[float, float]]:
    try:
        image = level_page(to_grayscale(decode_image(side.data or b"", side.media_type)))
    except BrokenFileError as error:
        raise FormEditorError("unreadable") from error
    # Larger images would only cost memory: none is printed finer.
    scale = _MAX_IMAGE_PX / max(image.shape[:2])
    if scale < 1:
        image = np.asarray(
            cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    # The size of the paper, upright, then turned as the image is.
    height, width = image.shape[:2]
    # Aspect ratio regardless of orientation.
    short, long = sorted((width, height))
    is_a4 = abs(long / short - _A4_MM[1] / _A4_MM[0]) < _A4_RATIO_TOLERANCE
    paper = _A4_MM if is_a4 else (_A4_MM[0], round(_A4_MM[0] * long / short, 1))
    size = paper if height >= width else (paper[1], paper[0])
    return bytes(cv2.imencode(".png", image)[1]), size


def _fields_from_boxes(boxes: Sequence[YamlData], names: list[str]) -> list[YamlData]:
    """Return the fields of boxes; `names` are the names in use, to which theirs are added."""
    fields: list[YamlData] = []
    for box in boxes:
        choice = str(box.get("choice") or "")
        # The second and later options of a choice belong to its field.
        if choice and (field := _find_choice(fields, choice)):
            _add_option(field, box)
            continue
        slug = make_slug(choice or str(box.get("label") or ""), "_") or "falt"
        field = _field_from_box(box, unused_name(slug, names))
        if choice:
            field |= {"label": choice, "kind": FieldType.CHOICE.value, "options": []}
            _add_option(field, box)
        names.append(field["name"])
        fields.append(field)
    return fields


def _find_choice(fields: Sequence[YamlData], label: str) -> YamlData | None:
    for field in fields:
        if field["label"] == label and field["kind"] == FieldType.CHOICE:
            return field
    return None


def _add_option(field: YamlData, box: YamlData) -> None:
    """Add a box as an option of a choice, which then reaches around all its options."""
    label = str(box.get("label") or "")
    # Values of a choice are unique among its options.
    value = unused_name(
        make_slug(label, "_") or "val", [option["value"] for option in field["options"]]
    )
    field["options"].append({"value": value, "label": label, "box": box["box"]})
    field["box"] = _bounding_box([option["box"] for option in field["options"]])


def _bounding_box(boxes: Sequence[Sequence[float]]) -> list[float]:
    # Smallest box around all boxes.
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return [left, top, round(right - left, 2), round(bottom - top, 2)]


def _field_from_box(box: YamlData, name: str) -> YamlData:
    """Return the field of a box, with the kind and format of its field type."""
    traits = FIELD_TYPE_TRAITS[FieldType(box.get("sort") or FieldType.TEXT)]
    field: YamlData = {
        "name": name,
        "label": box.get("label") or "",
        "kind": traits.kind.value,
        "box": box["box"],
    }
    field |= {key: box[key] for key in ("critical", "required", "means") if box.get(key)}
    # As many writing lines as fit in the box, unless their number was chosen.
    lines = box.get("lines") or max(1, round(box["box"][3] / LINE_HEIGHT_MM))
    return field | required_keys(box | {"lines": int(lines)}, traits)
