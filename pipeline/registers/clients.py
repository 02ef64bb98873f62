"""The client register (klientregister): loading it from a CSV file, and finding clients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from pipeline.domain.errors import UsageError
from pipeline.domain.identity_numbers import (
    MAX_LOCAL_PID_LENGTH,
    PidKind,
    is_local_pid,
    normalize_pid,
)
from pipeline.domain.model import CELL_SYMBOLS, Client, ClientCode, RegisterColumn, register_columns
from pipeline.files.csv_tables import TableSchema, read_table, row_error
from pipeline.registers.client_check import Scores, WordIndex, fold_text, split_words
from pipeline.texts import Text

# Search a client register for what was read: numbers by digit boxes, names by words.
#
# No digit has to be right for a client to be found: for all clients the boxes that may hold one of
# their digits, in place or shifted, are counted, and only the few hundred with most of them are
# weighed exactly. 5,000 clients take about a millisecond.

NUMBER_BOXES = 12
_MIN_SYMBOL_P = 0.02
"""A box may hold a digit that has at least this p."""
_MAX_BY_NUMBER, _MAX_BY_WORDS = 256, 64
"""Clients to weigh by their number, and by each score of words."""
_OTHER_SYMBOL = CELL_SYMBOLS.index("?")
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
            ((fuzz.ratio(fold_text(unit), fold_text(known)) / 100, known) for known in self._units),
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


def _positions_by_key(keys: Iterable[str]) -> dict[str, NDArray[np.intp]]:
    positions: dict[str, list[int]] = defaultdict(list)
    for i, key in enumerate(keys):
        positions[key].append(i)
    return {key: np.array(indices, np.intp) for key, indices in positions.items()}


def _group_numbers(keys: Iterable[Hashable]) -> NDArray[np.intp]:
    """Return a number for each key, the same for equal keys."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.intp)


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
