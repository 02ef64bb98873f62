"""Words that this workspace has learned from confirmed texts (see `pipeline/learning/words.py`), to expect beside the register's names."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from pipeline.errors import MissingProgramError
from pipeline.recognize.lexicon import NO_NAMES, Lexicon
from pipeline.settings import load_settings

FILE = "words.json"
LEARNED_SHARE = 0.5
"""How likely a word of either list is one that was learned."""


def learned_words() -> Lexicon:
    """The workspace's words; none before it has learned any.

    Raises:
        MissingProgramError: the file is damaged.
    """
    file = load_settings().workspace / "models" / FILE
    return _read(file, file.stat().st_mtime_ns) if file.is_file() else NO_NAMES


def word_counts(folder: Path) -> dict[str, int]:
    """On how many sheets each word stood that the workspace has learned; none before.

    Raises:
        MissingProgramError: the file is damaged.
    """
    file = folder / FILE
    return _counts(file) if file.is_file() else {}


def with_learned(names: Lexicon) -> Lexicon:
    """The names that are expected, and the words that were learned here.

    Raises:
        MissingProgramError: the file of words is damaged.
    """
    learned = learned_words()
    return joined(names, learned) if learned.words else names


@lru_cache(maxsize=4)
def joined(names: Lexicon, learned: Lexicon) -> Lexicon:
    """Names and learned words as they are expected together."""
    if not names.words:
        return learned
    share = {word: (1 - LEARNED_SHARE) * names.p(word) for word in names.words}
    for word in learned.words:
        share[word] = share.get(word, 0.0) + LEARNED_SHARE * learned.p(word)
    return Lexicon.of(share)


@lru_cache(maxsize=2)
def _read(file: Path, changed: int) -> Lexicon:
    del changed
    return Lexicon.of({word: float(count) for word, count in _counts(file).items()})


def _counts(file: Path) -> dict[str, int]:
    try:
        counts = {str(word): int(count) for word, count in json.loads(file.read_text("utf-8")).items()}
        if min(counts.values(), default=1) < 1:
            raise ValueError("A word that was learned stood somewhere.")
        return counts
    except (OSError, ValueError, OverflowError, AttributeError, TypeError) as error:
        raise MissingProgramError("list_words_damaged", file=file) from error
