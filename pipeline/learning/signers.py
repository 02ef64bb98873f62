"""Who signs often: confirmed sheets by unit and signature, to expect those people's initials before others'."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from pathlib import Path

from pipeline.errors import MissingProgramError
from pipeline.model import StaffMember
from pipeline.staff import Signed
from pipeline.whole_file import write_whole

FILE = "signers.json"
NEEDED_APART = 20
"""So many sheets kept apart are needed to say whether counting helps."""
NONE_SIGNED: Signed = {}


@dataclass(frozen=True, slots=True)
class SignerLesson:
    """Sheets by unit and signature, and how surprising (nats a sheet) the signers of sheets kept apart are by what is in use and with them."""

    signed: Signed = field(default_factory=dict)
    sheets: int = 0
    before: float = 0.0
    after: float = 0.0

    @property
    def better(self) -> bool:
        """Whether the signers of sheets kept apart are foretold better."""
        return self.sheets >= NEEDED_APART and self.after < self.before


@dataclass(frozen=True, slots=True)
class SignedSheet:
    """Whose name a confirmed sheet bears, in small letters; `part` is the hand or sheet by which sheets are kept apart."""

    unit: str
    author: str
    sheet: str


def signer_lesson(sheets: Iterable[SignedSheet], staff: Sequence[StaffMember], apart: Collection[str], in_use: Signed = NONE_SIGNED) -> SignerLesson:
    """Counted on the sheets that are not kept apart, tried on those that are. Left out are authors whom the staff list lacks or has several of."""
    names = Counter((member.unit, _plain(member.name)) for member in staff)
    by_name = {at: member.signature for member in staff if names[at := (member.unit, _plain(member.name))] == 1}
    named = [(one, by_name[one.unit, one.author]) for one in sheets if (one.unit, one.author) in by_name]
    signed = Counter((one.unit, signature) for one, signature in named if one.sheet not in apart)
    held = [(one.unit, signature) for one, signature in named if one.sheet in apart]
    if not held:
        return SignerLesson(signed)
    return SignerLesson(signed, len(held), _surprise(held, staff, in_use), _surprise(held, staff, signed))


def _surprise(held: Sequence[tuple[str, str]], staff: Sequence[StaffMember], signed: Signed) -> float:
    totals: Counter[str] = Counter()
    for member in staff:
        totals[member.unit] += 1 + signed.get((member.unit, member.signature), 0)
    return sum(log(totals[unit] / (1 + signed.get((unit, signature), 0))) for unit, signature in held) / len(held)


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def install_signers(folder: Path, signed: Signed) -> None:
    """Write the counts into the workspace's `models`; those of units that nothing was learned of stay."""
    units = {unit for unit, _ in signed}
    signed = {place: count for place, count in learned_signers(folder).items() if place[0] not in units} | dict(signed)
    rows = [{"unit": unit, "signature": signature, "sheets": count} for (unit, signature), count in sorted(signed.items())]
    write_whole(folder / FILE, json.dumps(rows, ensure_ascii=False, indent=0) + "\n")


def learned_signers(folder: Path) -> Signed:
    """The counts that a workspace has learned; none before.

    Raises:
        MissingProgramError: the file is damaged.
    """
    file = folder / FILE
    if not file.is_file():
        return {}
    try:
        rows: list[Mapping[str, str]] = json.loads(file.read_text("utf-8"))
        signed = {(str(row["unit"]), str(row["signature"])): int(row["sheets"]) for row in rows}
        if min(signed.values(), default=1) < 1:
            raise ValueError("Whoever is counted has signed a sheet.")
        return signed
    except (OSError, ValueError, OverflowError, KeyError, TypeError) as error:
        raise MissingProgramError("file_damaged", file=file) from error
