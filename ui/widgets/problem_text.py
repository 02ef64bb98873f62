"""Problems of a page in words."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.domain.form.field_labels import accessible_name
from pipeline.domain.form.form import Form
from pipeline.domain.issues import split_code
from ui.i18n import code_text


def issue_texts(codes: Iterable[str], form: Form | None) -> list[str]:
    """What codes such as `outside_outage:handelsedatum` mean, each led by the label of its field
    where it is about one.

    What is said of several fields is said once: a line through a row is about all of them.
    """
    labels: dict[str, dict[str, None]] = {}
    for code in codes:
        spec = form.by_name.get(split_code(code)[1]) if form else None
        about = labels.setdefault(code_text("problem", code), {})
        if form and spec:
            about[accessible_name(form, spec)] = None
    return [
        f"**{', '.join(about)}:** {words}" if about else words for words, about in labels.items()
    ]
