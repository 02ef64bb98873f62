"""What need not be typed on a sheet stands folded: what a group has confirmed, and what was surely read in class B and C. One key opens it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from html import escape

import streamlit as st

from pipeline.model import EntryState
from pipeline.review import Answer
from pipeline.store.entry_views import EntryView, FieldView
from pipeline.told_labels import told_labels
from pipeline.ways import is_routine
from ui.components.answers import in_words, shown_answer
from ui.text import t

_OPENED = "unfolded"
_ALL = "*"


def folded(view: EntryView) -> list[FieldView]:
    """The fields of an entry that stand folded now."""
    if view.entry.state is not EntryState.REVIEW or view.hidden:
        return []
    opened = _opened().get(view.entry.id, frozenset())
    return [] if _ALL in opened else [field for field in view.fields if field.spec.name not in opened and _may_fold(view, field)]


def folded_answers(view: EntryView) -> dict[str, Answer]:
    """What the person confirms of the folded fields by saving. What a group has confirmed stands by itself."""
    return {field.spec.name: answer for field in folded(view) if not field.grouped and (answer := shown_answer(field)) is not None}


def unfold(entry_id: str, names: Collection[str] = (_ALL,)) -> None:
    """Open all folded fields of an entry, or some."""
    _opened()[entry_id] = _opened().get(entry_id, frozenset()) | frozenset(names)


def forget_folding(entry_id: str | None) -> None:
    """The entry is done with."""
    _opened().pop(entry_id or "", None)


def open_button(view: EntryView) -> None:
    """The way to the folded fields."""
    if fields := folded(view):
        st.button(t("fold.open", count=len(fields)), key=f"unfold-{view.entry.id}", shortcut="Alt+O", on_click=unfold, args=(view.entry.id,))


def folded_lines(view: EntryView, crops: Mapping[str, str]) -> None:
    """The folded fields, each with its piece of paper (HTML by field) and what it is read as; those that a group has seen without."""
    fields, labels = folded(view), told_labels(view.form, view.entry.row)
    for grouped in (False, True):
        some = [field for field in fields if field.grouped is grouped]
        if some:
            tiles = "".join(_tile(field, labels[field.spec.name], "" if grouped else crops.get(field.spec.name, "")) for field in some)
            st.html(f'<div class="ef-folded"><p>{escape(t("fold.grouped" if grouped else "fold.sure"))}</p><ul>{tiles}</ul></div>')


def _tile(field: FieldView, label: str, crop: str) -> str:
    answer = shown_answer(field)
    words = in_words(field.spec, answer) if answer is not None else ""
    return f"<li>{crop}<span>{escape(label)}</span> <b>{escape(words)}</b></li>"


def _may_fold(view: EntryView, field: FieldView) -> bool:
    if not field.open or field.blind or field.hidden:
        return False
    return field.grouped or (field.draft is None and is_routine(view.form, field.spec, field.reading, view.problems))


def _opened() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = st.session_state.setdefault(_OPENED, {})
    return found
