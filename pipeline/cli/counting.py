"""A number with its noun, in singular or plural."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """`1 sheet`, `2 sheets`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
