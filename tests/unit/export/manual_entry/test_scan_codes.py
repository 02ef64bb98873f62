"""What a scanner types from the codes of Skriv in and of the printed list."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import cv2
import numpy as np
import pytest
import zxingcpp
from pdf2image import convert_from_bytes
from PIL import Image

from pipeline.domain.form.field import Meaning
from pipeline.export.manual_entry.block import EntryBlock
from pipeline.export.manual_entry.scan_codes import (
    MAX_BYTES,
    TRIAL_TEXT,
    ScanResult,
    client_text,
    entry_parts,
    judge_scan,
    make_code,
)
from pipeline.export.runs import ExportContext, fetch_run_file
from pipeline.store.schema.clock import utc_now
from tests.support.keyboards import scanned
from tests.support.store import export_examples as examples
from tests.support.store.export_office import ANNA, confirm
from tests.support.store.route_steps import make_run

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

WORDS = "Hembesök. Såret på vänster fot läker fint; ny omläggning på måndag kl 9.40. "


def drawn(text: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The code as it is on the screen: four pixels a cell, with its quiet zone."""
    data = BytesIO()
    make_code(text).save(data, kind="png", scale=4, border=4)
    return np.array(Image.open(data).convert("L"))


def block(*own: str, note: str) -> EntryBlock:
    """An entry with fields of their own in the other system, and a note."""
    rows = (*((f"Fält {place}", value) for place, value in enumerate(own)), ("Anteckning", note))
    return EntryBlock("Besök", "", rows, (), "Efterregistrerat.", frozenset(range(len(own))))


@pytest.mark.parametrize("text", ["19300101-6595", TRIAL_TEXT, (WORDS * 9)[:420]])
def test_a_code_says_its_text(text: str) -> None:
    (found,) = zxingcpp.read_barcodes(drawn(text))
    assert found.text == text


def test_another_reader_finds_the_same() -> None:
    plain = "2021-12-18\t09:40\tBesok. Vikt 71,5 kg."
    assert cv2.QRCodeDetector().detectAndDecode(drawn(plain))[0] == plain


def test_values_go_from_field_to_field_and_the_note_comes_last() -> None:
    (typed,) = entry_parts(block("2021-12-18", "09:40", note="Läker."))
    day, time, note = typed.split("\t")
    assert (day, time) == ("2021-12-18", "09:40")
    assert note.splitlines()[1] == "Anteckning: Läker."


def test_a_long_note_is_divided_between_words_and_nothing_is_lost() -> None:
    whole = block("2021-12-18", note=WORDS * 30)
    parts = entry_parts(whole)
    assert len(parts) > 3
    assert "".join(parts) == f"2021-12-18\t{whole.note_text}"
    assert max(len(part.encode()) for part in parts) <= MAX_BYTES
    assert all(part[-1] in " \n\t" for part in parts[:-1])
    assert max(make_code(part).symbol_size(border=0)[0] for part in parts) <= 73


def test_a_word_that_never_ends_is_divided_too() -> None:
    parts = entry_parts(block(note="å" * 1000))
    assert "".join(parts).count("å") == 1000
    assert max(len(part.encode()) for part in parts) <= MAX_BYTES


def test_protected_identities_have_no_code() -> None:
    assert client_text(examples.SIV)
    assert client_text(replace(examples.SIV, protected=True)) == ""


@pytest.mark.parametrize(
    ("typed", "result"),
    [
        (scanned(TRIAL_TEXT, "se"), ScanResult.RIGHT),
        (f"{TRIAL_TEXT}\n", ScanResult.RIGHT),
        (scanned(TRIAL_TEXT, "us"), ScanResult.OTHER_LAYOUT),
        (scanned(TRIAL_TEXT, "se", "us"), ScanResult.OTHER_LAYOUT),
        (TRIAL_TEXT.swapcase(), ScanResult.CAPS_LOCK),
        (TRIAL_TEXT.encode().decode("latin-1"), ScanResult.LETTERS_LOST),
        (TRIAL_TEXT.encode("ascii", "ignore").decode(), ScanResult.LETTERS_LOST),
        (TRIAL_TEXT.encode("ascii", "replace").decode(), ScanResult.OTHER_LAYOUT),
        (TRIAL_TEXT[:20], ScanResult.CUT),
        ("något annat", ScanResult.OTHER_LAYOUT),
    ],
)
def test_the_trial_says_what_to_change(typed: str, result: ScanResult) -> None:
    assert judge_scan(typed) is result


@pytest.mark.parametrize("is_wanted", [False, True])
def test_the_printed_list_has_codes_only_where_they_are_wanted(
    office: ExportContext, *, is_wanted: bool
) -> None:
    form = examples.FORMS["hsl-anteckning", 1]
    pid_field = form.meaning(Meaning.CLIENT_PID)
    assert pid_field is not None
    said = {pid_field.name: examples.SIV.pid, "kontakttyp": "besok", "anteckning": WORDS * 6}
    confirm(office, form.id, "KS0000", **said)
    settings = office.settings.model_copy(update={"scan_codes": is_wanted})
    here = ExportContext(office.store, settings, office.forms)
    run = make_run(here, ANNA, "skriv-in", utc_now())
    assert run is not None
    codes = codes_of(fetch_run_file(here, ANNA, run.id).data)
    if is_wanted:
        assert codes[0] == client_text(examples.SIV)
        assert len(codes) > 2
        assert (WORDS * 6).strip() in "".join(codes[1:])
    else:
        assert codes == []


def codes_of(pdf: bytes) -> list[str]:
    """The codes of a printed list, as a person scans them: by page, then line by line."""
    found = []
    for page in convert_from_bytes(pdf, 300, grayscale=True):
        codes = zxingcpp.read_barcodes(np.asarray(page))
        places = {code.text: code.position.top_left for code in codes}
        found += sorted(places, key=lambda text: (places[text].y // 100, places[text].x))
    return found
