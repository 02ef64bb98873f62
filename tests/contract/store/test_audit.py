"""Following up who has seen what, on both databases: rows and counts, the extract for a client, the
file for a log service, the commands.
"""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pikepdf
import pytest
from lxml import etree
from sqlalchemy import Connection, select
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain import dates
from pipeline.domain.errors import ExitCode, ExportError, NotAllowedError, UsageError
from pipeline.domain.model import Client, IssuedSheet, Person, Role
from pipeline.domain.settings import Settings
from pipeline.reporting.audit import follow_up
from pipeline.reporting.audit.anchors import describe_problem, read_anchors, take_anchor
from pipeline.reporting.audit.client_extract import (
    format_extract_csv,
    make_client_extract,
    render_extract_pdf,
)
from pipeline.reporting.audit.storelog import LOG_NS, activity_type, write_storelog
from pipeline.store.database.clock import utc_now
from pipeline.store.database.store import Store
from pipeline.store.entries import queue, queue_order
from pipeline.store.entries.queue_order import PriorityKind
from pipeline.store.event_log.events import record
from pipeline.store.event_log.hash_chain import ChainProblem, ProblemKind
from pipeline.store.event_log.queries import Hint, LogFilter, clients_of_subjects
from pipeline.store.paper.lookup import find_sheets
from pipeline.store.registers import client_register
from pipeline.store.review import decisions
from pipeline.store.schema import paper
from tests.support.shared_data import shared
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    BROR,
    CILLA,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOTE,
    NOW,
    PLAN,
    SAID,
    SOUTH,
    UNKNOWN_PID,
    Ward,
    answers,
    later,
    person,
)

pytest_plugins = ("tests.support.store.databases",)
pytestmark = pytest.mark.both_databases

LOGGER = person("lo", Role.LOG_REVIEWER, (NORTH, SOUTH))
NORTHERN = person("lona", Role.LOG_REVIEWER, (NORTH,))
TODAY = follow_up.day_range(
    dates.today_in_sweden() - timedelta(days=1), dates.today_in_sweden() + timedelta(days=1)
)
ALL = LogFilter(*TODAY)


@pytest.fixture
def ward(store: Store) -> Ward:
    """A ward in which Asta's note was looked at and decided, Cilla's only looked at, and somebody
    tried what is not allowed.
    """
    ward = Ward(store).begin()
    ward.issue(
        IssuedSheet("AAAA", NOTE.id, 1, NORTH, ASTA.pid),
        IssuedSheet("CCCC", NOTE.id, 1, SOUTH, CILLA.pid),
    )
    asta, _ = ward.note("AAAA"), ward.note("CCCC", {**SAID, "pnr": CILLA.pid})
    with store.begin() as conn:
        view = queue.open_claimed_entry(conn, FORMS, EVA, asta, NOW)
        for page in view.pages:
            queue.record_page_view(conn, EVA, page.id)
        client_register.look_up_client(conn, EVA, ASTA.pid)
        decisions.decide_entry(
            conn, FORMS, EVA, asta, view.entry.revision, answers({**SAID, **PLAN}), later(1)
        )
        queue.record_page_view(conn, ADMIN, f"{ward.batch}-00003")
        find_sheets(conn, NILS, "AAAA")
    with pytest.raises(NotAllowedError), store.begin() as conn:
        queue.record_page_view(conn, NILS, f"{ward.batch}-00003")
    return ward


def extract(ward: Ward, typed: str, who: Person = LOGGER) -> list[str]:
    with ward.store.begin() as conn:
        return [
            line.description
            for line in make_client_extract(conn, who, typed, *TODAY, utc_now()).lines
        ]


def test_rows_are_those_of_the_own_units_the_newest_first_and_the_look_is_logged(
    ward: Ward,
) -> None:
    with ward.store.begin() as conn:
        page = follow_up.load_log_page(conn, NORTHERN, ALL, 0, 5)
        assert len(page.rows) == 5
        assert [row.id for row in page.rows] == sorted((row.id for row in page.rows), reverse=True)
        every = follow_up.load_log_page(conn, NORTHERN, ALL, 0, 500, first=False)
        assert len(every.rows) == every.total == page.total
        assert {row.unit for row in every.rows} == {NORTH, None}
        assert page.names["eva"] == EVA.name
    with ward.store.begin() as conn:
        views = follow_up.load_log_page(
            conn, LOGGER, LogFilter(*TODAY, action="view_log"), 0, 5, first=False
        )
    assert [(row.by, row.detail["rows"]) for row in views.rows] == [("lona", page.total)]


