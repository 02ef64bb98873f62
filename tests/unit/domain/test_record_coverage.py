"""docs/coverage.md reports every form and kind of record, and names the targets that their forms
are mapped to.
"""

from __future__ import annotations

import re

import pytest

from pipeline.domain.form.form import INTERNAL_FORMS, Forms
from pipeline.domain.settings import ROOT
from pipeline.export.key_in.screen import TARGET as KEY_IN
from tests.support.shared_data import shared

FORMS = sorted({form_id for form_id, _ in Forms.load(ROOT / "forms")})
MAPPED = {
    form_id: {path.name.split(".")[1] for path in (ROOT / "forms" / form_id).glob("export.*.yaml")}
    for form_id in FORMS
}
TARGETS = {KEY_IN}.union(*MAPPED.values())
KINDS = (
    (ROOT / "docs" / "coverage.md")
    .read_text("utf-8")
    .partition("## Record kinds")[2]
    .partition("## What is proved of each form")[0]
)
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in KINDS.splitlines()
    if line.startswith("| ")
][1:]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].split(" ")[0])
def test_a_kind_goes_where_its_forms_are_mapped_to(row: list[str]) -> None:
    _, written_on, goes_to, _ = row
    named = set(re.findall(r"[a-z][a-z0-9-]+", goes_to)) & TARGETS
    forms = [form_id for form_id in re.findall(r"`([a-z-]+)`", written_on) if form_id in MAPPED]
    assert forms or not named
    for form_id in forms:
        assert named == MAPPED[form_id] | (set() if form_id in INTERNAL_FORMS else {KEY_IN}), (
            form_id
        )


def test_every_form_is_told_of() -> None:
    told = {
        form_id
        for _, written_on, _, _ in ROWS
        for form_id in re.findall(r"`([a-z-]+)`", written_on)
    }
    assert set(FORMS) - told == set()


@pytest.mark.shared
def test_every_kind_of_the_customers_document_is_told_of() -> None:
    kinds = re.findall(
        r"^\| ([A-Z]\d+) \|", shared("domain", "domain.md").read_text("utf-8"), re.MULTILINE
    )
    told = {kind for row in ROWS for kind in re.findall(r"\b[A-Z]\d+\b", row[0])}
    assert kinds
    assert set(kinds) - told == set()
