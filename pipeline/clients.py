"""The client register (klientregister) from a CSV file, and looking people up in it by what was read on paper."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from pipeline.client_search import ClientSearch
from pipeline.errors import UsageError
from pipeline.identity import PidKind, normal_pid
from pipeline.model import Client

COLUMNS = ("personnummer", "namn", "enhet", "skyddad", "adress")
_REQUIRED = COLUMNS[:3]
_YES, _NO = {"ja", "j", "1", "x", "sant", "true"}, {"", "nej", "n", "0", "falskt", "false"}


class ClientRegister:
    """The persons whom a unit's paper can be about, in the order of the register."""

    def __init__(self, clients: Iterable[Client]) -> None:
        self.clients = tuple(clients)
        self._by_pid = {client.pid: client for client in self.clients}

    def __len__(self) -> int:
        return len(self.clients)

    def __iter__(self) -> Iterator[Client]:
        return iter(self.clients)

    def find(self, pid: str) -> Client | None:
        """The client with this number (12 characters)."""
        return self._by_pid.get(pid)

    @cached_property
    def search(self) -> ClientSearch:
        """The register laid out for comparing what was read with all clients; made at first use."""
        return ClientSearch(self.clients)


def load_register(path: Path) -> ClientRegister:
    """Read a register: columns personnummer, namn, enhet and, if wanted, skyddad (ja/nej) and adress.

    They are separated by semicolon or comma; UTF-8 or Windows-1252.

    Raises:
        UsageError: the file cannot be read, lacks a column or has a wrong row. The text names rows, never what stands in them.
    """
    rows = _rows(path)
    clients: dict[str, Client] = {}
    for number, row in rows:
        client = _client(path, number, row)
        if client.pid in clients:
            raise _wrong(path, number, "has a personal number that an earlier row has too")
        clients[client.pid] = client
    return ClientRegister(clients.values())


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        return _table(path, _decoded(path))
    except csv.Error as error:
        raise UsageError(f"{path} is no CSV table.", "Export the register as CSV: personnummer;namn;enhet;skyddad.") from error


def _table(path: Path, text: str) -> list[tuple[int, dict[str, str]]]:
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if header.count(";") >= header.count(",") else ",")
    names = [name.strip().casefold() for name in next(reader, [])]
    if missing := [name for name in _REQUIRED if name not in names]:
        raise UsageError(f"{path} lacks the column {', '.join(missing)}.", "The first row names the columns: personnummer;namn;enhet;skyddad.")
    rows = []
    for cells in reader:
        if any(cell.strip() for cell in cells):
            if len(cells) != len(names):
                raise _wrong(path, reader.line_num, f"has {len(cells)} columns where the first row has {len(names)}")
            rows.append((reader.line_num, {name: cell.strip() for name, cell in zip(names, cells, strict=True)}))
    return rows


def _decoded(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Give the register as a CSV file.") from error
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _client(path: Path, number: int, row: Mapping[str, str]) -> Client:
    for name in _REQUIRED:
        if not row[name]:
            raise _wrong(path, number, f"has nothing in the column {name}")
    protected = row.get("skyddad", "").casefold()
    if protected not in _YES | _NO:
        raise _wrong(path, number, "has something other than ja or nej in the column skyddad")
    return Client(_pid(path, number, row["personnummer"]), row["namn"], row["enhet"], protected in _YES, row.get("adress", ""))


def _pid(path: Path, number: int, text: str) -> str:
    pid = normal_pid(text)
    if not pid.value12:
        raise _wrong(path, number, "has a personal number without century")
    if pid.kind in (PidKind.PERSONAL, PidKind.COORDINATION) and not pid.valid:
        raise _wrong(path, number, "has a personal number whose date or check digit is wrong")
    if len(pid.value12) > 20:
        raise _wrong(path, number, "has a personal number of more than 20 characters")
    return pid.value12


def _wrong(path: Path, number: int, what: str) -> UsageError:
    return UsageError(f"{path}, row {number}, {what}.", "Correct the row, or export the register with twelve-digit numbers.")