def test_rows_are_chosen_by_person_action_unit_client_and_time(ward: Ward) -> None:
    def found(**wanted: object) -> list[tuple[str, str]]:
        with ward.store.read() as conn:
            chosen = LogFilter(**{"start": TODAY[0], "end": TODAY[1], **wanted})  # type: ignore[arg-type]
            return [
                (row.by, row.action)
                for row in follow_up.load_log_page(conn, LOGGER, chosen, 0, 99, first=False).rows
            ]

    assert set(found(by="eva")) == {
        ("eva", "view_page"),
        ("eva", "look_up_client"),
        ("eva", "decide"),
    }
    assert found(action="decide") == [("eva", "decide")]
    assert set(found(unit=SOUTH, action="view_page")) == {("admin", "view_page")}
    assert ("eva", "look_up_client") in found(client=ASTA.pid)
    assert ("admin", "view_page") not in found(client=ASTA.pid)
    assert ("admin", "print_for_client") in found(client=CILLA.pid)
    assert found(client=BROR.pid) == []
    assert found(end=TODAY[0]) == []
    with pytest.raises(NotAllowedError), ward.store.begin() as conn:
        follow_up.load_log_page(conn, NORTHERN, LogFilter(*TODAY, unit=SOUTH), 0, 5)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.LOG_REVIEWER])
def test_nobody_else_sees_the_log(ward: Ward, role: Role) -> None:
    who = person("x", role, (NORTH, SOUTH))
    acts: list[Callable[[Connection], object]] = [
        lambda conn: follow_up.load_log_page(conn, who, ALL, 0, 5),
        lambda conn: follow_up.export_log_csv(conn, who, ALL),
        lambda conn: follow_up.count_hints(conn, who, ALL),
        lambda conn: follow_up.count_views_per_day(conn, who, ALL),
        lambda conn: follow_up.list_filter_choices(conn, who, ALL),
        lambda conn: make_client_extract(conn, who, ASTA.pid, *TODAY, utc_now()),
    ]
    for act in acts:
        with pytest.raises(NotAllowedError), ward.store.begin() as conn:
            act(conn)
    with pytest.raises(NotAllowedError):
        write_storelog(ward.store, who, Settings(), ALL, io.BytesIO())
    with ward.store.read() as conn:
        denied = follow_up.load_log_page(
            conn, LOGGER, LogFilter(*TODAY, by="x", action="denied"), 0, 99, first=False
        )
    assert denied.total == len(acts) + 1


def test_accesses_that_are_worth_a_question_are_counted_and_listed(ward: Ward) -> None:
    with ward.store.begin() as conn:
        conn.execute(
            paper.staff_unit.insert(),
            [
                {"login": who.login, "unit": unit}
                for who in (EVA, NILS, ADMIN)
                for unit in who.units
                if unit != SOUTH
            ],
        )
        client_register.save_clients(conn, [Client(ASTA.pid, ASTA.name, NORTH, protected=True)])
        record(conn, "eva", "break_glass", "eva", unit=NORTH)
        record(conn, "system", "login_failed", "unknown")
        found = follow_up.count_hints(conn, LOGGER, ALL)
        assert found == {
            Hint.WITHOUT_DECISION: 1,
            Hint.OTHER_UNIT: 1,
            Hint.PROTECTED: 2,
            Hint.BREAK_GLASS: 0,
            Hint.DENIED: 1,
            Hint.LOGIN_FAILED: 0,
        }
    with ward.store.read() as conn:
        found = follow_up.count_hints(conn, LOGGER, ALL)
        assert (found[Hint.BREAK_GLASS], found[Hint.LOGIN_FAILED]) == (1, 1)
        (lonely,) = follow_up.load_log_page(
            conn, LOGGER, LogFilter(*TODAY, hint=Hint.WITHOUT_DECISION), 0, 9, first=False
        ).rows
        assert (lonely.by, lonely.subject) == ("admin", f"{ward.batch}-00003")


