"""The staff list (signaturförtydligande): who signs with which initials, from a CSV file, and who
wrote initials on paper.

The handwriting network gives, step by step, how probable each letter is. The probability that it
would see this, had a person written their signature, is that of all ways to spell it over the
steps: the forward algorithm of CTC (A. Graves et al., ICML 2006). Bayes' rule weighs it with who
was likely to sign: the unit's own staff before that of other units, and somebody whom the list
lacks last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.confidence import SIGNER_NAMED_FROM
from pipeline.domain.model import (
    SIGNATURE_LETTERS,
    CellProbabilities,
    StaffMember,
    register_columns,
)
from pipeline.files.csv_tables import TableSchema, read_table, row_error
from pipeline.registers.client_search import split_words
from pipeline.texts import Text

STAFF_COLUMNS = register_columns(StaffMember)
_HEADERS = tuple(column.header for column in STAFF_COLUMNS)
_STAFF_SCHEMA = TableSchema(_HEADERS, ";".join(_HEADERS), "error.table_row.remedy.staff")
OWN_UNIT_P, OTHER_UNIT_P, UNKNOWN_SIGNER_P = 0.9, 0.06, 0.04
"""Who signs a unit's paper: its own staff, staff lent from another unit, somebody whom the list
lacks. Where the list has nobody of a unit, its share goes to those whom the list lacks.
"""
INITIALS_LENGTH_P = {1: 0.05, 2: 0.65, 3: 0.25, 4: 0.05}
"""How many letters people sign with whom the list lacks."""
MISREAD_P = 0.15
"""So much of each step is spread over all letters: the network is sometimes sure of what nobody
wrote. With this, of initials rendered in many hands the persons named with p are right in a
share of p.
"""
MAX_SIGNERS = 5


SignatureCounts = Mapping[tuple[str, str], int]
"""Confirmed sheets by unit and signature."""


@dataclass(frozen=True, slots=True)
class SignerCandidate:
    """Who may have signed: the signature, and the person, or None for somebody whom the list lacks.
    `p` is given that somebody did sign.
    """

    signature: str
    member: StaffMember | None
    p: float

    @property
    def words(self) -> str:
        """As a person is shown it: "MA – Maria Andersson"."""
        return f"{self.signature} – {self.member.name}" if self.member else self.signature


class StaffRegister:
    """The persons who sign paper, and how."""

    def __init__(
        self, members: Iterable[StaffMember], signed: SignatureCounts | None = None
    ) -> None:
        """`signed`: on how many confirmed sheets of a unit somebody has signed with a signature;
        who signs often is likelier to sign again.
        """
        self.members = tuple(members)
        self.signed = signed or {}
        self._units = [split_words(member.unit) for member in self.members]

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[StaffMember]:
        return iter(self.members)

    def signers(self, steps: CellProbabilities, unit: str = "") -> list[SignerCandidate]:
        """Who may have written the initials that the network saw as `steps` (see
        `Reading.lattice`), best first; nobody when it saw none.

        Args:
            steps: (steps, 1 + len(SIGNATURE_LETTERS)), the pause first.
            unit: of the paper as read, accents and case not counting; empty if it is not known.
        """
        if not steps:
            return []
        seen = _soften(np.asarray(steps, np.float64))
        spelt = {
            letters: spelling_probability(seen, letters)
            for letters in {_signature_letters(member.signature) for member in self.members}
        }
        priors = self._priors(unit)
        known = [
            (member, priors[i] * spelt[_signature_letters(member.signature)])
            for i, member in enumerate(self.members)
        ]
        text, share, rest = _unlisted_signer(seen)
        rest *= 1.0 - sum(priors)
        total = sum(weight for _, weight in known) + rest
        found = [
            SignerCandidate(member.signature, member, weight / total) for member, weight in known
        ]
        if text:
            found.append(SignerCandidate(text, None, rest * share / total))
        return sorted(
            (signer for signer in found if signer.p >= SIGNER_NAMED_FROM),
            key=lambda signer: -signer.p,
        )[:MAX_SIGNERS]

    def _priors(self, unit: str) -> list[float]:
        """Of each member, before anything is read; what is missing from 1 is for those whom the
        list lacks.
        """
        weights = [
            1.0 + self.signed.get((member.unit, member.signature), 0) for member in self.members
        ]
        if not unit:
            return [(OWN_UNIT_P + OTHER_UNIT_P) * weight / sum(weights) for weight in weights]
        read = split_words(unit)
        is_own = [named == read for named in self._units]
        own = sum(weight for weight, here in zip(weights, is_own, strict=True) if here)
        others = sum(weights) - own
        shares = [OWN_UNIT_P / own if here else OTHER_UNIT_P / others for here in is_own]
        return [share * weight for share, weight in zip(shares, weights, strict=True)]


def load_staff(path: Path) -> StaffRegister:
    """Read a staff list: columns namn, titel, signatur, enhet, separated by semicolon, comma or
    tab; UTF-8, UTF-16 or Windows-1252.

    Raises:
        UsageError: the file cannot be read, lacks a column or has a wrong row. The text names
        rows, never what stands in them.
    """
    members: dict[tuple[str, str, str], StaffMember] = {}
    for number, row in read_table(path, _STAFF_SCHEMA):
        member = StaffMember(**{column.field: row[column.header] for column in STAFF_COLUMNS})
        if not _signature_letters(member.signature):
            raise row_error(path, number, Text("error.table_row.initials_empty"), _STAFF_SCHEMA)
        if members.setdefault((member.unit, member.signature, member.name), member) is not member:
            raise row_error(path, number, Text("error.table_row.person_twice"), _STAFF_SCHEMA)
    return StaffRegister(members.values())


def spelling_probability(steps: NDArray[np.float64], letters: str) -> float:
    """The probability of all ways to spell `letters` over the steps, (steps, 1 +
    len(SIGNATURE_LETTERS)).
    """
    columns = [0]
    for letter in letters:
        columns += [SIGNATURE_LETTERS.index(letter) + 1, 0]
    skips = [
        i >= 2 and column != 0 and column != columns[i - 2] for i, column in enumerate(columns)
    ]
    ways = np.zeros(len(columns))
    ways[0] = 1.0
    for step in steps:
        before, twice = np.concatenate([[0.0], ways[:-1]]), np.concatenate([[0.0, 0.0], ways[:-2]])
        ways = (ways + before + np.where(skips, twice, 0.0)) * step[columns]
    return float(ways[-1] + ways[-2])


def _soften(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((1 - MISREAD_P) * steps + MISREAD_P / steps.shape[1], np.float64)


def _signature_letters(signature: str) -> str:
    return "".join(c for c in signature.upper() if c in SIGNATURE_LETTERS)


def _unlisted_signer(steps: NDArray[np.float64]) -> tuple[str, float, float]:
    """Of people who sign with any letters: the likeliest signature, its share, and the probability
    of the steps.

    Of each length all spellings are reckoned at once by a forward algorithm that knows how many
    letters there were and which was the last.
    """
    by_length = {
        length: prior * _any_letters_probability(steps, length)
        for length, prior in INITIALS_LENGTH_P.items()
    }
    total = sum(by_length.values())
    best = max(
        _likely_spellings(steps), key=lambda text: _text_probability(steps, text), default=""
    )
    return best, min(1.0, _text_probability(steps, best) / total) if best else 0.0, total


def _text_probability(steps: NDArray[np.float64], text: str) -> float:
    return float(
        INITIALS_LENGTH_P.get(len(text), 0.0)
        * spelling_probability(steps, text)
        / len(SIGNATURE_LETTERS) ** len(text)
    )


def _any_letters_probability(steps: NDArray[np.float64], length: int) -> float:
    """The probability of the steps, had `length` letters been written, each as likely as any other."""
    pause, mean = steps[:, 0], steps[:, 1:]
    resting = np.zeros(length + 1)  # after so many letters, in a pause
    writing = np.zeros(
        (length + 1, mean.shape[1])
    )  # in the midst of the last of so many letters, by letter
    resting[0] = 1.0
    for silent, letters in zip(pause, mean, strict=True):
        entered = (
            resting[:-1, None] + writing[:-1].sum(axis=1, keepdims=True) - writing[:-1]
        ) / mean.shape[1]
        begun = np.vstack([np.zeros(mean.shape[1]), entered])
        resting, writing = (resting + writing.sum(axis=1)) * silent, (writing + begun) * letters
    return float(resting[-1] + writing[-1].sum())


def _likely_spellings(steps: NDArray[np.float64]) -> Sequence[str]:
    """The signature as it reads, and each part of it of two or three letters."""
    best = steps.argmax(axis=1)
    letters = [
        SIGNATURE_LETTERS[b - 1] for a, b in zip([0, *best[:-1]], best, strict=True) if b and b != a
    ]
    text = "".join(letters)[: max(INITIALS_LENGTH_P)]
    return [text] if text else []
