"""The client register (klientregister): loading it from a CSV file, and finding clients."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from pipeline.domain.errors import UsageError
from pipeline.domain.identity_numbers import (
    MAX_LOCAL_PID_LENGTH,
    PidKind,
    is_local_pid,
    normalize_pid,
)
from pipeline.domain.model import CELL_SYMBOLS, Client, ClientCode, RegisterColumn, register_columns
from pipeline.files.csv_tables import TableSchema, read_table, row_error
from pipeline.texts import Text

# Search a client register for what was read: numbers by digit boxes, names by words.
#
# No digit has to be right for a client to be found: for all clients the boxes that may hold one of
# their digits, in place or shifted, are counted, and only the few hundred with most of them are
# weighed exactly. 5,000 clients take about a millisecond.

Scores = NDArray[np.float64]
NUMBER_BOXES = 12
_MIN_SYMBOL_P = 0.02
"""A box may hold a digit that has at least this p."""
_MAX_BY_NUMBER, _MAX_BY_WORDS = 256, 64
"""Clients to weigh by their number, and by each score of words."""
_OTHER_SYMBOL = CELL_SYMBOLS.index("?")
_INITIAL_SIMILARITY = 0.7
"""Similarity of a single letter to a word that begins with it."""
MIN_NAME_SIMILARITY = 0.75
"""Similarity (0–1) from which a read name or address supports a client."""
CLEAR_MARGIN = 0.05
"""A difference of similarity (0–1) that counts as clear.

The names of a couple who share a long surname differ by at least twice as much.
"""
MIN_UNIT_SIMILARITY, _UNIT_MARGIN = 0.8, 0.05
"""Similarity (0–1) of a unit to what was read, and its lead over the next, to be accepted."""


class ClientSearch:
    """A search index of a register.

    `symbols` (n, 12) has each number as indices into `CELL_SYMBOLS`, a letter as "another mark".
    `namesakes` and `twins` (n) are group numbers: clients with equal words of their name, and
    those with equal birth date and surname.
    """

    def __init__(self, clients: Sequence[Client]) -> None:
        self.numbers = frozenset(client.pid for client in clients)
        self.symbols = encode_numbers(client.pid for client in clients)
        self.names = WordIndex([client.name for client in clients])
        self.addresses = WordIndex([client.address for client in clients])
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
        """Return the indices of the clients worth weighing.

        Args:
            boxes: (12, 13) probabilities of the symbols of each digit box.
            scores: other scores (n) of the clients; the highest of each are worth weighing too.
        """
        # Count for each client the boxes that may hold one of its digits.
        is_possible = (boxes >= _MIN_SYMBOL_P).ravel()
        has_digit = np.zeros((len(self.symbols), NUMBER_BOXES), bool)
        for shift, index in self._shifted.items():
            first = max(0, -shift)
            has_digit[:, first : first + index.shape[1]] |= is_possible[index]
        # Take the best by number and by each other score.
        best = [
            _top_indices(has_digit.sum(axis=1), _MAX_BY_NUMBER),
            *(_top_indices(score, _MAX_BY_WORDS) for score in scores if score.any()),
        ]
        return np.unique(np.concatenate(best))

    @cached_property
    def _shifted(self) -> dict[int, NDArray[np.intp]]:
        """`shifted_indices` of all clients, by shift."""
        return {shift: shifted_indices(self.symbols, shift) for shift in (-1, 0, 1, 2)}

    def of_unit(self, unit: str) -> NDArray[np.intp]:
        """Return the indices of the clients of a unit as read on the sheet.

        None are returned if the unit is similar to no known one, or to several.
        """
        if unit in self._units:
            return self._units[unit]
        # The unit most similar, if it is similar enough and clearly more than the next.
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
    """Encode numbers as indices (n, 12) into `CELL_SYMBOLS`.

    A shorter number leaves boxes empty; a longer one is all other marks, so that nothing is
    similar to it.
    """
    codes = {symbol: i for i, symbol in enumerate(CELL_SYMBOLS)}
    rows = [
        [codes.get(c, _OTHER_SYMBOL) for c in number.ljust(NUMBER_BOXES)]
        if len(number) <= NUMBER_BOXES
        else [_OTHER_SYMBOL] * NUMBER_BOXES
        for number in numbers
    ]
    return np.array(rows, np.intp).reshape(-1, NUMBER_BOXES)


def shifted_indices(symbols: NDArray[np.intp], shift: int) -> NDArray[np.intp]:
    """Return the indices of digits that are written `shift` boxes to the left of their own.

    They are (n, 12 - |shift|) indices into a flattened array (12, 13) of boxes and symbols.
    """
    boxes = np.arange(max(0, -shift), NUMBER_BOXES - max(0, shift))
    return boxes * len(CELL_SYMBOLS) + symbols[:, boxes + shift]


def _top_indices(scores: NDArray[Any], count: int) -> NDArray[np.intp]:
    return (
        np.argpartition(-scores, count)[:count] if len(scores) > count else np.arange(len(scores))
    )


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
    return re.findall(r"\w+", _fold_text(text))


def _fold_text(text: str) -> str:
    if text.isascii():
        return text.casefold()
    return "".join(
        c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)
    ).casefold()


def _positions_by_key(keys: Iterable[str]) -> dict[str, NDArray[np.intp]]:
    positions: dict[str, list[int]] = defaultdict(list)
    for i, key in enumerate(keys):
        positions[key].append(i)
    return {key: np.array(indices, np.intp) for key, indices in positions.items()}


def _group_numbers(keys: Iterable[Hashable]) -> NDArray[np.intp]:
    """Return a number for each key, the same for equal keys."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.intp)


