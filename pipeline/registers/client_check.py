"""The check against entries for the wrong client: evidence, conflicts, and how they are resolved.

Findings are codes of evidence as in `match_reasons.py` ("name_differs:0.31"), so that messages need
not quote anything.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.model import Client
from pipeline.registers.clients import (
    NOT_IN_REGISTER,
    fits_another_name,
    match_evidence,
    similarity_evidence,
    text_similarity,
)

CONFLICTS = frozenset(
    {
        "name_differs",
        "name_fits_other",
        "printed_other",
        "unit_other",
        "code_other",
        "after_death",
        "after_move",
    }
)
"""Findings that block the confirmation of an entry until the reviewer has resolved them."""
EVIDENCE_AGAINST = CONFLICTS | {
    "address_differs",
    "check_wrong",
    NOT_IN_REGISTER,
    "namesake",
    "unit_else",
}
"""Findings that are evidence against the client; the others are evidence for it."""
NO_EVIDENCE = frozenset({"name_missing", "check_none"})
"""Findings that are evidence neither for nor against: what could have spoken is not there."""


class ConflictChoice(StrEnum):
    """The reviewer's choice when the sheet contradicts the client."""

    HAND_ON = "hand_on"
    """A second reviewer shall decide."""
    SLIP = "slip"
    """The client is right: the name is a slip of the pen, a nickname or an earlier name."""
    LENT_SHEET = "lent_sheet"
    """The client is right: the sheet was printed for another client and used for this one."""
    CARED_FOR_HERE = "cared_for_here"
    """The client is right: of another unit, but cared for by this one."""
    CODE_SLIP = "code_slip"
    """The client is right: the client code beside the number is a slip of the pen."""
    LATER_EVENT = "later_event"
    """The client is right: the event is from after the client's death or move."""
    ASK = "ask"
    """None yet: the conflict is to be shown first."""


RESOLUTIONS = {
    "name_differs": ConflictChoice.SLIP,
    "name_fits_other": ConflictChoice.SLIP,
    "printed_other": ConflictChoice.LENT_SHEET,
    "unit_other": ConflictChoice.CARED_FOR_HERE,
    "code_other": ConflictChoice.CODE_SLIP,
    "after_death": ConflictChoice.LATER_EVENT,
    "after_move": ConflictChoice.LATER_EVENT,
}
"""The choice that resolves each kind of conflict; several conflicts at once need a text too."""

OUTSIDE_REASONS = (
    "ny klient",
    "numret saknas på papperet",
    "numret går inte att läsa",
    "utländsk eller utan personnummer",
    "registret är inte uppdaterat",
)
"""The reasons for a client who is not in the register, as they are stored."""
NO_REGISTER = "klientregistret var tomt"
"""The reason that is stored, unasked, where there was no register to compare a number with."""
NO_CLIENT = "gäller ingen enskild klient"
"""The reason for paper that is about no client: a photo of a whiteboard, a list of many."""


@dataclass(frozen=True, slots=True)
class ClientStatement:
    """The reviewer's statement about the client beyond the number.

    Attributes:
        outside: Why the client is not in the register; empty: the client is in it.
        name: As on paper.
        temporary: Whether the entry gets a temporary identity, as the paper's number is missing
            or illegible.
        choice: How a conflict is resolved.
        why: A text about a conflict.
    """

    outside: str = ""
    name: str = ""
    temporary: bool = False
    choice: ConflictChoice = ConflictChoice.HAND_ON
    why: str = ""

    @property
    def is_about_no_client(self) -> bool:
        """Whether the entry is about no client."""
        return self.outside == NO_CLIENT


@dataclass(frozen=True, slots=True)
class SheetFacts:
    """The facts on a sheet about its client apart from the number.

    `printed_for` is the number of the client that it was printed for, if any. `event_on` is the day
    (YYYY-MM-DD) on which it happened, empty if it is not known.
    """

    name: str = ""
    address: str = ""
    unit: str = ""
    printed_for: str | None = None
    event_on: str = ""


def check_client(
    number: str,
    client: Client | None,
    sheet: SheetFacts,
    *,
    same_area: bool = True,
    namesakes: int = 0,
    neighbours: Sequence[str] = (),
    temporary_name: str | None = None,
) -> tuple[str, ...]:
    """Find the evidence for and against a number that a reviewer typed.

    Args:
        number: 12 characters.
        client: of that number, None if the register has none.
        sheet: what else is written.
        same_area: whether the client's unit works under the same law as the sheet's. Home care
            and home nursing share clients, so a unit of another area is no conflict.
        namesakes: the number of other clients in the register with the client's name.
        neighbours: the names of the other clients of the sheet's unit. Couples share a surname
            and an address.
        temporary_name: the name that a temporary identity was made with; None for a new one.
    """
    if is_temporary_pid(number):
        return _check_temporary(number, sheet, temporary_name)
    findings = [
        ("unit_else" if code == "unit_other" and not same_area else code)
        for code in match_evidence(number, client, sheet.name, sheet.unit)
    ]
    if client is not None and client.address and sheet.address:
        similarity = text_similarity(sheet.address, client.address)
        findings.append(similarity_evidence("address", similarity))
    # A name that is similar to the client's may be even more similar to a neighbour's.
    if (
        client is not None
        and client.name
        and sheet.name
        and "name_differs" not in finding_kinds(findings)
        and fits_another_name(sheet.name, client.name, neighbours)
    ):
        findings.append("name_fits_other")
    if sheet.printed_for is not None:
        findings.append("printed_same" if sheet.printed_for == number else "printed_other")
    if namesakes:
        findings.append(f"namesake:{namesakes}")
    # Days as text sort as days do.
    if client is not None and client.deceased_on and sheet.event_on > client.deceased_on:
        findings.append("after_death")
    if client is not None and client.moved_on and sheet.event_on > client.moved_on:
        findings.append("after_move")
    return tuple(findings)


def _check_temporary(number: str, sheet: SheetFacts, name: str | None) -> tuple[str, ...]:
    if name is None:
        return ("temporary",)
    # Either name may have been abbreviated.
    similarity = max(text_similarity(sheet.name, name), text_similarity(name, sheet.name))
    name_findings = (similarity_evidence("name", similarity),) if sheet.name and name else ()
    print_findings = ("printed_other",) if sheet.printed_for not in (None, number) else ()
    return ("temporary", *name_findings, *print_findings)


def finding_kinds(findings: Collection[str]) -> list[str]:
    """Return the codes of findings without their details."""
    return [code.partition(":")[0] for code in findings]


def find_conflicts(findings: Collection[str]) -> tuple[str, ...]:
    """Return the kinds of conflict among findings."""
    return tuple(kind for kind in finding_kinds(findings) if kind in CONFLICTS)


def allowed_choices(conflicts: Collection[str]) -> list[ConflictChoice]:
    """Return the choices that the reviewer has for these conflicts."""
    return [*dict.fromkeys(RESOLUTIONS[kind] for kind in conflicts), ConflictChoice.HAND_ON]


def is_resolved(conflicts: Collection[str], statement: ClientStatement) -> bool:
    """Whether the reviewer's choice fits the conflicts; several at once need a text too."""
    if statement.choice not in {RESOLUTIONS[kind] for kind in conflicts}:
        return False
    return len(conflicts) == 1 or bool(statement.why.strip())
