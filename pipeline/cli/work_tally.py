"""The tally of `efterskrift work`, printed as its last line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.cli.counting import counted

if TYPE_CHECKING:
    from pipeline.crew import Work


@dataclass(slots=True)
class WorkTally:
    """Pages that were read from the first look to the last, and in how many seconds. While none waits and none is read, no time counts."""

    first: Work | None = None
    last: Work | None = None
    seconds: float = 0.0
    _at: float = 0.0

    def look(self, now: Work, at: float) -> None:
        """How far the reading has come at a time in seconds, of any clock that only goes forwards."""
        if self.last is not None and (self.last.waiting or now.ended != self.last.ended):
            self.seconds += at - self._at
        self.first, self.last, self._at = self.first or now, now, at

    def said(self) -> str:
        """Pages, pace and what is left."""
        if self.first is None or self.last is None:
            return "The database could not be reached."
        read, unreadable = self.last.read - self.first.read, self.last.unreadable - self.first.unreadable
        left = f"{self.last.waiting or 'none'} {'wait' if self.last.waiting > 1 else 'waits'} to be read."
        if read + unreadable <= 0:
            return f"No page was read; {left}"
        failed = f" and {unreadable} that could not be read" if unreadable > 0 else ""
        pace = f" ({(read + unreadable) / self.seconds:.1f} a second)" if self.seconds else ""
        return f"{counted(read, 'page')} read{failed} in {self.seconds:.1f} s{pace}; {left}"
