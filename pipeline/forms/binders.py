"""Which sheets are kept in binders of their own: those of protected or unknown identities."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from pipeline.domain.model import Client


class _OfClient(Protocol):
    @property
    def pid(self) -> str:
        """The client's number."""


_Planned = TypeVar("_Planned", bound=_OfClient)
"""A planned visit, or a prescription."""


class Binder(StrEnum):
    """The binder in which a client's paper is kept; the value is the suffix of the file's name.

    The identity of a client who is in no register may be protected.
    """

    TOGETHER = ""
    PROTECTED = "-skyddade"
    UNKNOWN = "-ej-i-registret"


def split_by_binder(
    planned: Iterable[_Planned], register: Iterable[Client]
) -> dict[Binder, list[_Planned]]:
    """Divide planned visits or prescriptions by the binders for their paper, without empty binders.

    A client who is in the register twice is protected if either row is.
    """
    # Duplicate register rows: protected if any of them is.
    protected = dict[str, bool]()
    for client in register:
        protected[client.pid] = client.protected or protected.get(client.pid, False)
    # None: the number is in no row of the register.
    binders = {None: Binder.UNKNOWN, True: Binder.PROTECTED, False: Binder.TOGETHER}
    by_binder: dict[Binder, list[_Planned]] = {binder: [] for binder in Binder}
    for each in planned:
        by_binder[binders[protected.get(each.pid)]].append(each)
    return {binder: group for binder, group in by_binder.items() if group}
