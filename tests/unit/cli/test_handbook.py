"""The handbook: each command in it runs, page by page, and each page is in the menu."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.errors import EfterskriftError, ExitCode
from pipeline.domain.settings import ROOT
from tests.support.form_quality import form_ids
from tests.support.store.export_examples import FORMS

pytestmark = pytest.mark.slow

HANDBOOK = ROOT / "docs" / "handbok"
PAGES = (
    *("it/installera", "fore-avbrottet", "it/sakerhetskopia", "it/uppgradera", "it/drift"),
    *("it/incident", "arkiv"),
)
"""Pages with commands: what a later one needs is made by an earlier one."""
NOTHING_YET = {"archive": ExitCode.EXPORT}
"""What a command says of a workspace where nothing has been exported."""


def _commands(page: str) -> Iterator[list[str]]:
    for block in re.findall(r"```sh\n(.*?)```", (HANDBOOK / f"{page}.md").read_text("utf-8"), re.S):
        for line in block.replace("\\\n", " ").splitlines():
            if not (words := shlex.split(line.partition(" > ")[0], comments=True)):
                continue
            assert words[0] == "efterskrift", line
            yield words[1:]


def test_every_page_with_commands_is_run() -> None:
    pages = {
        file.relative_to(HANDBOOK).with_suffix("").as_posix()
        for file in HANDBOOK.rglob("*.md")
        if "```sh" in file.read_text("utf-8")
    }
    assert pages == set(PAGES)


def test_commands_within_a_list_stand_in_a_box_and_do_not_end_the_list() -> None:
    for file in HANDBOOK.rglob("*.md"):
        fences = re.findall(r"^( *)```", file.read_text("utf-8"), re.M)
        assert {len(indent) % 4 for indent in fences} <= {0}, file.name
    build = (ROOT / "mkdocs.yml").read_text("utf-8")
    assert "pymdownx.superfences" in build


def test_commands_run_from_an_empty_machine_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = tmp_path / "workspace"
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(workspace))
    for disk in ("mnt", "usb"):
        (tmp_path / disk).mkdir()
    shutil.copy(ROOT / "data" / "samples" / "klienter.csv", tmp_path)
    _run("init", "--from", str(ROOT / "deploy" / "setup.yaml"))

    for page in PAGES:
        for words in _commands(page):
            said = _run(*(_inside(tmp_path, word) for word in words))
            if words[0] == "backup-key":
                public = re.search(r"age1\w+", said)
                assert public is not None
                with (workspace / "settings.yaml").open("a") as settings:
                    settings.write(f"backup_keys: [{public[0]}]\n")
    assert (tmp_path / "restored" / "efterskrift.db").is_file()


def _inside(folder: Path, word: str) -> str:
    """The same path in the test's folder."""
    places = {
        "/mnt/efterskrift": "mnt",
        "/media/usb/efterskrift": "usb",
        "/var/lib/efterskrift": "restored",
    }
    for place, name in places.items():
        if word == place or word.startswith(f"{place}/"):
            return f"{folder / name}{word.removeprefix(place)}"
    return word


def _run(*words: str) -> str:
    done = CliRunner().invoke(build_app(), list(words), input="svartrastvinge-93-lada\n")
    code = done.exit_code
    if isinstance(done.exception, EfterskriftError):
        code = done.exception.exit_code
    said = done.output or repr(done.exception)
    assert code in {ExitCode.OK, NOTHING_YET.get(words[0], ExitCode.OK)}, (words, said)
    return done.output


def test_every_page_is_in_the_menu() -> None:
    menu = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[2]
    listed = set(re.findall(r"handbok/[\w/-]+\.md", menu))
    pages = {file.relative_to(ROOT / "docs").as_posix() for file in HANDBOOK.rglob("*.md")}
    assert listed == pages


def test_settings_and_services_of_the_handbook_exist() -> None:
    from pipeline.domain.settings import Settings

    for file in HANDBOOK.rglob("*.md"):
        text = file.read_text("utf-8")
        for block in re.findall(r"```yaml\n(.*?)```", text, re.S):
            assert set(yaml.safe_load(block)) <= set(Settings.model_fields), file.name
        for unit in re.findall(
            r"efterskrift-\w+\.timer|efterskrift-(?:ui|work|watch|metrics)\b", text
        ):
            name = unit if unit.endswith(".timer") else f"{unit}.service"
            assert (ROOT / "deploy" / "systemd" / name).is_file(), unit


def test_site_is_built_without_a_warning_and_needs_no_other_host(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir"]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    subprocess.run([*build, str(tmp_path)], cwd=ROOT, env=environment, check=True)

    loaded = re.compile(r'<(?:link|script|img)\b[^>]*\b(?:href|src)="?(https?://[^" >]+)')
    for page in (tmp_path / "handbok").rglob("*.html"):
        # A page's own address is the only one that may be absolute.
        found = [url for url in loaded.findall(page.read_text("utf-8")) if "example" not in url]
        assert found == [], page.name
    whole = (tmp_path / "print_page.html").read_text("utf-8")
    assert "Kontinuitetsplanens sida" in whole
    titles = re.findall(r'<h1 id="handbok-blanketter-[^"]*"[^>]*>([^<]+)', whole)
    forms = [FORMS.latest(form_id).title for form_id in form_ids()]
    assert titles == ["Blanketter", *sorted(forms, key=str.casefold)]
