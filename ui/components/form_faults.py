"""What is wrong with a draft, in the words of somebody who makes forms and has never seen the file behind it."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.form_faults import Fault
from pipeline.making.drafts import Draft
from pipeline.making.drawn_boxes import boxes
from pipeline.making.outline_edits import items, sections
from pipeline.texts import catalogue
from ui.text import language, t


def fault_words(draft: Draft, fault: Fault) -> str:
    """What is wrong and what to do, with labels instead of names."""
    labels = _labels(draft)
    values: dict[str, str] = fault.shown(language())
    for name in ("other", "field"):
        said = str(fault.field if name == "field" else values.get(name, ""))
        column = said.rpartition(".")[2]
        values[name] = labels.get(column) or labels.get(column.partition("_")[2]) or said
    if "means" in values:
        values["means"] = t(f"forms.means.{values['means']}")
    if "key" in values:
        key = f"forms.key.{values['key']}"
        values["key"] = t(key) if key in catalogue(language()) else values["key"]
    text = f"forms.fault.{fault.code}" + ("_drawn" if draft.drawn and fault.code == "no_meaning" else "")
    if text in catalogue(language()):
        return t(text, **values)
    return f"{fault.what(language())} {fault.remedy(language())}"


def _labels(draft: Draft) -> Mapping[str, str]:
    if draft.drawn:
        return {str(place): str(one.get("label") or "") for place, one in enumerate(boxes(draft.data))}
    found = {}
    for section in sections(draft.data):
        for item in items(section):
            if item.what.get("name"):
                found[str(item.what["name"])] = str(item.what.get("label") or "")
    return found
