"""Labels for whoever does not see the paper. On it, "Klockslag" stands beside its date; in a list of answers it would stand three times."""

from __future__ import annotations

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
    if not (alike := set().union(*_alike(told))):
        return told
    sections = {spec.name: _section(page, spec) for page in form.pages for spec in page.all_fields if spec.name in alike}
    earlier = {spec.name: one.name for one, spec in pairwise(specs)}
    for _ in range(2):  # the field before may itself be told apart only now
        for names in _alike(told):
            told |= _told_apart(told, names, (sections, {name: told[earlier[name]] for name in names if name in earlier}))
    return told


def told_label(form: Form, spec: FieldSpec) -> str:
    """The label of one field."""
    return told_labels(form, spec.row)[spec.name]


def _alike(told: Mapping[str, str]) -> list[list[str]]:
    """Names of the fields that have the same label, label by label."""
    names: dict[str, list[str]] = {}
    for name, label in told.items():
        names.setdefault(label, []).append(name)
    return [same for same in names.values() if len(same) > 1]


def _told_apart(told: Mapping[str, str], names: Iterable[str], ways: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """By the first way that tells all apart; as they are where none does."""
    for way in ways:
        found = {name: f"{way[name]}: {told[name]}" if way.get(name) else told[name] for name in names}
        if len(set(found.values())) == len(found):
            return found
    return {}


def _section(page: PageSpec, spec: FieldSpec) -> str:
    x, y = spec.box[:2]
    boxes = ((section.title, *section.box) for section in page.sections)
    return next((title for title, left, top, width, height in boxes if left <= x <= left + width and top <= y <= top + height), "")
