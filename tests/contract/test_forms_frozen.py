"""Every form keeps to the rules of readable forms, and no published version changes: its paper is out there."""

from __future__ import annotations

import pytest

from pipeline.errors import FormError
from pipeline.form_rules import form_problems
from pipeline.published import FILE, frozen_problems, geometry_digest, published
from pipeline.settings import ROOT
from pipeline.template import Form, Forms

FOLDER = ROOT / "forms"
FORMS = Forms.load(FOLDER)
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: f"{form.id}-{form.version}")


@every_form
def test_a_published_version_has_the_geometry_it_was_published_with(form: Form) -> None:
    assert frozen_problems(form, published(FOLDER)) == []


def test_no_published_version_is_missing() -> None:
    assert set(published(FOLDER)) == {f"{form_id}/{version}" for form_id, version in FORMS}


@every_form
def test_a_form_can_be_written_on_and_read(form: Form) -> None:
    assert form_problems(form) == []


@every_form
def test_what_harms_when_wrong_is_critical(form: Form) -> None:
    """Class A: who and when are typed blind (design.md). Numbers are amounts."""
    for spec in form.fields:
        if form.criticality == "A" and spec.format:
            assert spec.critical, spec.name


@every_form
def test_the_law_is_cited_with_its_source(form: Form) -> None:
    assert form.law
    assert all(law.ref and law.source for law in form.law)


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


def test_a_new_version_must_be_published_first() -> None:
    form = FORMS.latest("hsl-anteckning").model_copy(update={"version": 99})
    assert "publish it" in frozen_problems(form, published(FOLDER))[0]


def test_a_broken_list_is_an_error(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("forms")
    assert published(folder) == {}
    (folder / FILE).write_text("[1]", "utf-8")
    with pytest.raises(FormError, match="not a JSON object"):
        published(folder)
