"""The staff list (signaturförtydligande) from a CSV file, the likely signers of initials, and
whether the author named on paper is the person who signs.

The handwriting network gives the probabilities of letters for each time step. Their probability,
had a person written their signature, is the sum over all ways to spell it over the time steps: the
forward algorithm of CTC (A. Graves et al., ICML 2006). Bayes' rule combines it with the prior: the
unit's own staff sign more often than that of other units, and people not on the list least.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.confidence import SIGNER_NAMED_FROM
from pipeline.domain.identity_numbers import is_hsa_id, is_role_code
from pipeline.domain.model import (
    SIGNATURE_LETTERS,
    CellProbabilities,
    Person,
    StaffMember,
    register_columns,
)
from pipeline.files.csv_tables import TableSchema, read_table, row_error
from pipeline.registers.client_check import split_words
from pipeline.texts import Text

STAFF_COLUMNS = register_columns(StaffMember)
_REQUIRED = tuple(column.header for column in STAFF_COLUMNS if not column.is_optional)
_STAFF_SCHEMA = TableSchema(
    _REQUIRED,
    ";".join(column.header for column in STAFF_COLUMNS),
    "error.table_row.remedy.staff",
)
OWN_UNIT_P, OTHER_UNIT_P = 0.9, 0.06
"""Prior of a signer: the unit's own staff, staff of another unit; 0.04 a person not on the list.

Where the list has no staff of a unit, its share goes to persons not on the list.
"""
INITIALS_LENGTH_P = {1: 0.05, 2: 0.65, 3: 0.25, 4: 0.05}
"""Prior of the number of letters of a signer who is not on the list."""
MISREAD_P = 0.15
"""The share of each time step that is spread over all letters.

The network is sometimes wrong with high confidence. With this share, of initials rendered in the
style of many writers, persons named with p are right in a share of p.
"""
MAX_SIGNERS = 5
"""Likely signers that are named for one field."""

SignatureCounts = Mapping[tuple[str, str], int]
"""Confirmed sheets by unit and signature."""
SAME_NAME_REASON = "den som signerar skrev själv på papper, men delar namn med ett annat konto"
"""The reason by which an author who shares a name with another account signs their note."""
_INITIALS_AND_NAME = re.compile(r"\S+ – (?P<name>.+)")


@dataclass(frozen=True, slots=True)
class SignerCandidate:
    """A person who may have signed; `member` is None for one who is not on the list.

    `p` is the probability on condition that the field is signed.
    """

    signature: str
    member: StaffMember | None
    p: float

    @property
    def words(self) -> str:
        """The signature and name as shown: "MA – Maria Andersson"."""
        return f"{self.signature} – {self.member.name}" if self.member else self.signature


class StaffRegister:
    """The persons who sign paper, with their signatures."""

    def __init__(
        self,
        members: Iterable[StaffMember],
        sheet_counts: SignatureCounts | None = None,
        missing_columns: Iterable[str] = (),
    ) -> None:
        """Make a register.

        Args:
            members: of all units.
            sheet_counts: confirmed sheets by unit and signature: frequent signers are likelier.
            missing_columns: the fields of `StaffMember` that its file lacks.
        """
        self.members = tuple(members)
        self.missing_columns = frozenset(missing_columns)
        self.sheet_counts = sheet_counts or {}
        self._units = [split_words(member.unit) for member in self.members]

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[StaffMember]:
        return iter(self.members)

    def signers(self, steps: CellProbabilities, unit: str = "") -> list[SignerCandidate]:
        """Return the likely signers of initials, best first; none if no letters were read.

        Args:
            steps: (time steps, 1 + len(SIGNATURE_LETTERS)) probabilities, the pause first (see
                `Reading.cell_probabilities`).
            unit: of the paper as read, without regard to accents and case; empty if not known.
        """
        if not steps:
            return []
        # The likelihood of each signature on the list, weighted by the prior of its owner.
        softened = _soften(np.asarray(steps, np.float64))
        likelihoods = {
            letters: spelling_probability(softened, letters)
            for letters in {_signature_letters(member.signature) for member in self.members}
        }
        priors = self._priors(unit)
        weights = [
            prior * likelihoods[_signature_letters(member.signature)]
            for prior, member in zip(priors, self.members, strict=True)
        ]
        # The same for any signature that is not on the list.
        text, share, unlisted_weight = _unlisted_signer(softened)
        unlisted_weight *= 1.0 - sum(priors)
        total = sum(weights) + unlisted_weight
        candidates = [
            SignerCandidate(member.signature, member, weight / total)
            for member, weight in zip(self.members, weights, strict=True)
        ]
        if text:
            candidates.append(SignerCandidate(text, None, unlisted_weight * share / total))
        likely = (candidate for candidate in candidates if candidate.p >= SIGNER_NAMED_FROM)
        return sorted(likely, key=lambda candidate: -candidate.p)[:MAX_SIGNERS]

    def names_of(self, unit: str) -> frozenset[str]:
        """Return the names of a unit's staff, without regard to accents and case of the unit."""
        words = split_words(unit)
        return frozenset(
            member.name
            for member, own in zip(self.members, self._units, strict=True)
            if own == words
        )

    def _priors(self, unit: str) -> list[float]:
        """Return the prior of each member; the rest to 1 is for persons not on the list."""
        weights = [
            1.0 + self.sheet_counts.get((member.unit, member.signature), 0)
            for member in self.members
        ]
        if not unit:
            return [(OWN_UNIT_P + OTHER_UNIT_P) * weight / sum(weights) for weight in weights]
        # The shares of the own and of other units, divided among their members.
        unit_words = split_words(unit)
        is_own = [member_unit == unit_words for member_unit in self._units]
        own_total = sum(weight for weight, own in zip(weights, is_own, strict=True) if own)
        other_total = sum(weights) - own_total
        shares = [OWN_UNIT_P / own_total if own else OTHER_UNIT_P / other_total for own in is_own]
        return [share * weight for share, weight in zip(shares, weights, strict=True)]


