"""Who among the workers is dead: the one whose beat stands still, by the watcher's own clock.

Clocks of different machines are never compared. Only a *change* of a worker's beat counts, and a
watcher that could not look begins anew: after an outage of the database everybody's beat is old,
and nobody is dead for that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

HUNG_EXIT_CODE = 70
"""Exit code of a worker that ends because its page takes too long."""


@dataclass(slots=True)
class _Heartbeat:
    beat: datetime | None
    since: float


@dataclass(slots=True)
class LivenessMonitor:
    """Remembers when each worker's beat last moved.

    `patience` is the time in seconds without a beat after which a worker is taken for dead.
    """

    patience: float
    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, _Heartbeat] = field(default_factory=dict)

    def find_dead_workers(self, workers: set[str], beats: Mapping[str, datetime]) -> set[str]:
        """Those of `workers` that have not beaten for longer than the patience. One that never beat
        at all counts from the first look.
        """
        now = self.clock()
        self._seen = {
            worker: self._update_heartbeats(worker, beats.get(worker), now) for worker in workers
        }
        return {worker for worker, seen in self._seen.items() if now - seen.since > self.patience}

    def reset(self) -> None:
        """Forget what was seen, because a look failed."""
        self._seen = {}

    def _update_heartbeats(self, worker: str, beat: datetime | None, now: float) -> _Heartbeat:
        seen = self._seen.get(worker)
        return seen if seen is not None and seen.beat == beat else _Heartbeat(beat, now)
