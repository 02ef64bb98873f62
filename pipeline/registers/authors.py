"""Decide whether the author named on paper is the person who signs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from pipeline.domain.model import Person, StaffMember

SAME_NAME_REASON = "den som signerar skrev själv på papper, men delar namn med ett annat konto"
"""The reason by which an author who shares a name with another account signs their note."""
_INITIALS_AND_NAME = re.compile(r"\S+ – (?P<name>.+)")


def is_author(author: str, person: Person, staff: Iterable[StaffMember] = ()) -> bool:
    """Whether a paper's author is this person: by full name, initials, or both.

    Both are written "NB – Nina Berglund". Initials have to be this person's alone by the staff
    list. A first name alone, or shared initials, match no person: then a reason is asked for.
    """
    name = _fold_name(author)
    if not name:
        return False
    match = _INITIALS_AND_NAME.fullmatch(author.strip())
    if _fold_name(person.name) in {name, _fold_name(match["name"]) if match else ""}:
        return True
    # Initials, by the staff list of the person's units.
    signers = {
        _fold_name(member.name)
        for member in staff
        if _fold_name(member.signature) == name and member.unit in person.all_units
    }
    return signers == {_fold_name(person.name)}


def is_on_behalf(reason: str) -> bool:
    """Whether the reason of a signature means that another person than the author signed."""
    return bool(reason) and not reason.startswith(SAME_NAME_REASON)


def _fold_name(text: str) -> str:
    plain = unicodedata.normalize("NFC", text).casefold()
    return " ".join(re.findall(r"[\w-]+", plain))
