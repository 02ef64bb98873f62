"""The columns of a register, described once: by the fields of the dataclass of its rows.

A field says with `in_register` under which header a CSV file has it. One with a default may be
missing from the file; one whose default is a bool holds ja or nej.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cache
from typing import Any

_HEADER = "register_header"


@dataclass(frozen=True, slots=True)
class RegisterColumn:
    """One column: the field of the dataclass and of the table, and its header in a file."""

    field: str
    header: str
    is_optional: bool
    is_flag: bool

    @property
    def blank(self) -> str | bool:
        """The value that says nothing."""
        return False if self.is_flag else ""


def in_register(header: str) -> dict[str, str]:
    """Make the metadata of a field that is a column of a register.

    Args:
        header: in a CSV file, in small letters.
    """
    return {_HEADER: header}


@cache
def register_columns(kind: type[Any]) -> tuple[RegisterColumn, ...]:
    """List the columns of a register by the dataclass of its rows, in the order of its fields."""
    return tuple(
        RegisterColumn(
            field.name,
            field.metadata[_HEADER],
            is_optional=field.default is not dataclasses.MISSING,
            is_flag=isinstance(field.default, bool),
        )
        for field in dataclasses.fields(kind)
        if _HEADER in field.metadata
    )
