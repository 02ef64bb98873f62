"""Find dead workers: those whose heartbeat has not changed for a time, by the monitor's clock.

Clocks of different machines are never compared: only a *change* of a heartbeat counts. A monitor
that could not read the heartbeats starts over: after an outage of the database all of them are
old, although no worker is dead.
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
    """Remembers when each worker's heartbeat last changed.

    `patience` is the time in seconds without a heartbeat after which a worker counts as dead.
    """

    patience: float
    clock: Callable[[], float] = time.monotonic
    _heartbeats: dict[str, _Heartbeat] = field(default_factory=dict)

    def find_dead_workers(self, workers: set[str], beats: Mapping[str, datetime]) -> set[str]:
        """Return those of `workers` without a new heartbeat for longer than the patience.

        For one that never had a heartbeat the time counts from the first call.
        """
        now = self.clock()
        self._heartbeats = {
            worker: self._update_heartbeat(worker, beats.get(worker), now) for worker in workers
        }
        return {
            worker
            for worker, heartbeat in self._heartbeats.items()
            if now - heartbeat.since > self.patience
        }

    def reset(self) -> None:
        """Forget all heartbeats, because they could not be read."""
        self._heartbeats = {}

    def _update_heartbeat(self, worker: str, beat: datetime | None, now: float) -> _Heartbeat:
        previous = self._heartbeats.get(worker)
        is_same = previous is not None and previous.beat == beat
        return previous if previous is not None and is_same else _Heartbeat(beat, now)
