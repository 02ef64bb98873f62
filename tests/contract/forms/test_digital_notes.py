"""Notes of forms without paper become entries with every value as it was typed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.form.form import Form
from pipeline.domain.model import EntryState, Outcome
from pipeline.domain.review.rules import Answer
from pipeline.files.documents import TYPED_PNG, note_key
from pipeline.forms.fiducials import new_serial
from pipeline.operations.intake import import_files
from pipeline.operations.page_job import PageJob, make_reader
from pipeline.preparation.digital_forms.form_file import DigitalPack, make_form_file
from pipeline.review import decisions
from pipeline.store.database.sampling_key import digital_form_secret
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.entry import list_sheet_entries, load_entry
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.paper.pages import (
    Page,
    list_batch_pages,
    list_queued_pages,
    load_page,
    load_page_reading,
)
from pipeline.store.registers.issued_sheets import count_unissued
from pipeline.store.schema.clock import utc_now
from tests.support.screens.seeding import (
    CLIENTS,
    NURSE,
    OTHER_UNIT,
    UNIT,
    forms,
    make_store,
    settings,
)

pytestmark = pytest.mark.slow
NOTE, MEASURES = "hsl-anteckning", "matvarden"
TYPED = {
    "personnummer": "19300101-6595",
    "namn": "Elsa Fjällberg",
    "handelsedatum": "2021-12-18",
    "handelsetid": "09:40",
    "kontakttyp": "besok",
    "information": "ja",
    "anteckning": "Såret <vänster fot> läker fint & rent.\nLägger om \\ enligt ordination.",
    "skribent": "Nina Berglund",
    "yrkestitel": "ssk",
    "underskrift": "Nina Berglund",
}


@dataclass
class Ward:
    """A workspace, and the pack whose forms its staff fill in."""

    store: Store
    folder: Path
    pack: DigitalPack

    def note(self, form: Form, values: Mapping[str, str], **head: str) -> dict[str, Any]:
        """The content that the browser would save."""
        pages = {
            spec.name: (number, spec.full_label)
            for number, page in enumerate(form.pages, start=1)
            for spec in page.all_fields
        }
        items = [
            [str(pages[name][0]), name, pages[name][1], text, text] for name, text in values.items()
        ]
        note = {
            "form": form.id,
            "version": str(form.version),
            "unit": self.pack.unit,
            "pack": self.pack.name,
            "made_on": self.pack.made_on.isoformat(),
            "title": form.title,
            "pages": str(len(form.pages)),
            "serial": new_serial(),
            "author": "Nina Berglund, ssk",
            "written_at": "2021-12-18T10:05:33+01:00",
            "values": items,
        } | head
        label = f"{note['pack']} {note['made_on']}"
        key = note_key(self.pack.secret, form.id, str(note["version"]), str(note["unit"]), label)
        text = json.dumps(note, ensure_ascii=False, separators=(",", ":"))
        digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
        return {"efterskrift": "note-1", "note": note, "digest": digest}

    def take_in(self, *contents: object, unit: str = UNIT) -> list[Page]:
        """Import files and read them; texts are written as they are, all else as JSON."""
        paths = []
        for content in contents:
            number = len(list(self.folder.iterdir()))
            paths.append(self.folder / f"{number}.efterskrift.json")
            text = content if isinstance(content, str) else json.dumps(content, indent=1)
            paths[-1].write_text(text, "utf-8")
        return self.take_in_files(*paths, unit=unit)

    def take_in_files(self, *paths: Path, unit: str = UNIT) -> list[Page]:
        """Import these files and read them."""
        batch = import_files(self.store, paths, unit=unit, place="", by="anna").batch
        desk = PageJob(self.store, make_reader(settings(self.store), self.store), 4, 0.1)
        with self.store.read() as conn:
            ids = [page.id for page in list_batch_pages(conn, batch)]
        for page_id in ids:
            desk.read(page_id)
        with self.store.read() as conn:
            return list_batch_pages(conn, batch)

    def claim(self) -> EntryView:
        """The entry that comes first."""
        with self.store.begin() as conn:
            view = queue.claim_next(conn, forms(), NURSE, queue.ClaimTerms(utc_now()))
        assert view is not None
        return view

    def decide(self, view: EntryView, answers: Mapping[str, Answer]) -> EntryState:
        """Decide an entry as it was seen."""
        entry, now = view.entry, utc_now()
        with self.store.begin() as conn:
            return decisions.decide_entry(
                conn,
                forms(),
                NURSE,
                decisions.Decision(entry.id, load_entry(conn, entry.id).revision, answers),
                now,
            )


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    """A workspace and a pack for its first unit."""
    store = make_store(tmp_path / "workspace")
    (tmp_path / "in").mkdir()
    with store.begin() as conn:
        secret = digital_form_secret(conn)
    return Ward(store, tmp_path / "in", DigitalPack.new(UNIT, date(2021, 12, 1), secret))


def read_answers(view: EntryView) -> dict[str, Answer]:
    """What is in each field at first."""
    return {
        field.spec.name: Answer(field.reading.value, field.reading.state)
        for field in view.fields
        if field.reading is not None and field.is_open
    }


def test_a_note_is_reviewed_with_every_value_as_it_was_typed_and_nothing_keyed_again(
    ward: Ward,
) -> None:
    form = forms().latest(NOTE)
    pages = ward.take_in(ward.note(form, TYPED))
    assert [page.outcome for page in pages] == [Outcome.READ] * len(form.pages)
    assert {page.media_type for page in pages} == {TYPED_PNG}
    assert pages[0].upright_sha256
    view = ward.claim()
    answers = read_answers(view)
    expected = TYPED | {"personnummer": CLIENTS[0].pid, "information": True, "underskrift": True}
    assert {name: answers[name].value for name in TYPED} == expected
    assert not [field.spec.name for field in view.fields if field.is_blind]
    assert view.entry.unit == UNIT
    assert view.entry.serial == pages[0].serial
    # Author and reviewer agree: two persons.
    assert ward.decide(view, answers) is EntryState.CONFIRMED


def test_nothing_wrong_is_shown_as_what_an_author_typed(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_PLANT_SHARE", "1")
    ward: Ward = request.getfixturevalue("ward")
    ward.take_in(ward.note(forms().latest(NOTE), TYPED))
    answers = read_answers(ward.claim())
    texts = {name: text for name, text in TYPED.items() if text == answers[name].value}
    assert texts.keys() == TYPED.keys() - {"personnummer", "information", "underskrift"}


def test_a_critical_value_that_the_reviewer_changes_waits_for_a_second_person(ward: Ward) -> None:
    ward.take_in(ward.note(forms().latest(NOTE), TYPED))
    view = ward.claim()
    answers = read_answers(view) | {"handelsetid": Answer("09:50")}
    assert view.form.by_name["handelsetid"].critical
    assert ward.decide(view, answers) is EntryState.SECOND


def test_each_row_with_something_in_it_is_an_entry(ward: Ward) -> None:
    form = forms().latest(MEASURES)
    days = [spec.name for row in (1, 3) if (spec := form.entry_field(row, "datum"))]
    pages = ward.take_in(ward.note(form, dict.fromkeys(days, "2021-12-18")))
    with ward.store.read() as conn:
        entries = list_sheet_entries(conn, pages[0].sheet or "")
    assert sorted(entry.row or 0 for entry in entries) == [1, 3]


def _changed(content: dict[str, Any]) -> object:
    content["note"]["values"][3][3] = "10:40"
    return content


def _other_key(content: dict[str, Any]) -> object:
    return content | {"digest": "0" * 64}


def _other_pack(content: dict[str, Any]) -> object:
    content["note"]["pack"] = "00000000"
    return content


@pytest.mark.parametrize("spoil", [_changed, _other_key, _other_pack])
def test_a_changed_note_is_said_to_be_changed_and_its_text_is_kept(
    ward: Ward, spoil: Callable[[dict[str, Any]], object]
) -> None:
    (first, *_) = ward.take_in(spoil(ward.note(forms().latest(NOTE), TYPED)))
    assert (first.outcome, first.problems) == (Outcome.UNIDENTIFIED, ("note_changed",))
    with ward.store.read() as conn:
        text = str(load_page_reading(conn, first.id)["anteckning"].value)
    assert "Elsa Fjällberg" in text
    assert "läker fint" in text


def test_a_note_of_another_version_keeps_its_text(ward: Ward) -> None:
    (first, *_) = ward.take_in(ward.note(forms().latest(NOTE), TYPED, version="98"))
    assert (first.outcome, first.problems) == (Outcome.UNIDENTIFIED, ("unknown_form",))


def test_a_wrong_serial_is_told(ward: Ward) -> None:
    (first, *_) = ward.take_in(ward.note(forms().latest(NOTE), TYPED, serial="AAAAAAAA"))
    assert (first.outcome, first.problems) == (Outcome.UNIDENTIFIED, ("note_serial",))


@pytest.mark.parametrize("text", ['{"efterskrift": "note-1"', '{"efterskrift": "note-1"}'])
def test_a_note_that_was_cut_off_is_a_failed_page_with_its_file(ward: Ward, text: str) -> None:
    (page,) = ward.take_in(text)
    assert page.reason.startswith("broken_file")
    assert ward.store.images.holds(page.source_sha256 or "")


def test_the_same_note_twice_is_settled_and_another_note_of_its_serial_is_asked_about(
    ward: Ward,
) -> None:
    form = forms().latest(NOTE)
    ward.take_in(ward.note(form, TYPED, serial="0123456" + _check("0123456")))
    content = ward.note(form, TYPED, serial="0123456" + _check("0123456"))
    again, *_ = ward.take_in(content | {"copy": "other bytes, the same note"})
    assert again.duplicate_of
    assert again.settled
    other, *_ = ward.take_in(
        ward.note(form, TYPED | {"yrkestitel": "usk"}, serial="0123456" + _check("0123456"))
    )
    assert other.duplicate_of
    assert not other.settled


def _check(body: str) -> str:
    from pipeline.forms.fiducials import SERIAL_ALPHABET, is_serial

    return next(character for character in SERIAL_ALPHABET if is_serial(body + character))


def test_a_note_is_of_the_unit_of_its_form_and_no_serial_is_missed(ward: Ward) -> None:
    (page, *_) = ward.take_in(ward.note(forms().latest(NOTE), TYPED), unit=OTHER_UNIT)
    assert page.unit == UNIT
    with ward.store.read() as conn:
        assert count_unissued(conn, [UNIT, OTHER_UNIT]) == 0


def test_a_plain_text_becomes_a_free_note(ward: Ward) -> None:
    path = ward.folder / "natten.txt"
    path.write_bytes(
        "Natten 14–15 dec: Elsa Fjällberg åt dåligt.\r\nRing dottern.".encode("cp1252")
    )
    (page,) = ward.take_in_files(path)
    assert (page.outcome, page.problems) == (Outcome.UNIDENTIFIED, ())
    view = ward.claim()
    note = next(field for field in view.fields if field.spec.name == "anteckning")
    assert note.reading is not None
    assert str(note.reading.value).splitlines() == [
        "Natten 14–15 dec: Elsa Fjällberg åt dåligt.",
        "Ring dottern.",
    ]


def test_a_pack_and_a_command_make_the_files_whose_notes_are_known_here(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(settings(ward.store).workspace))
    numbers, pack, single = (ward.folder / name for name in ("antal.csv", "paket", "ett.html"))
    numbers.write_text(f"enhet;blankett;antal;per_klient\n{UNIT};{MEASURES};1;0\n", "utf-8")
    commands = (
        ["pack", UNIT, "--numbers", str(numbers), "-o", str(pack)],
        ["forms", "html", MEASURES, "--unit", UNIT, "-o", str(single)],
    )
    for command in commands:
        done = CliRunner().invoke(build_app(), command, catch_exceptions=False)
        assert done.exit_code == 0, done.output
    folder = pack / "digitala-blanketter"
    # A form goes with the pack if a sheet of it does: signature key and cover are printed always.
    assert f"{MEASURES}.html" in {file.name for file in folder.iterdir()}
    for file in (folder / f"{MEASURES}.html", single):
        known = json.loads(file.read_text("utf-8").split("const known = ")[1].split(";\n")[0])
        head = known["head"]
        assert (head["form"], head["unit"]) == (MEASURES, UNIT)
        name = f"{head['pack']} {head['made_on']}"
        assert known["key"] == note_key(ward.pack.secret, MEASURES, head["version"], UNIT, name)
    unknown = ["forms", "html", MEASURES, "--unit", "Ingen", "-o", str(single)]
    assert CliRunner().invoke(build_app(), unknown).exit_code != 0


def test_a_watched_folder_takes_notes_and_leaves_other_text(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(settings(ward.store).workspace))
    monkeypatch.setenv("EFTERSKRIFT_WATCH_SECONDS", "0.05")
    note = ward.note(forms().latest(NOTE), TYPED)
    (ward.folder / "a.efterskrift.json").write_text(json.dumps(note), "utf-8")
    (ward.folder / "skannerlogg.txt").write_text("Sida 1 ok", "utf-8")
    command = ["watch", str(ward.folder), "--once", "--unit", UNIT]
    done = CliRunner().invoke(build_app(), command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    with ward.store.read() as conn:
        waiting = [load_page(conn, page_id) for page_id in list_queued_pages(conn)]
    assert [page.source_name for page in waiting] == ["a.efterskrift.json"] * len(
        forms().latest(NOTE).pages
    )


def test_each_row_of_a_table_becomes_an_entry_of_the_chosen_form_and_its_columns_are_remembered(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(settings(ward.store).workspace))
    table = ward.folder / "natten.csv"
    lines = [
        "Personnr;Namn;Datum och tid;Klockslag;Anteckning;Rum;Skriven av;Information",
        "19300101-6595;Elsa Fjällberg;2021-12-18 09:40;9.40;Sov gott.;12 b;Nina Berglund;x",
        "890020;;2021-12-19;;Fallit.;;Omar Ek;kanske",
    ]
    table.write_text("\n".join(lines), "utf-8")
    command = ["scan", str(table), "--unit", UNIT, "--form", NOTE]
    chosen = ["--column", "Datum och tid=handelsedatum", "--column", "Klockslag=handelsetid"]
    chosen += ["--column", "Information=information"]
    first = CliRunner().invoke(build_app(), [*command, *chosen], catch_exceptions=False)
    assert first.exit_code == 0, first.output
    again = CliRunner().invoke(build_app(), command, catch_exceptions=False)
    assert again.exit_code == 0, again.output
    with ward.store.read() as conn:
        waiting = list_queued_pages(conn)
    desk = PageJob(ward.store, make_reader(settings(ward.store), ward.store), 4, 0.1)
    for page_id in waiting:
        desk.read(page_id)
    with ward.store.read() as conn:
        first_page, *others = (load_page(conn, page_id) for page_id in waiting)
        read = {
            name: reading.value for name, reading in load_page_reading(conn, first_page.id).items()
        }
        rows = [load_page_reading(conn, page.id) for page in others]
    # The same table again is the same import, with the columns that were chosen before.
    assert len(waiting) == 2 * len(forms().latest(NOTE).pages)
    assert read["personnummer"] == CLIENTS[0].pid
    assert (read["handelsedatum"], read["handelsetid"]) == ("2021-12-18", "09:40")
    assert read["information"] is True
    assert "Sov gott." in str(read["anteckning"])
    texts = [str(one["anteckning"].value) for one in rows if "anteckning" in one]
    # What no field can hold is kept in the free text, and what is no number stays as it was typed.
    assert "Rum: 12 b" in str(read["anteckning"])
    assert any("Information: kanske" in text for text in texts)
    assert "890020" in [str(one["personnummer"].value) for one in rows if "personnummer" in one]


@pytest.mark.parametrize("form", forms().values(), ids=lambda form: f"{form.id}-{form.version}")
def test_every_form_has_a_file_that_loads_nothing_and_asks_all_that_is_written_by_hand(
    form: Form,
) -> None:
    html = make_form_file(DigitalPack(UNIT, date(2021, 12, 1), "s", "abcd"), form).decode()
    for spec in form.fields:
        assert (f'data-name="{spec.name}"' in html) is spec.traits.filled_by_hand, spec.name
    assert "http://" not in html
    assert "https://" not in html
    assert "src=" not in html
    assert "localStorage" not in html
