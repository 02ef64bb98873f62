"""Attachments go with their entry to each target, and every file says what is not typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any

import pikepdf
import pytest
from lxml import etree
from PIL import Image

from pipeline.domain.record import Record, RecordAttachment, TypedPart
from pipeline.export.archive.sheets import PlacedText, SheetSide, sheet_pdf
from pipeline.export.manual_entry.block import build_block
from pipeline.export.record_text import late_entry_text
from tests.support.store.export_examples import (
    MADE_AT,
    SETTINGS,
    items,
    made,
    record,
    run,
    terms,
    unzip,
)
from tests.support.store.targets import TARGETS

BILL = RecordAttachment("Hyresavi", "2021-12-03", "bill")
RECEIPT = RecordAttachment("Kvitto", "", "receipt")


def picture(name: str = "") -> bytes:
    out = BytesIO()
    Image.new("L", (60, 85), 200 + len(name)).save(out, "JPEG")
    return out.getvalue()


def sent(form: str = "hsl-anteckning", **other: Any) -> Record:  # noqa: ANN401
    return record(form, attachments=(BILL, RECEIPT), pages=("sheet",), **other)


def contents(resource: object) -> Iterator[dict[str, Any]]:
    """Every attachment of a FHIR resource, however deep."""
    if isinstance(resource, dict):
        if "contentType" in resource:
            yield resource
        for value in resource.values():
            yield from contents(value)
    elif isinstance(resource, list):
        for value in resource:
            yield from contents(value)


def fhir_titles(which: Record) -> list[str]:
    options = replace(terms("fhir"), load_image=picture)
    data = TARGETS["fhir"].make(items(which), run("fhir"), options)
    found = contents([json.loads(line) for line in data.decode().splitlines() if line.strip()])
    return [one["title"] for one in found if one["contentType"] == "application/pdf"]


def test_fhir_carries_each_attachment_as_a_document_with_its_title() -> None:
    title = record().title
    assert fhir_titles(sent()) == [title, "Hyresavi, 2021-12-03", "Kvitto"]


def test_fhir_carries_no_picture_of_a_protected_client() -> None:
    plain = sent()
    assert fhir_titles(replace(plain, client=replace(plain.client, protected=True))) == []


def test_the_list_to_key_in_says_see_the_attachment() -> None:
    (item,) = items(sent())
    rows = build_block(item, terms("skriv-in")).rows
    assert rows[-2:] == (
        ("Bilaga 1", "Hyresavi, 2021-12-03 – se bilaga, skriv inte av"),
        ("Bilaga 2", "Kvitto – se bilaga, skriv inte av"),
    )


def test_erms_names_each_attachment_in_a_note() -> None:
    fields = {"arende": "Ansökan"}
    files = unzip(made("erms", sent("inkommen-handling", fields=fields)))
    root = etree.fromstring(files["erms.xml"])
    notes = [one.text for one in root.iter("{*}note") if one.get("noteType") == "Bilaga"]
    assert notes == ["Hyresavi, 2021-12-03", "Kvitto"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (TypedPart.WHOLE, "Bilagor: Hyresavi, 2021-12-03; Kvitto."),
        (TypedPart.HEAD, "inte inskrivet i sin helhet"),
        (TypedPart.DEVIATIONS, "Bara avvikelserna är inskrivna"),
    ],
)
def test_every_target_is_told_what_is_only_in_the_picture(typed: TypedPart, words: str) -> None:
    assert words in late_entry_text(sent(typed=typed), SETTINGS)


def test_a_void_entry_sends_no_attachment() -> None:
    void = sent(voided="fel person")
    (item,) = items(void)
    assert "Bilaga 1" not in dict(build_block(item, terms("skriv-in")).rows)
    assert "Bilagor" not in late_entry_text(void, SETTINGS)


def test_the_printed_words_of_an_attachment_can_be_searched_in_the_archive() -> None:
    words = (PlacedText((10, 20, 30, 5), "Hyresavi"), PlacedText((50, 20, 30, 5), "5432"))
    data = sheet_pdf([SheetSide(picture(), 210, 297, words)], "Bilaga", "Gun Ek", MADE_AT)
    with pikepdf.open(BytesIO(data)) as pdf:
        drawn = pdf.pages[0].Contents.read_bytes()
    assert drawn.count(b"Tj") + drawn.count(b"TJ") >= 2
