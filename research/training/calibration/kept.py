"""Judged readings on disk, so that reading tens of thousands of them can be interrupted.

One file for each part of the work, a JSON line for each reading. A part that is there is not read
again: remove the folder after a change of a network or a reader.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.files.atomic import write_atomically
from pipeline.reading.calibration.fit import JudgedReading


@dataclass(frozen=True, slots=True)
class KeptReadings:
    """A folder of judged readings; without a folder nothing is kept."""

    folder: Path | None = None

    def once(self, name: str, judge: Callable[[], list[JudgedReading]]) -> list[JudgedReading]:
        """Return the readings of a part, which is judged only if it is not in the folder."""
        if self.folder is None:
            return judge()
        file = self.folder / f"{name}.jsonl"
        if file.is_file():
            return [_parse(line) for line in file.read_text("utf-8").splitlines()]
        found = judge()
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomically(file, "".join(f"{json.dumps(asdict(one))}\n" for one in found))
        return found


def _parse(line: str) -> JudgedReading:
    stored = json.loads(line)
    return JudgedReading(**stored | {"features": tuple(stored["features"])})
