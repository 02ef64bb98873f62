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


_AS_BORN = re.compile(r"(18|19|20|21)\d{10}|\d{10}", re.ASCII)
_NEVER_RESERVE = ("18", "19", "20", "21")
"""How no national reserve number begins."""


def series_of(pid: str) -> PidKind | None:
    """The series that a number is of, by its form and its check digit: a receiver files it with whoever has that number in that series.

    None for no number, and for one that is like a national number and wrong, or lacks its century: nobody knows what it should be. Regions give
    reserve numbers of twelve characters too, whose date is none; these are local.
    """
    number = normal_pid(pid)
    if number.valid:
        return number.kind if number.value12 == pid else None
    like_national = not pid.startswith(_NEVER_RESERVE) if number.kind is PidKind.RESERVE else bool(_AS_BORN.fullmatch(pid))
    return None if not pid or like_national else PidKind.LOCAL


def id_type(pid: str, local: str = "") -> str:
    """The OID of the number's series; `local` (which may be empty) for a number of none of the national ones; empty for no number or a wrong one."""
    series = series_of(pid)
    return OIDS.get(series, local) if series else ""


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