def load_staff(path: Path) -> StaffRegister:
    """Load a staff list: columns namn, titel, signatur, enhet, optionally hsa-id, befattningskod.

    They are separated by semicolon, comma or tab; UTF-8, UTF-16 or Windows-1252.

    Raises:
        UsageError: the file cannot be read, lacks a column or has a wrong row. The message names
            rows, never their content.
    """
    members: dict[tuple[str, str, str], StaffMember] = {}
    rows = read_table(path, _STAFF_SCHEMA)
    for number, row in rows:
        member = StaffMember(
            **{column.field: row.get(column.header, "") for column in STAFF_COLUMNS}
        )
        member = replace(member, hsa_id=member.hsa_id.upper())
        if not _signature_letters(member.signature):
            raise row_error(path, number, Text("error.table_row.initials_empty"), _STAFF_SCHEMA)
        if members.setdefault((member.unit, member.signature, member.name), member) is not member:
            raise row_error(path, number, Text("error.table_row.person_twice"), _STAFF_SCHEMA)
        if member.hsa_id and not is_hsa_id(member.hsa_id):
            raise row_error(path, number, Text("error.table_row.hsa_id"), _STAFF_SCHEMA)
        if member.role_code and not is_role_code(member.role_code):
            raise row_error(path, number, Text("error.table_row.role_code"), _STAFF_SCHEMA)
        if find_shared_hsa_id(members.values()):
            raise row_error(path, number, Text("error.table_row.hsa_id_shared"), _STAFF_SCHEMA)
    columns = rows[0][1] if rows else ()
    missing = {column.field for column in STAFF_COLUMNS if columns and column.header not in columns}
    return StaffRegister(members.values(), missing_columns=missing)


def find_shared_hsa_id(members: Iterable[StaffMember]) -> StaffMember | None:
    """Return a member whose HSA-id a person of another name has too; None if there is none."""
    names: dict[str, str] = {}
    for member in members:
        name = _fold_name(member.name)
        if member.hsa_id and names.setdefault(member.hsa_id, name) != name:
            return member
    return None


def find_member(staff: Iterable[StaffMember], unit: str, author: str) -> StaffMember | None:
    """Return the member of a unit's list that a paper names; None if nobody or several.

    A paper names them by full name, initials, or both ("NB – Nina Berglund"). Rows of one name and
    HSA-id are one person.
    """
    match = _INITIALS_AND_NAME.fullmatch(author.strip())
    name = _fold_name(match["name"] if match else author)
    if not name:
        return None
    own = [member for member in staff if member.unit == unit]
    found = [member for member in own if _fold_name(member.name) == name] or [
        member for member in own if _fold_name(member.signature) == name
    ]
    persons = {(_fold_name(member.name), member.hsa_id) for member in found}
    return found[0] if len(persons) == 1 else None


