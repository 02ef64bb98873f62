"""Labels for whoever does not see the paper. On it, "Klockslag" stands beside its date; in a list of answers it would stand three times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise

from pipeline.field_spec import FieldSpec
from pipeline.page_spec import PageSpec
from pipeline.template import Form


def told_labels(form: Form, row: int | None) -> dict[str, str]:
    """The label of each field of an entry, by the field's name.

    Labels that are alike also name their section or, where that does not tell them apart, the field before: "Datum då det hände: Klockslag".
    """
    specs = form.entry_fields(row)
    told = {spec.name: spec.full_label for spec in specs}
    sections = {spec.name: _section(page, spec) for page in form.pages for spec in page.all_fields}
    earlier = {spec.name: one.name for one, spec in pairwise(specs)}
    for _ in range(2):  # the field before may itself be told apart only now
        for label, times in Counter(told.values()).items():
            if times > 1:
                alike = [name for name, known in told.items() if known == label]
                told |= _told_apart(label, alike, (sections, {name: told[one] for name, one in earlier.items()}))
    return told


def told_label(form: Form, spec: FieldSpec) -> str:
    """The label of one field."""
    return told_labels(form, spec.row)[spec.name]


def _told_apart(label: str, names: Iterable[str], ways: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """By the first way that tells all apart; as they are where none does."""
    for way in ways:
        found = {name: f"{way[name]}: {label}" if way.get(name) else label for name in names}
        if len(set(found.values())) == len(found):
            return found
    return {}


def _section(page: PageSpec, spec: FieldSpec) -> str:
    x, y = spec.box[:2]
    boxes = ((section.title, *section.box) for section in page.sections)
    return next((title for title, left, top, width, height in boxes if left <= x <= left + width and top <= y <= top + height), "")
