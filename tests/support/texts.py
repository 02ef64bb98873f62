"""Texts as a Swedish reader sees them."""

from __future__ import annotations

from pipeline.texts import Text


def in_swedish(text: Text | None) -> str:
    """Return a text in Swedish; empty where there is none."""
    return text.in_language("sv") if text else ""
