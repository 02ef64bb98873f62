"""A worker's reader knows who signs as soon as the store does, and asks for nothing else again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.domain.form.form import Forms
from pipeline.domain.model import Client, Outcome, PageReading, StaffMember
from pipeline.domain.settings import ROOT, Settings
from pipeline.forms.library import FormLibrary, publish_forms
from pipeline.operations.page_job import RefreshingReader
from pipeline.reading.read_page import PageReader, PageResult
from pipeline.store.database.store import open_store
from pipeline.store.registers.client_register import save_clients
from pipeline.store.registers.staff import save_staff

pytestmark = pytest.mark.slow

EVA = StaffMember("Eva Marklund", "sjuksköterska", "EM", "Norr")


def test_staff_that_comes_while_pages_are_read_is_known_at_the_next_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[tuple[StaffMember, ...]] = []
    readers: list[int] = []

    def read(self: PageReader, data: bytes, media_type: str, unit: str) -> PageResult:
        del data, media_type, unit
        readers.append(id(self))
        known.append(self.context.staff.members if self.context.staff else ())
        return PageResult(PageReading(Outcome.BLANK))

    monkeypatch.setattr(PageReader, "read", read)
    store = open_store(Settings(workspace=tmp_path), create=True)
    reader = RefreshingReader(PageReader.of_forms(Forms()), store, {})
    reader.read(b"", "image/png")
    with store.begin() as conn:
        save_staff(conn, [EVA])
    reader.read(b"", "image/png")
    reader.read(b"", "image/png")
    assert known == [(), (EVA,), (EVA,)]
    assert readers[1] == readers[2]
    store.close()


def test_clients_that_come_while_pages_are_read_are_known_at_the_next_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[list[str]] = []
    registers: list[int] = []

    def read(self: PageReader, data: bytes, media_type: str, unit: str) -> PageResult:
        del data, media_type, unit
        registers.append(id(self.context.register))
        known.append([client.name for client in self.context.register or ()])
        return PageResult(PageReading(Outcome.BLANK))

    monkeypatch.setattr(PageReader, "read", read)
    store = open_store(Settings(workspace=tmp_path), create=True)
    reader = RefreshingReader(PageReader.of_forms(Forms(), []), store, {})
    reader.read(b"", "image/png")
    with store.begin() as conn:
        save_clients(conn, [Client("189001019802", "Asta Provberg", "Norr")])
    reader.read(b"", "image/png")
    reader.read(b"", "image/png")
    assert known == [[], ["Asta Provberg"], ["Asta Provberg"]]
    assert registers[1] == registers[2]
    store.close()


def test_a_form_that_is_published_while_pages_are_read_is_known_at_the_next_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[set[str]] = []

    def read(self: PageReader, data: bytes, media_type: str, unit: str) -> PageResult:
        del data, media_type, unit
        known.append({form_id for form_id, _ in self.forms})
        return PageResult(PageReading(Outcome.BLANK))

    monkeypatch.setattr(PageReader, "read", read)
    settings = Settings(workspace=tmp_path, forms=tmp_path / "none")
    store = open_store(settings, create=True)
    library = FormLibrary(settings)
    reader = RefreshingReader(PageReader.of_forms(library.forms()), store, {}, library)
    reader.read(b"", "image/png")
    folder = settings.own_forms / "hsl-anteckning"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "forms" / "hsl-anteckning" / "form.yaml", folder)
    reader.read(b"", "image/png")
    publish_forms(settings.own_forms)
    reader.read(b"", "image/png")
    assert known == [set(), set(), {"hsl-anteckning"}]
    assert library.forms() is library.forms()
    store.close()
