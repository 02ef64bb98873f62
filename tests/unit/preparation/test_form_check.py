"""Every mistake in a form's files is reported with file, line and remedy, in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.settings import ROOT
from pipeline.preparation.form_check.check import FormFinding, check_forms, check_outline
from pipeline.texts import catalogue

OUTLINE = """\
id: prov
version: 1
title: Prov
area: SoL
criticality: B
law: [{ref: Lag, source: SFS}]
entries: sheet
sections:
  - use: client
  - use: event
  - title: Mer
    rows:
      - - {name: antal, label: Antal, kind: digits, format: number, cells: 3}
        - {name: vad, label: Vad, kind: text}
  - use: author
"""


def _outline(tmp_path: Path, old: str = "", new: str = "") -> list[FormFinding]:
    """What is said of the outline above with one part changed."""
    assert old in OUTLINE
    path = tmp_path / "outline.yaml"
    path.write_text(OUTLINE.replace(old, new, 1) if old else OUTLINE, "utf-8")
    return check_outline(path)


def test_a_good_outline_has_no_mistakes(tmp_path: Path) -> None:
    assert _outline(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("area: SoL", "omrade: SoL", 4, "ingen nyckel omrade"),
        ("label: Antal, kind", "lable: Antal, kind", 13, "ingen nyckel lable här. → label"),
        (
            "kind: digits",
            "kind: diggits",
            13,
            "diggits finns inte. Det här finns: mark, choice, digits",
        ),
        ("kind: digits", "kind: diggits", 13, "→ digits"),
        ("area: SoL", "area: HSO", 4, "HSL, SoL, LSS, IFO, ADM"),
        ("title: Prov\n", "", 1, "Nyckeln title saknas"),
        (", cells: 3", "", 13, "antal: ett tal i rutor behöver cells"),
        ("name: vad", "name: Vad", 14, "Vad får inte heta så"),
        ("name: vad", "name: antal", 13, "Två fält heter antal"),
        ("cells: 3", "cells: 40", 13, "antal tar 220 mm av 180"),
        ("cells: 3", "cells: tre", 13, "cells: värdet passar inte"),
        ("  - use: client\n", "", 1, "Inget fält betyder client_pid"),
        ("  - use: author\n", "  - use: author\n  - title: Tom\n", 16, "Avsnittet Tom är tomt"),
        ("version: 1", "version: 1\nversion: 2", 3, "Nyckeln version står två gånger"),
        ("law: [", "law: [[", 7, "inte att tolka som YAML"),
        ("entries: sheet", "entries: row", 1, "entries: row och en tabell hör ihop"),
        ("  - use: event", "  - use: evnt", 10, "→ event"),
        ("kind: text", "kind: text, less_than: antal", 14, "vad: less_than hör till"),
        ("format: number", "format: number, less_than: finns_inte", 13, "inget fält finns_inte"),
    ],
)
def test_a_mistake_in_an_outline_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    findings = _outline(tmp_path, old, new)
    told = [finding.describe() for finding in findings]
    assert any(said in one and f":{line}: " in one for one in told), told
    assert all(finding.problem.remedy() for finding in findings)
    assert all(finding.problem.what("en") and finding.problem.remedy("en") for finding in findings)


def _form(tmp_path: Path, old: str, new: str) -> list[str]:
    """What is said of the journal note's form with one part changed."""
    folder = tmp_path / "forms" / "hsl-anteckning"
    folder.mkdir(parents=True)
    text = (ROOT / "forms" / "hsl-anteckning" / "form.yaml").read_text("utf-8")
    assert old in text
    (folder / "form.yaml").write_text(text.replace(old, new, 1), "utf-8")
    (checked,) = check_forms(tmp_path / "forms")
    return [
        f"{finding.line}: {finding.problem.what()} {finding.problem.remedy()}"
        for finding in checked.findings
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "box: [91, 223.5, 104, 8]",
            "box: [91, 223.5, 104, 6]",
            "lakare_namn: rutan är för låg för handskrift, 6 mm. Gör den minst 8 mm hög.",
        ),
        (
            "box: [64, 223.5, 22, 8]",
            "box: [50, 223.5, 22, 8]",
            "lakare_datum och lakare_tid ligger på varandra",
        ),
        (
            "box: [64, 223.5, 22, 8]",
            "box: [64, 223.5, 16, 8]",
            "rutorna är för små för handskrift, 4 × 8 mm. Gör varje ruta minst 4,5 × 6 mm",
        ),
        ("box: [106.7, 103.5, 5, 5]", "box: [106.7, 103.5, 3, 5]", "kryssrutan är 3 × 5 mm"),
        (
            "box: [106.7, 103.5, 5, 5]",
            "box: [243, 103.5, 5, 5]",
            "information ligger utanför sidan",
        ),
        ("means: author_name, ", "", "Inget fält betyder author_name"),
        (
            "{value: bedomning, label: Bedömning, box: [15, 115.5, 5, 5]}",
            "{value: bedomning, label: Bedömning, box: [5, 115.5, 5, 5]}",
            "valet bedomning ligger utanför",
        ),
        ("lines: 9, ", "", "lines hör till kind: lines"),
    ],
)
def test_a_mistake_in_a_form_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = (ROOT / "forms" / "hsl-anteckning" / "form.yaml").read_text("utf-8")
    told = _form(tmp_path, old, new)
    (mine,) = [one for one in told if said in one]
    near = int(mine.partition(":")[0])
    assert (
        near == 1 or "means" in said or abs(near - text[: text.index(old)].count("\n") - 1) <= 7
    ), mine


