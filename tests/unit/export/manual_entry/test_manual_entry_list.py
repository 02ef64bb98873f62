"""The key-in list: everything is on the paper, in order, whole and never cut off."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Sequence

import pikepdf
import pytest

from pipeline.domain.model import Client
from pipeline.domain.record import Record
from pipeline.export.exporter import Item
from pipeline.export.manual_entry.block import build_block
from pipeline.export.manual_entry.printed_list import (
    HEADING_MM,
    PAGE_HEIGHT_MM,
    TOP,
    ListPages,
    draw_entry,
    list_checksum,
    measure_entry_height,
)
from tests.support.store.export_examples import ARNE, EARLIER, SIV, items, made, record, run, terms

pytestmark = pytest.mark.slow

LONG = "Besök i hemmet. Såret på höger underben ser bra ut. "


def pages(data: bytes) -> list[str]:
    """The text of each page, with its place on the line kept."""
    told = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=data, capture_output=True, check=True
    )
    return told.stdout.decode().split("\f")[:-1]


def note(number: int, client: Client = SIV, text: str = LONG) -> Record:
    return record(
        fields={"anteckning": text, "kontakttyp": "telefon"},
        entry_id=f"K7M3P{number:02d}-00",
        client=client,
    )


def flat(told: Sequence[str]) -> str:
    return " ".join(" ".join(told).split())


def test_an_entry_has_all_that_is_keyed() -> None:
    told = flat(pages(made("skriv-in", record("matvarden", {"temp": "37.5", "anmarkning": "Yr"}))))
    for said in (
        "1. Kontroller och mätvärden, 2021-12-17 08:15",
        f"{SIV.pid} {SIV.name}",
        "Temp: 37,5 °C",
        "Anmärkning: Yr",
        "Skan-id K7M3PX-01",
    ):
        assert said in told
    assert "Originalanteckning på papper av Gun Ek, sjuksköterska" in told
    assert "Tomt" not in told


def test_one_entry_is_one_post() -> None:
    assert "Listan har 1 post." in flat(pages(made("skriv-in", note(1))))
    assert "Listan har 2 poster." in flat(pages(made("skriv-in", note(1), note(2))))


def test_options_marks_and_signatures_are_words() -> None:
    told = flat(
        pages(
            made(
                "skriv-in",
                record(fields={"kontakttyp": "bedomning", "underskrift": True, "anteckning": "x"}),
            )
        )
    )
    assert "Typ av kontakt: Bedömning" in told
    assert "Underskrift: finns på papperet" in told
    assert "Inte kryssat: Patienten har fått information" in told


def test_an_illegible_field_is_said_to_be_so() -> None:
    told = flat(pages(made("skriv-in", record(illegible=frozenset({"plan"})))))
    assert "Plan: [oläsligt]" in told


def test_every_page_bears_run_sum_secrecy_and_number() -> None:
    records = [note(n, SIV if n < 9 else ARNE, LONG * 9) for n in range(14)]
    told = pages(made("skriv-in", *records))
    assert len(told) > 3
    for number, page in enumerate(told, 1):
        assert "Körning 20220112-091500-skriv-in-3f9c" in page
        assert list_checksum(items(*records)) in page
        assert "Sekretess" in page
        assert f"Sida {number} av {len(told)}" in page


def test_every_page_names_the_client() -> None:
    told = pages(made("skriv-in", *(note(n, SIV, LONG * 9) for n in range(8))))
    assert len(told) > 1
    assert all(SIV.pid in page for page in told)


def test_a_client_has_one_signature_and_the_list_its_system_and_area() -> None:
    told = pages(made("skriv-in", *(note(n, (SIV, ARNE)[n // 3]) for n in range(6))))
    assert flat(told).count("Allt är inskrivet. Namn") == 2
    assert all("Patientjournal, HSL" in page for page in told)


def test_entries_stand_whole_on_a_page() -> None:
    told = pages(
        made("skriv-in", *(note(n, (SIV, ARNE)[n // 12], LONG * (1 + n % 9)) for n in range(24)))
    )
    for page in told:
        assert page.count("Typ av kontakt") == page.count("Skan-id")


def test_a_text_longer_than_a_page_goes_on_and_loses_nothing() -> None:
    words = [f"ord{n}" for n in range(2500)]
    told = pages(made("skriv-in", note(1, SIV, " ".join(words)), note(2)))
    assert len(told) > 2
    assert "Post 1, fortsättning" in told[1]
    assert re.findall(r"\bord\d+", flat(told)) == words


def test_a_word_wider_than_the_column_is_not_cut_off() -> None:
    assert flat(pages(made("skriv-in", note(1, SIV, "ö" * 400)))).count("ö") >= 400


@pytest.mark.parametrize("name", ["Å" * 40_000, "Ann " * 10_000], ids=["a word", "words"])
def test_a_name_longer_than_a_page_loses_neither_itself_nor_an_entry(name: str) -> None:
    told = flat(
        pages(made("skriv-in", note(1, Client(SIV.pid, name, "Norr"), LONG * 150), note(2, ARNE)))
    )
    plain = told.replace(" ", "")
    assert plain.count(name[:1]) >= name.count(name[:1])
    assert "fortsättning" in told
    assert all(f"K7M3P{number:02d}-00" in told for number in (1, 2))


def test_an_amendment_and_a_voiding_are_said_plainly() -> None:
    assert "Rättelse av tidigare överförd post" in flat(
        pages(made("skriv-in", record(revision=2), amends=EARLIER))
    )
    told = flat(pages(made("skriv-in", record(revision=2, voided="fel person"), amends=EARLIER)))
    assert "Makulera posten om den finns i systemet. Skäl: fel person" in told


def test_protected_persons_are_marked() -> None:
    assert "SKYDDADE PERSONUPPGIFTER" in flat(
        pages(made("skriv-in", note(1, Client(SIV.pid, SIV.name, "Norr", protected=True))))
    )


def test_a_character_that_the_typeface_lacks_is_shown_and_said() -> None:
    told = flat(pages(made("skriv-in", note(1, SIV, "Ordet \U0001f9ff slut"))))
    assert "Ordet ? slut" in told
    assert "Tecken som typsnittet saknar står som ?" in told


def test_names_outside_latin_1_are_written() -> None:
    told = flat(pages(made("skriv-in", note(1, Client(SIV.pid, "Česlav Łukaszenko", "Norr")))))
    assert "Česlav Łukaszenko" in told
    assert "saknar" not in told


def test_the_file_tells_nothing_more_than_its_pages() -> None:
    with (
        pikepdf.open(io.BytesIO(made("skriv-in", note(1)))) as pdf,
        pdf.open_metadata() as metadata,
    ):
        assert SIV.name not in str(dict(metadata) | dict(pdf.docinfo))
        assert "20220112-091500-skriv-in-3f9c" in str(metadata["dc:title"])


def test_the_same_entries_give_the_same_file() -> None:
    assert made("skriv-in", note(1), note(2)) == made("skriv-in", note(1), note(2))


def test_the_sum_tells_lists_apart() -> None:
    assert list_checksum(items(note(1), note(2))) != list_checksum(items(note(2), note(1)))
    assert list_checksum(items(note(1))) != list_checksum(
        items(record(entry_id="K7M3P01-00", revision=2))
    )


@pytest.mark.parametrize("times", [1, 7, 30])
def test_the_measuredheight_is_theheight_set(times: int) -> None:
    item, given = Item(1, note(1, SIV, LONG * times)), terms("skriv-in")
    with ListPages(run("skriv-in"), "") as sheet:
        sheet.add_page()
        draw_entry(sheet, item, build_block(item, given))
        taken = sheet.y - TOP
        assert taken == pytest.approx(
            measure_entry_height(sheet, item, build_block(item, given)), abs=0.6
        )
        assert measure_entry_height(sheet, item, build_block(item, given)) < (
            PAGE_HEIGHT_MM - HEADING_MM
        )
