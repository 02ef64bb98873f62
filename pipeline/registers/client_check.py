"""The check against entries for the wrong client: evidence, conflicts, and how they are resolved.

Findings are codes of evidence as in `match_reasons.py` ("name_differs:0.31"), so that messages need
not quote anything.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from pipeline.domain.identity_numbers import (
    PidKind,
    is_temporary_pid,
    normalize_pid,
)
from pipeline.domain.model import Client

Scores = NDArray[np.float64]
_INITIAL_SIMILARITY = 0.7
"""Similarity of a single letter to a word that begins with it."""
MIN_NAME_SIMILARITY = 0.75
"""Similarity (0–1) from which a read name or address supports a client."""
CLEAR_MARGIN = 0.05
"""A difference of similarity (0–1) that counts as clear.

The names of a couple who share a long surname differ by at least twice as much.
"""
NOT_IN_REGISTER = "not_in_register"
"""The code for a number that no client of the register has."""
CHECK_WRONG = "check_wrong"
"""The code for a number whose check digit, or date, is wrong."""
_CHECKED_KINDS = (PidKind.PERSONAL, PidKind.COORDINATION)

CONFLICTS = frozenset(
    {
        "name_differs",
        "name_fits_other",
        "printed_other",
        "unit_other",
        "code_other",
        "after_death",
        "after_move",
    }
)
"""Findings that block the confirmation of an entry until the reviewer has resolved them."""
EVIDENCE_AGAINST = CONFLICTS | {
    "address_differs",
    CHECK_WRONG,
    NOT_IN_REGISTER,
    "namesake",
    "unit_else",
}
"""Findings that are evidence against the client; the others are evidence for it."""
NO_EVIDENCE = frozenset({"name_missing", "check_none"})
"""Findings that are evidence neither for nor against: what could have spoken is not there."""


class ConflictChoice(StrEnum):
    """The reviewer's choice when the sheet contradicts the client."""

    HAND_ON = "hand_on"
    """A second reviewer shall decide."""
    SLIP = "slip"
    """The client is right: the name is a slip of the pen, a nickname or an earlier name."""
    LENT_SHEET = "lent_sheet"
    """The client is right: the sheet was printed for another client and used for this one."""
    CARED_FOR_HERE = "cared_for_here"
    """The client is right: of another unit, but cared for by this one."""
    CODE_SLIP = "code_slip"
    """The client is right: the client code beside the number is a slip of the pen."""
    LATER_EVENT = "later_event"
    """The client is right: the event is from after the client's death or move."""
    ASK = "ask"
    """None yet: the conflict is to be shown first."""


RESOLUTIONS = {
    "name_differs": ConflictChoice.SLIP,
    "name_fits_other": ConflictChoice.SLIP,
    "printed_other": ConflictChoice.LENT_SHEET,
    "unit_other": ConflictChoice.CARED_FOR_HERE,
    "code_other": ConflictChoice.CODE_SLIP,
    "after_death": ConflictChoice.LATER_EVENT,
    "after_move": ConflictChoice.LATER_EVENT,
}
"""The choice that resolves each kind of conflict; several conflicts at once need a text too."""

OUTSIDE_REASONS = (
    "ny klient",
    "numret saknas på papperet",
    "numret går inte att läsa",
    "utländsk eller utan personnummer",
    "registret är inte uppdaterat",
)
"""The reasons for a client who is not in the register, as they are stored."""
NO_REGISTER = "klientregistret var tomt"
"""The reason that is stored, unasked, where there was no register to compare a number with."""
NO_CLIENT = "gäller ingen enskild klient"
"""The reason for paper that is about no client: a photo of a whiteboard, a list of many."""


@dataclass(frozen=True, slots=True)
class ClientStatement:
    """The reviewer's statement about the client beyond the number.

    Attributes:
        outside: Why the client is not in the register; empty: the client is in it.
        name: As on paper.
        temporary: Whether the entry gets a temporary identity, as the paper's number is missing
            or illegible.
        choice: How a conflict is resolved.
        why: A text about a conflict.
    """

    outside: str = ""
    name: str = ""
    temporary: bool = False
    choice: ConflictChoice = ConflictChoice.HAND_ON
    why: str = ""

    @property
    def is_about_no_client(self) -> bool:
        """Whether the entry is about no client."""
        return self.outside == NO_CLIENT


