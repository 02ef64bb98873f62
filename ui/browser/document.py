"""The document around the screens: its language, and names and live regions for screen readers.

It scrolls to its top when a long list is replaced by another view.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

from ui.browser.assets import read_script
from ui.i18n import current_language, t

_TEXTS = (
    *("main", "more", "explains", "year", "skip", "refused", "remove"),
    *("lost", "lost_what", "not_found", "not_found_what"),
    *("all", "all_found", "add"),
)
_SCROLL_SCRIPT = """export default function ({ parentElement, data }) {
  if (parentElement.efTurn === data.turn) return;
  if (data.place) {
    const go = (left) => {
      const place = document.querySelector(`.st-key-${data.place}`);
      if (place) place.scrollIntoView({ block: "nearest" });
      if (!place && left) requestAnimationFrame(() => go(left - 1));
    };
    requestAnimationFrame(() => go(60));
  } else if (parentElement.efTurn !== undefined) {
    document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
  }
  parentElement.efTurn = data.turn;
}"""


@cache
def _document_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    return st.components.v2.component("efterskrift_document", js=read_script("document"))


@cache
def _scroll_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    return st.components.v2.component("efterskrift_to_top", html="<span></span>", js=_SCROLL_SCRIPT)


def document_settings() -> None:
    """Set the language and the accessible names; draw it once a run, before the screen."""
    texts = {name: t(f"document.{name}") for name in _TEXTS}
    _document_component()(
        key="document",
        data={"language": current_language(), **texts, "choose": t("scan.choose")},
        height=1,
    )


def scroll_to_top(turn: str) -> None:
    """Scroll to the top once for each new `turn`."""
    _scroll_component()(key="to_top", data={"turn": turn, "place": ""})


def scroll_to_place(turn: str, place: str) -> None:
    """Bring the container of this key into sight once for each new `turn`."""
    _scroll_component()(key="to_top", data={"turn": turn, "place": place})
