"""Why a client is proposed, or speaks against being it, as codes: what can be said of any number
without knowing who read it.
"""

from __future__ import annotations

from pipeline.domain.identity_numbers import PidKind, normalize_pid
from pipeline.domain.model import Client
from pipeline.registers.client_search import MIN_NAME_SIMILARITY, text_similarity

_CHECKED_KINDS = (PidKind.PERSONAL, PidKind.COORDINATION)


def check_digit_evidence(number: str) -> str:
    """Whether date and check digit are right, or that the number has none."""
    pid = normalize_pid(number)
    return (
        "check_ok" if pid.valid else "check_wrong" if pid.kind in _CHECKED_KINDS else "check_none"
    )


def similarity_evidence(kind: str, score: float) -> str:
    """Whether a name or address (`kind`) is like the register's, with how much (0–1)."""
    return f"{kind}_{'like' if score >= MIN_NAME_SIMILARITY else 'differs'}:{score:.2f}"


def match_evidence(number: str, client: Client | None, name: str, unit: str) -> tuple[str, ...]:
    """What speaks for and against a number that somebody read: its check digit, and the name on the
    paper and the unit against the register's.

    Args:
        number: as read.
        client: of that number, None if the register has none. Without a name (it may be
            protected) nothing is said of it.
        name: on the paper, empty if there is none.
        unit: of the sheet.
    """
    if client is None:
        return check_digit_evidence(number), "not_in_register"
    said = [check_digit_evidence(number)]
    if client.name:
        said.append(
            similarity_evidence("name", text_similarity(name, client.name))
            if name
            else "name_missing"
        )
    if client.unit and unit:
        said.append("unit_same" if client.unit == unit else "unit_other")
    return tuple(said)
