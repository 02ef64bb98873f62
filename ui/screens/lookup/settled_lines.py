"""What is decided in an entry, to read: a line for each field."""

from __future__ import annotations

from html import escape

import streamlit as st

from pipeline.domain.model import State
from pipeline.store.entries.entry_view import EntryView, FieldView
from ui.i18n import t
from ui.screens.review.field_cards import settled_items


def settled_lines(
    view: EntryView, fields: list[FieldView], *, are_empty_folded: bool = False
) -> None:
    """Show what is decided in these fields, to read.

    With `are_empty_folded` the empty fields are one line at the end.
    """
    items = list(zip(fields, settled_items(view, fields), strict=True))
    folded = [item for field, item in items if are_empty_folded and _is_empty(field)]
    lines = [_line_html(**item) for _, item in items if item not in folded]
    if folded:
        lines.append(_line_html(t("state.empty"), ", ".join(item["label"] for item in folded)))
    if lines:
        st.html("".join(lines))


def _is_empty(field: FieldView) -> bool:
    """Return whether the field is empty and that says nothing: a day without a signature does."""
    answer = field.first_answer
    return answer is not None and answer.state is State.EMPTY and field.spec.day is None


def _line_html(label: str, text: str) -> str:
    label_html = f'<span class="ef-muted">{escape(label)}</span>'
    return f'<div class="ef-settled">{label_html} {escape(text)}</div>'
