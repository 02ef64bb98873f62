"""Plots can be distinguished from their background in light and in dark."""

from __future__ import annotations

import tomllib

import pytest

from pipeline.domain.model import EntryState
from pipeline.domain.settings import ROOT
from ui.widgets.chart_colors import DARK_COLORS, LIGHT_COLORS, ChartColors

LEAST = 3.0


def luminance(colour: str) -> float:
    """Relative luminance as WCAG computes it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("name", "shown"), [("light", LIGHT_COLORS), ("dark", DARK_COLORS)])
def test_every_colour_is_told_from_the_background_of_its_theme(
    name: str, shown: ChartColors
) -> None:
    theme = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))["theme"][name]
    assert shown.background == theme["backgroundColor"]
    assert [
        colour
        for colour in (*shown.states, shown.void, shown.line)
        if contrast(colour, shown.background) < LEAST
    ] == []
    assert len({*shown.states, shown.void}) == len(EntryState) + 1
