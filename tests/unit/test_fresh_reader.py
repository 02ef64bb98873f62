"""A worker's reader knows who signs as soon as the store does, and asks for nothing else anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.digitize import Digitized, Reader
from pipeline.form_library import FormLibrary
from pipeline.fresh_reader import FreshReader
from pipeline.model import Client, Outcome, PageReading, StaffMember
from pipeline.published import publish
from pipeline.settings import ROOT, Settings
from pipeline.store.database import open_store
from pipeline.store.registers import save_clients
from pipeline.store.staff_list import save_staff
from pipeline.template import Forms

pytestmark = pytest.mark.slow

EVA = StaffMember("Eva Marklund", "sjuksköterska", "EM", "Norr")


def test_staff_that_comes_while_pages_are_read_is_known_at_the_next_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known: list[tuple[StaffMember, ...]] = []
    readers: list[int] = []

    def read(self: Reader, data: bytes, media_type: str) -> Digitized:
        del data, media_type
        readers.append(id(self))
        known.append(self.context.staff.members if self.context.staff else ())
        return Digitized(PageReading(Outcome.BLANK))

    monkeypatch.setattr(Reader, "read", read)
    store = open_store(Settings(workspace=tmp_path), create=True)
    reader = FreshReader(Reader.of_forms(Forms()), store, {})
    reader.read(b"", "image/png")
    with store.begin() as conn:
        save_staff(conn, [EVA])
    reader.read(b"", "image/png")
    reader.read(b"", "image/png")
    assert known == [(), (EVA,), (EVA,)]
    assert readers[1] == readers[2]
    store.close()


def test_clients_that_come_while_pages_are_read_are_known_at_the_next_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known: list[list[str]] = []
    registers: list[int] = []

    def read(self: Reader, data: bytes, media_type: str) -> Digitized:
        del data, media_type
        registers.append(id(self.context.register))
        known.append([client.name for client in self.context.register or ()])
        return Digitized(PageReading(Outcome.BLANK))

    monkeypatch.setattr(Reader, "read", read)
    store = open_store(Settings(workspace=tmp_path), create=True)
    reader = FreshReader(Reader.of_forms(Forms(), []), store, {})
    reader.read(b"", "image/png")
    with store.begin() as conn:
        save_clients(conn, [Client("189001019802", "Asta Provberg", "Norr")])
    reader.read(b"", "image/png")
    reader.read(b"", "image/png")
    assert known == [[], ["Asta Provberg"], ["Asta Provberg"]]
    assert registers[1] == registers[2]
    store.close()


def test_a_form_that_is_published_while_pages_are_read_is_known_at_the_next_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known: list[set[str]] = []

    def read(self: Reader, data: bytes, media_type: str) -> Digitized:
        del data, media_type
        known.append({form_id for form_id, _ in self.forms})
        return Digitized(PageReading(Outcome.BLANK))

    monkeypatch.setattr(Reader, "read", read)
    settings = Settings(workspace=tmp_path, forms=tmp_path / "none")
    store = open_store(settings, create=True)
    library = FormLibrary(settings)
    reader = FreshReader(Reader.of_forms(library.forms()), store, {}, library)
    reader.read(b"", "image/png")
    folder = settings.own_forms / "hsl-anteckning"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "forms" / "hsl-anteckning" / "form.yaml", folder)
    reader.read(b"", "image/png")
    publish(settings.own_forms)
    reader.read(b"", "image/png")
    assert known == [set(), set(), {"hsl-anteckning"}]
    assert library.forms() is library.forms()
    store.close()
