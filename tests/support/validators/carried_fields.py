"""How each target carries each field: found by changing one field of an entry and reading both
files back.

`python -m tests.support.validators.carried_fields` prints the table.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form
from pipeline.domain.model import Value
from pipeline.domain.record import Record, Stamp
from pipeline.export.authorities.health_care_statistics import KhslMapping, Measure
from pipeline.export.exporter import ExportOptions
from tests.support.store.export_examples import (
    FORMS,
    MADE_AT,
    SETTINGS,
    items,
    run,
    terms,
)
from tests.support.store.targets import TARGETS
from tests.support.validators.read_back import PDF_PLACE, read_leaves
from tests.support.validators.sample_records import paper_record, told_values

NEEDED = {"clearing", "konto", "belopp", "manad", "tid1", "given1", "arende", "puls", "utfall"}
"""What some target demands besides who and when, by column."""
NAMED_PLACES = {"fhir", "skriv-in"}
"""Targets in whose files a field is found by its name, so that one file is enough."""
_PAYING = SETTINGS.model_copy(
    update={"payment_account": "SE4550000000058398257466", "payment_bic": "ESSESESS"}
)
_APPROVED = (Stamp(MADE_AT, "mona"), Stamp(MADE_AT, "nils"))
_CODED = KhslMapping(
    about="x", contact=True, measures=(Measure(code="PD008", field="kontakttyp", value="besok"),)
)
_MOST_OF_A_CODE = 40
"""Characters of what can be a code; anything longer is text."""


class Carried(StrEnum):
    """How a file has a field."""

    DATA = "data"
    TEXT = "text"
    NOT = "not"


@dataclass(frozen=True, eq=False, slots=True)
class Route:
    """A form in one version and a target that takes it."""

    target: str
    form: Form

    @property
    def name(self) -> str:
        """Target, form and version."""
        return f"{self.target}-{self.form.id}-{self.form.version}"


@cache
def options_of(target: str) -> ExportOptions:
    """As an office exports that has set all that a target needs."""
    options = terms(target, _PAYING)
    if target != "khsl":
        return options
    return replace(options, mappings={**options.mappings, "hsl-anteckning": _CODED})


@cache
def routes() -> list[Route]:
    """Every form with every target that takes it; the key-in list takes all."""
    return [
        Route(target, form)
        for target, exporter in TARGETS.items()
        for form in FORMS.values()
        if exporter.mapping is None
        or (
            (mapping := options_of(target).mappings.get(form.id))
            and mapping.takes_version(form.version)
        )
    ]


def read_entry(target: str, record: Record) -> Mapping[str, str] | None:
    """The leaves of a file with one entry, by place; None if the target cannot carry the entry."""
    entry = replace(record, approved=_APPROVED) if target == "pain001" else record
    options = options_of(target)
    if TARGETS[target].unsupported_reason(entry, options):
        return None
    data = TARGETS[target].make(items(entry), run(target), options)
    return dict(read_leaves(f"x{TARGETS[target].suffix}", data))


@cache
def carried_fields(route: Route) -> dict[str, Carried]:
    """How the file has each field: in an entry in which every field says something, else alone."""
    first, _ = told_values(route.form)
    whole = _readable(route, first)
    sparse = _readable(
        route,
        {
            spec.column: first[spec.column]
            for spec in columns_of(route.form)
            if spec.means or spec.column in NEEDED
        },
    )
    leaves = read_entry(route.target, whole)
    if leaves is None:
        return {}
    if route.target in NAMED_PLACES:
        return {
            spec.column: found_in(spec, whole.fields[spec.column], leaves)
            for spec in columns_of(route.form)
        }
    found = {}
    for spec in columns_of(route.form):
        found[spec.column] = _carried(route, whole, leaves, spec)
        if found[spec.column] is Carried.NOT and not isinstance(whole.fields[spec.column], bool):
            continue
        # Of a mark another field may say the same.
        if found[spec.column] is Carried.NOT:
            alone = with_field(route, sparse, spec.column, first[spec.column])
            found[spec.column] = _carried(route, alone, read_entry(route.target, alone), spec)
    return found


def _carried(
    route: Route, record: Record, whole: Mapping[str, str] | None, spec: FieldSpec
) -> Carried:
    """How the file has a field of an entry: what differs if the field says something else.

    Args:
        whole: what the file says of the entry.
    """
    if whole is None:
        return Carried.NOT
    other = told_values(route.form)[1][spec.column]
    if other == record.fields[spec.column]:
        other = told_values(route.form)[0][spec.column]
    changed = read_entry(route.target, with_field(route, record, spec.column, other))
    # It may decide whether the target takes the entry at all.
    if changed is None:
        return Carried.DATA
    return _judge(spec, record.fields[spec.column], whole, changed)


def found_in(spec: FieldSpec, value: Value, leaves: Mapping[str, str]) -> Carried:
    """How a file that names its questions, or only has text, has a field."""
    if any(f"({spec.column})/answer" in place for place in leaves):
        return Carried.DATA
    return Carried.TEXT if any(says(spec, value, text) for text in leaves.values()) else Carried.NOT


def with_field(route: Route, record: Record, column: str, value: Value) -> Record:
    """The record if one field says this."""
    return paper_record(
        route.form, record.row, dict(record.fields) | {column: value}, record.entry_id
    )


def _readable(route: Route, values: Mapping[str, Value]) -> Record:
    """The record, with what a target demands."""
    said = dict(values)
    if route.target == "pain001":
        said |= {column: False for column in ("utbetald",) if column in said}
    return _record(route, said)


def _record(route: Route, values: Mapping[str, Value]) -> Record:
    return paper_record(route.form, route.form.rows()[0], values, "K7M3PX-00")


def columns_of(form: Form) -> list[FieldSpec]:
    """The fields of an entry, each column once."""
    row = form.rows()[0]
    columns = dict.fromkeys(spec.column for spec in form.entry_fields(row))
    return [spec for column in columns if (spec := form.entry_field(row, column))]


def _judge(
    spec: FieldSpec, value: Value, whole: Mapping[str, str], changed: Mapping[str, str]
) -> Carried:
    """Compare an entry with the same entry in which one field says something else."""
    differing = differing_leaves(whole, changed)
    if not differing:
        return Carried.NOT
    if any(place != PDF_PLACE and is_value(spec, value, text) for place, text in differing):
        return Carried.DATA
    if any(says(spec, value, text) for _, text in differing):
        return Carried.TEXT
    short = all(len(text) <= _MOST_OF_A_CODE for _, text in differing)
    # A mark or a choice may be a code of the mapping; a mark without a tick is not mentioned.
    return Carried.DATA if short else Carried.TEXT


def differing_leaves(whole: Mapping[str, str], changed: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the first file says otherwise than the second."""
    return [
        *((place, text) for place, text in whole.items() if changed.get(place) != text),
        *((place, "") for place in changed.keys() - whole.keys()),
    ]


