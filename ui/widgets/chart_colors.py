"""The colours of charts for the light and the dark theme.

What must be distinguished from the background has a contrast of at least 3:1 (WCAG 2.2, 1.4.11).
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True, slots=True)
class ChartColors:
    """The colours of a theme.

    The background, one for each state in its order, one for void entries, one for lines and bars,
    and one that only fills the range around a line.
    """

    background: str
    states: tuple[str, ...]
    void: str
    line: str
    band: str


LIGHT_COLORS = ChartColors(
    background="#faf9f6",
    states=("#b07c2f", "#b0553f", "#1f6b75", "#3a8884", "#6f8450", "#87966f", "#7f8a8f"),
    void="#4c5257",
    line="#1f6b75",
    band="#9cc5ca",
)
DARK_COLORS = ChartColors(
    background="#171c1f",
    states=("#d9a45b", "#d0765f", "#4fa3ae", "#7cc4c0", "#8fa868", "#c7d4b9", "#a0aaae"),
    void="#6f7a80",
    line="#5fb0ba",
    band="#2f5f66",
)


def chart_colors() -> ChartColors:
    """Return the colours of the theme that the browser shows."""
    return DARK_COLORS if st.context.theme.type == "dark" else LIGHT_COLORS