def test_views_per_day_are_swedish_days_with_none_left_out(ward: Ward) -> None:
    with ward.store.read() as conn:
        found = follow_up.count_views_per_day(conn, LOGGER, ALL)
    today = dates.today_in_sweden().isoformat()
    assert list(found) == [
        (dates.today_in_sweden() + timedelta(days=n)).isoformat() for n in (-1, 0, 1)
    ]
    assert found[today] == sum(found.values()) == 3


def test_the_table_names_no_client(ward: Ward) -> None:
    with ward.store.begin() as conn:
        text = follow_up.export_log_csv(conn, LOGGER, ALL).decode("utf-8-sig")
    assert text.splitlines()[0] == "nummer;tid;login;namn;händelse;enhet;gäller;uppgifter;sha256"
    assert "eva;Eva Ek;view_page;" in text
    for secret in (ASTA.pid, ASTA.name, CILLA.pid, *map(str, SAID.values())):
        assert secret not in text.replace("Eva Ek", "")


def test_a_client_is_told_when_and_where_and_by_whom_not(ward: Ward) -> None:
    with ward.store.begin() as conn:
        made = make_client_extract(
            conn, LOGGER, ASTA.pid[2:8] + "-" + ASTA.pid[8:], *TODAY, utc_now()
        )
    assert (made.pid, made.name, made.other_unit_rows) == (ASTA.pid, ASTA.name, 0)
    assert {line.unit for line in made.lines} == {NORTH}
    assert {line.description: line.count for line in made.lines} == {
        "En blankett med ditt namn skrevs ut": 1,
        "Personal såg på papperet": 2,
        "Personal sökte efter dina uppgifter": 2,
        "Personal förde in eller kontrollerade uppgifter från papperet": 1,
    }
    table = format_extract_csv(made).decode("utf-8-sig")
    assert EVA.name not in table
    assert "eva" not in table
    assert "Ett utdrag som detta togs fram" in extract(ward, ASTA.pid)


def test_what_was_once_taken_for_the_client_is_told_and_what_never_was_is_not(ward: Ward) -> None:
    assert "Personal såg på papperet" in extract(ward, CILLA.pid)
    assert extract(ward, BROR.pid) == []
    with ward.store.begin() as conn:
        conn.execute(
            paper.entry.update().where(paper.entry.c.id == "AAAA-00").values(client_pid=BROR.pid)
        )
    assert "Personal såg på papperet" in extract(ward, ASTA.pid)
    assert "Personal såg på papperet" in extract(ward, BROR.pid)


def test_a_client_who_was_pulled_to_the_front_is_told_so(ward: Ward) -> None:
    chief = person("chefen", Role.MANAGER, (NORTH,))
    asked = "En chef bad att uppgifterna skulle föras in först"
    with ward.store.begin() as conn:
        by_number = queue_order.prioritize(conn, chief, PriorityKind.CLIENT, NORTH, BROR.pid, NOW)
        by_entry = queue_order.prioritize(conn, chief, PriorityKind.ENTRY, NORTH, "AAAA-00", NOW)
        queue_order.prioritize(conn, chief, PriorityKind.UNIT, NORTH, "", NOW)
    assert extract(ward, BROR.pid) == [asked]
    assert extract(ward, ASTA.pid).count(asked) == 1
    with ward.store.begin() as conn:
        queue_order.undo_priority(conn, chief, by_number.id, later(1))
        assert clients_of_subjects(conn, [by_number.id, by_entry.id]) == {
            by_number.id: {BROR.pid},
            by_entry.id: {ASTA.pid},
        }
    assert len(extract(ward, BROR.pid)) > 1


