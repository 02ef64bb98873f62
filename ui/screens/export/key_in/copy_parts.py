"""What is to be keyed in about a client, copied part by part in the browser by single keys.

The first press copies the client's number, each further one the next part: what the other system
has a field of its own for, then the note. The clipboard is emptied when the client is done, when
the part leaves the screen, and some time after the last press.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

import streamlit as st

from pipeline.domain.identity_numbers import format_pid
from pipeline.export.manual_entry.screen import ClientToKeyIn, EntryToKeyIn
from ui.browser.assets import read_script, read_style
from ui.i18n import t

CLEAR_AFTER = timedelta(seconds=90)
"""How long a copied value is left on the clipboard."""
_TEXTS = ("next", "next_key", "whole", "back", "all", "copied", "failed")


@cache
def _copy_parts_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    return st.components.v2.component(
        "efterskrift_copy_parts",
        html='<div class="parts"></div>',
        css=read_style("copy_parts"),
        js=read_script("copy_parts"),
    )


def copy_parts(shown: ClientToKeyIn) -> None:
    """Show the client and the notes, and copy them by keys."""
    data = {
        "turn": shown.heading,
        "client": _client_parts(shown),
        "notes": [_note(entry) for entry in shown.entries],
        "texts": {name: t(f"key_in.copy.{name}") for name in _TEXTS},
        "clear_ms": CLEAR_AFTER / timedelta(milliseconds=1),
    }
    _copy_parts_component()(key="key_in_parts", data=data)


def _client_parts(shown: ClientToKeyIn) -> list[dict[str, str]]:
    """Return number and name of the client, as far as there is one."""
    if shown.has_several_clients:
        return []
    client = shown.client
    return [
        {"kind": kind, "label": t(f"key_in.{kind}"), "text": text}
        for kind, text in (
            ("pid", format_pid(client.pid) if client.pid else ""),
            ("name", client.name),
        )
        if text
    ]


def _note(entry: EntryToKeyIn) -> dict[str, Any]:
    block = entry.block
    own = [{"kind": "own", "label": label, "text": text} for label, text in block.own_rows]
    note = {"kind": "note", "label": t("key_in.note"), "text": block.note_text}
    lists = (("unmarked", block.unmarked), ("left_empty", block.empty))
    return {
        "title": f"{entry.item.number}. {block.title}",
        "parts": [*own, note],
        "whole": block.whole_text,
        "lines": [
            t(f"key_in.{name}", labels="; ".join(labels)) for name, labels in lists if labels
        ],
    }