def test_a_form_that_is_not_what_its_outline_gives_is_told_to_be_placed(tmp_path: Path) -> None:
    folder = tmp_path / "prov"
    folder.mkdir()
    (folder / "outline.yaml").write_text(OUTLINE, "utf-8")
    (checked,) = check_forms(tmp_path)
    assert [finding.problem.remedy() for finding in checked.findings] == [
        "Kör `efterskrift forms place prov`."
    ]


def test_the_command_speaks_of_every_file_though_one_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ett", "tva"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "form.yaml").write_text(
            "id: [\n" if name == "ett" else f"id: {name}\n", "utf-8"
        )
    monkeypatch.setenv("EFTERSKRIFT_FORMS", str(tmp_path))
    app = build_app()
    said = CliRunner().invoke(app, ["forms", "check"])
    assert said.exit_code == 3
    assert "ett/form.yaml:2: Filen går inte att tolka som YAML" in said.stdout
    assert "tva/form.yaml:1: Nyckeln title saknas" in said.stdout
    told = json.loads(CliRunner().invoke(app, ["forms", "check", "--json"]).stdout)
    assert {one["code"] for one in told[0]["findings"]} == {"not_yaml"}
    monkeypatch.setenv("EFTERSKRIFT_LANGUAGE", "en")
    assert "The key title is missing." in CliRunner().invoke(app, ["forms", "check"]).stdout


def test_an_outline_with_a_mistake_is_not_placed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "prov"
    folder.mkdir()
    monkeypatch.setenv("EFTERSKRIFT_FORMS", str(tmp_path))
    app = build_app()
    for text, code, said in (
        (OUTLINE.replace("cells: 3", "cells: 40"), 3, "outline.yaml:13: Raden är för bred"),
        (OUTLINE, 0, "prov version 1: 1 page(s)"),
    ):
        (folder / "outline.yaml").write_text(text, "utf-8")
        result = CliRunner().invoke(app, ["forms", "place", "prov"])
        assert (result.exit_code, said in result.stderr, (folder / "form.yaml").exists()) == (
            code,
            True,
            code == 0,
        )


def test_every_mistake_has_a_remedy() -> None:
    keys = {key for key in catalogue("sv") if key.startswith("form_problem.")}
    codes = {key.removesuffix(".remedy") for key in keys}
    assert keys == codes | {f"{code}.remedy" for code in codes}
