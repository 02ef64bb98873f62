"""The document around the screens: its language, the name of its main part, and boxes that a screen reader reads out when they appear."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from ui.text import language, t


@cache
def _component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    return st.components.v2.component("efterskrift_document", js=Path(__file__).with_suffix(".js").read_text("utf-8"))


def document() -> None:
    """Set what the person's language and the screen readers need; drawn once a run, before the screen."""
    words = {name: t(f"document.{name}") for name in ("main", "more", "explains", "year", "lost", "lost_what")}
    _component()(key="document", data={"language": language(), **words, "choose": t("scan.choose")}, height=1)