# Codes of evidence for and against a number being that of a client.

NOT_IN_REGISTER = "not_in_register"
"""The code for a number that no client of the register has."""
CHECK_WRONG = "check_wrong"
"""The code for a number whose check digit, or date, is wrong."""
_CHECKED_KINDS = (PidKind.PERSONAL, PidKind.COORDINATION)


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


CLIENT_COLUMNS = register_columns(Client)
_HEADERS = tuple(column.header for column in CLIENT_COLUMNS)
_REQUIRED = tuple(column.header for column in CLIENT_COLUMNS if not column.is_optional)
_CLIENT_SCHEMA = TableSchema(_REQUIRED, ";".join(_HEADERS), "error.table_row.remedy.clients")
_PROTECTION_HEADERS = ("skydd", "sekre")
"""Prefixes of headers about protected identity."""
_DAYS = frozenset({"deceased_on", "moved_on"})
"""Fields that are days."""
_YES, _NO = {"ja", "j", "1", "x", "sant", "true"}, {"", "nej", "n", "0", "falskt", "false"}


class ClientRegister:
    """The clients that paper can be about, in the order of the register."""

    def __init__(
        self,
        clients: Iterable[Client],
        missing_columns: Iterable[str] = (),
        codes: Iterable[ClientCode] = (),
    ) -> None:
        """Make a register.

        Args:
            clients: in the order of the register.
            missing_columns: the fields of `Client` that its file lacks.
            codes: the codes that the units have given to clients.
        """
        self.clients = tuple(clients)
        self.codes = tuple(codes)
        self.missing_columns = frozenset(missing_columns)
        self._by_pid = {client.pid: client for client in self.clients}

    def __len__(self) -> int:
        return len(self.clients)

    def __iter__(self) -> Iterator[Client]:
        return iter(self.clients)

    def find(self, pid: str) -> Client | None:
        """Return the client with this number (12 characters)."""
        return self._by_pid.get(pid)

    def has_name(self, name: str) -> bool:
        """Whether a client has this name, in capitals or small letters."""
        return _fold_name(name) in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(_fold_name(client.name) for client in self.clients)

    @cached_property
    def search(self) -> ClientSearch:
        """The index for comparing readings with all clients; made at first use."""
        return ClientSearch(self.clients)


def _fold_name(name: str) -> str:
    return " ".join(name.casefold().split())


def load_client_register(path: Path) -> ClientRegister:
    """Load a register: columns personnummer, namn, enhet, optionally skyddad (ja/nej) and adress.

    They are separated by semicolon, comma or tab; UTF-8, UTF-16 or Windows-1252.

    Raises:
        UsageError: the file cannot be read, lacks a column or has a wrong row. The message names
            rows, never their content.
    """
    clients: dict[str, Client] = {}
    rows = read_table(path, _CLIENT_SCHEMA)
    for number, row in rows:
        client = _parse_client(path, number, row)
        if client.pid in clients:
            raise row_error(path, number, Text("error.table_row.number_twice"), _CLIENT_SCHEMA)
        clients[client.pid] = client
    # A column about protection under another header must not be overlooked.
    columns = rows[0][1] if rows else ()
    if unread := [
        column
        for column in columns
        if column not in _HEADERS and column.casefold().startswith(_PROTECTION_HEADERS)
    ]:
        raise UsageError("column_unread", unread=unread[0], path=path.name)
    missing = {
        column.field for column in CLIENT_COLUMNS if columns and column.header not in columns
    }
    return ClientRegister(clients.values(), missing)


def _parse_client(path: Path, number: int, row: Mapping[str, str]) -> Client:
    values: dict[str, Any] = {
        column.field: _value(path, number, column, row.get(column.header, ""))
        for column in CLIENT_COLUMNS
    }
    return Client(**values | {"pid": _parse_pid(path, number, values["pid"])})


def _value(path: Path, number: int, column: RegisterColumn, text: str) -> str | bool:
    if column.field in _DAYS and text:
        return _parse_day(path, number, column, text)
    if not column.is_flag:
        return text
    if text.casefold() not in _YES | _NO:
        raise row_error(
            path, number, Text("error.table_row.flag", {"column": column.header}), _CLIENT_SCHEMA
        )
    return text.casefold() in _YES


def _parse_day(path: Path, number: int, column: RegisterColumn, text: str) -> str:
    """Return YYYY-MM-DD of a day that is written with or without hyphens."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        reason = Text("error.table_row.day", {"column": column.header})
        raise row_error(path, number, reason, _CLIENT_SCHEMA) from None


def _parse_pid(path: Path, number: int, text: str) -> str:
    pid = normalize_pid(text)
    if not pid.value12:
        raise row_error(path, number, Text("error.table_row.no_century"), _CLIENT_SCHEMA)
    if pid.kind in (PidKind.PERSONAL, PidKind.COORDINATION) and not pid.valid:
        raise row_error(path, number, Text("error.table_row.number_invalid"), _CLIENT_SCHEMA)
    if pid.kind is PidKind.LOCAL and not is_local_pid(pid.value12):
        raise row_error(path, number, Text("error.table_row.not_personal"), _CLIENT_SCHEMA)
    if len(pid.value12) > MAX_LOCAL_PID_LENGTH:
        raise row_error(path, number, Text("error.table_row.number_long"), _CLIENT_SCHEMA)
    return pid.value12
