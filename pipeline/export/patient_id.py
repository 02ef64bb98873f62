"""How exchange formats name the series of an identity number, and the short way of writing one."""

from __future__ import annotations

import re
from datetime import date

from pipeline.identity import PidKind, normal_pid

OIDS = {
    PidKind.PERSONAL: "1.2.752.129.2.1.3.1",
    PidKind.COORDINATION: "1.2.752.129.2.1.3.3",
    PidKind.RESERVE: "1.2.752.74.9.1",
}
"""Object identifiers that Swedish care exchanges use for the national series."""


def id_type(pid: str, local: str = "") -> str:
    """The OID of the number's series; `local` (which may be empty) for a number of none of the national ones; empty for no number."""
    return OIDS.get(normal_pid(pid).kind, local) if pid else ""


def born_on(pid: str) -> date | None:
    """The day of birth that a personal or coordination number says, from 1900 on, as the contracts ask for; None where it says none for certain."""
    kind = normal_pid(pid).kind
    if kind not in (PidKind.PERSONAL, PidKind.COORDINATION) or not re.fullmatch(r"(19|20)\d{10}", pid, re.ASCII):
        return None
    try:
        return date(int(pid[:4]), int(pid[4:6]), int(pid[6:8]) - (60 if kind is PidKind.COORDINATION else 0))
    except ValueError:
        return None


def short_form(pid: str, today: date) -> str:
    """`ÅÅMMDD-NNNN`, with `+` from the year in which the person turns 100; any other number as it is."""
    if normal_pid(pid, today).kind not in (PidKind.PERSONAL, PidKind.COORDINATION) or len(pid) != 12:
        return pid
    return f"{pid[2:8]}{'+' if today.year - int(pid[:4]) >= 100 else '-'}{pid[8:]}"
