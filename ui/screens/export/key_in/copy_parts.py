"""What is to be keyed in about a client, copied part by part in the browser by single keys.

The first press copies the client's number, each further one the next part: what the other system
has a field of its own for, then the note. Which parts were copied is sent to the server a moment
after the press, by their names. The clipboard is emptied at the press that ticks the client, when
the part leaves the screen, and some time after the last press.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.identity_numbers import format_pid
from pipeline.domain.model import Person
from pipeline.export.key_in.screen import ClientToKeyIn, EntryToKeyIn
from pipeline.export.key_in.signatures import save_copied_parts
from pipeline.export.runs import ExportContext
from pipeline.store.exports.manual_entry import PART_CHARS, list_copies
from pipeline.store.schema.clock import utc_now
from ui.browser.assets import component, read_script
from ui.i18n import t
from ui.screens.export.key_in.who_keys import set_refusal
from ui.session import consume_acted, note_activity

CLEAR_AFTER = timedelta(seconds=90)
"""How long a copied value is left on the clipboard."""
_TEXTS = (
    "key_in.copy.next",
    "key_in.copy.next_key",
    "key_in.copy.whole",
    "key_in.copy.back",
    "key_in.copy.all",
    "key_in.copy.copied",
    "key_in.copy.failed",
    "key_in.copy.ticking",
    "key_in.copy.unheard",
    "key_in.copy.not_ticked",
    "key_in.copy.small",
    "key_in.copy.away",
    "key_in.copy.stopped",
    "key_in.title",
)
HTML = '<div class="parts"></div><p class="away"></p>'
SCRIPTS = ("press_again", "key_in/copy_board", "key_in/small_window", "key_in/copy_parts")
_KEY, _ANSWERS_KEY, _REDRAW_KEY = "key_in_parts", "key_in_answers", "key_in_redraw"


def begin_draw() -> None:
    """Note that the whole screen is drawn, and shows why a copy was refused."""
    st.session_state.pop(_REDRAW_KEY, None)


def note_answer() -> None:
    """Note that the server has dealt with a press that ends the client's turn.

    Until then the browser copies nothing more of the client.
    """
    st.session_state[_ANSWERS_KEY] = st.session_state.get(_ANSWERS_KEY, 0) + 1


@st.fragment
def copy_parts(
    context: ExportContext,
    person: Person,
    run_id: str,
    shown: ClientToKeyIn,
    warnings: Sequence[str],
) -> None:
    """Show the client and the notes, and copy them by keys, here or in a small window.

    As a fragment it gets what was copied without the list being claimed and drawn again. The
    `warnings` are those that the screen shows above it: the small window shows them too.
    """
    # A fragment draws only itself: what a copy or another press changed above needs a whole run.
    if st.session_state.pop(_REDRAW_KEY, False) or consume_acted():
        st.rerun()
    with context.store.read() as conn:
        copies = list_copies(conn, shown.entry_ids)
    copied = {(copy.entry_id, copy.revision, copy.part) for copy in copies}
    data = {
        "turn": shown.heading,
        "run": run_id,
        "entries": list(shown.entry_ids),
        "answers": st.session_state.get(_ANSWERS_KEY, 0),
        "client": _client_parts(shown),
        "notes": [_note(entry, copied) for entry in shown.entries],
        "texts": {key.rpartition(".")[2]: t(key) for key in _TEXTS},
        "warnings": list(warnings),
        "tick": tick_label(shown),
        "clear_ms": CLEAR_AFTER / timedelta(milliseconds=1),
    }
    component(
        "copy_parts",
        read_script(*SCRIPTS),
        html=HTML,
        style="copy_parts",
    )(key=_KEY, data=data, on_copied_change=partial(_save_copied, context, person))


def tick_label(shown: ClientToKeyIn) -> str:
    """Return what the press says that tells that all of a client is in the other system."""
    is_void = all(entry.is_void for entry in shown.entries)
    return t("key_in.done_void" if is_void else "key_in.done", count=len(shown.entry_ids))


def _save_copied(context: ExportContext, person: Person) -> None:
    # The state is gone if the part has left the screen.
    told = (st.session_state.get(_KEY) or {}).get("copied")
    if not told or not note_activity(context):
        return
    copied = {str(entry): [str(name) for name in names] for entry, names in told["parts"].items()}
    try:
        save_copied_parts(context, person, str(told["run"]), copied, utc_now())
    except EfterskriftError as error:
        set_refusal(error)
        st.session_state[_REDRAW_KEY] = True


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


def _note(entry: EntryToKeyIn, copied: set[tuple[str, int, str]]) -> dict[str, Any]:
    block, item = entry.block, entry.item
    title = t("key_in.void_title", title=block.title) if entry.is_void else block.title
    parts = [{"kind": "own", "label": label, "text": text} for label, text in block.own_rows]
    # A void entry is found in the other system by what it has own fields for, and keyed in nowhere.
    if not entry.is_void:
        parts.append({"kind": "note", "label": t("key_in.note"), "text": block.note_text})
    # A part is named by its label, not by its value; the note's depends on the language.
    seen = Counter[str]()
    for part in parts:
        label = "" if part["kind"] == "note" else part["label"]
        seen[label] += 1
        part["name"] = f"{part['kind']} {seen[label]} {label}"[:PART_CHARS]
    unmarked = [t("key_in.unmarked", labels="; ".join(block.unmarked))] if block.unmarked else []
    return {
        "entry": item.entry_id,
        "title": f"{item.number}. {title}",
        "parts": [
            part | {"copied": (item.entry_id, item.revision, part["name"]) in copied}
            for part in parts
        ],
        "whole": "" if entry.is_void else block.whole_text,
        "lines": [block.note_text] if entry.is_void else unmarked,
    }
