"""Whether the author whom a paper names is a certain member of staff."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from pipeline.domain.model import Person, StaffMember

SAME_NAME_REASON = "den som signerar skrev själv på papper, men delar namn med ett annat konto"
"""Why an author whose name another account has too signs the own note with a reason."""
_INITIALS_AND_NAME = re.compile(r"\S+ – (?P<name>.+)")


def is_author(author: str, person: Person, staff: Iterable[StaffMember] = ()) -> bool:
    """Whether a paper's author is this person: by the whole name, by "NB – Nina Berglund", or by
    initials that the staff list gives to nobody else.

    A lone first name or initials that two persons share are nobody's: then a reason is asked
    for.
    """
    said = _fold_name(author)
    if not said:
        return False
    named = _INITIALS_AND_NAME.fullmatch(author.strip())
    if _fold_name(person.name) in {said, _fold_name(named["name"]) if named else ""}:
        return True
    signers = {
        _fold_name(member.name)
        for member in staff
        if _fold_name(member.signature) == said and member.unit in person.units
    }
    return signers == {_fold_name(person.name)}


def is_on_behalf(reason: str) -> bool:
    """Whether what a signature gives as its reason says that somebody else than the author signed."""
    return bool(reason) and not reason.startswith(SAME_NAME_REASON)


def _fold_name(text: str) -> str:
    plain = unicodedata.normalize("NFC", text).casefold()
    return " ".join(re.findall(r"[\w-]+", plain))
