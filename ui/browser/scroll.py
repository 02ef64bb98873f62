"""Scrolling to the top when a long list is replaced by another view."""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

_SCROLL_SCRIPT = """export default function ({ parentElement, data }) {
  if (parentElement.efTurn === data.turn) return;
  if (parentElement.efTurn !== undefined) {
    document.querySelector("[data-testid=stMain]")?.scrollTo(0, 0);
  }
  parentElement.efTurn = data.turn;
}"""


@cache
def _scroll_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    return st.components.v2.component("efterskrift_to_top", html="<span></span>", js=_SCROLL_SCRIPT)


def scroll_to_top(turn: str) -> None:
    """Scroll to the top once for each new `turn`."""
    _scroll_component()(key="to_top", data={"turn": turn})
