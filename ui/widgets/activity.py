"""Typing is activity on every screen, also in a form that is sent only when it is done: nobody is
logged out in the middle of a sentence.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import streamlit as st

from ui.session import consume_acted, note_activity
from ui.workspace import AppContext

_ACTIVITY_SCRIPT = """const QUIET_MS = 60000;
// What leaves the browser in one moment runs only one part of the screen: so what somebody does goes first, and this once the hands rest.
const REST_MS = 150;

export default function ({ parentElement, setTriggerValue }) {
  // This runs anew with new data: see "Scripts in the browser" in ARCHITECTURE.md.
  document.documentElement.dataset.efIn = "";
  parentElement.efStop?.abort();
  const stop = (parentElement.efStop = new AbortController());
  parentElement.efTold ??= performance.now(); // what brought the screen here was activity
  let typed = null, rest = 0;
  const tell = () => {
    // While the next form is coming into sight (coming_entry.js) or the server does what a button asked for (one_press.js) nothing is sent; the next
    // key tells.
    if (!typed || "efTurning" in document.documentElement.dataset || "efOut" in document.documentElement.dataset) return;
    const { efDrafted } = typed;
    typed = null;
    if (efDrafted) return; // a draft is activity, and is told by keyboard.js
    parentElement.efTold = performance.now();
    setTriggerValue("typing", true);
  };
  // Going to another screen is activity too; told of there, it would bring Streamlit back, and nothing would be shown.
  const leaves = ({ type, target }) => type === "navigate" || (type === "click" && target.closest?.("a[href]"));
  const moved = (event) => {
    if (leaves(event)) typed = null;
    if (event.type === "input" && performance.now() - parentElement.efTold >= QUIET_MS) typed ??= event;
    clearTimeout(rest);
    if (typed) rest = setTimeout(tell, REST_MS);
  };
  const kinds = ["input", "keydown", "pointerdown", "click", "focusin", "focusout"];
  kinds.forEach((type) => document.addEventListener(type, moved, { capture: true, signal: stop.signal }));
  window.navigation?.addEventListener("navigate", moved, { signal: stop.signal });
  return () => { clearTimeout(rest); stop.abort(); };
}"""
"""What is typed stays in the browser: only that something is, at most once a minute. And the
document remembers that somebody was logged in.
"""


@cache
def _activity_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    return st.components.v2.component(
        "efterskrift_activity", html="<span></span>", js=_ACTIVITY_SCRIPT
    )


@st.fragment
def track_typing(context: AppContext) -> None:
    """Let what somebody types put off the end of the session. As a fragment it draws nothing of the
    screen anew, unless a button was pressed in the same moment: then the browser asked for this
    part only.
    """
    if consume_acted():
        st.rerun()
    _activity_component()(key="activity", on_typing_change=partial(note_activity, context))
