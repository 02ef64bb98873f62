"""Words that are written here, from confirmed texts: what a list of Swedish words lacks, such as names of places, drugs and habits of the trade.

Only words that several people have written on several sheets are kept, and none that occurs in a client's name or address: the list tells nothing of
a person. (Names of clients are expected from the register, sheet by sheet.)
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from rapidfuzz.distance import Levenshtein

from pipeline.field_spec import Kind
from pipeline.learning.reread import Reread
from pipeline.model import Client
from pipeline.recognize.learned_words import FILE, joined
from pipeline.recognize.lexicon import Lexicon, letter_words
from pipeline.recognize.registry import READERS
from pipeline.store.protection import TELLS
from pipeline.whole_file import write_whole

SHEETS, WRITERS = 3, 2
"""A word has to stand on so many sheets of so many hands."""
NEEDED_APART = 30
"""So many texts kept apart are needed to say whether words help."""
SHORTEST = 2
WRITTEN = frozenset(kind for kind in Kind if kind.traits.is_handwriting)


@dataclass(frozen=True, slots=True)
class WordLesson:
    """Words that were found, and the edits that fields kept apart need without and with them, of so many characters."""

    words: dict[str, int]
    fields: int = 0
    characters: int = 0
    before: int = 0
    after: int = 0

    @property
    def better(self) -> bool:
        """Whether fields kept apart are read better with them."""
        return bool(self.words) and self.fields >= NEEDED_APART and self.after < self.before


def found_words(fields: Iterable[Reread], clients: Iterable[Client]) -> dict[str, int]:
    """On how many sheets each word stands that several people have written; without the words of clients' names and addresses."""
    sheets: dict[str, set[str]] = defaultdict(set)
    writers: dict[str, set[str]] = defaultdict(set)
    for one in fields:
        value = one.said.answer.value
        if one.crop.spec.traits.is_handwriting and one.crop.spec.means not in TELLS and isinstance(value, str):
            for word in letter_words(value):
                sheets[word].add(one.sheet)
                writers[word].add(one.writer)
    often = {word: len(places) for word, places in sheets.items() if len(places) >= SHEETS and len(writers[word]) >= WRITERS}
    return {word: count for word, count in _impersonal(often, fields, clients).items() if len(word) >= SHORTEST}


def _impersonal(words: Mapping[str, int], fields: Iterable[Reread], clients: Iterable[Client]) -> dict[str, int]:
    told = [str(one.said.answer.value) for one in fields if one.crop.spec.means in TELLS]
    personal = {word for text in (*told, *(f"{client.name} {client.address}" for client in clients)) for word in letter_words(text)}
    return {word: count for word, count in words.items() if not {word, word.removesuffix("s")} & personal}


def word_lesson(
    fields: Sequence[Reread], apart: Collection[str], clients: Sequence[Client], in_use: Mapping[str, int] = MappingProxyType({})
) -> WordLesson:
    """Words from what is not kept apart, tried on what is. Those `in_use` stay, for they may be of units that the person does not see."""
    seen = [one for one in fields if not {one.writer, one.sheet} & set(apart)]
    held = [one for one in fields if {one.writer, one.sheet} & set(apart) and one.crop.spec.traits.is_handwriting and one.said.answer.value]
    found = _impersonal(found_words(seen, clients), fields, clients)
    words = _impersonal(in_use, fields, clients) | found if found else {}
    if not words or not held:
        return WordLesson(words)
    known = Lexicon.of({word: float(count) for word, count in words.items()})
    said = [str(one.said.answer.value) for one in held]
    before = sum(Levenshtein.distance(str(one.reading.value or ""), text) for one, text in zip(held, said, strict=True))
    after = sum(Levenshtein.distance(str(value or ""), text) for value, text in zip(_with(held, known), said, strict=True))
    return WordLesson(words, len(held), sum(map(len, said)), before, after)


def _with(fields: Sequence[Reread], words: Lexicon) -> list[object]:
    found: dict[int, object] = {}
    for kind in WRITTEN:
        at = [i for i, one in enumerate(fields) if one.crop.spec.kind is kind]
        readings = READERS[kind]([replace(fields[i].crop, names=joined(fields[i].crop.names, words)) for i in at])
        found.update((i, reading.value) for i, reading in zip(at, readings, strict=True))
    return [found[i] for i in range(len(fields))]


def install_words(folder: Path, lesson: WordLesson) -> None:
    """Write the words into the workspace's `models`."""
    ordered = dict(sorted(lesson.words.items()))
    write_whole(folder / FILE, json.dumps(ordered, ensure_ascii=False, indent=0) + "\n")
