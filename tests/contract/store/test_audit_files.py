"""Files for a log service, on both databases, seals, and the commands."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from lxml import etree
from sqlalchemy import select
from typer.testing import CliRunner, Result

from pipeline.cli.app import build_app
from pipeline.domain import dates
from pipeline.domain.errors import EfterskriftError, ExitCode, ExportError, UsageError
from pipeline.domain.settings import Settings
from pipeline.reporting.audit import follow_up
from pipeline.reporting.audit.follow_up import describe_problem, read_anchors, take_anchor
from pipeline.reporting.audit.storelog import LOG_NS, activity_type, write_storelog
from pipeline.store.database.store import Store
from pipeline.store.event_log.chain_check import ChainProblem, ProblemKind
from pipeline.store.event_log.events import record
from pipeline.store.event_log.queries import Hint, LogFilter
from pipeline.store.registers.client_register import save_units
from pipeline.store.schema import paper
from tests.contract.store.audit_steps import ALL, LOGGER, TODAY, make_looked_at_ward
from tests.support.shared_data import shared
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    NORTH,
    NOW,
    SOUTH,
    Ward,
)

pytest_plugins = ("tests.support.store.databases",)

pytestmark = pytest.mark.both_databases


@pytest.fixture
def ward(store: Store) -> Ward:
    return make_looked_at_ward(store)


def posts(data: bytes) -> Iterator[dict[str, list[str]]]:
    for log in etree.fromstring(data):
        found: dict[str, list[str]] = {}
        for element in log.iter():
            if element.text and element.text.strip():
                found.setdefault(etree.QName(element).localname, []).append(element.text)
        yield found


def test_the_log_for_a_log_service_names_who_what_where_and_whom(ward: Ward) -> None:
    settings = Settings(staff_hsa_ids={"eva": "SE123-EVA"}, unit_hsa_ids={NORTH: "SE123-BEFORE"})
    with ward.store.begin() as conn:
        save_units(conn, {NORTH: "HSL"}, hsa_ids={NORTH: "SE5560000000-NORR"})
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
    assert views[0]["CareUnitId"] == ["SE5560000000-NORR"] * 2
    assert views[0]["PatientId"] == [ASTA.pid]
    assert "PatientName" not in views[0]
    (searched,) = (post for post in made if post["ActivityLevel"] == ["look_up_client"])
    assert searched["PatientId"] == [ASTA.pid]
    assert len({post["LogId"][0] for post in made}) == len(made)
    assert etree.QName(etree.fromstring(file.getvalue())[0][0]).namespace == LOG_NS


@pytest.mark.shared
def test_the_log_for_a_log_service_is_valid_against_the_schema(ward: Ward) -> None:
    settings = Settings(staff_hsa_ids={"eva": "SE123-EVA"}, unit_hsa_ids={NORTH: "SE123-NORR"})
    file = io.BytesIO()
    write_storelog(ward.store, LOGGER, settings, ALL, file)
    made = list(posts(file.getvalue()))
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
    assert [run(store_settings, "seal", "-o", str(anchor)).exit_code for _ in range(2)] == [0, 0]
    assert len(read_anchors(anchor)) == 2
    kept = anchor.read_text("utf-8").replace(read_anchors(anchor)[0].sha256, "f" * 64)
    anchor.write_text(kept, "utf-8")
    refused = run(store_settings, "seal", "-o", str(anchor))
    assert isinstance(refused.exception, EfterskriftError)
    assert (refused.exception.exit_code, refused.stdout) == (ExitCode.LOG_BROKEN, "")
    assert f"Row {read_anchors(anchor)[0].number} of the log" in refused.exception.message
    assert anchor.read_text("utf-8") == kept


def test_verifying_names_what_was_changed_and_says_what_it_does_not_show(
    ward: Ward, store_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify(*options: str) -> Result:
        return CliRunner().invoke(build_app(), ["audit", "verify", *options])

    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(store_settings.workspace))
    monkeypatch.setenv("EFTERSKRIFT_DATABASE_URL", store_settings.database_url)
    alone = verify()
    assert (alone.exit_code, "Without a kept hash" in alone.stderr) == (0, True)
    assert isinstance(verify("--from-anchor").exception, UsageError)
    with ward.store.begin() as conn:
        anchor = take_anchor(conn, "eva", NOW)
    file = tmp_path / "anchor"
    file.write_text(anchor.to_json_line(), "utf-8")
    later = verify("--anchor", str(file), "--from-anchor")
    assert (later.exit_code, "Without a kept hash" in later.stderr) == (0, False)
    assert f"from row {anchor.head.number + 1} of the log on" in later.stderr
    with ward.store.begin() as conn:
        conn.exec_driver_sql("UPDATE entry SET state = 'exporterad'")
    changed = verify("--json")
    result = json.loads(changed.stdout)
    assert (changed.exit_code, result["ok"], result["anchors"]) == (ExitCode.LOG_BROKEN, False, 0)
    assert {(one["wrong"], one["table"], one["owner"]) for one in result["problems"]} == {
        ("record_changed", "entry", "AAAA-00"),
        ("record_changed", "entry", "CCCC-00"),
    }
    assert "The rows of entry of AAAA-00 are not as the program left them" in verify().stdout


def test_problems_are_said_in_words() -> None:
    assert (
        describe_problem(ChainProblem(ProblemKind.CHANGED, 3, 3), "en") == "Row 3 has been changed."
    )
    assert (
        describe_problem(ChainProblem(ProblemKind.REMOVED, 3, 5), "en")
        == "Rows 3 to 5 have been removed."
    )
    assert (
        describe_problem(ChainProblem(ProblemKind.MOVED, 3, 3, 7), "en")
        == "Row 3 has been moved from 7."
    )
    assert "rewritten" in describe_problem(ChainProblem(ProblemKind.REWRITTEN, 9, 9), "en")
    unprotected = ChainProblem(ProblemKind.UNPROTECTED, 0, 0, table="receipt")
    assert "triggers that keep rows of receipt" in describe_problem(unprotected, "en")


def run(settings: Settings, *arguments: str, typed: str = "") -> Result:
    environment = {
        "EFTERSKRIFT_WORKSPACE": str(settings.workspace),
        "EFTERSKRIFT_DATABASE_URL": settings.database_url,
    }
    return CliRunner().invoke(build_app(), ["audit", *arguments], input=typed, env=environment)


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
    assert sealed.exit_code == 0, sealed.stderr
    assert json.loads(sealed.stdout) == json.loads(anchor.read_text("utf-8"))
    right = run(store_settings, "verify", "--json", "--anchor", str(anchor))
    assert (right.exit_code, json.loads(right.stdout)["ok"]) == (0, True)
    extracted = run(store_settings, "extract", *days, "-o", str(pdf), typed=ASTA.pid + "\n")
    assert extracted.exit_code == 0, extracted.stderr
    assert ASTA.pid not in extracted.stdout + extracted.stderr
    assert pdf.stat().st_mode & 0o077 == 0
    exported = run(store_settings, "export", *days, "-o", str(xml))
    assert exported.exit_code == 0, exported.stderr
    assert "Without HSA-id" in exported.stderr
    assert ", as 1 kept head says." in run(store_settings, "verify", "--anchor", str(anchor)).stdout
    anchor.write_text(
        anchor.read_text("utf-8").replace('"sha256": "', '"sha256": "f')[:-1], "utf-8"
    )
    broken = run(store_settings, "verify", "--anchor", str(anchor))
    assert broken.exit_code == ExitCode.LOG_BROKEN
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
    assert isinstance(empty.exception, ExportError)
    assert not (tmp_path / "no.xml").exists()


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
