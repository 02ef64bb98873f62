"""The client register (klientregister) from a CSV file, and looking people up in it by what was read on paper."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.identity import PidKind, normal_pid
from pipeline.model import Client

COLUMNS = ("personnummer", "namn", "enhet", "skyddad")
_REQUIRED = COLUMNS[:3]
_YES, _NO = {"ja", "j", "1", "x", "sant", "true"}, {"", "nej", "n", "0", "falskt", "false"}
MISREAD_DIGITS = 2
"""So many digits of a number may be misread for a client to be a candidate."""
NAME_ALONE = 0.8
"""From this similarity on a name makes somebody a candidate, whatever number was read."""
_OTHER_UNIT = 0.95


class ClientRegister:
    """The persons whom a unit's paper can be about."""

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

    def like(self, pid: str, name: str = "", unit: str = "") -> list[tuple[Client, float]]:
        """Clients whose number differs from `pid` in at most two digits, or whose name is nearly `name`.

        Args:
            pid: 12 or 10 digits as read. With digits missing or too many, those count as misread.
            name: as read, any order of names; empty if there is none.
            unit: where the paper was written; a name in another unit counts a little less.

        Returns:
            Each candidate with how well the name agrees (0–1; 0 without a name), fewest wrong digits first, then best name.
        """
        ranked = []
        for client in self.clients:
            wrong = wrong_digits(pid, client.pid)
            score = name_agreement(name, client.name) * (_OTHER_UNIT if unit and unit != client.unit else 1.0)
            if wrong <= MISREAD_DIGITS or score >= NAME_ALONE:
                ranked.append((wrong, -score, client.pid, client))
        return [(client, -negative) for _, negative, _, client in sorted(ranked, key=lambda row: row[:3])]


def wrong_digits(read: str, true: str) -> int:
    """How many digits must be changed, added or dropped (at most 99). Ten digits are compared with the number without its century."""
    if len(read) == 10:
        true = true[-10:]
    if len(read) == len(true):
        return sum(a != b for a, b in zip(read, true, strict=True))
    if abs(len(read) - len(true)) > MISREAD_DIGITS:
        return 99
    return _edits(read, true)


def _edits(a: str, b: str) -> int:
    """Levenshtein's distance."""
    above = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        row = [i]
        for j, y in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y)))
        above = row
    return above[-1]


def name_agreement(read: str, true: str) -> float:
    """How well a name as read agrees with one in the register, 0–1: each word against its best match, weighed by length.

    The order of the names and names left out cost little, because people write "Lindqvist, Märta" or only a first name.
    """
    words, known = _words(read), _words(true)
    if not words or not known:
        return 0.0
    length = sum(map(len, words))
    matched = sum(len(word) * max(SequenceMatcher(None, word, other).ratio() for other in known) for word in words) / length
    covered = min(1.0, length / sum(map(len, known)))
    return matched * (0.8 + 0.2 * covered)


def _words(name: str) -> list[str]:
    """In lower case and without accents, which readers of handwriting often lose."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return re.findall(r"\w+", plain.casefold())


def load_register(path: Path) -> ClientRegister:
    """Read a register: columns personnummer, namn, enhet and, if wanted, skyddad (ja/nej), separated by semicolon or comma; UTF-8 or Windows-1252.

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
    return Client(_pid(path, number, row["personnummer"]), row["namn"], row["enhet"], protected in _YES)


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
