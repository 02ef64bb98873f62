"""Read standard input in the encodings that terminals and other programs write."""

from __future__ import annotations

import sys

from pipeline.csv_table import decoded


def given_line() -> str:
    """Return the first line with its line end, decoded as UTF-8 or else Windows-1252; may be empty."""
    return decoded(sys.stdin.buffer.readline())


def all_given() -> str:
    """Return all of standard input, decoded likewise."""
    return decoded(sys.stdin.buffer.read())
