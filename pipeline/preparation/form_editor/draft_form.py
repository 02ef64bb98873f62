"""What a draft gives: the form with every box in its place, or what is wrong with it and where a
person mends that.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from pipeline.domain.errors import FormEditorError
from pipeline.domain.form.form import Form
from pipeline.forms.layout.form import place_outline
from pipeline.forms.layout.outline import Outline
from pipeline.forms.problems import FormProblem, LayoutError
from pipeline.preparation.form_check.rules import find_form_problems
from pipeline.preparation.form_check.schema_errors import find_schema_problems
from pipeline.preparation.form_editor.drafts import Draft
from pipeline.preparation.form_editor.drawn_boxes import build_drawn_form
from pipeline.preparation.form_editor.outline_edits import list_items, list_sections


@dataclass(frozen=True, slots=True)
class DraftLocation:
    """A section of a draft, and the field in it; None where a fault is of the whole."""

    section: int | None = None
    item: int | None = None


@dataclass(frozen=True, slots=True)
class DraftCheck:
    """A draft's form, None as long as it gives none, and its faults."""

    form: Form | None
    problems: tuple[FormProblem, ...]


def check_draft(draft: Draft) -> DraftCheck:
    """Place a draft and check it."""
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
    """The form that a draft without faults gives.

    Raises:
        FormMakingError: it has faults.
    """
    found = check_draft(draft)
    if found.form is None or found.problems:
        raise FormEditorError("faults")
    return found.form


def locate_problem(draft: Draft, problem: FormProblem) -> DraftLocation:
    """Where in a draft of sections a fault is to be mended: by the field's name, else by its place
    in the file.
    """
    every = list_sections(draft.data)
    column = problem.field.rpartition(".")[2]
    for turn in filter(
        None, (column, column.partition("_")[2])
    ):  # a repeated field is written without the prefix of its turn
        for number, section in enumerate(every):
            for place_, item in enumerate(list_items(section)):
                if item.data.get("name") == turn:
                    return DraftLocation(number, place_)
    at = [part for part in problem.at if not isinstance(part, str) or part in ("sections", "rows")]
    if len(at) < 2 or at[0] != "sections" or not isinstance(at[1], int) or at[1] >= len(every):
        return DraftLocation()
    if len(at) > 3 and at[2] == "rows" and isinstance(at[3], int):
        before = sum(
            1 if isinstance(row, dict) else len(row)
            for row in (every[at[1]].get("rows") or [])[: at[3]]
        )
        own = at[4] if len(at) > 4 and isinstance(at[4], int) else 0
        return DraftLocation(at[1], before + own)
    return DraftLocation(at[1])
