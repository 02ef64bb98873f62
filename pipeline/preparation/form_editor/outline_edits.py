"""Changes that a person makes to an outline that may still be wrong: sections, and the fields of a
section in reading order.

An outline is the content of an `outline.yaml`. No function changes what it is given.
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
from pipeline.preparation.form_editor.drafts import YamlData, make_slug

T = TypeVar("T")
_REFERENCE_KEYS = ("less_than", "sum_of", "day")


@dataclass(frozen=True, slots=True)
class OutlineItem:
    """A field, or printed words, of a section. `beside` the one before it, else on a line of its
    own.
    """

    data: Mapping[str, Any]
    is_beside_previous: bool = False

    @property
    def is_words(self) -> bool:
        """Whether nothing is filled in there."""
        return "text" in self.data


def empty_outline(form_id: str, title: str, area: Area, subject: Subject) -> YamlData:
    """A form with the sections that nearly every form has, and one line to write on."""
    uses = (*([StandardSection.CLIENT] if subject is Subject.CLIENT else []), StandardSection.EVENT)
    note = {
        "title": "Anteckning",
        "rows": [
            [
                {
                    "name": "anteckning",
                    "label": "Anteckning",
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
    """The sections, as they are written."""
    return [dict(one) for one in data.get("sections") or [] if isinstance(one, Mapping)]


def replace_section(data: YamlData, at: int, section: YamlData) -> YamlData:
    """Another section in place of the one at `at`."""
    changed = list_sections(data)
    changed[at] = {key: value for key, value in section.items() if value not in ("", None, [])}
    return _replace_sections(data, changed)


def add_section(data: YamlData, after: int, section: YamlData) -> YamlData:
    """A section more; its fields get names by their labels."""
    named: list[OutlineItem] = []
    for item in list_items(section):
        taken = _list_names(data) | {str(one.data.get("name")) for one in named}
        named.append(
            item
            if item.is_words
            else replace(
                item, data={"name": _make_unused_name(str(item.data["label"]), taken), **item.data}
            )
        )
    changed = list_sections(data)
    changed.insert(after + 1, replace_items(section, named) if named else section)
    return _replace_sections(data, changed)


def remove_section(data: YamlData, at: int) -> YamlData:
    """A section less."""
    return _replace_sections(
        data, [one for place, one in enumerate(list_sections(data)) if place != at]
    )


def move_section(data: YamlData, at: int, by: int) -> YamlData:
    """The section `by` places further down; up if that is negative."""
    return _replace_sections(data, _move_element(list_sections(data), at, by))


def list_items(section: Mapping[str, Any]) -> list[OutlineItem]:
    """The fields and words of a section in reading order."""
    found: list[OutlineItem] = []
    for row in section.get("rows") or []:
        found += (
            [OutlineItem(row)]
            if isinstance(row, Mapping)
            else [OutlineItem(one, is_beside_previous=place > 0) for place, one in enumerate(row)]
        )
    return found


def replace_items(section: Mapping[str, Any], changed: Iterable[OutlineItem]) -> YamlData:
    """The section with these fields and words."""
    rows: list[Any] = []
    for item in changed:
        if item.is_words:
            rows.append(dict(item.data))
        elif item.is_beside_previous and rows and isinstance(rows[-1], list):
            rows[-1].append(dict(item.data))
        else:
            rows.append([dict(item.data)])
    return dict(section) | {"rows": rows}


def replace_item(data: YamlData, at: int, place: int, item: OutlineItem) -> YamlData:
    """Another field at a place of a section. Its name follows its label as long as nothing else
    rests on the name.
    """
    section = list_sections(data)[at]
    changed = list_items(section)
    before, what = changed[place].data, dict(item.data)
    if not item.is_words:
        own = str(before.get("name") or "")
        made = re.fullmatch(
            re.escape(_make_field_name(str(before.get("label") or ""))) + r"(_\d+)?", own
        )
        if not own or (made and own not in _referenced_names(data)):
            what["name"] = _make_unused_name(
                str(what.get("label") or ""), _list_names(data) - {own}
            )
    changed[place] = replace(item, data=what)
    return replace_section(data, at, replace_items(section, changed))


def add_item(
    data: YamlData, at: int, label: str, field_type: FieldType = FieldType.TEXT
) -> YamlData:
    """A field more at the end of a section."""
    section = list_sections(data)[at]
    what = change_field_type(
        {"name": _make_unused_name(label, _list_names(data)), "label": label, "kind": "text"},
        field_type,
    )
    return replace_section(
        data, at, replace_items(section, [*list_items(section), OutlineItem(what)])
    )


def remove_item(data: YamlData, at: int, place: int) -> YamlData:
    """A field less."""
    section = list_sections(data)[at]
    return replace_section(
        data,
        at,
        replace_items(
            section, [one for number, one in enumerate(list_items(section)) if number != place]
        ),
    )


def move_item(data: YamlData, at: int, place: int, by: int) -> YamlData:
    """The field `by` places further down; up if that is negative."""
    section = list_sections(data)[at]
    return replace_section(
        data, at, replace_items(section, _move_element(list_items(section), place, by))
    )


def copy_outline(outline: YamlData, form_id: str, title: str) -> YamlData:
    """An outline as the first version of another form."""
    return deepcopy(outline) | {"id": form_id, "version": 1, "title": title}


def parse_options(text: str, known: Sequence[Mapping[str, Any]]) -> list[YamlData]:
    """The options of a choice, written with semicolons between them; those that were there keep
    their values.
    """
    values = {str(one.get("label")): str(one.get("value")) for one in known}
    found: list[YamlData] = []
    for label in filter(None, (part.strip() for part in text.split(";"))):
        taken = {one["value"] for one in found}
        value = values.get(label) or make_slug(label, "_")
        found.append(
            {
                "value": value
                if value not in taken
                else _make_unused_name(label, taken | set(values.values())),
                "label": label,
            }
        )
    return found


def _replace_sections(data: YamlData, changed: list[YamlData]) -> YamlData:
    entries = "row" if any(one.get("table") for one in changed) else "sheet"
    return dict(data) | {"entries": entries, "sections": changed}


def _move_element(things: list[T], at: int, by: int) -> list[T]:
    to = min(max(at + by, 0), len(things) - 1)
    rest = [one for place, one in enumerate(things) if place != at]
    return [*rest[:to], things[at], *rest[to:]]


def _list_names(data: YamlData) -> set[str]:
    return {
        str(item.data["name"])
        for section in list_sections(data)
        for item in list_items(section)
        if item.data.get("name")
    }


def _referenced_names(data: Any) -> set[str]:  # noqa: ANN401 - any part of a YAML file
    """Names that other parts of the outline rest on."""
    if isinstance(data, Mapping):
        own = {
            name
            for key in _REFERENCE_KEYS
            if key in data
            for name in (data[key] if isinstance(data[key], list) else [data[key]])
        }
        norm = set(str(data.get("norm") or "").replace("'", " ").split())
        return own.union(norm, *(_referenced_names(value) for value in data.values()))
    return (
        set[str]().union(*(_referenced_names(one) for one in data))
        if isinstance(data, list)
        else set()
    )


def _make_field_name(label: str) -> str:
    return make_slug(label, "_")[:40].rstrip("_") or "falt"


def _make_unused_name(label: str, taken: set[str]) -> str:
    name = _make_field_name(label)
    return next(
        each
        for each in (name, *(f"{name}_{number}" for number in range(2, 1000)))
        if each not in taken
    )
