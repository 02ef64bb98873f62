"""Initials on paper and the person whom they mean: as a person chose in review, else by the staff list (signaturförtydligande)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.model import StaffMember
from pipeline.record import Record

_CHOSEN = re.compile(r"(?P<initials>\S+) – (?P<name>.+)")


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed a box: the initials as they stand on the paper, empty where nobody could read them, and the person, if it is known which."""

    initials: str
    name: str = ""

    @property
    def performer(self) -> str:
        """The person, else the initials as read."""
        return self.name or self.initials

    @property
    def words(self) -> str:
        """As it is told in a text."""
        if not self.initials:
            return "signerad på papperet, oklart av vem"
        return f"signerad {self.initials}" + (f" ({self.name})" if self.name else ", utan namn i signaturlistan")


def signature_of(record: Record, field: str, staff: Sequence[StaffMember]) -> Signature | None:
    """What a field of initials says; None where nobody has signed.

    Initials that the list of the entry's unit gives to several persons, or to none, stay initials.
    """
    value = record.fields.get(field)
    if not value:
        return None
    if not isinstance(value, str):
        return Signature("")
    if chosen := _CHOSEN.fullmatch(value.strip()):
        return Signature(chosen["initials"], chosen["name"])
    names = {member.name for member in staff if member.unit == record.unit and member.signature.casefold() == value.strip().casefold()}
    return Signature(value.strip(), names.pop() if len(names) == 1 else "")
