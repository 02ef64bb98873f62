"""Problems of a page in words."""

from __future__ import annotations

from pipeline.template import Form
from pipeline.told_labels import told_label
from ui.text import known


def problem_text(code: str, form: Form | None) -> str:
    """What a code such as `outside_outage:handelsedatum` means, led by the field's label where it is about a field."""
    _, _, detail = code.partition(":")
    spec = form.by_name.get(detail) if form else None
    words = known("problem", code)
    return f"**{told_label(form, spec)}:** {words}" if form and spec else words
