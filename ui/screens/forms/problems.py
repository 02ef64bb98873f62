"""Texts for the problems of a draft, for users who have never seen the file of the form."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.forms.problems import FormProblem
from pipeline.preparation.form_editor.draft_form import check_draft
from pipeline.preparation.form_editor.drafts import Draft
from pipeline.preparation.form_editor.drawn_boxes import list_boxes
from pipeline.preparation.form_editor.outline_edits import list_items, list_sections
from pipeline.texts import catalogue
from ui.i18n import current_language, t
from ui.screens.forms import state


def shown_problems(draft: Draft) -> list[str]:
    """Return the problems of a draft in words, once the user has tried to go on with it."""
    if not state.was_tried(draft.id):
        return []
    return [problem_text(draft, problem) for problem in check_draft(draft).problems]


def problem_text(draft: Draft, problem: FormProblem) -> str:
    """Return what is wrong and what to do, with labels instead of field names."""
    labels = _field_labels(draft)
    values: dict[str, str] = problem.shown(current_language())
    for name in ("other", "field"):
        field_name = str(problem.field if name == "field" else values.get(name, ""))
        column = field_name.rpartition(".")[2]
        values[name] = labels.get(column) or labels.get(column.partition("_")[2]) or field_name
    # Codes are replaced by their texts.
    if "means" in values:
        values["means"] = t(f"forms.means.{values['means']}")
    if "key" in values:
        key = f"forms.key.{values['key']}"
        values["key"] = t(key) if key in catalogue(current_language()) else values["key"]
    suffix = "_drawn" if draft.is_drawn and problem.code == "no_meaning" else ""
    text_key = f"forms.fault.{problem.code}{suffix}"
    if text_key in catalogue(current_language()):
        return t(text_key, **values)
    return f"{problem.what(current_language())} {problem.remedy(current_language())}"


def _field_labels(draft: Draft) -> Mapping[str, str]:
    if draft.is_drawn:
        return {
            str(index): str(box.get("label") or "")
            for index, box in enumerate(list_boxes(draft.data, proposed=False))
        }
    labels = {}
    for section in list_sections(draft.data):
        for item in list_items(section):
            if item.data.get("name"):
                labels[str(item.data["name"])] = str(item.data.get("label") or "")
    return labels
