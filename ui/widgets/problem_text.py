"""Texts for the issues of a page."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.domain.form.field_labels import accessible_name
from pipeline.domain.form.form import Form
from pipeline.domain.issues import split_code
from ui.i18n import code_text


def issue_texts(codes: Iterable[str], form: Form | None) -> list[str]:
    """Return plain texts for issue codes such as `outside_outage:handelsedatum`.

    Each starts with the labels of its fields, if it is about fields; an issue of several fields (a
    line through a row) gives one text.
    """
    labels_by_text: dict[str, dict[str, None]] = {}
    for code in codes:
        spec = form.by_name.get(split_code(code)[1]) if form else None
        labels = labels_by_text.setdefault(code_text("issue", code), {})
        if form and spec:
            labels[accessible_name(form, spec)] = None
    return [
        f"{', '.join(labels)}: {text}" if labels else text
        for text, labels in labels_by_text.items()
    ]
