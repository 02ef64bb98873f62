"""Comparing what was read with every client of a register at once: numbers as an array of symbols,
names by their words, look-alikes by groups.

No digit has to be right for a client to be found: for all clients it is counted how many boxes
may hold one of their digits, in place or shifted, and only the few hundred with most of them are
weighed exactly. 5,000 clients take about a millisecond.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from pipeline.domain.model import CELL_SYMBOLS, Client

Scores = NDArray[np.float64]
NUMBER_BOXES = 12
_MIN_SYMBOL_P = 0.02
_MAX_BY_NUMBER, _MAX_BY_WORDS = 256, 64
_OTHER_SYMBOL = CELL_SYMBOLS.index("?")
_INITIAL_SIMILARITY = 0.7
"""How well a lone letter agrees with a word that begins with it."""
MIN_NAME_SIMILARITY = 0.75
"""Similarity (0–1) from which a read name or address supports a client."""
CLEAR_MARGIN = 0.05
"""So much more similar is clearly more: two of a couple who share a long surname differ by twice as
much and more.
"""
MIN_UNIT_SIMILARITY, _UNIT_MARGIN = 0.8, 0.05
"""A unit is the one most alike, if it is so much alike and so much more than the next."""


class ClientSearch:
    """A register laid out for comparing. `symbols` (n, 12) holds each number as indices into
    `LATTICE_SYMBOLS`, a letter as "another mark".
    """

    def __init__(self, clients: Sequence[Client]) -> None:
        self.numbers = frozenset(client.pid for client in clients)
        self.symbols = encode_numbers(client.pid for client in clients)
        self._names = _WordIndex([client.name for client in clients])
        self._addresses = _WordIndex([client.address for client in clients])
        self._units: dict[str, NDArray[np.intp]] = _positions_by_key(
            client.unit for client in clients
        )
        self.namesakes = _group_numbers(
            " ".join(sorted(split_words(client.name))) for client in clients
        )
        self.twins = _group_numbers(
            (client.pid[:8], *split_words(client.name)[-1:]) for client in clients
        )

    def nearest(self, boxes: NDArray[np.float64], *scores: Scores) -> NDArray[np.intp]:
        """Places of the clients worth weighing: with most boxes (12, 13) that may hold their
        digits, and with the highest of other scores.
        """
        may = (boxes >= _MIN_SYMBOL_P).ravel()
        count = np.zeros((len(self.symbols), NUMBER_BOXES), bool)
        for shift, index in self._shifted.items():
            first = max(0, -shift)
            count[:, first : first + index.shape[1]] |= may[index]
        found = [
            _top_indices(count.sum(axis=1), _MAX_BY_NUMBER),
            *(_top_indices(score, _MAX_BY_WORDS) for score in scores if score.any()),
        ]
        return np.unique(np.concatenate(found))

    @cached_property
    def _shifted(self) -> dict[int, NDArray[np.intp]]:
        """For digits in their boxes, and shifted to the left or right: where in a flat array (12,
        13) each client's digits stand.
        """
        return {shift: shifted_indices(self.symbols, shift) for shift in (-1, 0, 1, 2)}

    def name_scores(self, name: str) -> Scores:
        """How well a name as read agrees with each client's, 0–1; see `agreement`."""
        return self._names.scores(name)

    def name_likeness(self, name: str) -> Scores:
        """As `name_scores`, but names left out cost nothing: to compare clients with each other."""
        return self._names.likeness(name)

    def address_scores(self, address: str) -> Scores:
        """How well an address as read agrees with each client's, 0–1; 0 for a client whose address
        is unknown.
        """
        return self._addresses.scores(address)

    def of_unit(self, unit: str) -> NDArray[np.intp]:
        """Places in the register of the clients of a unit as read on the sheet; empty if it is like
        none, or like several.
        """
        if unit in self._units:
            return self._units[unit]
        close = sorted(
            (
                (fuzz.ratio(_fold_text(unit), _fold_text(known)) / 100, known)
                for known in self._units
            ),
            reverse=True,
        )
        if (
            not close
            or close[0][0] < MIN_UNIT_SIMILARITY
            or (len(close) > 1 and close[0][0] - close[1][0] < _UNIT_MARGIN)
        ):
            return np.empty(0, np.intp)
        return self._units[close[0][1]]


