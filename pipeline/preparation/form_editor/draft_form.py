"""Make the form of a draft, or find what is wrong with the draft and where it is corrected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from pipeline.domain.errors import FormEditorError
from pipeline.domain.form.form import Form
from pipeline.files.yaml_positions import YamlPath
from pipeline.forms.layout.form import place_outline
from pipeline.forms.layout.outline import Outline
from pipeline.forms.problems import FormProblem, LayoutError
from pipeline.preparation.form_check.check import find_schema_problems
from pipeline.preparation.form_check.rules import find_form_problems
from pipeline.preparation.form_editor.drafts import Draft, YamlData
from pipeline.preparation.form_editor.drawn_boxes import build_drawn_form
from pipeline.preparation.form_editor.outline_edits import list_items, list_sections


@dataclass(frozen=True, slots=True)
class DraftLocation:
    """A section of a draft and a field in it, by number; None where a problem is of the whole."""

    section: int | None = None
    item: int | None = None


@dataclass(frozen=True, slots=True)
class DraftCheck:
    """A draft's problems, and its form; None while the draft gives no form."""

    form: Form | None
    problems: tuple[FormProblem, ...]


def check_draft(draft: Draft) -> DraftCheck:
    """Lay out a draft and check the form."""
    try:
        form = (
            build_drawn_form(draft)
            if draft.is_drawn
            else place_outline(Outline.model_validate(draft.data))
        )
    except ValidationError as error:
        return DraftCheck(
            None, tuple(find_schema_problems(Form if draft.is_drawn else Outline, error))
        )
    except LayoutError as error:
        return DraftCheck(None, (error.problem,))
    return DraftCheck(form, tuple(find_form_problems(form)))


def require_complete_form(draft: Draft) -> Form:
    """Return the form of a draft without problems.

    Raises:
        FormEditorError: the draft has problems.
    """
    check = check_draft(draft)
    if check.form is None or check.problems:
        raise FormEditorError("faults")
    return check.form


def locate_problem(draft: Draft, problem: FormProblem) -> DraftLocation:
    """Find where in a draft of sections a problem is to be corrected."""
    sections = list_sections(draft.data)
    return _locate_by_name(sections, problem.field) or _locate_by_path(sections, problem.at)


def _locate_by_name(sections: Sequence[YamlData], field_name: str) -> DraftLocation | None:
    """Find the field of this name, if one is named."""
    # A field of a repeated section has a prefix, which the draft does not have.
    column = field_name.rpartition(".")[2]
    for name in filter(None, (column, column.partition("_")[2])):
        for section_no, section in enumerate(sections):
            for item_no, item in enumerate(list_items(section)):
                if item.data.get("name") == name:
                    return DraftLocation(section_no, item_no)
    return None


def _locate_by_path(sections: Sequence[YamlData], path: YamlPath) -> DraftLocation:
    """Follow a path in the file: `("sections", 2, "rows", 1, 0, …)` is a field of section 2."""
    # Keys other than these two do not select an item.
    at = [part for part in path if not isinstance(part, str) or part in ("sections", "rows")]
    if len(at) < 2 or at[0] != "sections" or not isinstance(at[1], int) or at[1] >= len(sections):
        return DraftLocation()
    if len(at) > 3 and at[2] == "rows" and isinstance(at[3], int):
        # Items are numbered through all rows: a row of words is one item.
        rows_before = (sections[at[1]].get("rows") or [])[: at[3]]
        before = sum(1 if isinstance(row, dict) else len(row) for row in rows_before)
        in_row = at[4] if len(at) > 4 and isinstance(at[4], int) else 0
        return DraftLocation(at[1], before + in_row)
    return DraftLocation(at[1])
