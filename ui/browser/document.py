"""The document around the screens: its language, and names and live regions for screen readers.

It scrolls to its top when a long list is replaced by another view, or to a part that is asked for.
"""

from __future__ import annotations

from itertools import count

import streamlit as st

from ui.browser.assets import component, read_script
from ui.i18n import current_language, t

_TEXTS = (
    *(
        "document.main",
        "menu.places",
        "document.explains",
        "document.year",
        "document.skip",
        "document.refused",
        "document.remove",
    ),
    *("document.lost", "document.lost_what", "document.not_found", "document.not_found_what"),
    *("document.all", "document.all_found", "document.add"),
)
_SCROLL_SCRIPT = """export default function ({ parentElement, data }) {
  if (parentElement.efTurn === data.turn) return;
  if (parentElement.efTurn !== undefined) {
    document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
  }
  parentElement.efTurn = data.turn;
}"""
_PART_SCRIPT = """export default function ({ data }) {
  // The document remembers it: who comes back to the screen has not asked again.
  const turns = (document.efPartTurns ??= {});
  if (turns[data.part] === data.turn) return;
  turns[data.part] = data.turn;
  // The list is drawn in a part of its own, which may come a little later.
  const part = `.st-key-${CSS.escape(data.part)}`, until = performance.now() + 3000;
  const find = () => {
    const found = document.querySelector(`${part} ${data.button}`);
    if (!found && performance.now() < until) return requestAnimationFrame(find);
    const list = document.querySelector(part);
    // Without a button it is enough that the beginning is in sight.
    if (data.button || list?.getBoundingClientRect().top > innerHeight * 0.6) {
      list?.scrollIntoView({ block: "start", behavior: "instant" });
    }
    if (data.button) found?.focus({ preventScroll: true });
  };
  find();
}"""


def document_settings(left: str = "") -> None:
    """Set the language and the accessible names; draw it once a run, before the screen.

    What the browser keeps of a person who has logged out (`left`) is removed from it.
    """
    texts = {key.rpartition(".")[2]: t(key) for key in _TEXTS}
    component("document", read_script("unsent", "document"))(
        key="document",
        data={
            "language": current_language(),
            **texts,
            "choose": t("scan.choose"),
            "chosen": t("document.chosen", count="{count}"),
            "left": left,
        },
        height=1,
    )


def scroll_to_top(turn: str) -> None:
    """Scroll to the top once for each new `turn`."""
    component("to_top", _SCROLL_SCRIPT, "<span></span>")(key="to_top", data={"turn": turn})


def scroll_to_part(turn: str, part: str, button: str = "") -> None:
    """Scroll to a container, and give a button in it the focus, once for each new `turn`.

    Args:
        turn: names the press that asked for it.
        part: the key of the container.
        button: the CSS selector of the button, within the container; empty: the focus stays.
    """
    component("to_part", _PART_SCRIPT, "<span></span>")(
        key="to_part", data={"turn": turn, "part": part, "button": button}
    )


# One click at a time: others wait until the server has done what a button asked for.
#
# Streamlit ends a run when another is requested, even in the middle of what a button does: on a
# slow server a save that was followed by another key was lost without a message.
#
# Streamlit also sometimes fails to tell the browser that a run has ended (its issue 9921: a
# fragment is run right after the whole script). What the run before drew then remains next to the
# new screen. Each run therefore draws marks, alternately 1 + 2 and 2 + 1: more than three marks
# belong to two runs.

_run_numbers = count(1)
"""Run numbers of all sessions, so that the data of each run differs."""
_IS_ODD_RUN_KEY = "run_is_odd"


def action_lock() -> None:
    """Release the clicks of earlier runs, and let the browser ask for a run if two are mixed.

    Draw it before the screen.
    """
    component("one_press", read_script("press_again", "action_lock"))(
        key="one_press",
        data={"run": next(_run_numbers), "wait": t("document.wait")},
        height=1,
        on_mixed_change=lambda: None,
    )
    is_odd = st.session_state[_IS_ODD_RUN_KEY] = not st.session_state.get(_IS_ODD_RUN_KEY, False)
    with st.container(key="run_marks"):
        for mark_count in (1 + is_odd, 2 - is_odd):
            with st.container():
                for _ in range(mark_count):
                    st.html('<i class="ef-run"></i>')
