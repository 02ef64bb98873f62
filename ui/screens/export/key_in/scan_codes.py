"""Codes on the screen Skriv in that a scanner types at another computer, when the user wants them.

First the client's number alone; what is written about the client follows when the user says that
the right client is open there.
"""

from __future__ import annotations

import html
from functools import partial

import streamlit as st

from pipeline.domain.model import Person
from pipeline.export.key_in.screen import ClientToKeyIn, record_codes
from pipeline.export.manual_entry.scan_codes import (
    TRIAL_TEXT,
    ScanResult,
    judge_scan,
    make_code,
)
from pipeline.export.runs import ExportContext
from ui.i18n import t
from ui.markdown import plain
from ui.session import requires_open_session

_OPEN_KEY = "key_in_scan_open"
"""The client's turn in which the user has said that the right client is open."""
_TYPED_KEY = "key_in_scan_typed"
_CELL_PX, _QUIET_CELLS = 4, 4
_RESULTS = {
    ScanResult.RIGHT: "key_in.scan.right",
    ScanResult.CAPS_LOCK: "key_in.scan.caps_lock",
    ScanResult.LETTERS_LOST: "key_in.scan.letters_lost",
    ScanResult.CUT: "key_in.scan.cut",
    ScanResult.OTHER_LAYOUT: "key_in.scan.other_layout",
}


def scan_codes(context: ExportContext, person: Person, run_id: str, shown: ClientToKeyIn) -> None:
    """Show the switch and, where it is on, the client's codes."""
    if not st.toggle(t("key_in.scan.show"), key="key_in_scan", help=t("key_in.scan.what")):
        return
    _trial()
    if not shown.client_code:
        st.info(t("key_in.scan.none"), icon=":material/lock:")
        return
    st.markdown(t("key_in.scan.client"))
    _draw([shown.client_code])
    if st.session_state.get(_OPEN_KEY) != shown.heading:
        st.button(
            t("key_in.scan.is_open"),
            key="key_in_scan_is_open",
            icon=":material/person_check:",
            on_click=partial(_show_entries, context, person, run_id, shown),
        )
        return
    st.markdown(t("key_in.scan.entries"))
    for title, texts in shown.entry_codes:
        st.markdown(f"**{plain(title)}**")
        _draw(texts)


@requires_open_session
def _show_entries(
    context: ExportContext, person: Person, run_id: str, shown: ClientToKeyIn
) -> None:
    record_codes(context, person, run_id, shown.entry_ids)
    st.session_state[_OPEN_KEY] = shown.heading


def _trial() -> None:
    """Show a code to try the scanner with, and what the scanner made of it."""
    with st.expander(t("key_in.scan.trial"), icon=":material/barcode_reader:"):
        st.caption(t("key_in.scan.trial_what"))
        _draw([TRIAL_TEXT])
        typed = st.text_input(t("key_in.scan.trial_field"), key=_TYPED_KEY, autocomplete="off")
        if not typed.strip():
            return
        result = judge_scan(typed)
        show = st.success if result is ScanResult.RIGHT else st.error
        show(t(_RESULTS[result]))


def _draw(texts: list[str]) -> None:
    """Draw codes beside each other, each with its number where there are several."""
    with st.container(horizontal=True):
        for number, text in enumerate(texts, 1):
            with st.container(width="content"):
                picture = make_code(text).svg_data_uri(scale=_CELL_PX, border=_QUIET_CELLS)
                label = t("key_in.scan.part", number=number, count=len(texts))
                st.html(f'<img src="{picture}" alt="{html.escape(label)}" style="background:#fff">')
                if len(texts) > 1:
                    st.caption(plain(label))
