"""Documents that cannot rot: commands, exit codes, links and layout are what they say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from pipeline import __version__
from pipeline.cli import context
from pipeline.cli.app import build_app
from pipeline.domain import errors
from pipeline.domain.errors import EfterskriftError, ExitCode
from pipeline.domain.settings import ROOT, Settings

pytestmark = pytest.mark.slow

COMMANDS = (ROOT / "docs" / "commands.md").read_text("utf-8")
SETTINGS = (ROOT / "docs" / "settings.md").read_text("utf-8")
GROUPS = {context.BEFORE, context.IMPORT, context.REVIEW, context.RUNNING, context.RESEARCH}
ONE_LINE = 62
"""Characters beside the names of commands in a terminal of 80 columns."""
VERSION_LINES = 80
CHANGE_WORDS = 40
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    ROOT / "forms" / "README.md",
    ROOT / "data" / "samples" / "README.md",
]


def test_every_command_is_documented_and_has_help() -> None:
    group = typer.main.get_command(build_app())
    commands = getattr(group, "commands")  # noqa: B009 - click's group, typed as a plain command
    for name, command in commands.items():
        assert re.search(rf"efterskrift {name}\b", COMMANDS), name
        assert command.help, name


def test_help_lists_every_command_in_a_group_and_on_one_line() -> None:
    for name, command in _all_commands(typer.main.get_command(build_app())):
        summary = (command.help or "").split("\n\n")[0]
        assert 0 < len(summary) <= ONE_LINE, f"{name}: {summary}"
        if " " not in name:
            assert getattr(command, "rich_help_panel") in GROUPS, name  # noqa: B009 - not of every command


def _all_commands(group: object, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its full name, also those of the groups `forms`, `audit` and `issued`."""
    for name, command in getattr(group, "commands", {}).items():
        yield before + name, command
        yield from _all_commands(command, f"{before}{name} ")


def test_the_exit_codes_are_those_of_the_program() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", COMMANDS, re.MULTILINE)}
    assert listed == {int(code) for code in ExitCode}


def test_every_setting_is_documented() -> None:
    listed = {
        name
        for row in re.findall(r"^\| (`.*?) \|", SETTINGS, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    assert listed == set(Settings.model_fields)


def test_the_changelog_is_short_and_tells_of_this_version() -> None:
    _, *sections = (ROOT / "CHANGELOG.md").read_text("utf-8").split("\n## [")
    assert all(len(section.splitlines()) <= VERSION_LINES for section in sections)
    versions = [section.partition("]")[0] for section in sections]
    assert versions[:2] == ["Unreleased", __version__]
    changes = [
        line for section in sections[:2] for line in section.splitlines() if line[:2] == "- "
    ]
    assert [line for line in changes if len(line.split()) - 1 > CHANGE_WORDS] == []


def test_the_tree_of_errors_is_whole() -> None:
    tree = errors.__doc__ or ""
    classes = [
        c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, EfterskriftError)
    ]
    assert [c.__name__ for c in classes if c.__name__ not in tree] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text("utf-8")):
        assert (document.parent / target).exists(), target


def test_folders_of_the_architecture_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    for name in re.findall(r"`((?:pipeline|ui|forms|data|tests)/[\w/.]*)`", text):
        assert (ROOT / name).exists(), name
