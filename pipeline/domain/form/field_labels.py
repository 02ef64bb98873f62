"""Accessible names of fields: labels that are unambiguous without the paper.

On paper "Klockslag" is next to its date; in a list of answers it would appear three times.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.domain.form.field import FieldSpec, Format
from pipeline.domain.form.form import Form
from pipeline.domain.form.page import PageSpec

_GENERIC_LABELS = frozenset(
    {
        "adress",
        "antal",
        "belopp",
        "dag",
        "datum",
        "klockslag",
        "månad",
        "namn",
        "plats",
        "telefon",
        "typ",
        "underskrift",
    }
)
"""Labels that give only the kind of a value; the heading above names what it is about."""
_NUMBERED = re.compile(r"Nr \d+: ")
"""A label that gives only which of several it is; so does the heading above."""


@dataclass(frozen=True, slots=True)
class _FieldPosition:
    """A field's place on paper: page, heading, and the fields under it on the same line."""

    page: int
    section: str
    line: tuple[FieldSpec, ...]

    def to_the_left(self, spec: FieldSpec) -> tuple[FieldSpec, ...]:
        """Return the fields to the left, the nearest first."""
        return self.line[: self.line.index(spec)][::-1]

    def beside(self, spec: FieldSpec) -> tuple[FieldSpec, ...]:
        """Return those to the left, then those to the right, the nearest of each first."""
        return self.to_the_left(spec) + self.line[self.line.index(spec) + 1 :]


def accessible_names(form: Form, row: int | None) -> dict[str, str]:
    """Return the label of each field of an entry, by the field's name.

    Labels that are equal, or that give only the kind of a value, are prefixed by what the value
    belongs to: "Läkarkontakt: Datum", "Datum då det hände: Klockslag".
    """
    specs = form.entry_fields(row)
    labels = {spec.name: spec.full_label for spec in specs} | _numbered_labels(form, row)
    ambiguous = {name for name, label in labels.items() if _is_generic(label)}.union(
        *_group_equal_labels(labels)
    )
    if not ambiguous:
        return labels
    # Prefix what the field belongs to on paper.
    positions = dict(_field_positions(form, specs, ambiguous))
    owners = _find_owners([spec for spec in specs if spec.name in ambiguous], positions, ambiguous)
    labels |= {name: f"{owner}: {labels[name]}" for name, owner in owners.items() if owner}
    # Labels still equal get the page, or the field before them. Twice, as the label of the field
    # before may itself become unambiguous only in the first round.
    pages = {name: f"Sida {position.page}" for name, position in positions.items()}
    previous = {spec.name: before.name for before, spec in pairwise(specs)}
    for _ in range(2):
        for names in _group_equal_labels(labels):
            fields_before = {name: labels[previous[name]] for name in names if name in previous}
            labels |= _disambiguate(labels, names, (pages, fields_before))
    return labels


def _numbered_labels(form: Form, row: int | None) -> dict[str, str]:
    """Return labels of fields in numbered groups, such as "Ordinationer 1: Dos", by their heading.

    A group of which the paper prints the number alone says nothing away from it.
    """
    return {
        spec.name: f"{title.partition(':')[0]} {spec.full_label}"
        for page in form.pages
        for spec in page.all_fields
        if spec.group.strip().isdigit()
        and spec.row in (None, row)
        and (title := _section_title(page, spec))
    }


def accessible_name(form: Form, spec: FieldSpec) -> str:
    """Return the label of one field."""
    return accessible_names(form, spec.row)[spec.name]


def _is_generic(label: str) -> bool:
    return label.rstrip(":. ").casefold() in _GENERIC_LABELS or bool(
        _continues_line(label) or _NUMBERED.match(label)
    )


def _continues_line(label: str) -> bool:
    """Whether a label continues the text before it on paper: "Blad __ av __"."""
    return label[:1].islower()


def _group_equal_labels(labels: Mapping[str, str]) -> list[list[str]]:
    """Return the names of the fields that have the same label, label by label."""
    names: dict[str, list[str]] = {}
    for name, label in labels.items():
        names.setdefault(label, []).append(name)
    return [group for group in names.values() if len(group) > 1]


def _find_owners(
    specs: Sequence[FieldSpec], positions: Mapping[str, _FieldPosition], ambiguous: set[str]
) -> dict[str, str]:
    """Return what each field belongs to, by the form's texts; "" where nothing shows it."""
    headings = [
        (positions[spec.name].page, positions[spec.name].section, spec.full_label) for spec in specs
    ]
    owners: dict[str, str] = {}
    for spec, heading in zip(specs, headings, strict=True):
        position = positions[spec.name]
        before = next(iter(position.to_the_left(spec)), None)
        if before is not None and (
            _continues_line(spec.full_label)
            or (before.format is Format.DATE and spec.format is Format.TIME)
        ):
            # A time belongs to the date before it, a continued line to its beginning.
            owners[spec.name] = owners.get(before.name) or before.full_label
        elif headings.count(heading) == 1:
            # The only field of this label under its heading.
            owners[spec.name] = position.section
        else:
            # The nearest field on the line with a label that is unambiguous.
            owners[spec.name] = next(
                (
                    neighbour.full_label
                    for neighbour in position.beside(spec)
                    if neighbour.name not in ambiguous
                ),
                "",
            )
    return owners


def _disambiguate(
    labels: Mapping[str, str], names: Iterable[str], prefixes: Iterable[Mapping[str, str]]
) -> dict[str, str]:
    """Prefix labels by the first set of prefixes that makes all different; none if none does."""
    for prefix in prefixes:
        prefixed = {
            name: f"{prefix[name]}: {labels[name]}" if prefix.get(name) else labels[name]
            for name in names
        }
        if len(set(prefixed.values())) == len(prefixed):
            return prefixed
    return {}


def _field_positions(
    form: Form, specs: Sequence[FieldSpec], names: set[str]
) -> Iterator[tuple[str, _FieldPosition]]:
    """Yield name and position of each of the named fields among those of the entry."""
    entry_names = {spec.name for spec in specs}
    for number, page in enumerate(form.pages, 1):
        by_section: dict[str, list[FieldSpec]] = {}
        for spec in page.all_fields:
            if spec.name in entry_names:
                by_section.setdefault(_section_title(page, spec), []).append(spec)
        for section, fields in by_section.items():
            for spec in (spec for spec in fields if spec.name in names):
                line = sorted(
                    (other for other in fields if _share_line(other, spec)),
                    key=lambda other: other.box[0],
                )
                yield spec.name, _FieldPosition(number, section, tuple(line))


def _share_line(spec: FieldSpec, other: FieldSpec) -> bool:
    """Whether more than half the height of the lower of two fields is next to the other."""
    (_, top, _, height), (_, other_top, _, other_height) = spec.box, other.box
    shared = min(top + height, other_top + other_height) - max(top, other_top)
    return shared > min(height, other_height) / 2


def _section_title(page: PageSpec, spec: FieldSpec) -> str:
    x, y = spec.box[:2]
    for section in page.sections:
        left, top, width, height = section.box
        if left <= x <= left + width and top <= y <= top + height:
            return section.title
    return ""