NO_CLIENT_STATEMENT = ClientStatement()


@dataclass(frozen=True, slots=True)
class SheetFacts:
    """The facts on a sheet about its client apart from the number.

    `printed_for` is the number of the client that it was printed for, if any. `event_on` is the day
    (YYYY-MM-DD) on which it happened, empty if it is not known.
    """

    name: str = ""
    address: str = ""
    unit: str = ""
    printed_for: str | None = None
    event_on: str = ""


def check_client(
    number: str,
    client: Client | None,
    sheet: SheetFacts,
    *,
    same_area: bool = True,
    namesakes: int = 0,
    neighbours: Sequence[str] = (),
    temporary_name: str | None = None,
) -> tuple[str, ...]:
    """Find the evidence for and against a number that a reviewer typed.

    Args:
        number: 12 characters.
        client: of that number, None if the register has none.
        sheet: what else is written.
        same_area: whether the client's unit works under the same law as the sheet's. Home care
            and home nursing share clients, so a unit of another area is no conflict.
        namesakes: the number of other clients in the register with the client's name.
        neighbours: the names of the other clients of the sheet's unit. Couples share a surname
            and an address.
        temporary_name: the name that a temporary identity was made with; None for a new one.
    """
    if is_temporary_pid(number):
        return _check_temporary(number, sheet, temporary_name)
    findings = [
        ("unit_else" if code == "unit_other" and not same_area else code)
        for code in match_evidence(number, client, sheet.name, sheet.unit)
    ]
    if client is not None and client.address and sheet.address:
        similarity = text_similarity(sheet.address, client.address)
        findings.append(similarity_evidence("address", similarity))
    # A name that is similar to the client's may be even more similar to a neighbour's.
    if (
        client is not None
        and client.name
        and sheet.name
        and "name_differs" not in finding_kinds(findings)
        and fits_another_name(sheet.name, client.name, neighbours)
    ):
        findings.append("name_fits_other")
    if sheet.printed_for is not None:
        findings.append("printed_same" if sheet.printed_for == number else "printed_other")
    if namesakes:
        findings.append(f"namesake:{namesakes}")
    # Days as text sort as days do.
    if client is not None and client.deceased_on and sheet.event_on > client.deceased_on:
        findings.append("after_death")
    if client is not None and client.moved_on and sheet.event_on > client.moved_on:
        findings.append("after_move")
    return tuple(findings)


def _check_temporary(number: str, sheet: SheetFacts, name: str | None) -> tuple[str, ...]:
    if name is None:
        return ("temporary",)
    # Either name may have been abbreviated.
    similarity = max(text_similarity(sheet.name, name), text_similarity(name, sheet.name))
    name_findings = (similarity_evidence("name", similarity),) if sheet.name and name else ()
    print_findings = ("printed_other",) if sheet.printed_for not in (None, number) else ()
    return ("temporary", *name_findings, *print_findings)


def finding_kinds(findings: Collection[str]) -> list[str]:
    """Return the codes of findings without their details."""
    return [code.partition(":")[0] for code in findings]


def find_conflicts(findings: Collection[str]) -> tuple[str, ...]:
    """Return the kinds of conflict among findings."""
    return tuple(kind for kind in finding_kinds(findings) if kind in CONFLICTS)


def allowed_choices(conflicts: Collection[str]) -> list[ConflictChoice]:
    """Return the choices that the reviewer has for these conflicts."""
    return [*dict.fromkeys(RESOLUTIONS[kind] for kind in conflicts), ConflictChoice.HAND_ON]


def is_resolved(conflicts: Collection[str], statement: ClientStatement) -> bool:
    """Whether the reviewer's choice fits the conflicts; several at once need a text too."""
    if statement.choice not in {RESOLUTIONS[kind] for kind in conflicts}:
        return False
    return len(conflicts) == 1 or bool(statement.why.strip())


def text_similarity(read: str, true: str) -> float:
    """Return the similarity (0–1) of a text as read to one of the register.

    Each word counts by its best match, weighted by length. The order of the words and words left
    out cost little, because people write "Lindqvist, Märta" or only a first name.
    """
    return float(WordIndex([true]).scores(read)[0])


