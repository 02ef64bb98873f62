"""The yearly drill: its sheets are outside all accounting, and its result counts what was read."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pikepdf
import pytest

from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.identity_numbers import normalize_pid
from pipeline.domain.model import (
    Outcome,
    PageReading,
    Person,
    Reading,
    Role,
    SheetCode,
    State,
)
from pipeline.domain.permissions import ALL_AREAS
from pipeline.domain.settings import ROOT, Settings
from pipeline.preparation.drill import drills
from pipeline.preparation.drill.drills import Drill, make_drill
from pipeline.preparation.drill.judging import (
    DrillResult,
    FieldCounts,
    SheetResult,
    is_same,
    judge_sheets,
)
from pipeline.preparation.drill.pages import describe_remarks, print_result
from pipeline.preparation.drill.sheets import (
    DRILL_ID_PREFIX,
    SHEETS,
    load_content,
    make_drill_form,
    make_drill_sheets,
    written_fields,
)
from pipeline.preparation.outage_pack.pages import PackInfo
from pipeline.store.database.store import Store, open_store
from pipeline.store.event_log.events import list_events
from pipeline.store.schema.paper import issued_sheet

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
    loaded = drills.load_drill(settings, MANAGER, drill.id)
    assert loaded == finished
    older = replace(finished, result=_result(at=NOW.replace(year=2025)))
    both: list[Drill] = [older, loaded]
    assert drills.find_last_result(both, "Norr") == finished.result
    assert drills.find_last_result(both, "Söder") is None