def test_an_extract_says_what_it_does_not_cover_and_wants_a_whole_number(ward: Ward) -> None:
    with ward.store.begin() as conn:
        made = make_client_extract(conn, NORTHERN, CILLA.pid, *TODAY, utc_now())
        assert made.other_unit_rows == 2
        assert {line.unit for line in made.lines} <= {NORTH, ""}
        assert make_client_extract(conn, LOGGER, UNKNOWN_PID, *TODAY, utc_now()).lines == ()
        with pytest.raises(UsageError, match="personal number"):
            make_client_extract(conn, LOGGER, "Asta", *TODAY, utc_now())


def test_the_extract_as_paper_holds_unit_and_words(ward: Ward) -> None:
    with ward.store.begin() as conn:
        full = make_client_extract(conn, LOGGER, ASTA.pid, *TODAY, utc_now())
        partial = make_client_extract(conn, NORTHERN, CILLA.pid, *TODAY, utc_now())
        nothing = make_client_extract(conn, LOGGER, BROR.pid, *TODAY, utc_now())
    for each in (full, partial, nothing):
        with pikepdf.open(io.BytesIO(render_extract_pdf(each, "Kalix kommun"))) as pdf:
            assert len(pdf.pages) == 1


def posts(data: bytes) -> Iterator[dict[str, list[str]]]:
    for log in etree.fromstring(data):
        found: dict[str, list[str]] = {}
        for element in log.iter():
            if element.text and element.text.strip():
                found.setdefault(etree.QName(element).localname, []).append(element.text)
        yield found


def test_the_log_for_a_log_service_is_valid_and_names_who_what_where_and_whom(ward: Ward) -> None:
    settings = Settings(staff_hsa_ids={"eva": "SE123-EVA"}, unit_hsa_ids={NORTH: "SE123-NORR"})
    file = io.BytesIO()
    written = write_storelog(ward.store, LOGGER, settings, ALL, file)
    made = list(posts(file.getvalue()))
    assert len(made) == written.posts
    assert written.machine_rows > 0
    assert set(written.without_hsa_id) == {"admin", "nils", SOUTH}
    views = [
        post
        for post in made
        if post["ActivityLevel"] == ["view_page"] and post["UserId"] == ["SE123-EVA"]
    ]
    assert len(views) == 2
    assert views[0]["ActivityType"] == ["Läsa"]
    assert views[0]["Purpose"] == ["Vård och behandling"]
    assert views[0]["CareUnitId"] == ["SE123-NORR"] * 2
    assert views[0]["PatientId"] == [ASTA.pid]
    assert "PatientName" not in views[0]
    (searched,) = (post for post in made if post["ActivityLevel"] == ["look_up_client"])
    assert searched["PatientId"] == [ASTA.pid]
    assert len({post["LogId"][0] for post in made}) == len(made)
    folder = shared(
        "schemas",
        "rivta",
        "ehr_log_1.0",
        "interactions",
        "store",
        "StoreLogInteraction",
        "StoreLogResponder_1.0.xsd",
    )
    schema = etree.XMLSchema(etree.parse(str(folder)))
    schema.assertValid(etree.fromstring(file.getvalue()))
    kinds = etree.parse(str(folder.parents[3] / "core_components" / "ehr_log_1.0.xsd"))
    known = {
        node.get("value") for node in kinds.iter("{http://www.w3.org/2001/XMLSchema}enumeration")
    }
    assert {post[name][0] for post in made for name in ("ActivityType", "Purpose")} <= known
    assert {
        activity_type(action)
        for action in ("break_glass_begin", "sign", "issue", "decide", "login")
    } <= known
    assert etree.QName(etree.fromstring(file.getvalue())[0][0]).namespace == LOG_NS


def test_a_time_without_posts_makes_no_file(ward: Ward) -> None:
    with pytest.raises(ExportError, match="Nobody"):
        write_storelog(
            ward.store,
            LOGGER,
            Settings(),
            LogFilter(TODAY[0] - timedelta(days=9), TODAY[0]),
            io.BytesIO(),
        )


