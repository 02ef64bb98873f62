"""Where entries are keyed in: the receiving system, its module, and the area of law.

Entries of different areas are never on one list. A route that names its system and module goes
before the table of systems (`data/systems.yaml`).
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from pipeline.registers.outages import find_module, find_system, system_name

_NOT_IN_FILE_NAME = re.compile(r"[^a-z0-9]+")
_PART_LENGTH = 24
"""Characters of a system, module or area in a file name: all of it is at most 120 long."""


class Destination(NamedTuple):
    """A receiving system and its module, by their names for people, and an area of law."""

    system: str
    module: str
    area: str

    @property
    def title(self) -> str:
        """The destination in words, without what is not known."""
        return ", ".join(filter(None, self))

    @property
    def file_part(self) -> str:
        """The destination as part of a file name: short, in small ASCII letters and hyphens."""
        parts = (_NOT_IN_FILE_NAME.sub("-", _to_ascii(part).lower()).strip("-") for part in self)
        return "-".join(part[:_PART_LENGTH].strip("-") for part in parts if part)


def find_destination(form: str, area: str, system: str = "", module: str = "") -> Destination:
    """Return where an entry of a form and area of law is keyed in.

    Args:
        system: the system of its route, if that names one.
        module: the module of that system.
    """
    if system:
        return Destination(system, module, area)
    system_id = find_system(form, area)
    return Destination(system_name(system_id), module or find_module(system_id, form), area)


def _to_ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
