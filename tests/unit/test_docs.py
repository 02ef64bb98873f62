"""Documents that cannot rot: commands, exit codes, links and layout are what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from pipeline import errors
from pipeline.cli import build_app
from pipeline.errors import EfterskriftError, ExitCode
from pipeline.settings import ROOT

pytestmark = pytest.mark.slow

README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "forms" / "README.md", ROOT / "data" / "samples" / "README.md"]


def test_every_command_is_in_the_readme_and_has_help() -> None:
    group = typer.main.get_command(build_app())
    commands = getattr(group, "commands")  # noqa: B009 - click's group, typed as a plain command
    for name, command in commands.items():
        assert re.search(rf"efterskrift {name}\b|`{name} ", README), name
        assert command.help, name


def test_the_exit_codes_are_those_of_the_program() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert listed == {int(code) for code in ExitCode}


def test_the_tree_of_errors_is_whole() -> None:
    tree = errors.__doc__ or ""
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, EfterskriftError)]
    assert [c.__name__ for c in classes if c.__name__ not in tree] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text("utf-8")):
        assert (document.parent / target).exists(), target


def test_folders_of_the_architecture_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    for name in re.findall(r"`((?:pipeline|ui|forms|data|tests)/[\w/.]*)`", text):
        assert (ROOT / name).exists(), name
