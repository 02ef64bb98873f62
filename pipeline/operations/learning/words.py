"""Words that are written here, from confirmed texts: what a list of Swedish words lacks, such as
names of places, drugs and habits of the trade.

Only words that several people have written on several sheets are kept, and none that occurs in a
client's name or address: the list tells nothing of a person. (Names of clients are expected from
the register, sheet by sheet.)

Who signs often: confirmed sheets by unit and signature, to expect those people's initials before
others'.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log
from pathlib import Path
from types import MappingProxyType

from rapidfuzz.distance import Levenshtein

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.form.field import Kind
from pipeline.domain.model import Client, StaffMember
from pipeline.files.atomic import write_atomically
from pipeline.operations.learning.curves import ConfirmedField
from pipeline.reading.fields.registry import FIELD_READERS
from pipeline.reading.language.language_model import (
    LEARNED_WORDS_FILE,
    Lexicon,
    merge_lexicons,
    split_letter_words,
)
from pipeline.registers.staff import SignatureCounts
from pipeline.store.accounts.protected_identity import IDENTIFYING_MEANINGS

MIN_HELD_OUT_TEXTS = 30
"""So many texts kept apart are needed to say whether words help."""
MIN_WORD_LENGTH = 2
WRITTEN_KINDS = frozenset(kind for kind in Kind if kind.traits.is_handwriting)
SIGNERS_FILE = "signers.json"
MIN_HELD_OUT_SHEETS = 20
"""So many sheets kept apart are needed to say whether counting helps."""
NO_SIGNATURES: SignatureCounts = {}


MIN_SHEETS, MIN_WRITERS = 3, 2
"""A word has to stand on so many sheets of so many hands."""


@dataclass(frozen=True, slots=True)
class WordLesson:
    """Words that were found, and the edits that fields kept apart need without and with them, of so
    many characters.
    """

    words: dict[str, int]
    fields: int = 0
    characters: int = 0
    before: int = 0
    after: int = 0

    @property
    def better(self) -> bool:
        """Whether fields kept apart are read better with them."""
        return bool(self.words) and self.fields >= MIN_HELD_OUT_TEXTS and self.after < self.before


def find_words(fields: Iterable[ConfirmedField], clients: Iterable[Client]) -> dict[str, int]:
    """On how many sheets each word stands that several people have written; without the words of
    clients' names and addresses.
    """
    sheets: dict[str, set[str]] = defaultdict(set)
    writers: dict[str, set[str]] = defaultdict(set)
    for one in fields:
        value = one.decided.answer.value
        if (
            one.crop.spec.traits.is_handwriting
            and one.crop.spec.means not in IDENTIFYING_MEANINGS
            and isinstance(value, str)
        ):
            for word in split_letter_words(value):
                sheets[word].add(one.sheet)
                writers[word].add(one.writer)
    often = {
        word: len(places)
        for word, places in sheets.items()
        if len(places) >= MIN_SHEETS and len(writers[word]) >= MIN_WRITERS
    }
    return {
        word: count
        for word, count in _drop_personal_words(often, fields, clients).items()
        if len(word) >= MIN_WORD_LENGTH
    }


def _drop_personal_words(
    words: Mapping[str, int], fields: Iterable[ConfirmedField], clients: Iterable[Client]
) -> dict[str, int]:
    told = [
        str(one.decided.answer.value)
        for one in fields
        if one.crop.spec.means in IDENTIFYING_MEANINGS
    ]
    personal = {
        word
        for text in (*told, *(f"{client.name} {client.address}" for client in clients))
        for word in split_letter_words(text)
    }
    return {
        word: count
        for word, count in words.items()
        if not {word, word.removesuffix("s")} & personal
    }


def learn_words(
    fields: Sequence[ConfirmedField],
    apart: Collection[str],
    clients: Sequence[Client],
    in_use: Mapping[str, int] = MappingProxyType({}),
) -> WordLesson:
    """Words from what is not kept apart, tried on what is. Those `in_use` stay, for they may be of
    units that the person does not see.
    """
    seen = [one for one in fields if not {one.writer, one.sheet} & set(apart)]
    held = [
        one
        for one in fields
        if {one.writer, one.sheet} & set(apart)
        and one.crop.spec.traits.is_handwriting
        and one.decided.answer.value
    ]
    found = _drop_personal_words(find_words(seen, clients), fields, clients)
    words = _drop_personal_words(in_use, fields, clients) | found if found else {}
    if not words or not held:
        return WordLesson(words)
    known = Lexicon.of({word: float(count) for word, count in words.items()})
    said = [str(one.decided.answer.value) for one in held]
    before = sum(
        Levenshtein.distance(str(one.reading.value or ""), text)
        for one, text in zip(held, said, strict=True)
    )
    after = sum(
        Levenshtein.distance(str(value or ""), text)
        for value, text in zip(_read_with_words(held, known), said, strict=True)
    )
    return WordLesson(words, len(held), sum(map(len, said)), before, after)


def _read_with_words(fields: Sequence[ConfirmedField], words: Lexicon) -> list[object]:
    found: dict[int, object] = {}
    for kind in WRITTEN_KINDS:
        at = [i for i, one in enumerate(fields) if one.crop.spec.kind is kind]
        readings = FIELD_READERS[kind](
            [
                replace(
                    fields[i].crop,
                    expected_names=merge_lexicons(fields[i].crop.expected_names, words),
                )
                for i in at
            ]
        )
        found.update((i, reading.value) for i, reading in zip(at, readings, strict=True))
    return [found[i] for i in range(len(fields))]


def install_words(folder: Path, lesson: WordLesson) -> None:
    """Write the words into the workspace's `models`."""
    ordered = dict(sorted(lesson.words.items()))
    write_atomically(
        folder / LEARNED_WORDS_FILE, json.dumps(ordered, ensure_ascii=False, indent=0) + "\n"
    )


