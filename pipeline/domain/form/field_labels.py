"""Labels for whoever does not see the paper. On it, "Klockslag" stands beside its date; in a list
of answers it would stand three times.
"""

from __future__ import annotations

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
"""Labels that say of what kind a value is, and nothing of what it is the date, name or amount of:
that stands in the heading over them.
"""


@dataclass(frozen=True, slots=True)
class _FieldPosition:
    """Where a field stands on paper: under which heading, and with which fields of that heading on
    one line, from left to right.
    """

    page: int
    section: str
    line: tuple[FieldSpec, ...]

    def to_the_left(self, spec: FieldSpec) -> tuple[FieldSpec, ...]:
        """The nearest first."""
        return self.line[: self.line.index(spec)][::-1]

    def beside(self, spec: FieldSpec) -> tuple[FieldSpec, ...]:
        """Those to the left, then those to the right, the nearest of each first."""
        return self.to_the_left(spec) + self.line[self.line.index(spec) + 1 :]


def accessible_names(form: Form, row: int | None) -> dict[str, str]:
    """The label of each field of an entry, by the field's name.

    Labels that are alike, or that say only of what kind a value is, also name what it belongs
    to: "Läkarkontakt: Datum", "Datum då det hände: Klockslag".
    """
    specs = form.entry_fields(row)
    told = {spec.name: spec.full_label for spec in specs}
    unclear = {name for name, label in told.items() if _is_generic(label)}.union(
        *_group_equal_names(told)
    )
    if not unclear:
        return told
    places = dict(_field_positions(form, specs, unclear))
    owners = _find_owners([spec for spec in specs if spec.name in unclear], places, unclear)
    told |= {name: f"{owner}: {told[name]}" for name, owner in owners.items() if owner}
    sides = {name: f"Sida {place.page}" for name, place in places.items()}
    earlier = {spec.name: one.name for one, spec in pairwise(specs)}
    for _ in range(2):  # the field before may itself be told apart only now
        for names in _group_equal_names(told):
            told |= _disambiguate(
                told,
                names,
                (sides, {name: told[earlier[name]] for name in names if name in earlier}),
            )
    return told


def accessible_name(form: Form, spec: FieldSpec) -> str:
    """The label of one field."""
    return accessible_names(form, spec.row)[spec.name]


def _is_generic(label: str) -> bool:
    return label.rstrip(":. ").casefold() in _GENERIC_LABELS or _continues_line(label)


def _continues_line(label: str) -> bool:
    """Whether a label goes on with what stands before it on paper: "Blad __ av __"."""
    return label[:1].islower()


def _group_equal_names(told: Mapping[str, str]) -> list[list[str]]:
    """Names of the fields that have the same label, label by label."""
    names: dict[str, list[str]] = {}
    for name, label in told.items():
        names.setdefault(label, []).append(name)
    return [same for same in names.values() if len(same) > 1]


def _find_owners(
    unclear: Iterable[FieldSpec], places: Mapping[str, _FieldPosition], names: set[str]
) -> dict[str, str]:
    """What each of these fields belongs to, in the words of its form; "" where nothing says it."""
    fields = list(unclear)
    under = [
        (places[spec.name].page, places[spec.name].section, spec.full_label) for spec in fields
    ]
    owners: dict[str, str] = {}
    for spec, where in zip(fields, under, strict=True):
        place = places[spec.name]
        before = next(iter(place.to_the_left(spec)), None)
        if before is not None and (
            _continues_line(spec.full_label)
            or (before.format is Format.DATE and spec.format is Format.TIME)
        ):
            owners[spec.name] = owners.get(before.name) or before.full_label
        elif under.count(where) == 1:
            owners[spec.name] = place.section
        else:
            owners[spec.name] = next(
                (one.full_label for one in place.beside(spec) if one.name not in names), ""
            )
    return owners


def _disambiguate(
    told: Mapping[str, str], names: Iterable[str], ways: Iterable[Mapping[str, str]]
) -> dict[str, str]:
    """By the first way that tells all apart; as they are where none does."""
    for way in ways:
        found = {
            name: f"{way[name]}: {told[name]}" if way.get(name) else told[name] for name in names
        }
        if len(set(found.values())) == len(found):
            return found
    return {}


def _field_positions(
    form: Form, specs: Sequence[FieldSpec], wanted: set[str]
) -> Iterator[tuple[str, _FieldPosition]]:
    """Where each of the wanted fields stands among those of the entry, by its name."""
    entry = {spec.name for spec in specs}
    for number, page in enumerate(form.pages, 1):
        under: dict[str, list[FieldSpec]] = {}
        for spec in page.all_fields:
            if spec.name in entry:
                under.setdefault(_section_title(page, spec), []).append(spec)
        for section, fields in under.items():
            for spec in (spec for spec in fields if spec.name in wanted):
                line = sorted(
                    (one for one in fields if _share_line(one, spec)), key=lambda one: one.box[0]
                )
                yield spec.name, _FieldPosition(number, section, tuple(line))


def _share_line(one: FieldSpec, other: FieldSpec) -> bool:
    """Whether half the lower of two fields stands beside the other."""
    (_, top, _, height), (_, other_top, _, other_height) = one.box, other.box
    shared = min(top + height, other_top + other_height) - max(top, other_top)
    return shared > min(height, other_height) / 2


def _section_title(page: PageSpec, spec: FieldSpec) -> str:
    x, y = spec.box[:2]
    for section in page.sections:
        left, top, width, height = section.box
        if left <= x <= left + width and top <= y <= top + height:
            return section.title
    return ""
