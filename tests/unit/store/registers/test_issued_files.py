"""A pack's serials come in once there is a store: each once, all or none, and what is odd is
told.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.errors import NotAllowedError, UsageError
from pipeline.domain.form.field import Format
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import IssuedSheet, Role
from pipeline.domain.settings import ROOT, Settings
from pipeline.files.documents import TYPED_PNG
from pipeline.forms.fiducials import new_serial
from pipeline.registers.issued_serials import format_issued_file
from pipeline.registers.planned_visits import PlanKind
from pipeline.store.database.store import Store, open_store
from pipeline.store.event_log.events import list_events
from pipeline.store.registers.client_register import save_units
from pipeline.store.registers.issued_sheets import (
    IssuedFileResult,
    count_unissued,
    import_issued_file,
)
from pipeline.store.registers.planning import planned_counts
from pipeline.store.reports.sheet_accounting import count_sheets
from pipeline.store.schema import paper
from tests.support.store.counted_statements import statements
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    CHIEF,
    FORMS,
    NORTH,
    NOTE,
    SAID,
    SOUTH,
    VISITS,
    Ward,
    page_reading,
    person,
)

pytest_plugins = ("tests.support.store.databases",)
SERIALS = [new_serial() for _ in range(4)]
SHEETS = [IssuedSheet(serial, NOTE.id, 1, NORTH) for serial in SERIALS[:3]] + [
    IssuedSheet(SERIALS[3], NOTE.id, 1, SOUTH, ASTA.pid)
]

DOSES = Forms.load(ROOT / "forms")["signeringslista", 1]
BOTH = Forms({**FORMS, (DOSES.id, DOSES.version): DOSES})


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


def take(ward: Ward, sheets: list[IssuedSheet]) -> IssuedFileResult:
    with ward.store.begin() as conn:
        return import_issued_file(conn, FORMS, ADMIN, format_issued_file(sheets))


@pytest.mark.both_databases
def test_a_note_without_paper_is_of_its_forms_unit_and_nobody_has_to_issue_its_serial(
    ward: Ward,
) -> None:
    for unit in (SOUTH, "Ingen enhet"):
        page = ward.scan()
        with ward.store.begin() as conn:
            own = paper.page.c.id == page
            conn.execute(update(paper.page).where(own).values(media_type=TYPED_PNG))
        ward.read(page, replace(page_reading(NOTE, new_serial(), SAID), unit=unit))
    units = select(paper.page.c.unit).order_by(paper.page.c.position)
    with ward.store.read() as conn:
        assert conn.execute(units).scalars().all() == [SOUTH, NORTH]
        assert count_unissued(conn, [NORTH, SOUTH]) == 0
    ward.read(ward.scan(), page_reading(NOTE, new_serial(), SAID))
    with ward.store.read() as conn:
        assert count_unissued(conn, [NORTH, SOUTH]) == 1


def test_a_file_is_taken_in_once_however_often_it_comes(ward: Ward) -> None:
    assert take(ward, SHEETS) == IssuedFileResult(4, 0, 0, (), 0)
    assert take(ward, SHEETS) == IssuedFileResult(0, 4, 0, (), 0)
    assert take(
        ward, [*SHEETS, IssuedSheet(new_serial(), "ny-blankett", 2, NORTH)]
    ) == IssuedFileResult(1, 4, 0, ("ny-blankett 2",), 0)
    with ward.store.read() as conn:
        assert {
            (one.unit, one.form): one.reserve for one in count_sheets(conn, {NORTH, SOUTH})
        } == {
            (NORTH, NOTE.id): 3,
            (NORTH, "ny-blankett"): 1,
            (SOUTH, NOTE.id): 1,
        }
        assert [event.action for event in list_events(conn, SERIALS[3])] == [
            "issue",
            "print_for_client",
        ]
        assert (
            len(
                [
                    event
                    for event in list_events(conn, SERIALS[0])
                    if event.action == "take_in_issued"
                ]
            )
            == 6
        )


def test_paper_that_came_before_the_file_is_told_of_and_learns_whom_it_was_printed_for(
    ward: Ward,
) -> None:
    for serial in (SERIALS[3], SERIALS[0], "STRANGER"):
        ward.read(ward.scan(), page_reading(NOTE, serial, SAID))
    assert take(ward, SHEETS) == IssuedFileResult(4, 0, 2, (), 1)
    with ward.store.read() as conn:
        clients = dict(conn.execute(select(paper.entry.c.serial, paper.entry.c.client_pid)).all())
    assert clients == {SERIALS[3]: ASTA.pid, SERIALS[0]: None, "STRANGER": None}


def test_scanned_paper_of_all_sheets_of_a_file_is_asked_for_at_once(ward: Ward) -> None:
    def asked(count: int) -> int:
        with statements(ward.store) as said:
            take(
                ward, [IssuedSheet(new_serial(), NOTE.id, 1, SOUTH, ASTA.pid) for _ in range(count)]
            )
        return sum(bool(re.match(r'SELECT entry\.id, entry\.(serial|"?row)', one)) for one in said)

    assert asked(1) == asked(5) == 1


@pytest.mark.parametrize(
    ("form", "whose"),
    [
        (VISITS, [(1, ASTA.pid, ASTA.pid), (2, None, "")]),
        (DOSES, [(1, ASTA.pid, ASTA.pid), (2, ASTA.pid, ASTA.pid)]),
    ],
)
def test_rows_that_came_before_the_file_are_the_clients_that_they_were_printed_for(
    ward: Ward, form: Form, whose: list[object]
) -> None:
    """On a list of visits a client's sheet has the first row filled in; on one about a single
    client all rows are the client's.
    """
    said = {Format.TIME: "08:15", Format.DATE: "2026-02-17"}
    written = {
        spec.name: said[spec.format]
        for spec in form.fields
        if spec.row in (1, 2) and spec.format in said
    }
    ward.read(ward.scan(), page_reading(form, SERIALS[0], written), form)
    with ward.store.begin() as conn:
        import_issued_file(
            conn,
            BOTH,
            ADMIN,
            format_issued_file([IssuedSheet(SERIALS[0], form.id, form.version, NORTH, ASTA.pid)]),
        )
        entry = paper.entry.c
        assert (
            conn.execute(
                select(entry.row, entry.client_pid, entry.likely_pid).order_by(entry.row)
            ).all()
            == whose
        )


def test_a_serial_that_is_known_as_another_sheet_stops_the_whole_file(ward: Ward) -> None:
    ward.issue(IssuedSheet(SERIALS[1], NOTE.id, 1, SOUTH))
    with pytest.raises(UsageError, match=SERIALS[1]):
        take(ward, SHEETS)
    with ward.store.read() as conn:
        assert sum(one.issued for one in count_sheets(conn, {NORTH, SOUTH})) == 1


def test_an_unknown_unit_and_a_person_who_does_not_print_are_refused(ward: Ward) -> None:
    with pytest.raises(UsageError, match="Nya enheten"):
        take(ward, [IssuedSheet(SERIALS[0], NOTE.id, 1, "Nya enheten")])
    for who in (CHIEF, person("annan", Role.ADMINISTRATOR, (SOUTH,))):
        with ward.store.begin() as conn, pytest.raises(NotAllowedError):
            import_issued_file(conn, FORMS, who, format_issued_file(SHEETS))


def test_the_commands_tell_what_came_of_a_file_and_of_a_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path))
    store = open_store(Settings(workspace=tmp_path), create=True)
    with store.begin() as conn:
        save_units(conn, {NORTH: "HSL"})
    file, plan = tmp_path / "utlamnade.csv", tmp_path / "plan.csv"
    file.write_bytes(format_issued_file([SHEETS[0]]))
    plan.write_text(f"enhet;datum;antal\n{NORTH};2026-02-17;4\n", "utf-8")
    said = [
        CliRunner()
        .invoke(build_app(), ["issued", "take-in", str(file)], catch_exceptions=False)
        .output
        for _ in range(2)
    ]
    assert [line.split(",")[0] for line in said] == ["1 new", "0 new"]
    assert "Forms that are not in the forms folder: anteckning 1" in said[0]
    assert (
        "1 day of 1 unit"
        in CliRunner()
        .invoke(build_app(), ["planned", str(plan), "--kind", "pass"], catch_exceptions=False)
        .output
    )
    with store.read() as conn:
        assert planned_counts(conn, {NORTH}, PlanKind.SHIFTS) == {NORTH: {"2026-02-17": 4}}
        assert planned_counts(conn, {NORTH}, PlanKind.VISITS) == {}
