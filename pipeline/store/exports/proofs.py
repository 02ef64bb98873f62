"""What was found when exported entries were looked for in their target. Rows are only added.

A receipt is what a target answered; a proof is that it was seen there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert

from pipeline.store.schema.exports import export_proof


class ProofMeans(StrEnum):
    """How an entry was looked for: read back from the target, or in a list of what it has."""

    READ_BACK = "read_back"
    LIST = "list"


class Finding(StrEnum):
    """What came of it: the target has what was exported, something else, or nothing."""

    SAME = "same"
    DIFFERENT = "different"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found of one entry of a run.

    `differences` names what differs, never a value; `place` is where the target has the entry.
    """

    entry_id: str
    revision: int
    found: Finding
    differences: tuple[str, ...] = ()
    place: str = ""
    means: ProofMeans = ProofMeans.READ_BACK


def save_proofs(
    conn: Connection, run_id: str, proofs: Iterable[Proof], by: str, at: datetime
) -> None:
    """Store what was found now."""
    rows = [
        {
            "run": run_id,
            "entry": proof.entry_id,
            "revision": proof.revision,
            "at": at,
            "by": by,
            "means": proof.means.value,
            "found": proof.found.value,
            "differences": list(proof.differences),
            "place": proof.place,
        }
        for proof in proofs
    ]
    if rows:
        conn.execute(insert(export_proof), rows)
