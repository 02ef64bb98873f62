"""Every form keeps to the rules of readable forms, and no published version changes: its paper is
out there.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.errors import FormError
from pipeline.domain.form.field import BoxCode, FieldSpec, Format, Kind, LabelSide, Meaning, Option
from pipeline.domain.form.form import Deadline, Form, Forms, LegalBasis, Subject
from pipeline.domain.form.page import Days, Grid, PageSpec, Section, Table, Text
from pipeline.domain.form.rules import Classification, DocumentType, FormRules, FormSigning
from pipeline.domain.law.duties import law_refs
from pipeline.domain.settings import ROOT
from pipeline.forms.layout.form import FORM_FILE, OUTLINE_FILE, place_outline
from pipeline.forms.layout.outline import (
    GridBoxes,
    Outline,
    OutlineField,
    OutlineSection,
    PrintedText,
    RepeatedRows,
    Row,
    StandardSection,
    TableRows,
    load_outline,
)
from pipeline.forms.library import (
    PUBLISHED_FILE,
    dump_form,
    frozen_problem_texts,
    geometry_digest,
    load_published,
    publish_forms,
)
from tests.support.form_rules import form_problem_texts

FOLDER = ROOT / "forms"
FORMS = Forms.load(FOLDER)
every_form = pytest.mark.parametrize(
    "form", FORMS.values(), ids=lambda form: f"{form.id}-{form.version}"
)


@every_form
def test_a_published_version_has_the_geometry_it_was_published_with(form: Form) -> None:
    assert frozen_problem_texts(form, load_published(FOLDER)) == []


def test_no_published_version_is_missing() -> None:
    assert set(load_published(FOLDER)) == {f"{form_id}/{version}" for form_id, version in FORMS}


@every_form
def test_a_form_can_be_written_on_and_read(form: Form) -> None:
    assert form_problem_texts(form) == []


@pytest.mark.parametrize(
    "outline", sorted(FOLDER.glob(f"*/{OUTLINE_FILE}")), ids=lambda path: path.parent.name
)
def test_a_placed_form_is_what_its_outline_gives(outline: Path) -> None:
    placed = place_outline(load_outline(outline))
    assert (outline.parent / FORM_FILE).read_text("utf-8") == dump_form(placed)


WHAT_AND_HOW_MUCH = {
    ("signeringslista", 1): {"insats", "ordination"},
    ("signeringslista", 2): {"ord1_insats", "ord12_styrka", "ord12_dos"},
    ("signeringslista-vid-behov", 1): {"ordination", "dos", "ord1_insats", "ord1_maxdos"},
    ("palliativ-hemakt", 1): {"ordination", "dos"},
    ("palliativ-hemakt", 2): {"ordination", "dos", "ord1_lakemedel", "ord1_vag", "ord10_maxdos"},
}
"""Columns of text that say what is given and the dose, by form and version."""


@every_form
def test_what_harms_when_wrong_is_critical(form: Form) -> None:
    """Class A: who, when and the dose are keyed blind (design.md). Numbers are amounts; the number
    of a telephone is none.
    """
    columns = {spec.column for spec in form.fields}
    harmful = WHAT_AND_HOW_MUCH.get((form.id, form.version), set())
    assert columns >= harmful
    for spec in form.fields:
        number = form.criticality == "A" and spec.format and spec.format is not Format.PHONE
        if number or spec.column in harmful:
            assert spec.critical, spec.name


@every_form
def test_every_choice_says_which_list_and_version_it_is_from(form: Form) -> None:
    listed = [code.field for code in form.codes]
    assert sorted(listed) == sorted(
        {spec.column for spec in form.fields if spec.kind is Kind.CHOICE}
    )
    assert all(code.name and code.version and code.source for code in form.codes)


def test_a_choice_that_a_changed_form_has_lost_takes_its_list_with_it() -> None:
    outline = load_outline(FOLDER / "tjansteanteckning" / OUTLINE_FILE)
    rows = [
        section.model_copy(update={"rows": _without_choices(section.rows)})
        for section in outline.sections
    ]
    assert place_outline(outline).codes
    assert place_outline(outline.model_copy(update={"sections": tuple(rows)})).codes == ()


def _without_choices(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    kept = [
        row if isinstance(row, PrintedText) else tuple(one for one in row if not one.options)
        for row in rows
    ]
    return tuple(row for row in kept if row)


@every_form
def test_the_law_is_cited_with_its_source(form: Form) -> None:
    for day in (date(2021, 12, 16), today_in_sweden()):
        laws = law_refs(form, day)
        assert laws
        assert all(law.ref and law.source for law in laws)


def _with_first_field(form: Form, **change: object) -> Form:
    content = form.model_dump(mode="json")
    content["pages"][0]["fields"][0] |= change
    return Form.model_validate(content)


@every_form
def test_any_change_of_geometry_is_noticed_and_a_label_is_none(form: Form) -> None:
    x, y, w, h = form.pages[0].fields[0].box
    digest = geometry_digest(form)
    assert geometry_digest(_with_first_field(form, box=(x + 0.1, y, w, h))) != digest
    assert geometry_digest(_with_first_field(form, name="annan")) != digest
    assert geometry_digest(_with_first_field(form, label="Annan ledtext")) == digest


def test_a_rule_of_law_that_does_not_exist_is_a_problem_of_the_form() -> None:
    form = FORMS.latest("tjansteanteckning")
    law = (LegalBasis(rule="sol-okand"),)
    deadline = Deadline(rule="okand", day="handelsedatum")
    (first, second) = form_problem_texts(
        form.model_copy(update={"law": law, "deadlines": (deadline,)})
    )
    assert "sol-okand" in first
    assert "okand" in second


def test_a_new_version_must_be_published_first() -> None:
    form = FORMS.latest("hsl-anteckning").model_copy(update={"version": 99})
    assert "publish it" in frozen_problem_texts(form, load_published(FOLDER))[0].in_language("en")


def test_a_broken_list_is_an_error(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("forms")
    assert load_published(folder) == {}
    (folder / PUBLISHED_FILE).write_text("[1]", "utf-8")
    with pytest.raises(FormError, match="not a JSON object"):
        load_published(folder)


def test_publishing_adds_what_is_new_and_refuses_what_was_changed(tmp_path: Path) -> None:
    source = (FOLDER / "hsl-anteckning" / "v1" / "form.yaml").read_text("utf-8")
    (tmp_path / "hsl-anteckning").mkdir()
    path = tmp_path / "hsl-anteckning" / "form.yaml"
    path.write_text(source, "utf-8")
    assert publish_forms(tmp_path) == ["hsl-anteckning/1"]
    assert publish_forms(tmp_path) == []
    path.write_text(source.replace("[15, 46, 66, 8]", "[15, 46, 66, 8.5]"), "utf-8")
    with pytest.raises(FormError, match="make version 2"):
        publish_forms(tmp_path)


PARTS = [
    Form,
    FormRules,
    FormSigning,
    Classification,
    DocumentType,
    PageSpec,
    FieldSpec,
    Option,
    Table,
    Section,
    Text,
    LegalBasis,
    Outline,
    OutlineSection,
    OutlineField,
    RepeatedRows,
    TableRows,
    PrintedText,
    GridBoxes,
    Grid,
    Days,
    BoxCode,
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_key_is_documented(part: type[BaseModel]) -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert [key for key in part.model_fields if f"`{key}`" not in readme] == []


@every_form
def test_every_form_is_listed_with_its_area_and_class(form: Form) -> None:
    (line,) = [
        line
        for line in (FOLDER / "README.md").read_text("utf-8").splitlines()
        if line.startswith(f"| `{form.id}` |")
    ]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert (cells[2], cells[4]) == (form.area, form.criticality)


@pytest.mark.parametrize(
    "names",
    [Kind, Format, Meaning, LabelSide, Subject, StandardSection],
    ids=lambda names: names.__name__,
)
def test_every_word_is_documented(names: type[StrEnum]) -> None:
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert [word for word in names if f"`{word}`" not in readme] == []


def test_the_example_in_the_documentation_is_a_good_form() -> None:
    example = re.search(r"```yaml\n(.*?)```", (FOLDER / "README.md").read_text("utf-8"), re.DOTALL)
    assert example
    assert form_problem_texts(Form.model_validate(yaml.safe_load(example[1]))) == []
