"""Which sheets are printed and kept together: those of clients with a protected identity in no common binder, nor those of whoever may have one."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.model import Client
    from pipeline.visit_plan import PlannedVisit


class Keeping(StrEnum):
    """The values end the names of the files. Of a client whom no register has, nothing says whether the identity is protected: kept as if it were."""

    TOGETHER = ""
    PROTECTED = "-skyddade"
    UNKNOWN = "-ej-i-registret"


def by_keeping(visits: Iterable[PlannedVisit], register: Iterable[Client]) -> dict[Keeping, list[PlannedVisit]]:
    """Planned visits as their paper is kept, without empty lists. Who stands in the register twice is protected if either row says so."""
    protected = dict[str, bool]()
    for client in register:
        protected[client.pid] = client.protected or protected.get(client.pid, False)
    kept = {None: Keeping.UNKNOWN, True: Keeping.PROTECTED, False: Keeping.TOGETHER}
    found: dict[Keeping, list[PlannedVisit]] = {one: [] for one in Keeping}
    for visit in visits:
        found[kept[protected.get(visit.pid)]].append(visit)
    return {one: theirs for one, theirs in found.items() if theirs}