@pytest.mark.usefixtures("ward")
def test_a_file_of_posts_is_kept_where_there_are_none_or_no_room(
    store_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def export(day: str) -> None:
        CliRunner().invoke(
            build_app(),
            ["audit", "export", "--from", day, "--to", day, "-o", str(xml)],
            catch_exceptions=False,
        )

    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(store_settings.workspace))
    monkeypatch.setenv("EFTERSKRIFT_DATABASE_URL", store_settings.database_url)
    xml = tmp_path / "out" / "logg.xml"
    xml.parent.mkdir()
    xml.write_text("before", "utf-8")
    xml.chmod(0o644)
    with pytest.raises(ExportError, match="Nobody"):
        export("2001-01-01")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(ExportError, match="No space"):
            export(f"{dates.today_in_sweden()}")
    assert xml.read_text("utf-8") == "before"
    export(f"{dates.today_in_sweden()}")
    assert (
        b"before" in xml.read_bytes(),
        xml.stat().st_mode & 0o777,
        list(xml.parent.iterdir()),
    ) == (False, 0o600, [xml])


def test_a_seal_is_read_back_and_a_file_that_is_none_is_refused(ward: Ward, tmp_path: Path) -> None:
    with ward.store.begin() as conn:
        first = take_anchor(conn, "eva", NOW)
    file = tmp_path / "anchor"
    file.write_text(first.to_json_line() + "\n", "utf-8")
    assert read_anchors(file) == [first.head]
    for text in (
        "",
        "x",
        "[]",
        '{"number": 1}',
        first.to_json_line() + '\n{"format": "x", "number": 1, "sha256": ""}',
    ):
        file.write_text(text, "utf-8")
        with pytest.raises(UsageError, match="heads of a log"):
            read_anchors(file)


@pytest.mark.usefixtures("ward")
@pytest.mark.parametrize(
    ("first", "last", "typed", "said"),
    [
        ("2026-01-01", "9999-12-31", ASTA.pid.encode(), "no log of these days"),
        ("0001-01-01", "2026-01-01", ASTA.pid.encode(), "no log of these days"),
        ("2026-01-01", "2026-01-02", b"ABC\xe51234567", "not written in UTF-8"),
    ],
)
def test_what_cannot_be_a_day_or_a_number_is_said_and_not_quoted(
    store_settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
    last: str,
    typed: bytes,
    said: str,
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(store_settings.workspace))
    monkeypatch.setenv("EFTERSKRIFT_DATABASE_URL", store_settings.database_url)
    command = ["audit", "extract", "--from", first, "--to", last, "-o", str(tmp_path / "u.csv")]
    with pytest.raises(UsageError, match=said) as told:
        CliRunner().invoke(build_app(), command, input=typed, catch_exceptions=False)
    assert "ABC" not in f"{told.value}{told.value.__cause__}"
    assert not (tmp_path / "u.csv").exists()


@pytest.mark.usefixtures("ward")
@pytest.mark.parametrize(("typed", "doubted"), [(ASTA.pid, False), ("191212121212", True)])
def test_an_extract_about_nobody_in_the_register_asks_to_check_the_number(
    store_settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    doubted: bool,
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(store_settings.workspace))
    monkeypatch.setenv("EFTERSKRIFT_DATABASE_URL", store_settings.database_url)
    command = [
        "audit",
        "extract",
        "--from",
        "2026-01-01",
        "--to",
        "2026-01-02",
        "-o",
        str(tmp_path / "u.csv"),
    ]
    told = CliRunner().invoke(build_app(), command, input=typed, catch_exceptions=False)
    assert ("No client of the register has this number" in told.stderr) is doubted
    assert typed not in told.output


@pytest.mark.usefixtures("ward")
def test_a_seal_is_not_put_beside_those_of_another_log(
    store_settings: Settings, tmp_path: Path
) -> None:
    anchor = tmp_path / "anchor"
    assert [run(store_settings, "seal", "-o", str(anchor)).returncode for _ in range(2)] == [0, 0]
    assert len(read_anchors(anchor)) == 2
    kept = anchor.read_text("utf-8").replace(read_anchors(anchor)[0].sha256, "f" * 64)
    anchor.write_text(kept, "utf-8")
    refused = run(store_settings, "seal", "-o", str(anchor))
    assert (refused.returncode, refused.stdout) == (ExitCode.LOG_BROKEN, "")
    assert f"Row {read_anchors(anchor)[0].number} of the log" in refused.stderr
    assert anchor.read_text("utf-8") == kept


