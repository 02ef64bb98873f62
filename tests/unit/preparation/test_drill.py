"""The yearly drill: its sheets are outside all accounting, and its result counts what was read."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pikepdf
import pytest
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.identity_numbers import normalize_pid
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import (
    Outcome,
    PageReading,
    Person,
    Reading,
    Role,
    SheetCode,
    State,
)
from pipeline.domain.settings import ROOT, Settings
from pipeline.preparation.drill import drills
from pipeline.preparation.drill.drills import (
    MAX_SCAN_PAGES,
    Drill,
    DrillScan,
    describe_remarks,
    finish_drill,
    make_drill,
    print_result,
)
from pipeline.preparation.drill.sheets import (
    DRILL_ID_PREFIX,
    SHEETS,
    DrillResult,
    FieldCounts,
    SheetResult,
    is_same,
    judge_sheets,
    load_content,
    make_drill_form,
    make_drill_sheets,
    written_fields,
)
from pipeline.preparation.outage_pack.pages import PackInfo
from pipeline.reading.read_page import PageReader
from pipeline.store.database.store import Store, open_store
from pipeline.store.event_log.events import list_events
from pipeline.store.registers.client_register import save_units
from pipeline.store.schema.registers import issued_sheet

FORMS = Forms.load(ROOT / "forms")
DAY = date(2026, 11, 29)
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
MANAGER = Person("chef", "Chef", "enhetschef", Role.MANAGER, frozenset({"Norr"}), ALL_AREAS)
BOX = (15, 50, 22, 8)
ABOUT = PackInfo("Norr", "Ort", DAY)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(workspace=tmp_path)


@pytest.fixture
def store(settings: Settings) -> Store:
    return open_store(settings, create=True)


def _text(pdf: bytes) -> str:
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()


def test_clients_of_a_drill_are_official_test_persons() -> None:
    pids = [client.pid for client in load_content().clients]
    assert all(normalize_pid(pid).valid for pid in pids)
    official = Path(os.environ.get("EFTERSKRIFT_SHARED", "")) / "schemas" / "identity"
    if official.is_dir():
        assert set(pids) <= set((official / "testpersonnummer.txt").read_text("utf-8").split())


def test_every_sheet_says_who_when_and_by_whom_in_fields_of_its_form() -> None:
    sheets = make_drill_sheets(FORMS, DAY)
    assert len({sheet.serial for sheet in sheets}) == SHEETS
    for sheet in sheets:
        form = FORMS[sheet.form, sheet.version]
        specs = [form.by_name[name] for name in sheet.values]
        means = {spec.means for spec in specs if spec.means}
        # The first side is filled in; the author of some forms is on the back.
        asked = {spec.means for spec in written_fields(form)}
        assert {"event_date"} | ({"author_name"} & asked) <= means
        for spec in specs:
            if spec.kind is Kind.CHOICE:
                assert sheet.values[spec.name] in {option.value for option in spec.options}


def test_a_sheet_is_written_from_its_top_and_no_sentence_is_put_where_an_allergy_stands() -> None:
    texts = set(load_content().texts)
    for sheet in make_drill_sheets(FORMS, DAY):
        form = FORMS[sheet.form, sheet.version]
        pages = [number for number, page in enumerate(form.pages) for _ in page.all_fields]
        page_of = dict(zip((spec.name for spec in form.fields), pages, strict=True))
        tops = [(page_of[name], form.by_name[name].box[1]) for name in sheet.values]
        assert all(later >= (page, top - 12) for (page, top), later in pairwise(tops))
        noted = [form.by_name[name] for name, value in sheet.values.items() if value in texts]
        assert all(not spec.critical and spec.box[2] >= 60 for spec in noted)


def test_forms_that_are_not_in_use_are_replaced() -> None:
    only = Forms({key: form for key, form in FORMS.items() if form.id == "fri-anteckning"})
    assert [sheet.form for sheet in make_drill_sheets(only, DAY)] == ["fri-anteckning"] * SHEETS
    with pytest.raises(UsageError):
        make_drill_sheets(Forms({}), DAY)


@pytest.mark.parametrize("form_id", sorted(set(load_content().sheets)))
def test_drill_form_is_marked_on_each_page_and_no_form_in_use(form_id: str) -> None:
    form = make_drill_form(FORMS.latest(form_id))
    assert form.id.startswith(DRILL_ID_PREFIX)
    assert form.id not in {known for known, _ in FORMS}
    assert all(any("ÖVNING" in text.text for text in page.texts) for page in form.pages)
    assert form.by_name == FORMS.latest(form_id).by_name


def test_drill_enters_no_accounting_and_is_logged(store: Store, settings: Settings) -> None:
    drill, paper = make_drill(store, settings, FORMS, MANAGER, "Norr")
    with store.read() as conn:
        assert conn.execute(issued_sheet.select()).all() == []
        assert [event.action for event in list_events(conn, drill.id)] == ["make_drill"]
    assert drills.list_drills(settings, MANAGER) == [drill]
    words = _text(paper)
    assert all(f"{sheet.serial[:4]}-{sheet.serial[4:]}" in words for sheet in drill.sheets)
    assert "19250201-6773" in words


def test_only_those_who_make_packs_of_the_unit_drill(store: Store, settings: Settings) -> None:
    with pytest.raises(NotAllowedError):
        make_drill(store, settings, FORMS, MANAGER, "Söder")
    make_drill(store, settings, FORMS, MANAGER, "Norr")
    other = replace(MANAGER, units=frozenset({"Söder"}))
    assert drills.list_drills(settings, other) == []


def _reading(value: str | bool | None, p: float = 1.0) -> Reading:
    return Reading(value, p, State.READ)


def _page(serial: str, fields: Mapping[str, Reading]) -> PageReading:
    return PageReading(Outcome.READ, SheetCode("x", 1, 1, 1, serial), fields=fields)


def test_fields_are_right_left_to_a_person_or_differ() -> None:
    sheet, lost = make_drill_sheets(FORMS, DAY)[:2]
    (unread, doubted, differing), right = list(sheet.values)[:3], list(sheet.values)[3:]
    fields = {name: _reading(sheet.values[name]) for name in right}
    fields |= {doubted: _reading(sheet.values[doubted], 0.3), differing: _reading("annat")}
    pages = [_page(sheet.serial, fields), _page("ANNAN", {}), PageReading(Outcome.UNIDENTIFIED)]
    (found, missing), unknown = judge_sheets(FORMS, [sheet, lost], pages)
    assert unread not in fields
    assert found.counts == FieldCounts(len(right), 2, 1)
    assert found.wrong_labels == (FORMS.latest(sheet.form).by_name[differing].full_label,)
    assert (missing.is_back, missing.counts.total, unknown) == (False, 0, 2)


def _digits(form: Format) -> FieldSpec:
    return FieldSpec(name="a", label="A", kind="digits", format=form, cells=4, box=BOX)


@pytest.mark.parametrize(
    ("spec", "written", "read", "same"),
    [
        (_digits(Format.NUMBER), "37.5", "037,5", True),
        (_digits(Format.NUMBER), "37.5", "38.5", False),
        (_digits(Format.NUMBER), "37.5", "375", False),
        (_digits(Format.NUMBER), "5.00", "5", True),
        (_digits(Format.NUMBER), "5", "5 ?", False),
        (_digits(Format.CODE), "0123", "123", False),
        (
            FieldSpec(name="a", label="A", kind="text", box=(15, 50, 60, 8)),
            "Vera Lind",
            "vera  lind",
            True,
        ),
        (FieldSpec(name="a", label="A", kind="mark", box=(15, 50, 5, 5)), True, False, False),
    ],
)
def test_spelling_of_numbers_and_names_does_not_matter(
    spec: FieldSpec, written: str | bool, read: str | bool, same: bool
) -> None:
    assert is_same(spec, written, read) is same


def _result(
    at: datetime = NOW,
    sheets: tuple[SheetResult, ...] = (),
    minutes: int | None = None,
    remark: str = "",
) -> DrillResult:
    ten = tuple(
        SheetResult(f"Blankett {number}", number > 0, FieldCounts(5, 2, 0)) for number in range(10)
    )
    return DrillResult(at, sheets or ten, 0, 42, minutes, remark)


def test_result_is_one_page_with_its_remarks() -> None:
    pdf = print_result(ABOUT, _result(minutes=25, remark="Pennan tog slut."))
    with pikepdf.open(io.BytesIO(pdf)) as document:
        assert len(document.pages) == 1
    words = " ".join(_text(pdf).split())
    for part in (
        "Ark tillbaka: 9 av 10",
        "tog 25 minuter",
        "Kom inte tillbaka",
        "Pennan tog slut.",
    ):
        assert part in words


def test_result_without_faults_says_so() -> None:
    sheet = SheetResult("A", is_back=True, counts=FieldCounts(1))
    assert describe_remarks(_result(sheets=(sheet,))) == ["Inga."]


def test_result_is_kept_and_the_latest_counts(store: Store, settings: Settings) -> None:
    drill, _ = make_drill(store, settings, FORMS, MANAGER, "Norr")
    finished = replace(drill, result=_result())
    drills._save(settings, finished)
    loaded = drills.load_drill(store, settings, MANAGER, drill.id)
    assert loaded == finished
    older = replace(finished, result=_result(at=NOW.replace(year=2025)))
    both: list[Drill] = [older, loaded]
    assert drills.find_last_result(both, "Norr") == finished.result
    assert drills.find_last_result(both, "Söder") is None


def _scan(monkeypatch: pytest.MonkeyPatch, pages: list[PageReading]) -> DrillScan:
    """A scan whose pages are read as these; reading itself is tested elsewhere."""
    readings = iter(pages)
    image = SimpleNamespace(data=b"", media_type="image/png")
    reader = SimpleNamespace(read=lambda *_: SimpleNamespace(reading=next(readings)))
    monkeypatch.setattr(drills, "load_pages", lambda *_: [image] * len(pages))
    monkeypatch.setattr(PageReader, "of_forms", lambda _forms: reader)
    return DrillScan(b"scan", "scan.pdf", 12, "Pennan tog slut.")


def test_a_scan_becomes_a_result_and_nothing_that_was_written_is_kept(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    drill, _ = make_drill(store, settings, FORMS, MANAGER, "Norr")
    first, second = drill.sheets[:2]
    (name, _), *others = first.values.items()
    pages = [
        _page(first.serial, {name: _reading("Hemlig text")} | {k: _reading(v) for k, v in others}),
        _page(second.serial, {key: _reading(value) for key, value in second.values.items()}),
    ]
    finished = finish_drill(
        store, settings, FORMS, MANAGER, drill, _scan(monkeypatch, [*pages, pages[1]])
    )
    assert finished.result
    assert (finished.result.sheets_back, finished.result.unknown_pages) == (2, 0)
    assert finished.result.counts == FieldCounts(len(others) + len(second.values), 0, 1)
    assert (finished.result.minutes, finished.result.remark) == (12, "Pennan tog slut.")
    assert drills.load_drill(store, settings, MANAGER, drill.id) == finished
    (file,) = (settings.workspace / "drills").iterdir()
    assert "Hemlig text" not in file.read_text("utf-8")
    with store.read() as conn:
        event = next(one for one in list_events(conn, drill.id) if one.action == "finish_drill")
    assert "Hemlig" not in str(event)


def test_only_a_scan_of_some_pages_is_read_and_only_by_those_who_made_the_drill_or_may(
    store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    drill, _ = make_drill(store, settings, FORMS, MANAGER, "Norr")
    other = replace(MANAGER, units=frozenset({"Söder"}))
    with pytest.raises(NotAllowedError):
        finish_drill(store, settings, FORMS, other, drill, _scan(monkeypatch, []))
    with pytest.raises(NotAllowedError):
        drills.load_drill(store, settings, other, drill.id)
    with pytest.raises(UsageError):
        drills.load_drill(store, settings, MANAGER, "no-drill")
    too_many = [PageReading(Outcome.UNIDENTIFIED)] * (MAX_SCAN_PAGES + 1)
    with pytest.raises(UsageError, match=str(MAX_SCAN_PAGES)):
        finish_drill(store, settings, FORMS, MANAGER, drill, _scan(monkeypatch, too_many))
    assert drills.load_drill(store, settings, MANAGER, drill.id).result is None


def test_the_commands_make_a_drill_and_write_its_result(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.begin() as conn:
        save_units(conn, {"Norr": "HSL"})
    store.close()
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(settings.workspace))
    paper, result, scan = (tmp_path / name for name in ("a.pdf", "b.pdf", "scan.pdf"))
    scan.write_bytes(b"scan")
    made = CliRunner().invoke(build_app(), ["drill", "make", "Norr", "-o", str(paper)])
    assert made.exit_code == 0, made.output
    (file,) = (settings.workspace / "drills").iterdir()
    assert file.stem in made.stderr
    words = _text(paper.read_bytes())
    assert "ÖVNING" in words
    assert words.count("Sida 1 av") >= SHEETS
    _scan(monkeypatch, [PageReading(Outcome.UNIDENTIFIED)])
    command = ["drill", "read", file.stem, str(scan), "-o", str(result), "--minutes", "7"]
    read = CliRunner().invoke(build_app(), command)
    assert read.exit_code == 0, read.output
    said = " ".join(_text(result.read_bytes()).split())
    assert "Ark tillbaka: 0 av 10." in said
    assert "Att skriva tog 7 minuter." in said
