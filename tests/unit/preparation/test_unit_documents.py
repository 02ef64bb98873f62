"""The slots of a unit's own documents in its pack: dates, ages, rights, and what is printed."""

from __future__ import annotations

import io
import subprocess
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pikepdf
import pytest

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.form.form import Area, Forms
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import Person, Role
from pipeline.domain.settings import ROOT, Settings
from pipeline.files.pdf_output import Document
from pipeline.forms.drawing import PaperDocument
from pipeline.preparation.outage_pack import unit_documents
from pipeline.preparation.outage_pack.pack import make_pack
from pipeline.preparation.outage_pack.pages import PackInfo
from pipeline.preparation.outage_pack.parts import PackOrder
from pipeline.preparation.outage_pack.staff_pages import ChainContact
from pipeline.preparation.outage_pack.unit_documents import (
    SlotContent,
    describe_age,
    find_documents,
    find_given_documents,
    list_slots,
    load_limits,
    remove_document,
    save_document,
    unit_folder,
)
from pipeline.registers.pack_quantities import SheetQuantity
from pipeline.store.database.store import Store, open_store

DAY = date(2026, 11, 29)
FORMS = Forms.load(ROOT / "forms")
MANAGER = Person("chef", "Chef", "enhetschef", Role.MANAGER, frozenset({"Norr"}), ALL_AREAS)


def _pdf(pages: int = 1) -> bytes:
    with Document("Prov") as paper:
        for number in range(pages):
            paper.add_page()
            paper.set_style(20, (0, 0, 0))
            paper.text(20, 40, f"Sida {number + 1}")
        return bytes(paper.output())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(workspace=tmp_path)


@pytest.fixture
def store(settings: Settings) -> Store:
    return open_store(settings, create=True)


def _content(slot: str, age: int | None) -> SlotContent:
    (found,) = (known for known in load_limits().slots if known.slot == slot)
    if age is None:
        return SlotContent(found)
    return SlotContent(found, Path("x.pdf"), DAY - timedelta(days=age))


@pytest.mark.parametrize(
    ("age", "start"),
    [(None, "SAKNAS: Läkemedelslistor"), (7, None), (8, "FÖR GAMMAL: Läkemedelslistor")],
)
def test_first_page_names_empty_and_old_slots(age: int | None, start: str | None) -> None:
    notes = describe_age([_content("lakemedelslista", age)], DAY)[1:]
    assert [note.startswith(start) for note in notes if start] == ([True] if start else [])
    assert len(notes) == (1 if start else 0)


@pytest.mark.parametrize(
    ("ages", "last"),
    [({}, 90), ({"lakemedelslista": 3}, 4), ({"lakemedelslista": 7, "personkort": 10}, 0)],
)
def test_pack_is_renewed_when_its_first_document_ages(ages: dict[str, int], last: int) -> None:
    note = describe_age([_content(slot, age) for slot, age in ages.items()], DAY)[0]
    assert note.endswith(f"senast {DAY + timedelta(days=last)}.")


def test_pack_with_a_document_that_is_too_old_is_renewed_now() -> None:
    contents = [_content("lakemedelslista", 9), _content("personkort", 10)]
    note = describe_age(contents, DAY)[0]
    assert "BYT UT PAKETET NU" in note
    assert note.endswith(f"{DAY - timedelta(days=2)}.")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Läkemedelslista.pdf", "document_without_slot"),
        ("annat-2026-11-01.pdf", "document_without_slot"),
        ("ringkedja-2026-13-01.pdf", "document_without_slot"),
        ("ringkedja-2999-01-01.pdf", "document_in_future"),
    ],
)
def test_a_given_file_that_would_be_left_out_is_refused(
    tmp_path: Path, name: str, key: str
) -> None:
    (tmp_path / "personkort-2026-11-01.pdf").write_bytes(b"")
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(UsageError) as raised:
        find_given_documents(tmp_path, list_slots(None))
    assert raised.value.key == f"error.{key}"
    if key == "document_without_slot":
        assert name in str(raised.value)
        assert "lakemedelslista" in raised.value.remedy


def test_an_own_telephone_chain_is_not_missing_where_it_is_given_as_a_table() -> None:
    slots = [_content("ringkedja", None), _content("kontinuitetsplan", None)]
    order = PackOrder(PackInfo("Norr", "Ort", DAY), [], slots=slots)
    assert list(order.needed_slots) == slots
    given = replace(order, chain=[ChainContact("Eva", "070-123 45 67", "chef", "")])
    assert list(given.needed_slots) == slots[1:]


