"""Every target's own file is read back and compared with the confirmed entry: no field is lost,
and none is invented.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest
import yaml

from pipeline.domain.form.field import Meaning
from pipeline.domain.model import Value
from pipeline.domain.record import Record
from pipeline.domain.settings import ROOT
from pipeline.texts import catalogue
from tests.support.validators.carried_fields import (
    NAMED_PLACES,
    Carried,
    Route,
    carried_fields,
    columns_of,
    differing_leaves,
    found_in,
    is_value,
    read_entry,
    routes,
    says,
    with_field,
)
from tests.support.validators.sample_records import paper_record, sample_records, told_values

ROUTES = [
    # Files with pictures of text, or with the form itself, take their time to be read.
    pytest.param(
        route,
        id=route.name,
        marks=[pytest.mark.nightly] if route.target in NAMED_PLACES else [],
    )
    for route in routes()
]
TERMS = ROOT / "data" / "codes" / "terms.yaml"
TOLD_OTHERWISE = {
    Meaning.UNIT,
    Meaning.CLIENT_PRINTED,
    Meaning.CLIENT_NAME,
    Meaning.CLIENT_CODE,
    Meaning.AUTHOR_SIGNATURE,
}
"""Files have the unit, the client and the signer of the entry, not the paper's own words for them;
a signature is in the picture.
"""
MINIMAL = {"pain001", "ekonomiskt-bistand", "khsl", "varningar"}
"""A bank and authorities get what they ask for and nothing else; the rest is on the key-in list,
in the target of the form's records, or on the sheet. Of warnings the entry goes elsewhere too.
"""
LEFT_ON_PAPER = {
    "rivta-utskrivningsklar-1": {"hemgang_till", "hjalpmedel", "planering"},
}
"""What a mapping says is kept elsewhere; the note names those that are filled in."""
IMPLIED = {
    "varningar-ny-patient-2": {"overkanslighet"},
}
"""Marks that the file says by what stands beside them: a warning that names what the patient does
not stand.
"""
WORD = re.compile(r"\d+|[^\W\d_]+")


def words(text: str) -> set[str]:
    return {word.casefold().lstrip("0") or "0" for word in WORD.findall(text)}


@pytest.mark.parametrize("route", ROUTES)
def test_no_field_of_a_form_is_lost(route: Route) -> None:
    found = carried_fields(route)
    assert found
    lost = {
        spec.column
        for spec in columns_of(route.form)
        if found[spec.column] is Carried.NOT and spec.means not in TOLD_OTHERWISE
    }
    if route.target not in MINIMAL:
        assert lost == LEFT_ON_PAPER.get(route.name, set())


def samples(route: Route) -> list[Record]:
    """The sample stack's entries of a form, the fullest first."""
    own = [
        record
        for record in sample_records()
        if (record.form, record.version) == (route.form.id, route.form.version)
    ]
    return sorted(own, key=lambda record: -sum(bool(value) for value in record.fields.values()))


@pytest.mark.nightly
@pytest.mark.parametrize("route", ROUTES)
def test_what_the_sample_papers_say_is_read_back_and_nothing_else(route: Route) -> None:
    found = carried_fields(route)
    for record in samples(route):
        leaves = read_entry(route.target, record)
        if leaves is None:
            continue
        lost = [
            spec.column
            for spec in columns_of(route.form)
            if record.fields.get(spec.column) not in (None, False, "")
            and found[spec.column] is not Carried.NOT
            and spec.column not in IMPLIED.get(route.name, ())
            and not _is_read_back(route, record, spec.column, leaves)
        ]
        assert lost == [], record.entry_id
        if route.target not in NAMED_PLACES:
            assert words(" ".join(leaves.values())) <= set(known_words(route, record))


def _is_read_back(route: Route, record: Record, column: str, leaves: Mapping[str, str]) -> bool:
    spec, value = route.form.entry_field(record.row, column), record.fields[column]
    assert spec is not None
    if route.target in NAMED_PLACES:
        return found_in(spec, value, leaves) is not Carried.NOT and any(
            says(spec, value, text) or is_value(spec, value, text) for text in leaves.values()
        )
    without = read_entry(route.target, with_field(route, record, column, None))
    if without is None:
        return True
    differing = differing_leaves(leaves, without)
    # A code of the mapping says neither the value nor its label.
    return any(
        is_value(spec, value, text)
        or text in codes_of(route, column, value)
        or says(spec, value, text)
        or bool(spec.options)
        or isinstance(value, bool)
        for _, text in differing
    )


def codes_of(route: Route, column: str, value: Value) -> set[str]:
    """What the route's mapping of a table writes for a field's value."""
    mapping = ROOT / "forms" / route.form.id / f"export.{route.target}.yaml"
    columns = (
        yaml.safe_load(mapping.read_text("utf-8")).get("columns", ()) if mapping.exists() else ()
    )
    return {
        each["codes"][value]
        for each in columns
        if each.get("source") == f"field.{column}" and value in each.get("codes", {})
    }


def known_words(route: Route, record: Record) -> Iterator[str]:
    """All words that a file about the record may have: what it says, the words of the form and of
    the mapping, and those that files have in common.
    """
    bare = read_entry(route.target, _with_other_words(route, record)) or {}
    # The mapping, the layout with the codes of professions, and the terms of codes
    mapping = ROOT / "forms" / route.form.id / f"export.{route.target}.yaml"
    layout = ROOT / "forms" / f"{route.target}.yaml"
    sources = [
        *bare.values(),
        *map(str, record.fields.values()),
        *(str(value).replace(".", ",") for value in record.fields.values()),
        *record.labels.values(),
        *(spec.full_label for spec in route.form.fields),
        *(spec.measure for spec in route.form.fields),
        *(option.label for spec in route.form.fields for option in spec.options),
        *(option.value for spec in route.form.fields for option in spec.options),
        *(path.read_text("utf-8") for path in (mapping, layout, TERMS) if path.exists()),
        " ".join(str(text) for text in catalogue("sv").values()),
        str(record.event_at),
        record.serial,
        record.entry_id,
        _age(record),
        str(record.written_at),
        # True and false as files write them; a time of a signing list has its day before it.
        "true false ja nej x 00 59 23",
    ]
    for source in sources:
        yield from words(source)


def _age(record: Record) -> str:
    """The client's age in the month that the record is about: what an authority asks for."""
    born, month = record.client.pid, str(record.fields.get("manad") or "")
    if not (born and month):
        return ""
    return str(int(month[:4]) - int(born[:4]) - (month[4:6] < born[4:6]))


def _with_other_words(route: Route, record: Record) -> Record:
    """The record, if what has no meaning of its own said something else."""
    other, changed = told_values(route.form)[1], dict(record.fields)
    for spec in columns_of(route.form):
        if spec.means is None and isinstance(changed.get(spec.column), str):
            changed[spec.column] = other[spec.column]
    return paper_record(route.form, record.row, changed, record.entry_id)