def test_problems_are_said_in_words() -> None:
    assert describe_problem(ChainProblem(ProblemKind.CHANGED, 3, 3)) == "Row 3 has been changed."
    assert (
        describe_problem(ChainProblem(ProblemKind.REMOVED, 3, 5))
        == "Rows 3 to 5 have been removed."
    )
    assert (
        describe_problem(ChainProblem(ProblemKind.MOVED, 3, 3, 7)) == "Row 3 has been moved from 7."
    )
    assert "rewritten" in describe_problem(ChainProblem(ProblemKind.REWRITTEN, 9, 9))
    assert "triggers" in describe_problem(ChainProblem(ProblemKind.UNPROTECTED, 0, 0))


def run(settings: Settings, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-c", "from pipeline.cli.app import main; main()", "audit", *arguments]
    environment = os.environ | {
        "EFTERSKRIFT_WORKSPACE": str(settings.workspace),
        "EFTERSKRIFT_DATABASE_URL": settings.database_url,
    }
    return subprocess.run(
        call, input=typed, capture_output=True, text=True, check=False, timeout=100, env=environment
    )


@pytest.mark.usefixtures("ward")
def test_the_commands(store_settings: Settings, tmp_path: Path) -> None:
    anchor, pdf, xml = tmp_path / "anchor", tmp_path / "u.pdf", tmp_path / "logg.xml"
    days = (
        "--from",
        f"{dates.today_in_sweden() - timedelta(days=1)}",
        "--to",
        f"{dates.today_in_sweden() + timedelta(days=1)}",
    )
    sealed = run(store_settings, "seal", "-o", str(anchor))
    assert sealed.returncode == 0, sealed.stderr
    assert json.loads(sealed.stdout) == json.loads(anchor.read_text("utf-8"))
    right = run(store_settings, "verify", "--json", "--anchor", str(anchor))
    assert (right.returncode, json.loads(right.stdout)["ok"]) == (0, True)
    extracted = run(store_settings, "extract", *days, "-o", str(pdf), typed=ASTA.pid + "\n")
    assert extracted.returncode == 0, extracted.stderr
    assert ASTA.pid not in extracted.stdout + extracted.stderr
    assert pdf.stat().st_mode & 0o077 == 0
    exported = run(store_settings, "export", *days, "-o", str(xml))
    assert exported.returncode == 0, exported.stderr
    assert "Without HSA-id" in exported.stderr
    assert ", as 1 kept head says." in run(store_settings, "verify", "--anchor", str(anchor)).stdout
    anchor.write_text(
        anchor.read_text("utf-8").replace('"sha256": "', '"sha256": "f')[:-1], "utf-8"
    )
    broken = run(store_settings, "verify", "--anchor", str(anchor))
    assert broken.returncode == ExitCode.LOG_BROKEN
    assert "rewritten" in broken.stdout
    empty = run(
        store_settings,
        "export",
        "--from",
        "2001-01-01",
        "--to",
        "2001-01-02",
        "-o",
        str(tmp_path / "no.xml"),
    )
    assert (empty.returncode, (tmp_path / "no.xml").exists()) == (ExitCode.EXPORT, False)


def test_comparing_paper_with_the_care_system_is_a_look_and_no_deed(ward: Ward) -> None:
    with ward.store.begin() as conn:
        entry_id = conn.execute(
            select(paper.entry.c.id).where(paper.entry.c.serial == "CCCC")
        ).scalar_one()
        record(conn, ADMIN.login, "view_clash", entry_id, unit=SOUTH)
        record(conn, ADMIN.login, "view_page", f"{ward.batch}-00003", unit=SOUTH)
    with ward.store.read() as conn:
        rows = follow_up.load_log_page(
            conn, LOGGER, LogFilter(*TODAY, hint=Hint.WITHOUT_DECISION), 0, 9, first=False
        ).rows
    assert [(row.by, row.subject) for row in rows] == [("admin", f"{ward.batch}-00003")] * 2
    assert {activity_type(action) for action in ("view_clash", "list_backlog")} == {"Läsa"}
    assert {activity_type(action) for action in ("print_question", "make_pack")} == {"Utskrift"}
