"""What is wrong with a draft, in the words of somebody who makes forms and has never seen the file
behind it.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.forms.problems import FormProblem
from pipeline.preparation.form_editor.drafts import Draft
from pipeline.preparation.form_editor.drawn_boxes import list_boxes
from pipeline.preparation.form_editor.outline_edits import list_items, list_sections
from pipeline.texts import catalogue
from ui.i18n import current_language, t


def problem_text(draft: Draft, problem: FormProblem) -> str:
    """What is wrong and what to do, with labels instead of names."""
    labels = _field_labels(draft)
    values: dict[str, str] = problem.shown(current_language())
    for name in ("other", "field"):
        said = str(problem.field if name == "field" else values.get(name, ""))
        column = said.rpartition(".")[2]
        values[name] = labels.get(column) or labels.get(column.partition("_")[2]) or said
    if "means" in values:
        values["means"] = t(f"forms.means.{values['means']}")
    if "key" in values:
        key = f"forms.key.{values['key']}"
        values["key"] = t(key) if key in catalogue(current_language()) else values["key"]
    text = f"forms.fault.{problem.code}" + (
        "_drawn" if draft.is_drawn and problem.code == "no_meaning" else ""
    )
    if text in catalogue(current_language()):
        return t(text, **values)
    return f"{problem.what(current_language())} {problem.remedy(current_language())}"


def _field_labels(draft: Draft) -> Mapping[str, str]:
    if draft.is_drawn:
        return {
            str(place): str(one.get("label") or "")
            for place, one in enumerate(list_boxes(draft.data))
        }
    found = {}
    for section in list_sections(draft.data):
        for item in list_items(section):
            if item.data.get("name"):
                found[str(item.data["name"])] = str(item.data.get("label") or "")
    return found
