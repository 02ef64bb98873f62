"""Codes of evidence for and against a number being that of a client."""

from __future__ import annotations

from pipeline.domain.identity_numbers import PidKind, normalize_pid
from pipeline.domain.model import Client
from pipeline.registers.client_search import MIN_NAME_SIMILARITY, text_similarity

NOT_IN_REGISTER = "not_in_register"
"""The code for a number that no client of the register has."""
CHECK_WRONG = "check_wrong"
"""The code for a number whose check digit, or date, is wrong."""
_CHECKED_KINDS = (PidKind.PERSONAL, PidKind.COORDINATION)


def check_digit_evidence(number: str) -> str:
    """Return the code for a right, wrong or missing check digit (and date)."""
    pid = normalize_pid(number)
    if pid.valid:
        return "check_ok"
    return CHECK_WRONG if pid.kind in _CHECKED_KINDS else "check_none"


def similarity_evidence(kind: str, score: float) -> str:
    """Return the code for a name or address (`kind`) similar to the register's by a score (0–1)."""
    return f"{kind}_{'like' if score >= MIN_NAME_SIMILARITY else 'differs'}:{score:.2f}"


def match_evidence(number: str, client: Client | None, name: str, unit: str) -> tuple[str, ...]:
    """Return the evidence for and against a number: check digit, name and unit.

    Args:
        number: as read.
        client: of that number, None if the register has none. Without a name (it may be
            protected) there is no evidence of it.
        name: on the paper, empty if there is none.
        unit: of the sheet.
    """
    if client is None:
        return check_digit_evidence(number), NOT_IN_REGISTER
    evidence = [check_digit_evidence(number)]
    if client.name:
        evidence.append(
            similarity_evidence("name", text_similarity(name, client.name))
            if name
            else "name_missing"
        )
    if client.unit and unit:
        evidence.append("unit_same" if client.unit == unit else "unit_other")
    return tuple(evidence)