def spelling_probability(steps: NDArray[np.float64], letters: str) -> float:
    """Sum the probabilities of all ways to spell `letters` over the time steps.

    Args:
        steps: (time steps, 1 + len(SIGNATURE_LETTERS)) probabilities, the pause first.
        letters: each one of `SIGNATURE_LETTERS`.
    """
    # The states of CTC: a pause, then each letter followed by a pause.
    columns = [0]
    for letter in letters:
        columns += [SIGNATURE_LETTERS.index(letter) + 1, 0]
    # The pause between two different letters may be skipped.
    can_skip = [
        i >= 2 and column != 0 and column != columns[i - 2] for i, column in enumerate(columns)
    ]
    forward = np.zeros(len(columns))
    forward[0] = 1.0
    for step in steps:
        from_previous = np.concatenate([[0.0], forward[:-1]])
        from_skipped = np.concatenate([[0.0, 0.0], forward[:-2]])
        forward = (forward + from_previous + np.where(can_skip, from_skipped, 0.0)) * step[columns]
    return float(forward[-1] + forward[-2])


def _soften(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((1 - MISREAD_P) * steps + MISREAD_P / steps.shape[1], np.float64)


def _signature_letters(signature: str) -> str:
    return "".join(c for c in signature.upper() if c in SIGNATURE_LETTERS)


def _unlisted_signer(steps: NDArray[np.float64]) -> tuple[str, float, float]:
    """Return the likeliest signature with any letters, its share, and the steps' probability.

    The share is of all such signatures. For each length all spellings are summed at once by a
    forward algorithm whose state is the number of letters and the last letter.
    """
    by_length = {
        length: prior * _any_letters_probability(steps, length)
        for length, prior in INITIALS_LENGTH_P.items()
    }
    total = sum(by_length.values())
    best = _likeliest_spelling(steps)
    return best, min(1.0, _text_probability(steps, best) / total) if best else 0.0, total


def _text_probability(steps: NDArray[np.float64], text: str) -> float:
    return float(
        INITIALS_LENGTH_P.get(len(text), 0.0)
        * spelling_probability(steps, text)
        / len(SIGNATURE_LETTERS) ** len(text)
    )


def _any_letters_probability(steps: NDArray[np.float64], length: int) -> float:
    """Return the steps' probability if `length` letters were written, all equally likely."""
    pauses, letters = steps[:, 0], steps[:, 1:]
    letter_count = letters.shape[1]
    # By the number of letters so far: in a pause after them, or within the last, by letter.
    paused = np.zeros(length + 1)
    writing = np.zeros((length + 1, letter_count))
    paused[0] = 1.0
    for pause_p, letter_p in zip(pauses, letters, strict=True):
        # A new letter follows a pause, or a different letter directly.
        entered = (
            paused[:-1, None] + writing[:-1].sum(axis=1, keepdims=True) - writing[:-1]
        ) / letter_count
        begun = np.vstack([np.zeros(letter_count), entered])
        paused, writing = (paused + writing.sum(axis=1)) * pause_p, (writing + begun) * letter_p
    return float(paused[-1] + writing[-1].sum())


def _likeliest_spelling(steps: NDArray[np.float64]) -> str:
    """Return the signature by the likeliest symbol of each time step; "" if all are pauses."""
    best = steps.argmax(axis=1)
    # Repeated symbols are one letter.
    letters = [
        SIGNATURE_LETTERS[symbol - 1]
        for previous, symbol in zip([0, *best[:-1]], best, strict=True)
        if symbol and symbol != previous
    ]
    return "".join(letters)[: max(INITIALS_LENGTH_P)]


def is_author(author: str, person: Person, staff: Iterable[StaffMember] = ()) -> bool:
    """Whether a paper's author is this person: by full name, initials, or both.

    Both are written "NB – Nina Berglund". Initials have to be this person's alone by the staff
    list. A first name alone, or shared initials, match no person: then a reason is asked for.
    """
    name = _fold_name(author)
    if not name:
        return False
    match = _INITIALS_AND_NAME.fullmatch(author.strip())
    if _fold_name(person.name) in {name, _fold_name(match["name"]) if match else ""}:
        return True
    # Initials, by the staff list of the person's units.
    signers = {
        _fold_name(member.name)
        for member in staff
        if _fold_name(member.signature) == name and member.unit in person.all_units
    }
    return signers == {_fold_name(person.name)}


def is_on_behalf(reason: str) -> bool:
    """Whether the reason of a signature means that another person than the author signed."""
    return bool(reason) and not reason.startswith(SAME_NAME_REASON)


def _fold_name(text: str) -> str:
    return " ".join(re.findall(r"[\w-]+", unicodedata.normalize("NFC", text).casefold()))
