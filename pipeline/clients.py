"""The client register (klientregister) from a CSV file, and looking people up in it by what was read on paper."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.client_search import ClientSearch
from pipeline.csv_table import TableKind, read_table, wrong_row
from pipeline.errors import UsageError
from pipeline.identity import LONGEST_LOCAL, PidKind, is_local, normal_pid
from pipeline.model import Client
from pipeline.register_columns import RegisterColumn, register_columns
from pipeline.texts import Text

COLUMNS = register_columns(Client)
_HEADERS = tuple(column.header for column in COLUMNS)
_REQUIRED = tuple(column.header for column in COLUMNS if not column.is_optional)
_KIND = TableKind(_REQUIRED, ";".join(_HEADERS), "error.table_row.remedy.clients")
_OF_PROTECTION = ("skydd", "sekre")
"""How headers begin that say who has a protected identity."""
_YES, _NO = {"ja", "j", "1", "x", "sant", "true"}, {"", "nej", "n", "0", "falskt", "false"}


class ClientRegister:
    """The persons whom a unit's paper can be about, in the order of the register."""

    def __init__(self, clients: Iterable[Client], silent: Iterable[str] = ()) -> None:
        """`silent`: facts of clients that the register says nothing of, since it has no column for them."""
        self.clients = tuple(clients)
        self.silent = frozenset(silent)
        self._by_pid = {client.pid: client for client in self.clients}

    def __len__(self) -> int:
        return len(self.clients)

    def __iter__(self) -> Iterator[Client]:
        return iter(self.clients)

    def find(self, pid: str) -> Client | None:
        """The client with this number (12 characters)."""
        return self._by_pid.get(pid)

    def has_name(self, name: str) -> bool:
        """Whether somebody is called so, written in capitals or small letters."""
        return _folded(name) in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(_folded(client.name) for client in self.clients)

    @cached_property
    def search(self) -> ClientSearch:
        """The register laid out for comparing what was read with all clients; made at first use."""
        return ClientSearch(self.clients)


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def load_register(path: Path) -> ClientRegister:
    """Read a register: columns personnummer, namn, enhet and, if wanted, skyddad (ja/nej) and adress.

    They are separated by semicolon, comma or tab; UTF-8, UTF-16 or Windows-1252.

    Raises:
        UsageError: the file cannot be read, lacks a column or has a wrong row. The text names rows, never what stands in them.
    """
    clients: dict[str, Client] = {}
    rows = read_table(path, _KIND)
    for number, row in rows:
        client = _client(path, number, row)
        if client.pid in clients:
            raise wrong_row(path, number, Text("error.table_row.number_twice"), _KIND)
        clients[client.pid] = client
    columns = rows[0][1] if rows else ()
    if unread := [column for column in columns if column not in _HEADERS and column.casefold().startswith(_OF_PROTECTION)]:
        raise UsageError("column_not_read", unread=unread[0], path=path.name)
    silent = {column.field for column in COLUMNS if columns and column.header not in columns}
    return ClientRegister(clients.values(), silent)


def _client(path: Path, number: int, row: Mapping[str, str]) -> Client:
    values: dict[str, Any] = {column.field: _value(path, number, column, row.get(column.header, "")) for column in COLUMNS}
    return Client(**values | {"pid": _pid(path, number, values["pid"])})


def _value(path: Path, number: int, column: RegisterColumn, text: str) -> str | bool:
    if not column.is_flag:
        return text
    if text.casefold() not in _YES | _NO:
        raise wrong_row(path, number, Text("error.table_row.flag", {"column": column.header}), _KIND)
    return text.casefold() in _YES


def _pid(path: Path, number: int, text: str) -> str:
    pid = normal_pid(text)
    if not pid.value12:
        raise wrong_row(path, number, Text("error.table_row.no_century"), _KIND)
    if pid.kind in (PidKind.PERSONAL, PidKind.COORDINATION) and not pid.valid:
        raise wrong_row(path, number, Text("error.table_row.number_invalid"), _KIND)
    if pid.kind is PidKind.LOCAL and not is_local(pid.value12):
        raise wrong_row(path, number, Text("error.table_row.not_personal"), _KIND)
    if len(pid.value12) > LONGEST_LOCAL:
        raise wrong_row(path, number, Text("error.table_row.number_long"), _KIND)
    return pid.value12
