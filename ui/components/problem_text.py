"""Problems of a page in words."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.issues import split_code
from pipeline.template import Form
from pipeline.told_labels import told_label
from ui.text import known


def problem_texts(codes: Iterable[str], form: Form | None) -> list[str]:
    """What codes such as `outside_outage:handelsedatum` mean, each led by the label of its field where it is about one.

    What is said of several fields is said once: a line through a row is about all of them.
    """
    labels: dict[str, dict[str, None]] = {}
    for code in codes:
        spec = form.by_name.get(split_code(code)[1]) if form else None
        about = labels.setdefault(known("problem", code), {})
        if form and spec:
            about[told_label(form, spec)] = None
    return [f"**{', '.join(about)}:** {words}" if about else words for words, about in labels.items()]
