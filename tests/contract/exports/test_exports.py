"""One body over every kind of target: what an exporter has to do, whatever its file looks like."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from time import perf_counter
from typing import Any

import pytest
from lxml import etree

from pipeline.domain.form.form import Form, Forms, Subject
from pipeline.domain.record import PreviousExport, Record
from pipeline.export.mapping import find_missing_fields
from tests.support.store.export_examples import (
    ARNE,
    EARLIER,
    FORM_OF,
    FORMS,
    NEEDED_FIELDS,
    filled,
    items,
    made,
    record,
    run,
    stamp,
    terms,
)
from tests.support.store.targets import TARGETS

EVERY = pytest.mark.parametrize("target", TARGETS)
NUMBERS_ONLY = {"pain001", "ekonomiskt-bistand"}
"""A bank and a statistics authority get what they ask for and nothing that reports the way: data
minimisation. What they do get, and that nothing goes twice, is in their own tests.
"""
TELLING = pytest.mark.parametrize(
    "target", [target for target in TARGETS if target not in NUMBERS_ONLY]
)

LEFT_BY_PRESENT = {"signeringslista": {"aktiviteter"}}
"""Targets that take the first version of a form and not the present one: see docs/targets.md."""
options = cache(terms)


def example(target: str, **other: Any) -> Record:  # noqa: ANN401 - any part of a record
    return record(FORM_OF[target], NEEDED_FIELDS.get(target), **other)


def words(target: str, data: bytes) -> str:
    """All that the file says, blanks evened out."""
    if TARGETS[target].suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = [(name, archive.read(name)) for name in archive.namelist()]
        told = " ".join(
            _xml_words(file) if name.endswith(".xml") else file.decode("utf-8-sig")
            for name, file in files
        )
    elif TARGETS[target].suffix == ".pdf":
        told = subprocess.run(
            ["pdftotext", "-layout", "-", "-"], input=data, capture_output=True, check=True
        ).stdout.decode()
    elif TARGETS[target].suffix == ".xml":
        told = _xml_words(data)
    elif TARGETS[target].suffix == ".ndjson":
        told = " ".join(text for line in data.splitlines() for text in said_in(json.loads(line)))
    else:
        told = data.decode("iso-8859-1" if target in NUMBERS_ONLY else "utf-8-sig")
    return " ".join(told.split())


def _xml_words(data: bytes) -> str:
    return " ".join(text for text in etree.fromstring(data).itertext() if isinstance(text, str))


def said_in(part: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """All texts of a JSON document, those of attachments too."""
    if isinstance(part, dict):
        if part.get("contentType") == "text/plain":
            yield base64.b64decode(part["data"]).decode()
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from said_in(each)
    elif isinstance(part, str):
        yield part


@EVERY
def test_it_says_what_it_is(target: str) -> None:
    exporter = TARGETS[target]
    assert exporter.title
    assert exporter.suffix in {".xml", ".csv", ".pdf", ".zip", ".txt", ".ndjson"}
    assert "/" in exporter.media_type


@EVERY
def test_its_mappings_name_fields_that_their_forms_have(target: str) -> None:
    for form, mapping in terms(target).mappings.items():
        versions = [one for (known_id, _), one in FORMS.items() if known_id == form]
        missing = [find_missing_fields(one, mapping) for one in versions]
        assert set.intersection(*missing) == set()


@pytest.mark.parametrize(
    "form",
    [form for (form_id, _), form in FORMS.items() if form == FORMS.latest(form_id)],
    ids=lambda form: f"{form.id}-{form.version}",
)
def test_the_present_version_goes_where_the_first_one_went(form: Form) -> None:
    whole = record(form.id, filled(form), version=form.version)
    mapped = [target for target, exporter in TARGETS.items() if exporter.mapping]
    taking = {target for target in mapped if options(target).takes(whole)}
    first = {target for target in mapped if options(target).takes(record(form.id))}
    assert first - taking == LEFT_BY_PRESENT.get(form.id, set())
    for target in taking:
        if TARGETS[target].unsupported_reason(whole, options(target)) is None:
            assert TARGETS[target].make(items(whole), run(target), options(target))


@TELLING
def test_every_entry_is_in_the_file_in_the_order_given(target: str) -> None:
    told = words(
        target,
        made(target, *(example(target, entry_id=f"K7M3P{n}-00", client=ARNE) for n in (3, 1, 2))),
    )
    places = [told.index(f"K7M3P{n}-00") for n in (3, 1, 2)]
    assert places == sorted(places)


@TELLING
def test_client_and_run_are_named(target: str) -> None:
    told = words(target, made(target, example(target)))
    assert example(target).client.pid in told or FORMS[FORM_OF[target], 1].subject is Subject.NONE
    assert run(target).id in told


@TELLING
def test_times_and_people_of_the_whole_way_are_told(target: str) -> None:
    told = words(target, made(target, example(target, signed=stamp("Eva Lind", 11))))
    for said in (
        "Gun Ek",
        "sjuksköterska",
        "2021-12-17 09:05",
        "Inskriven av Anna Öst 2022-01-12 10:30",
        "Kontrollerad av Per Åhs 2022-01-12 11:30",
    ):
        assert said in told
    assert "Signerad av Eva Lind 2022-01-12 12:30" in told
    assert "Efterregistrering efter IT-avbrott 2021-12-16–2022-01-10" in told


@TELLING
def test_a_first_export_is_no_amendment_and_a_second_is(target: str) -> None:
    assert "av tidigare överförd post" not in words(target, made(target, example(target)))
    told = words(
        target,
        made(
            target,
            example(target, revision=2),
            amends=PreviousExport(EARLIER.run, target, EARLIER.made_at),
        ),
    )
    assert (
        f"Rättelse av tidigare överförd post (körning {EARLIER.run}, 2022-01-10 09:15). Version 2"
        in told
    )


@TELLING
def test_a_voided_entry_says_so_with_its_reason(target: str) -> None:
    told = words(
        target, made(target, example(target, revision=2, voided="fel person"), amends=EARLIER)
    )
    assert "Makulering av tidigare överförd post" in told
    assert "fel person" in told


@TELLING
def test_an_author_whom_the_paper_does_not_name_is_not_made_up(target: str) -> None:
    told = words(target, made(target, example(target, author="", author_title="")))
    assert "på papper av okänd (namnet är inte inskrivet)" in told


@EVERY
def test_the_same_entries_give_the_same_bytes(target: str) -> None:
    assert made(target, example(target)) == made(target, example(target))


@TELLING
def test_odd_characters_break_no_file(target: str) -> None:
    told = words(target, made(target, example(target, author="A\x00b\x1b;\"<&'\r\nc")))
    assert "Gun" not in told
    assert "sjuksköterska" in told


@TELLING
def test_an_empty_outage_and_an_older_form_version_still_make_a_file(target: str) -> None:
    given = replace(
        terms(target),
        settings=terms(target).settings.model_copy(update={"outage_start": None}),
        forms=Forms(),
    )
    told = words(target, TARGETS[target].make(items(example(target)), run(target), given))
    assert "Efterregistrering efter IT-avbrott." in told


@pytest.mark.nightly
@EVERY
def test_a_thousand_entries_are_made_in_seconds(
    target: str, record_property: Callable[[str, object], None]
) -> None:
    many = [example(target, entry_id=f"K7M{n:04d}-00") for n in range(1000)]
    start = perf_counter()
    data = made(target, *many)
    taken = perf_counter() - start
    record_property(
        "measured", f"export {target}: 1000 entries in {taken:.2f} s, {len(data) / 1e6:.2f} MB"
    )
    assert taken < 60
