"""The wrong-person guard: what on a sheet supports that an entry is about a client, what speaks
against it, and what a person may say to that.

Findings are codes as in `resolve/reasons.py` ("name_differs:0.31"), so that they can be told in
words without quoting anything.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.model import Client
from pipeline.registers.client_search import fits_another_name, text_similarity
from pipeline.registers.match_reasons import match_evidence, similarity_evidence

CONFLICTS = frozenset({"name_differs", "name_fits_other", "printed_other", "unit_other"})
"""Findings that stop an entry from being confirmed until somebody has said how it is."""
EVIDENCE_AGAINST = CONFLICTS | {
    "address_differs",
    "check_wrong",
    "not_in_register",
    "namesake",
    "unit_else",
}
"""Findings that speak against the client; the others support it."""


class ConflictChoice(StrEnum):
    """What a person says when the sheet contradicts the client."""

    HAND_ON = "hand_on"
    """Another person shall look."""
    SLIP = "slip"
    """The client is right: the name is a slip of the pen, a nickname or an earlier name."""
    LENT_SHEET = "lent_sheet"
    """The client is right: the sheet was printed for somebody else and used for this one."""
    CARED_FOR_HERE = "cared_for_here"
    """The client is right: of another unit, but cared for by this one."""
    ASK = "ask"
    """Nothing yet: the conflict is to be told."""


RESOLUTIONS = {
    "name_differs": ConflictChoice.SLIP,
    "name_fits_other": ConflictChoice.SLIP,
    "printed_other": ConflictChoice.LENT_SHEET,
    "unit_other": ConflictChoice.CARED_FOR_HERE,
}
"""The choice that each kind of conflict can be resolved with; several conflicts at once are handed
on, or resolved by a text.
"""

OUTSIDE_REASONS = (
    "ny klient",
    "numret saknas på papperet",
    "numret går inte att läsa",
    "utländsk eller utan personnummer",
    "registret är inte uppdaterat",
)
"""Why an entry is about somebody whom the register lacks."""
NO_CLIENT = "gäller ingen enskild klient"
"""Said instead where paper may be about no client: a photo of a whiteboard, a list of many."""


@dataclass(frozen=True, slots=True)
class ClientStatement:
    """What a person says about the client beyond the number. `outside` is why the register lacks
    the client (empty: it does not), `name` as on paper.

    With `temporary` the entry gets a number made here, since the paper's is missing or cannot be
    read. `why` is a text about a conflict.
    """

    outside: str = ""
    name: str = ""
    temporary: bool = False
    choice: ConflictChoice = ConflictChoice.HAND_ON
    why: str = ""

    @property
    def is_about_no_client(self) -> bool:
        """Whether the person says that the entry is about no client."""
        return self.outside == NO_CLIENT


@dataclass(frozen=True, slots=True)
class SheetFacts:
    """What a sheet says of its client apart from the number. `printed_for` is the number of the
    client that it was printed for, if any.
    """

    name: str = ""
    address: str = ""
    unit: str = ""
    printed_for: str | None = None


def check_client(
    number: str,
    client: Client | None,
    sheet: SheetFacts,
    *,
    same_area: bool = True,
    namesakes: int = 0,
    neighbours: Sequence[str] = (),
    kept: str | None = None,
) -> tuple[str, ...]:
    """What speaks for and against a number that a person typed.

    Args:
        number: 12 characters.
        client: of that number, None if the register has none.
        sheet: what else is written.
        same_area: whether the client's unit works under the same law as the sheet's. Home care
            and home nursing share clients, so a unit of another area is said and stops nobody.
        namesakes: how many others in the register have the client's name.
        neighbours: the names of the other clients of the sheet's unit. Couples share a surname
            and an address.
        kept: the name that a temporary identity was given with; None for one that is only being
            made.
    """
    if is_temporary_pid(number):
        return _check_temporary(number, sheet, kept)
    said = [
        ("unit_else" if code == "unit_other" and not same_area else code)
        for code in match_evidence(number, client, sheet.name, sheet.unit)
    ]
    if client is not None and client.address and sheet.address:
        said.append(similarity_evidence("address", text_similarity(sheet.address, client.address)))
    if (
        client is not None
        and client.name
        and sheet.name
        and "name_differs" not in finding_kinds(said)
        and fits_another_name(sheet.name, client.name, neighbours)
    ):
        said.append("name_fits_other")
    if sheet.printed_for is not None:
        said.append("printed_same" if sheet.printed_for == number else "printed_other")
    if namesakes:
        said.append(f"namesake:{namesakes}")
    return tuple(said)


def _check_temporary(number: str, sheet: SheetFacts, kept: str | None) -> tuple[str, ...]:
    if kept is None:
        return ("temporary",)
    alike = max(
        text_similarity(sheet.name, kept), text_similarity(kept, sheet.name)
    )  # either may have been written short
    named = (similarity_evidence("name", alike),) if sheet.name and kept else ()
    return (
        "temporary",
        *named,
        *(("printed_other",) if sheet.printed_for not in (None, number) else ()),
    )


def finding_kinds(said: Collection[str]) -> list[str]:
    """What findings are, without how much."""
    return [code.partition(":")[0] for code in said]


def find_conflicts(said: Collection[str]) -> tuple[str, ...]:
    """The kinds of conflict among findings."""
    return tuple(kind for kind in finding_kinds(said) if kind in CONFLICTS)


def allowed_choices(found: Collection[str]) -> list[ConflictChoice]:
    """What may be said to these conflicts."""
    return [*dict.fromkeys(RESOLUTIONS[code] for code in found), ConflictChoice.HAND_ON]


def is_resolved(found: Collection[str], about: ClientStatement) -> bool:
    """Whether the person has said how it is: a choice that fits, and for several conflicts at once
    also a text.
    """
    if about.choice not in {RESOLUTIONS[code] for code in found}:
        return False
    return len(found) == 1 or bool(about.why.strip())
