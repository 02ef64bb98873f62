"""Edit an outline that may still be wrong: its sections, and their fields in reading order.

An outline is the content of an `outline.yaml`. No function changes the data that it is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pipeline.domain.form.form import Area, Subject
from pipeline.forms.field_types import FieldType, change_field_type
from pipeline.forms.layout.outline import StandardSection
from pipeline.preparation.form_editor.drafts import YamlData, form_text, make_slug, unused_name

T = TypeVar("T")
_REFERENCE_KEYS = ("less_than", "sum_of", "planned_by", "day")
"""Keys whose values are names of other fields."""
_MAX_NAME_LENGTH = 40


@dataclass(frozen=True, slots=True)
class OutlineItem:
    """A field or printed words of a section, beside the item before it or on a line of its own."""

    data: Mapping[str, Any]
    is_beside_previous: bool = False

    @property
    def is_words(self) -> bool:
        """Whether the item is printed words, without a field."""
        return "text" in self.data


def empty_outline(form_id: str, title: str, area: Area, subject: Subject) -> YamlData:
    """Return an outline with the usual standard sections and lines for a note."""
    uses = (*([StandardSection.CLIENT] if subject is Subject.CLIENT else []), StandardSection.EVENT)
    label = form_text("form_content.note")
    note = {
        "title": label,
        "rows": [
            [
                {
                    "name": "anteckning",
                    "label": label,
                    "kind": "lines",
                    "lines": "fill",
                    "required": True,
                }
            ]
        ],
    }
    return {
        "id": form_id,
        "version": 1,
        "title": title,
        "area": area.value,
        "criticality": "A",
        "subject": subject.value,
        "law": [],
        "entries": "sheet",
        "sections": [
            *({"use": use.value} for use in uses),
            note,
            {"use": StandardSection.AUTHOR.value},
        ],
    }


def list_sections(data: YamlData) -> list[YamlData]:
    """Return the sections."""
    return [dict(part) for part in data.get("sections") or [] if isinstance(part, Mapping)]


def replace_section(data: YamlData, at: int, section: YamlData) -> YamlData:
    """Replace the section at `at`; empty values are removed."""
    sections = list_sections(data)
    sections[at] = {key: value for key, value in section.items() if value not in ("", None, [])}
    return _replace_sections(data, sections)


def add_section(data: YamlData, after: int, section: YamlData) -> YamlData:
    """Add a section; its fields get names from their labels."""
    named: list[OutlineItem] = []
    for item in list_items(section):
        if not item.is_words:
            taken = _list_names(data) | {str(earlier.data.get("name")) for earlier in named}
            name = _make_unused_name(str(item.data["label"]), taken)
            item = replace(item, data={"name": name, **item.data})
        named.append(item)
    sections = list_sections(data)
    sections.insert(after + 1, replace_items(section, named) if named else section)
    return _replace_sections(data, sections)


def remove_section(data: YamlData, at: int) -> YamlData:
    """Remove a section."""
    sections = list_sections(data)
    return _replace_sections(data, sections[:at] + sections[at + 1 :])


def move_section(data: YamlData, at: int, by: int) -> YamlData:
    """Move a section `by` places down, or up if that is negative."""
    return _replace_sections(data, _move_element(list_sections(data), at, by))


def list_items(section: Mapping[str, Any]) -> list[OutlineItem]:
    """Return the fields and words of a section in reading order."""
    items: list[OutlineItem] = []
    for row in section.get("rows") or []:
        # Words are a row by themselves; the fields of a row are a list.
        cells = [row] if isinstance(row, Mapping) else row
        items += [
            OutlineItem(cell, is_beside_previous=index > 0) for index, cell in enumerate(cells)
        ]
    return items


def replace_items(section: Mapping[str, Any], items: Iterable[OutlineItem]) -> YamlData:
    """Replace the fields and words of a section."""
    rows: list[Any] = []
    for item in items:
        if item.is_words:
            rows.append(dict(item.data))
        # Beside the previous field: the same row.
        elif item.is_beside_previous and rows and isinstance(rows[-1], list):
            rows[-1].append(dict(item.data))
        else:
            rows.append([dict(item.data)])
    return dict(section) | {"rows": rows}


def replace_item(data: YamlData, at: int, place: int, item: OutlineItem) -> YamlData:
    """Replace the item at a place of a section.

    A field's name follows its label, unless it was chosen by hand or other fields refer to it.
    """
    section = list_sections(data)[at]
    items = list_items(section)
    before, content = items[place].data, dict(item.data)
    if not item.is_words:
        name = str(before.get("name") or "")
        # The name that the old label would give, possibly numbered: the name was not chosen by
        # hand.
        label_name = _make_field_name(str(before.get("label") or ""))
        is_from_label = re.fullmatch(re.escape(label_name) + r"(_\d+)?", name)
        if not name or (is_from_label and name not in _referenced_names(data)):
            label = str(content.get("label") or "")
            content["name"] = _make_unused_name(label, _list_names(data) - {name})
    items[place] = replace(item, data=content)
    return replace_section(data, at, replace_items(section, items))


def add_item(
    data: YamlData, at: int, label: str, field_type: FieldType = FieldType.TEXT
) -> YamlData:
    """Add a field at the end of a section."""
    section = list_sections(data)[at]
    name = _make_unused_name(label, _list_names(data))
    field = change_field_type({"name": name, "label": label, "kind": "text"}, field_type)
    items = [*list_items(section), OutlineItem(field)]
    return replace_section(data, at, replace_items(section, items))


def remove_item(data: YamlData, at: int, place: int) -> YamlData:
    """Remove a field."""
    section = list_sections(data)[at]
    items = list_items(section)
    return replace_section(data, at, replace_items(section, items[:place] + items[place + 1 :]))


def move_item(data: YamlData, at: int, place: int, by: int) -> YamlData:
    """Move a field `by` places down, or up if that is negative."""
    section = list_sections(data)[at]
    items = _move_element(list_items(section), place, by)
    return replace_section(data, at, replace_items(section, items))


def copy_outline(outline: YamlData, form_id: str, title: str) -> YamlData:
    """Copy an outline as the first version of another form."""
    return deepcopy(outline) | {"id": form_id, "version": 1, "title": title}


def parse_options(text: str, known: Sequence[Mapping[str, Any]]) -> list[YamlData]:
    """Parse the options of a choice, separated by semicolons; known labels keep their values."""
    known_values = {str(option.get("label")): str(option.get("value")) for option in known}
    options: list[YamlData] = []
    for label in filter(None, (part.strip() for part in text.split(";"))):
        taken = {option["value"] for option in options}
        value = known_values.get(label) or make_slug(label, "_")
        if value in taken:
            value = _make_unused_name(label, taken | set(known_values.values()))
        options.append({"value": value, "label": label})
    return options


def _replace_sections(data: YamlData, sections: list[YamlData]) -> YamlData:
    """Replace all sections; with a table, each of its rows is an entry."""
    entries = "row" if any(section.get("table") for section in sections) else "sheet"
    return dict(data) | {"entries": entries, "sections": sections}


def _move_element(elements: list[T], at: int, by: int) -> list[T]:
    # Clamped to the ends of the list.
    to = min(max(at + by, 0), len(elements) - 1)
    rest = elements[:at] + elements[at + 1 :]
    return [*rest[:to], elements[at], *rest[to:]]


def _list_names(data: YamlData) -> set[str]:
    return {
        str(item.data["name"])
        for section in list_sections(data)
        for item in list_items(section)
        if item.data.get("name")
    }


def _referenced_names(data: Any) -> set[str]:  # noqa: ANN401 - any part of a YAML file
    """Return the names of fields that other parts of the outline refer to."""
    names = set[str]()
    if isinstance(data, Mapping):
        for key in _REFERENCE_KEYS:
            if key in data:
                names.update(data[key] if isinstance(data[key], list) else [data[key]])
        # A norm is a formula whose words may be names.
        names.update(str(data.get("norm") or "").replace("'", " ").split())
        parts = list(data.values())
    else:
        parts = data if isinstance(data, list) else []
    return names.union(*(_referenced_names(part) for part in parts))


def _make_field_name(label: str) -> str:
    return make_slug(label, "_")[:_MAX_NAME_LENGTH].rstrip("_") or "falt"


def _make_unused_name(label: str, taken: set[str]) -> str:
    return unused_name(_make_field_name(label), taken)