@dataclass(frozen=True, slots=True)
class SignerLesson:
    """Sheets by unit and signature, and how surprising (nats a sheet) the signers of sheets kept
    apart are by what is in use and with them.
    """

    signed: SignatureCounts = field(default_factory=dict)
    sheets: int = 0
    before: float = 0.0
    after: float = 0.0

    @property
    def better(self) -> bool:
        """Whether the signers of sheets kept apart are foretold better."""
        return self.sheets >= MIN_HELD_OUT_SHEETS and self.after < self.before


@dataclass(frozen=True, slots=True)
class SignedSheet:
    """Whose name a confirmed sheet bears, in small letters; `part` is the hand or sheet by which
    sheets are kept apart.
    """

    unit: str
    author: str
    sheet: str


def learn_signers(
    sheets: Iterable[SignedSheet],
    staff: Sequence[StaffMember],
    apart: Collection[str],
    in_use: SignatureCounts = NO_SIGNATURES,
) -> SignerLesson:
    """Counted on the sheets that are not kept apart, tried on those that are. Left out are authors
    whom the staff list lacks or has several of.
    """
    names = Counter((member.unit, _normalize_name(member.name)) for member in staff)
    by_name = {
        at: member.signature
        for member in staff
        if names[at := (member.unit, _normalize_name(member.name))] == 1
    }
    named = [
        (one, by_name[one.unit, one.author]) for one in sheets if (one.unit, one.author) in by_name
    ]
    signed = Counter((one.unit, signature) for one, signature in named if one.sheet not in apart)
    held = [(one.unit, signature) for one, signature in named if one.sheet in apart]
    if not held:
        return SignerLesson(signed)
    return SignerLesson(
        signed, len(held), _mean_surprise(held, staff, in_use), _mean_surprise(held, staff, signed)
    )


def _mean_surprise(
    held: Sequence[tuple[str, str]], staff: Sequence[StaffMember], signed: SignatureCounts
) -> float:
    totals: Counter[str] = Counter()
    for member in staff:
        totals[member.unit] += 1 + signed.get((member.unit, member.signature), 0)
    return sum(
        log(totals[unit] / (1 + signed.get((unit, signature), 0))) for unit, signature in held
    ) / len(held)


def _normalize_name(name: str) -> str:
    return " ".join(name.split()).casefold()


def install_signers(folder: Path, signed: SignatureCounts) -> None:
    """Write the counts into the workspace's `models`; those of units that nothing was learned of
    stay.
    """
    units = {unit for unit, _ in signed}
    signed = {
        place: count
        for place, count in load_learned_signers(folder).items()
        if place[0] not in units
    } | dict(signed)
    rows = [
        {"unit": unit, "signature": signature, "sheets": count}
        for (unit, signature), count in sorted(signed.items())
    ]
    write_atomically(folder / SIGNERS_FILE, json.dumps(rows, ensure_ascii=False, indent=0) + "\n")


def load_learned_signers(folder: Path) -> SignatureCounts:
    """The counts that a workspace has learned; none before.

    Raises:
        MissingProgramError: the file is damaged.
    """
    file = folder / SIGNERS_FILE
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
