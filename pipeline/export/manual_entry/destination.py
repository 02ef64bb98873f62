"""Where entries are keyed in: the receiving system, its module, and the area of law.

Entries of different areas are never on one list. A route that names its system and module goes
before the table of systems (`data/systems.yaml`).
"""

from __future__ import annotations

from typing import NamedTuple

from pipeline.registers.outages import find_module, find_system, system_name


class Destination(NamedTuple):
    """A receiving system and its module, by their names for people, and an area of law."""

    system: str
    module: str
    area: str

    @property
    def title(self) -> str:
        """The destination in words, without what is not known."""
        return ", ".join(filter(None, self))


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