def encode_numbers(numbers: Iterable[str]) -> NDArray[np.intp]:
    """Numbers as indices (n, 12) into `LATTICE_SYMBOLS`. A shorter one leaves boxes empty; a longer
    one is all other marks: nothing is like it.
    """
    code = {symbol: i for i, symbol in enumerate(CELL_SYMBOLS)}
    rows = [
        [code.get(c, _OTHER_SYMBOL) for c in number.ljust(NUMBER_BOXES)]
        if len(number) <= NUMBER_BOXES
        else [_OTHER_SYMBOL] * NUMBER_BOXES
        for number in numbers
    ]
    return np.array(rows, np.intp).reshape(-1, NUMBER_BOXES)


def shifted_indices(symbols: NDArray[np.intp], shift: int) -> NDArray[np.intp]:
    """(n, 12 − |shift|) indices into a flat array (12, 13): digits that stand `shift` boxes to the
    left of their own, box by box.
    """
    boxes = np.arange(max(0, -shift), NUMBER_BOXES - max(0, shift))
    return boxes * len(CELL_SYMBOLS) + symbols[:, boxes + shift]


def _top_indices(scores: NDArray[Any], count: int) -> NDArray[np.intp]:
    return (
        np.argpartition(-scores, count)[:count] if len(scores) > count else np.arange(len(scores))
    )


def text_similarity(read: str, true: str) -> float:
    """How well a text as read agrees with one of the register, 0–1: each word against its best
    match, weighed by length.

    The order of the words and words left out cost little, because people write "Lindqvist,
    Märta" or only a first name.
    """
    return float(_WordIndex([true]).scores(read)[0])


def fits_another_name(read: str, true: str, others: Sequence[str]) -> bool:
    """Whether a name as read is clearly more like one of some others than like the true one: "Bo
    Svensson" is very like "Ulla Svensson".
    """
    return (
        bool(others)
        and float(_WordIndex(others).likeness(read).max())
        > float(_WordIndex([true]).likeness(read)[0]) + CLEAR_MARGIN
    )


class _WordIndex:
    """Many short texts by their words, so that a read word is compared once with each distinct
    word.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        split = [split_words(text) for text in texts]
        self._distinct = sorted({word for row in split for word in row})
        place = {word: i for i, word in enumerate(self._distinct)}
        most = max(map(len, split), default=0)
        # A place past the last word stands for "no word": its similarity is always 0.
        none = len(self._distinct)
        self._index = np.array(
            [[place[w] for w in row] + [none] * (most - len(row)) for row in split], np.intp
        ).reshape(len(texts), most)
        self._length = np.array([sum(map(len, row)) for row in split], np.float64)

    def scores(self, read: str) -> Scores:
        """The likeness, and a little more for texts that have no further words."""
        lengths = sum(map(len, split_words(read)))
        covered = np.minimum(1.0, lengths / np.maximum(self._length, 1))
        return np.asarray(self.likeness(read) * (0.8 + 0.2 * covered))

    def likeness(self, read: str) -> Scores:
        """How like the words that were read are, whatever words there are besides: people write
        only a first or a last name.
        """
        asked = split_words(read)
        if not asked or not self._distinct:
            return np.zeros(len(self._index))
        alike = process.cdist(asked, self._distinct, scorer=fuzz.ratio, dtype=np.float64) / 100
        for row, word in zip(alike, asked, strict=True):
            if len(word) == 1:
                row[:] = [
                    max(s, _INITIAL_SIMILARITY * known.startswith(word))
                    for s, known in zip(row, self._distinct, strict=True)
                ]
        best = np.pad(alike, ((0, 0), (0, 1)))[:, self._index].max(axis=2)
        lengths = np.array([len(word) for word in asked], np.float64)
        return np.asarray((lengths @ best) / lengths.sum())


def split_words(text: str) -> list[str]:
    """The words of a text in lower case and without accents, which readers of handwriting often
    lose.
    """
    return re.findall(r"\w+", _fold_text(text))


def _fold_text(text: str) -> str:
    return "".join(
        c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)
    ).casefold()


def _positions_by_key(keys: Iterable[str]) -> dict[str, NDArray[np.intp]]:
    found: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        found[key].append(place)
    return {key: np.array(places, np.intp) for key, places in found.items()}


def _group_numbers(keys: Iterable[Hashable]) -> NDArray[np.intp]:
    """A number for each, the same for equal keys."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.intp)
