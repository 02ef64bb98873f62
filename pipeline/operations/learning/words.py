"""Learn words and frequent signers from confirmed texts and sheets.

Words are those that a list of Swedish words lacks, such as names of places and drugs, and terms of
the trade. Only words that several people have written on several sheets are learned, and none of a
client's name or address, so that the list has no personal data. (Names of clients are expected from
the register, sheet by sheet.) Signers are counted by unit and signature, so that the initials of
frequent signers are expected.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from pathlib import Path
from types import MappingProxyType

from rapidfuzz.distance import Levenshtein

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.form.field import Kind
from pipeline.domain.model import Client, StaffMember
from pipeline.files.atomic import write_atomically
from pipeline.operations.learning.curves import ConfirmedField
from pipeline.reading.field_readers import FIELD_READERS
from pipeline.reading.language.language_model import (
    LEARNED_WORDS_FILE,
    Lexicon,
    merge_lexicons,
    split_letter_words,
)
from pipeline.registers.staff import SignatureCounts
from pipeline.store.paper.protected_identity import IDENTIFYING_MEANINGS

MIN_HELD_OUT_TEXTS = 30
"""Held-out texts needed to judge whether words help."""
MIN_WORD_LENGTH = 2
WRITTEN_KINDS = frozenset(kind for kind in Kind if kind.traits.is_handwriting)
SIGNERS_FILE = "signers.json"
MIN_HELD_OUT_SHEETS = 20
"""Held-out sheets needed to judge whether counting helps."""
NO_SIGNATURES: SignatureCounts = {}
MIN_SHEETS, MIN_WRITERS = 3, 2
"""Sheets and writers that a word needs to be learned."""


@dataclass(frozen=True, slots=True)
class WordLesson:
    """Learned words, and the edits that held-out fields need `before` and `after`.

    `words` are with the number of their sheets; `characters` are those of the held-out fields.
    """

    words: dict[str, int]
    fields: int = 0
    characters: int = 0
    before: int = 0
    after: int = 0

    @property
    def better(self) -> bool:
        """Whether held-out fields are read better with them."""
        return bool(self.words) and self.fields >= MIN_HELD_OUT_TEXTS and self.after < self.before


def find_words(fields: Iterable[ConfirmedField], clients: Iterable[Client]) -> dict[str, int]:
    """Count the sheets of each word that several people have written.

    Words of clients' names and addresses are left out.
    """
    # Sheets and writers of every word of handwriting.
    sheets: dict[str, set[str]] = defaultdict(set)
    writers: dict[str, set[str]] = defaultdict(set)
    for field in fields:
        value = field.decided.answer.value
        if (
            field.crop.spec.traits.is_handwriting
            and field.crop.spec.means not in IDENTIFYING_MEANINGS
            and isinstance(value, str)
        ):
            for word in split_letter_words(value):
                sheets[word].add(field.sheet)
                writers[word].add(field.writer)
    # The frequent ones that are no personal data.
    frequent = {
        word: len(word_sheets)
        for word, word_sheets in sheets.items()
        if len(word_sheets) >= MIN_SHEETS and len(writers[word]) >= MIN_WRITERS
    }
    return {
        word: count
        for word, count in _drop_personal_words(frequent, fields, clients).items()
        if len(word) >= MIN_WORD_LENGTH
    }


def _drop_personal_words(
    words: Mapping[str, int], fields: Iterable[ConfirmedField], clients: Iterable[Client]
) -> dict[str, int]:
    """Drop the words of names and addresses, on sheets or in the register, and their genitives."""
    identifying_texts = [
        str(field.decided.answer.value)
        for field in fields
        if field.crop.spec.means in IDENTIFYING_MEANINGS
    ]
    client_texts = [f"{client.name} {client.address}" for client in clients]
    personal = {
        word for text in (*identifying_texts, *client_texts) for word in split_letter_words(text)
    }
    return {
        word: count
        for word, count in words.items()
        if not {word, word.removesuffix("s")} & personal
    }


def learn_words(
    fields: Sequence[ConfirmedField],
    held_out: Collection[str],
    clients: Sequence[Client],
    in_use: Mapping[str, int] = MappingProxyType({}),
) -> WordLesson:
    """Learn words and try them on the fields of held-out writers or sheets.

    Words `in_use` stay, as they may be of units that the person does not see.
    """
    training = [field for field in fields if not {field.writer, field.sheet} & set(held_out)]
    test = [
        field
        for field in fields
        if {field.writer, field.sheet} & set(held_out)
        and field.crop.spec.traits.is_handwriting
        and field.decided.answer.value
    ]
    new_words = _drop_personal_words(find_words(training, clients), fields, clients)
    words = _drop_personal_words(in_use, fields, clients) | new_words if new_words else {}
    if not words or not test:
        return WordLesson(words)
    # Edits from the reading to the confirmed text, without and with the words.
    lexicon = Lexicon.of({word: float(count) for word, count in words.items()})
    texts = [str(field.decided.answer.value) for field in test]
    before = sum(
        Levenshtein.distance(str(field.reading.value or ""), text)
        for field, text in zip(test, texts, strict=True)
    )
    after = sum(
        Levenshtein.distance(str(value or ""), text)
        for value, text in zip(_read_with_words(test, lexicon), texts, strict=True)
    )
    return WordLesson(words, len(test), sum(map(len, texts)), before, after)


def _read_with_words(fields: Sequence[ConfirmedField], words: Lexicon) -> list[object]:
    """Read the fields again with more words; return their values in order."""
    values: dict[int, object] = {}
    for kind in WRITTEN_KINDS:
        indices = [i for i, field in enumerate(fields) if field.crop.spec.kind is kind]
        images = [
            replace(
                fields[i].crop,
                expected_names=merge_lexicons(fields[i].crop.expected_names, words),
            )
            for i in indices
        ]
        readings = FIELD_READERS[kind](images)
        values.update((i, reading.value) for i, reading in zip(indices, readings, strict=True))
    return [values[i] for i in range(len(fields))]


def install_words(folder: Path, lesson: WordLesson) -> None:
    """Write the words into the workspace's `models`."""
    ordered = dict(sorted(lesson.words.items()))
    write_atomically(
        folder / LEARNED_WORDS_FILE, json.dumps(ordered, ensure_ascii=False, indent=0) + "\n"
    )


