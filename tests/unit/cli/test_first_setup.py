"""`efterskrift init`: what it asks, what it writes, and what it never replaces."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.settings import ROOT, load_settings
from pipeline.store.accounts.people import people_by_login
from pipeline.store.database.store import open_store
from pipeline.store.registers.client_register import areas_by_unit

PASSWORD = "svartrastvinge-93-lada"
EXAMPLE = ROOT / "deploy" / "setup.yaml"


pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "workspace"
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(folder))
    return folder


def _init(*options: str, typed: str = PASSWORD + "\n") -> tuple[int, str]:
    done = CliRunner().invoke(build_app(), ["init", *options], input=typed)
    return done.exit_code, done.output + (str(done.exception) if done.exception else "")


def test_example_file_makes_a_workspace_that_opens(workspace: Path) -> None:
    assert _init("--from", str(EXAMPLE))[0] == 0

    settings = load_settings()
    assert (settings.care_provider, settings.hosts) == (
        "Exempelby kommun",
        ("efterskrift.example.se",),
    )
    assert settings.outage_start is not None
    assert (workspace / "settings.yaml").stat().st_mode & 0o777 == 0o600
    with open_store(settings).read() as conn:
        assert areas_by_unit(conn) == {"Hemsjukvården Centrum": "HSL", "Hemtjänst Norr": "SoL"}
        assert [person.role.value for person in people_by_login(conn).values()] == [
            "systemadministratör"
        ]


def test_questions_are_repeated_until_the_answer_fits() -> None:
    answers = [
        *("Kalix kommun", "", "", "", "y", "2026-11-30 08:00", "i går", ""),
        *("Hemsjukvården", "HS", "hsl", "", "anna", "Anna Andersson", PASSWORD),
    ]
    code, said = _init("--ask", typed="\n".join(answers) + "\n")

    assert code == 0, said
    assert "HSL, SoL, LSS, IFO, ADM" in said
    assert load_settings().non_commercial
    with open_store(load_settings()).read() as conn:
        assert areas_by_unit(conn) == {"Hemsjukvården": "HSL"}


def test_nothing_is_replaced(workspace: Path) -> None:
    _init("--from", str(EXAMPLE))
    before = (workspace / "settings.yaml").read_bytes()

    code, _ = _init("--from", str(EXAMPLE))
    assert code != 0
    assert (workspace / "settings.yaml").read_bytes() == before
    # In a terminal it asks nothing of a workspace that is in use.
    assert _init("--ask", typed="")[0] == 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"units": []}, "units"),
        ({"care_provider": " "}, "care_provider"),
        ({"outage_end": "2026-11-29 08:00"}, "outage_end"),
        ({"extra": 1}, "extra"),
        ({"administrator": {"login": "anna"}}, "administrator.name"),
    ],
)
def test_wrong_file_is_named_and_nothing_is_made(
    workspace: Path, tmp_path: Path, change: dict[str, object], named: str
) -> None:
    file = tmp_path / "setup.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(EXAMPLE.read_text("utf-8")) | change), "utf-8")

    code, said = _init("--from", str(file))
    assert code != 0
    assert named in said
    assert not workspace.exists()


def test_weak_password_leaves_no_settings(workspace: Path) -> None:
    assert _init("--from", str(EXAMPLE), typed="sommar\n")[0] != 0
    assert not (workspace / "settings.yaml").exists()
    with open_store(load_settings()).read() as conn:
        assert people_by_login(conn) == {}
