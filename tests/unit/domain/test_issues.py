"""Every issue has words and a place that produces it, and no other string names one."""

from __future__ import annotations

import ast
import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.domain.issues import Issue, IssueCode, Scope, parse_issues
from pipeline.domain.settings import ROOT
from pipeline.texts import LANGUAGES, catalogue

SOURCES = [path for top in ("pipeline", "ui") for path in sorted((ROOT / top).rglob("*.py"))]
NOT_ISSUES = {
    "issues.py": "the codes themselves",
    "client_check.py": "reasons for and against a match of a client, some of which are spelt alike",
    "client.py": "the same reasons",
    "client_identities.py": "the same reasons",
    "client_question.py": "the same reasons",
    "second_factor.py": "the key of an error about another code",
}
"""Modules that may hold the text of a code."""


def _texts(path: Path) -> Iterator[str]:
    """The texts of a module without docstrings; of an f-string its first part."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_words_in_every_language(language: str) -> None:
    texts = catalogue(language)
    assert [code for code in IssueCode if not texts.get(code.text_key)] == []


def test_every_code_is_produced_somewhere() -> None:
    named = "".join(path.read_text("utf-8") for path in SOURCES if path.name != "issues.py")
    assert [code for code in IssueCode if f"IssueCode.{code.name}" not in named] == []


def test_no_module_spells_a_code_by_itself() -> None:
    """Codes of one word, such as `missing`, are words of other things too."""
    codes = {str(code) for code in IssueCode if "_" in code}
    found = [
        (path.name, text)
        for path in SOURCES
        if path.name not in NOT_ISSUES
        for text in _texts(path)
        if text.partition(":")[0] in codes
    ]
    assert found == []


def test_an_issue_is_stored_as_its_code_and_its_field() -> None:
    assert str(Issue(IssueCode.COVERED, "rad01.dos")) == "covered:rad01.dos"
    assert str(Issue(IssueCode.NO_CODE)) == "no_code"
    assert json.dumps([IssueCode.NO_CODE]) == '["no_code"]'
    assert parse_issues(["covered:rad01.dos", "The file is damaged.", "no_code"]) == [
        Issue(IssueCode.COVERED, "rad01.dos"),
        Issue(IssueCode.NO_CODE),
    ]


@pytest.mark.parametrize("code", IssueCode)
def test_what_is_stored_means_the_issue(code: IssueCode) -> None:
    assert Issue.parse(str(Issue(code, "fält"))) == Issue(code, "fält")
    assert pickle.loads(pickle.dumps(code)) is code
    assert IssueCode(str(code)) is code
    assert isinstance(code.scope, Scope)
