"""Files that are pages of one stack, in the order of the paper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_NUMBER = re.compile("([0-9]+)")


def in_turn(path: Path) -> tuple[list[list[str | int]], str]:
    """To sort by name, numbers as numbers: a copier calls the tenth picture of a stack `Scan 10` and the second `Scan 2`."""
    parts = [[int(piece) if at % 2 else piece for at, piece in enumerate(_NUMBER.split(part))] for part in path.parts]
    return parts, str(path)


def as_meant(paths: Sequence[Path]) -> list[Path]:
    """Files as somebody listed them, but by number where names differ in nothing else and stand as a shell lists them (`scan *.jpg`).

    Any other order was meant as it is.
    """
    given = list(paths)
    listed_by_shell = given == sorted(given, key=str) and len({_NUMBER.sub("0", str(path)) for path in given}) == 1
    return sorted(given, key=in_turn) if listed_by_shell else given
