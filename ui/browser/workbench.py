"""The workbench of Granska in the browser: sheet, client, fields, buttons, keys and focus.

One component shows the entry that Python gives it and the one that comes next. It sends one message
an act; Python decides what each means and what is shown then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import streamlit as st

from pipeline.reading.language.vocabulary import care_words
from ui.browser.assets import component, read_script
from ui.i18n import t

SCRIPTS = (
    "unsent",
    "press_again",
    *(
        f"workbench/{name}"
        for name in (
            *("word_match", "dom", "outbox", "short", "picture", "words", "field", "fields"),
            *("seen", "question", "head", "foot", "undo", "tabs", "keys", "workbench"),
        )
    ),
)
"""The parts of the script in their order; the last one has the entry point."""
LABELS = {
    "save": "review.save",
    "skip": "review.skip",
    "reject": "review.reject",
    "undo": "review.undo",
    "readAs": "review.read_as",
    "verbatim": "note.verbatim",
    "other": "review.other_value",
    "for": "guard.for",
    "against": "guard.against",
    "wait": "client.wait",
    "sheet": "picture.alt",
    "turn": "picture.turn",
    "contrast": "picture.contrast",
    "invert": "picture.invert",
    "in": "picture.in",
    "out": "picture.out",
    "whole": "picture.whole",
    "form": "workbench.form",
    "bar": "workbench.bar",
    "saving": "workbench.saving",
    "again": "workbench.again",
    "emptied": "workbench.emptied",
    "tabs": "workbench.tabs",
    "wholeDay": "workbench.whole_day",
    "wholeTime": "workbench.whole_time",
}
"""The words that the script needs, by the name that it knows them by."""


_MIN_COMPLETED = 10
"""Letters of a word that is completed: shorter ones are typed as fast as they are looked at."""


@cache
def workbench_script() -> str:
    """Return the script with the public words of care that it completes (8 kB)."""
    words = [word for word in care_words() if len(word) >= _MIN_COMPLETED]
    return f"const CARE_WORDS = {json.dumps(words, ensure_ascii=False)};\n{read_script(*SCRIPTS)}"


def workbench(
    data: Mapping[str, Any], on_act: Callable[[Mapping[str, Any]], None], key: str = "workbench"
) -> None:
    """Show an entry; `on_act` receives each message of the browser.

    A message has a number `n`, a `kind`, an `entry`, a `revision` and the `values` of its fields.
    """

    def handle_act() -> None:
        # The state is gone if the workbench has left the screen.
        act = (st.session_state.get(key) or {}).get("act")
        if isinstance(act, Mapping):
            on_act(act)

    labels = {name: t(text) for name, text in LABELS.items()}
    component("workbench", workbench_script(), style="workbench", isolate_styles=False)(
        key=key, data={**data, "labels": labels}, on_act_change=handle_act, height="content"
    )