@dataclass(frozen=True, slots=True)
class SignerLesson:
    """Sheets by unit and signature, and the surprise at the signers of held-out sheets.

    The surprise is in nats per sheet, `before` by the counts in use and `after` by these.
    """

    sheet_counts: SignatureCounts = dataclasses.field(default_factory=dict)
    sheets: int = 0
    before: float = 0.0
    after: float = 0.0

    @property
    def better(self) -> bool:
        """Whether the signers of held-out sheets are predicted better."""
        return self.sheets >= MIN_HELD_OUT_SHEETS and self.after < self.before


@dataclass(frozen=True, slots=True)
class SignedSheet:
    """A confirmed sheet with its author's name in small letters."""

    unit: str
    author: str
    sheet: str


def learn_signers(
    sheets: Iterable[SignedSheet],
    staff: Sequence[StaffMember],
    held_out: Collection[str],
    in_use: SignatureCounts = NO_SIGNATURES,
) -> SignerLesson:
    """Count signers, and try the counts on the held-out sheets.

    Authors who are not on the staff list, or share a name there, are left out.
    """
    # The signature of each author whose name is unambiguous.
    name_counts = Counter((member.unit, _normalize_name(member.name)) for member in staff)
    signatures = {
        key: member.signature
        for member in staff
        if name_counts[key := (member.unit, _normalize_name(member.name))] == 1
    }
    signed = [
        (sheet, signatures[sheet.unit, sheet.author])
        for sheet in sheets
        if (sheet.unit, sheet.author) in signatures
    ]
    counts = Counter(
        (sheet.unit, signature) for sheet, signature in signed if sheet.sheet not in held_out
    )
    test = [(sheet.unit, signature) for sheet, signature in signed if sheet.sheet in held_out]
    if not test:
        return SignerLesson(counts)
    return SignerLesson(
        counts, len(test), _mean_surprise(test, staff, in_use), _mean_surprise(test, staff, counts)
    )


def _mean_surprise(
    signers: Sequence[tuple[str, str]], staff: Sequence[StaffMember], counts: SignatureCounts
) -> float:
    """Return the mean surprise (nats) at signers, where each member of staff has one sheet more."""
    totals: Counter[str] = Counter()
    for member in staff:
        totals[member.unit] += 1 + counts.get((member.unit, member.signature), 0)
    return sum(
        log(totals[unit] / (1 + counts.get((unit, signature), 0))) for unit, signature in signers
    ) / len(signers)


def _normalize_name(name: str) -> str:
    return " ".join(name.split()).casefold()


def install_signers(folder: Path, counts: SignatureCounts) -> None:
    """Write the counts into the workspace's `models`; those of units without new counts stay."""
    new_units = {unit for unit, _ in counts}
    other_counts = {
        (unit, signature): count
        for (unit, signature), count in load_learned_signers(folder).items()
        if unit not in new_units
    }
    rows = [
        {"unit": unit, "signature": signature, "sheets": count}
        for (unit, signature), count in sorted((other_counts | dict(counts)).items())
    ]
    write_atomically(folder / SIGNERS_FILE, json.dumps(rows, ensure_ascii=False, indent=0) + "\n")


def load_learned_signers(folder: Path) -> SignatureCounts:
    """Load the counts that a workspace has learned; none if it has not learned yet.

    Raises:
        MissingProgramError: the file is damaged.
    """
    file = folder / SIGNERS_FILE
    if not file.is_file():
        return {}
    try:
        rows: list[Mapping[str, str]] = json.loads(file.read_text("utf-8"))
        counts = {(str(row["unit"]), str(row["signature"])): int(row["sheets"]) for row in rows}
        if min(counts.values(), default=1) < 1:
            raise ValueError("A counted signer has signed at least one sheet.")
        return counts
    except (OSError, ValueError, OverflowError, KeyError, TypeError) as error:
        raise MissingProgramError("file_damaged", file=file) from error