def table_of_fields() -> str:
    """How each target carries each field, a line for each form that it takes."""
    lines = [
        "| target | form | as data | as text | not carried |",
        "|---|---|---|---|---|",
    ]
    for route in routes():
        # There every field is an answer, or in the words of the list.
        if route.target in NAMED_PLACES:
            continue
        found = carried_fields(route)
        by_way = {way: [name for name, one in found.items() if one is way] for way in Carried}
        cells = [", ".join(by_way[way]) or "–" for way in Carried]
        lines.append(
            f"| {route.target} | {route.form.id} {route.form.version} | {' | '.join(cells)} |"
        )
    return "\n".join(lines) + "\n"


def is_value(spec: FieldSpec, value: Value, text: str) -> bool:
    """Whether a leaf is this value and nothing else."""
    if isinstance(value, bool):
        return text in {"true", "false", "ja", "nej", "1", "0"}
    plain = str(value or "")
    if squeezed(text) == squeezed(plain):
        return True
    try:
        return Decimal(text.replace(",", ".")) == Decimal(plain.replace(",", "."))
    except InvalidOperation:
        digits = re.sub(r"\D", "", plain)
        return (
            bool(digits)
            and spec.format is not None
            and digits in re.sub(r"\D", "", text)
            and (len(text) <= _MOST_OF_A_CODE)
        )


def says(spec: FieldSpec, value: Value, text: str) -> bool:
    """Whether words of a text are this value: its label where it is a mark or a choice."""
    said = squeezed(text)
    return any(squeezed(word) in said for word in words_of(spec, value) if word)


def words_of(spec: FieldSpec, value: Value) -> list[str]:
    """What a person may read of a value; one of them is enough."""
    if isinstance(value, bool):
        return [spec.label, "ja"] if value else []
    if spec.options:
        return [option.label for option in spec.options if option.value == value] + [str(value)]
    plain = str(value or "")
    return [plain, plain.replace(".", ",")]


def squeezed(text: str) -> str:
    """Without blanks and line ends, which a page or a table sets as it likes."""
    return re.sub(r"[\s­]+", "", text).casefold()


if __name__ == "__main__":
    sys.stdout.write(table_of_fields())