@pytest.mark.parametrize(
    ("area", "has_record"), [(Area.HSL, True), (Area.SOL, False), (None, True)]
)
def test_slots_follow_the_area_of_the_unit(area: Area | None, has_record: bool) -> None:
    assert any(slot.slot == "journalutdrag" for slot in list_slots(area)) is has_record


def test_newest_document_of_a_slot_counts(tmp_path: Path) -> None:
    for name in ("ringkedja-2026-01-01.pdf", "ringkedja-2026-05-01.pdf", "ringkedja-x.pdf"):
        (tmp_path / name).write_bytes(b"")
    by_slot = {one.slot.slot: one.dated for one in find_documents(tmp_path, list_slots(None))}
    assert by_slot["ringkedja"] == date(2026, 5, 1)
    assert by_slot["personkort"] is None


def test_document_replaces_the_one_before_and_can_be_taken_out(
    store: Store, settings: Settings
) -> None:
    folder, today = unit_folder(settings, "Norr"), today_in_sweden()
    for days, pages in ((5, 1), (2, 2)):
        dated = today - timedelta(days=days)
        save = save_document(store, settings, MANAGER, "Norr", "personkort", dated, _pdf(pages))
        assert save == pages
    assert [file.name for file in folder.iterdir()] == [f"personkort-{dated.isoformat()}.pdf"]
    assert folder.stat().st_mode & 0o077 == 0
    remove_document(store, settings, MANAGER, "Norr", "personkort")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("slot", "ahead", "data", "key"),
    [
        ("annan", 0, b"%PDF", "no_such_slot"),
        ("personkort", 1, b"%PDF", "document_in_future"),
        ("personkort", 0, b"PK", "document_not_pdf"),
        ("personkort", 0, b"%PDF-1.7 trasig", "document_unreadable"),
    ],
)
def test_wrong_documents_are_refused(
    store: Store, settings: Settings, slot: str, ahead: int, data: bytes, key: str
) -> None:
    dated = today_in_sweden() + timedelta(days=ahead)
    with pytest.raises(UsageError) as raised:
        save_document(store, settings, MANAGER, "Norr", slot, dated, data)
    assert raised.value.key == f"error.{key}"
    assert not list(settings.workspace.glob("pack-documents/*/*"))


def test_only_those_who_make_packs_of_the_unit_may(store: Store, settings: Settings) -> None:
    with pytest.raises(NotAllowedError):
        save_document(store, settings, MANAGER, "Söder", "personkort", DAY, _pdf())


def test_documents_are_printed_in_their_place_with_their_date(tmp_path: Path) -> None:
    (tmp_path / "personkort-2026-11-20.pdf").write_bytes(_pdf(2))
    slots = find_documents(tmp_path, list_slots(Area.SOL))
    order = PackOrder(
        PackInfo("Norr", "Ort", DAY), [SheetQuantity("fri-anteckning", 1)], slots=slots
    )
    pack = make_pack(order, FORMS)
    part = next(data for name, data in pack.files.items() if name.endswith("-personkort.pdf"))
    with pikepdf.open(io.BytesIO(part)) as document:
        assert len(document.pages) == 2
    text = subprocess.run(["pdftotext", "-", "-"], input=part, capture_output=True, check=True)
    assert "daterad 2026-11-20, sida 2 av 2" in text.stdout.decode()
    first = subprocess.run(
        ["pdftotext", "-l", "1", "-layout", "-", "-"],
        input=next(iter(pack.files.values())),
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert "Utskrivet 2026-11-29" in first
    assert "SAKNAS: Läkemedelslistor" in first


def test_document_that_cannot_be_opened_stops_no_pack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> list[bytes]:
        raise UsageError("document_unreadable", file=path.name)

    monkeypatch.setattr(unit_documents, "load_document_pages", fail)
    (tmp_path / "ringkedja-2026-11-20.pdf").write_bytes(b"")
    (document,) = unit_documents.load_documents(find_documents(tmp_path, list_slots(None)))
    assert document.pages == ()
    with PaperDocument("Prov", DAY) as paper:
        unit_documents.draw_document(paper, PackInfo("Norr", "Ort", DAY), document)
        words = subprocess.run(
            ["pdftotext", "-", "-"], input=bytes(paper.output()), capture_output=True, check=True
        )
    assert "KAN INTE ÖPPNAS" in words.stdout.decode()
