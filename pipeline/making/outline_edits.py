"""Changes that a person makes to an outline that may still be wrong: sections, and the fields of a section in reading order.

An outline is the content of an `outline.yaml`. No function changes what it is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pipeline.making.drafts import Data, slug
from pipeline.making.field_sorts import Sort, turned_into
from pipeline.outline import Standard
from pipeline.template import Area, Subject

T = TypeVar("T")
_REFERRING = ("less_than", "sum_of", "day")


@dataclass(frozen=True, slots=True)
class Item:
    """A field, or printed words, of a section. `beside` the one before it, else on a line of its own."""

    what: Mapping[str, Any]
    beside: bool = False

    @property
    def is_words(self) -> bool:
        """Whether nothing is filled in there."""
        return "text" in self.what


def empty_outline(form_id: str, title: str, area: Area, subject: Subject) -> Data:
    """A form with the sections that nearly every form has, and one line to write on."""
    uses = (*([Standard.CLIENT] if subject is Subject.CLIENT else []), Standard.EVENT)
    note = {"title": "Anteckning", "rows": [[{"name": "anteckning", "label": "Anteckning", "kind": "lines", "lines": "fill", "required": True}]]}
    return {
        "id": form_id,
        "version": 1,
        "title": title,
        "area": area.value,
        "criticality": "A",
        "subject": subject.value,
        "law": [],
        "entries": "sheet",
        "sections": [*({"use": use.value} for use in uses), note, {"use": Standard.AUTHOR.value}],
    }


def sections(data: Data) -> list[Data]:
    """The sections, as they are written."""
    return [dict(one) for one in data.get("sections") or [] if isinstance(one, Mapping)]


def with_section(data: Data, at: int, section: Data) -> Data:
    """Another section in place of the one at `at`."""
    changed = sections(data)
    changed[at] = {key: value for key, value in section.items() if value not in ("", None, [])}
    return _with_sections(data, changed)


def with_new_section(data: Data, after: int, section: Data) -> Data:
    """A section more; its fields get names by their labels."""
    named: list[Item] = []
    for item in items(section):
        taken = _names(data) | {str(one.what.get("name")) for one in named}
        named.append(item if item.is_words else replace(item, what={"name": _free_name(str(item.what["label"]), taken), **item.what}))
    changed = sections(data)
    changed.insert(after + 1, with_items(section, named) if named else section)
    return _with_sections(data, changed)


def without_section(data: Data, at: int) -> Data:
    """A section less."""
    return _with_sections(data, [one for place, one in enumerate(sections(data)) if place != at])


def with_moved_section(data: Data, at: int, by: int) -> Data:
    """The section `by` places further down; up if that is negative."""
    return _with_sections(data, _moved(sections(data), at, by))


def items(section: Mapping[str, Any]) -> list[Item]:
    """The fields and words of a section in reading order."""
    found: list[Item] = []
    for row in section.get("rows") or []:
        found += [Item(row)] if isinstance(row, Mapping) else [Item(one, beside=place > 0) for place, one in enumerate(row)]
    return found


def with_items(section: Mapping[str, Any], changed: Iterable[Item]) -> Data:
    """The section with these fields and words."""
    rows: list[Any] = []
    for item in changed:
        if item.is_words:
            rows.append(dict(item.what))
        elif item.beside and rows and isinstance(rows[-1], list):
            rows[-1].append(dict(item.what))
        else:
            rows.append([dict(item.what)])
    return dict(section) | {"rows": rows}


def with_item(data: Data, at: int, place: int, item: Item) -> Data:
    """Another field at a place of a section. Its name follows its label as long as nothing else rests on the name."""
    section = sections(data)[at]
    changed = items(section)
    before, what = changed[place].what, dict(item.what)
    if not item.is_words:
        own = str(before.get("name") or "")
        made = re.fullmatch(re.escape(_name_of(str(before.get("label") or ""))) + r"(_\d+)?", own)
        if not own or (made and own not in _referred(data)):
            what["name"] = _free_name(str(what.get("label") or ""), _names(data) - {own})
    changed[place] = replace(item, what=what)
    return with_section(data, at, with_items(section, changed))


def with_new_item(data: Data, at: int, label: str, sort: Sort = Sort.TEXT) -> Data:
    """A field more at the end of a section."""
    section = sections(data)[at]
    what = turned_into({"name": _free_name(label, _names(data)), "label": label, "kind": "text"}, sort)
    return with_section(data, at, with_items(section, [*items(section), Item(what)]))


def without_item(data: Data, at: int, place: int) -> Data:
    """A field less."""
    section = sections(data)[at]
    return with_section(data, at, with_items(section, [one for number, one in enumerate(items(section)) if number != place]))


def with_moved_item(data: Data, at: int, place: int, by: int) -> Data:
    """The field `by` places further down; up if that is negative."""
    section = sections(data)[at]
    return with_section(data, at, with_items(section, _moved(items(section), place, by)))


def copied(outline: Data, form_id: str, title: str) -> Data:
    """An outline as the first version of another form."""
    return deepcopy(outline) | {"id": form_id, "version": 1, "title": title}


def options_of(text: str, known: Sequence[Mapping[str, Any]]) -> list[Data]:
    """The options of a choice, written with semicolons between them; those that were there keep their values."""
    values = {str(one.get("label")): str(one.get("value")) for one in known}
    found: list[Data] = []
    for label in filter(None, (part.strip() for part in text.split(";"))):
        taken = {one["value"] for one in found}
        value = values.get(label) or slug(label, "_")
        found.append({"value": value if value not in taken else _free_name(label, taken | set(values.values())), "label": label})
    return found


def _with_sections(data: Data, changed: list[Data]) -> Data:
    entries = "row" if any(one.get("table") for one in changed) else "sheet"
    return dict(data) | {"entries": entries, "sections": changed}


def _moved(things: list[T], at: int, by: int) -> list[T]:
    to = min(max(at + by, 0), len(things) - 1)
    rest = [one for place, one in enumerate(things) if place != at]
    return [*rest[:to], things[at], *rest[to:]]


def _names(data: Data) -> set[str]:
    return {str(item.what["name"]) for section in sections(data) for item in items(section) if item.what.get("name")}


def _referred(data: Any) -> set[str]:  # noqa: ANN401 - any part of a YAML file
    """Names that other parts of the outline rest on."""
    if isinstance(data, Mapping):
        own = {name for key in _REFERRING if key in data for name in (data[key] if isinstance(data[key], list) else [data[key]])}
        norm = set(str(data.get("norm") or "").replace("'", " ").split())
        return own.union(norm, *(_referred(value) for value in data.values()))
    return set[str]().union(*(_referred(one) for one in data)) if isinstance(data, list) else set()


def _name_of(label: str) -> str:
    return slug(label, "_")[:40].rstrip("_") or "falt"


def _free_name(label: str, taken: set[str]) -> str:
    name = _name_of(label)
    return next(each for each in (name, *(f"{name}_{number}" for number in range(2, 1000))) if each not in taken)