def fits_another_name(read: str, true: str, others: Sequence[str]) -> bool:
    """Whether a name as read is clearly more similar to one of the others than to the true one.

    "Bo Svensson", for instance, is very similar to "Ulla Svensson".
    """
    return (
        bool(others)
        and float(WordIndex(others).likeness(read).max())
        > float(WordIndex([true]).likeness(read)[0]) + CLEAR_MARGIN
    )


class WordIndex:
    """An index of short texts by words: each word read is compared once with each distinct word."""

    def __init__(self, texts: Sequence[str]) -> None:
        text_words = [split_words(text) for text in texts]
        self._distinct = sorted({word for words in text_words for word in words})
        word_index = {word: i for i, word in enumerate(self._distinct)}
        most_words = max(map(len, text_words), default=0)
        # An index past the last word means "no word": its similarity is always 0.
        no_word = len(self._distinct)
        self._index = np.array(
            [
                [word_index[word] for word in words] + [no_word] * (most_words - len(words))
                for words in text_words
            ],
            np.intp,
        ).reshape(len(texts), most_words)
        self._length = np.array([sum(map(len, words)) for words in text_words], np.float64)

    def scores(self, read: str) -> Scores:
        """Return the similarities (0–1), a little lower for texts that have further words."""
        length = sum(map(len, split_words(read)))
        covered = np.minimum(1.0, length / np.maximum(self._length, 1))
        return np.asarray(self.likeness(read) * (0.8 + 0.2 * covered))

    def likeness(self, read: str) -> Scores:
        """Return the similarities (0–1) of the words read, without regard to further words.

        People often write only a first or a last name.
        """
        words = split_words(read)
        if not words or not self._distinct:
            return np.zeros(len(self._index))
        # Each word read against each distinct word of the texts.
        similarity = process.cdist(words, self._distinct, scorer=fuzz.ratio, dtype=np.float64) / 100
        for row, word in zip(similarity, words, strict=True):
            if len(word) == 1:
                # An initial is similar to every word that begins with it.
                row[:] = [
                    max(value, _INITIAL_SIMILARITY * known.startswith(word))
                    for value, known in zip(row, self._distinct, strict=True)
                ]
        # The best match of each word within each text, weighted by the word's length.
        best = np.pad(similarity, ((0, 0), (0, 1)))[:, self._index].max(axis=2)
        lengths = np.array([len(word) for word in words], np.float64)
        return np.asarray((lengths @ best) / lengths.sum())


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case and without accents, which readers often miss."""
    return re.findall(r"\w+", fold_text(text))


def fold_text(text: str) -> str:
    """Return a text in lower case and without accents."""
    if text.isascii():
        return text.casefold()
    return "".join(
        c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)
    ).casefold()


def check_digit_evidence(number: str) -> str:
    """Return the code for a right, wrong or missing check digit (and date)."""
    pid = normalize_pid(number)
    if pid.valid:
        return "check_ok"
    return CHECK_WRONG if pid.kind in _CHECKED_KINDS else "check_none"


def similarity_evidence(kind: str, score: float) -> str:
    """Return the code for a name or address (`kind`) similar to the register's by a score (0–1)."""
    return f"{kind}_{'like' if score >= MIN_NAME_SIMILARITY else 'differs'}:{score:.2f}"


def match_evidence(number: str, client: Client | None, name: str, unit: str) -> tuple[str, ...]:
    """Return the evidence for and against a number: check digit, name and unit.

    Args:
        number: as read.
        client: of that number, None if the register has none. Without a name (it may be
            protected) there is no evidence of it.
        name: on the paper, empty if there is none.
        unit: of the sheet.
    """
    if client is None:
        return check_digit_evidence(number), NOT_IN_REGISTER
    evidence = [check_digit_evidence(number)]
    if client.name:
        evidence.append(
            similarity_evidence("name", text_similarity(name, client.name))
            if name
            else "name_missing"
        )
    if client.unit and unit:
        evidence.append("unit_same" if client.unit == unit else "unit_other")
    return tuple(evidence)
