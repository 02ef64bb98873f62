"""The client register (klientregister): loading it from a CSV file, and finding clients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.domain.errors import UsageError
from pipeline.domain.identity_numbers import (
    MAX_LOCAL_PID_LENGTH,
    PidKind,
    is_local_pid,
    normalize_pid,
)
from pipeline.domain.model import Client, ClientCode, RegisterColumn, register_columns
from pipeline.files.csv_tables import TableSchema, read_table, row_error
from pipeline.registers.client_search import ClientSearch
from pipeline.texts import Text

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
