"""What a command is given on standard input, as a terminal of any make or another program writes it."""

from __future__ import annotations

import sys

from pipeline.csv_table import decoded


def given_line() -> str:
    """The first line with its end, UTF-8 or else Windows-1252; empty if nothing is given."""
    return decoded(sys.stdin.buffer.readline())


def all_given() -> str:
    """Everything up to the end, likewise."""
    return decoded(sys.stdin.buffer.read())
