"""`efterskrift init`: what it asks, what it writes, and what it never replaces."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.settings import ROOT, load_settings
from pipeline.store.accounts.people import people_by_login
from pipeline.store.database.store import RESTORATION_MARK, open_store
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
        *("Kalix kommun", "12345", "212000-2775", "hej", "", "", "jo", "ja"),
        *("2026-11-30 08:00", "i går", "2026-11-29 08:00", ""),
        *("Hemsjukvården", "HS", "hsl", "hemsjukvården ", "En slipad tunga", "", ""),
        *("anna", "Anna Andersson"),
        *("sommar", "sommar", PASSWORD, "annat", PASSWORD, PASSWORD),
    ]
    code, said = _init("--ask", typed="\n".join(answers) + "\n")

    assert code == 0, said
    assert "HSL, SoL, LSS, IFO, ADM" in said
    assert "there already" in said
    assert "shorter than 10" in said
    assert "passwords differ" in said
    assert load_settings().non_commercial
    assert load_settings().organisation_number == "2120002775"
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
        ({"outage_end": "2026-11-29 08:00"}, "wrong: outage_end."),
        (
            {"units": [{"name": "Norr", "area": "HSL"}, {"name": " norr", "area": "SoL"}]},
            ": units.",
        ),
        ({"organisation_number": "12345"}, "organisation_number"),
        ({"care_provider_hsa_id": "hej"}, "care_provider_hsa_id"),
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


@pytest.mark.parametrize(
    "content", [b"outage_start: 2026-13-45\n", b"care_provider: \xc4lvsbyn\n", b"units: [\n"]
)
def test_a_file_that_is_no_yaml_is_named(workspace: Path, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "svar.yaml"
    file.write_bytes(content)
    code, said = _init("--from", str(file))
    assert code != 0
    assert "svar.yaml cannot be read" in said
    assert not workspace.exists()


def test_nothing_is_set_up_where_a_restoration_did_not_end(workspace: Path) -> None:
    workspace.mkdir()
    (workspace / RESTORATION_MARK).touch()
    code, said = _init("--from", str(EXAMPLE))
    assert code != 0
    assert "efterskrift restore" in said
    assert [path.name for path in workspace.iterdir()] == [RESTORATION_MARK]


def test_weak_password_leaves_no_settings(workspace: Path) -> None:
    assert _init("--from", str(EXAMPLE), typed="sommar\n")[0] != 0
    assert not (workspace / "settings.yaml").exists()
    with open_store(load_settings()).read() as conn:
        assert people_by_login(conn) == {}
