"""The archive of a run: a document a patient as a repository would answer, and its manifest.

`manifest.json` says each entry of the run once, in the run's order, with its revision, what becomes
of it and the files that carry it; and each file with its size and SHA-256. It and the files' names
tell nothing of the patients. The same arguments give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.domain.record import Run
from pipeline.export.exporter import DetailedExporter, ExportOptions, Item, insert_withdrawals
from pipeline.export.record_text import to_local_time
from pipeline.export.zip_archive import zip_files

MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A file of the archive, and the items that it carries."""

    name: str
    content: bytes
    items: Sequence[Item]


def group_by_patient(items: Sequence[Item]) -> list[list[Item]]:
    """Return the items by patient, in the order of each one's first item, with withdrawals."""
    groups: dict[str, list[Item]] = {}
    for item in insert_withdrawals(items):
        groups.setdefault(item.record.client.pid, []).append(item)
    return list(groups.values())


def log_id(run: Run, number: int) -> str:
    """Return the UUID of an answer, by which a receiver asks about it; the same every time."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:efterskrift:run:{run.id}:{number}"))


def write_archive(
    files: Sequence[ArchiveFile], items: Sequence[Item], run: Run, contract: str
) -> bytes:
    """Return the archive: the manifest first, then the files in their order."""
    manifest = json.dumps(_manifest(files, items, run, contract), ensure_ascii=False, indent=1)
    contents = [(MANIFEST_NAME, manifest.encode()), *((one.name, one.content) for one in files)]
    return zip_files(contents, run.made_at)


class RivtaExporter(DetailedExporter):
    """A contract whose run is an archive of documents."""

    media_type = "application/zip"
    suffix = ".zip"
    needs_hsa_ids = True
    contract: str
    """Name and version of the contract."""


class AnswersExporter(RivtaExporter):
    """A contract for reading: its run is an archive of answers, one a patient."""

    @abstractmethod
    def answer(self, items: Sequence[Item], run: Run, number: int, options: ExportOptions) -> bytes:
        """Return the answer about one patient: the items in their order."""

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build the archive, with a document a patient."""
        files = [
            ArchiveFile(f"{number:05d}.xml", self.answer(group, run, number, options), group)
            for number, group in enumerate(group_by_patient(items), 1)
        ]
        return write_archive(files, items, run, self.contract)


def _manifest(
    files: Sequence[ArchiveFile], items: Sequence[Item], run: Run, contract: str
) -> Mapping[str, object]:
    carriers: dict[tuple[str, str], list[str]] = {}
    for file in files:
        for item in file.items:
            key = (item.record.entry_id, item.record.client.pid)
            carriers.setdefault(key, []).append(file.name)
    carried = list(insert_withdrawals(items))
    return {
        "run": run.id,
        "target": run.target,
        "contract": contract,
        "made_at": f"{to_local_time(run.made_at):%Y-%m-%dT%H:%M:%S}",
        "entries": len(items),
        "withdrawals": len(carried) - len(items),
        "documents": len(files),
        "files": [
            {
                "name": file.name,
                "bytes": len(file.content),
                "sha256": hashlib.sha256(file.content).hexdigest(),
            }
            for file in files
        ],
        "items": list(_manifest_items(carried, carriers)),
    }


def _manifest_items(
    carried: Iterable[Item], carriers: Mapping[tuple[str, str], Sequence[str]]
) -> Iterable[Mapping[str, object]]:
    for item in carried:
        record = item.record
        yield {
            "number": item.number,
            "entry": record.entry_id,
            "revision": record.revision,
            "state": _item_state(item),
            "files": carriers.get((record.entry_id, record.client.pid), ()),
        }


def _item_state(item: Item) -> str:
    """Return what becomes of an item at the receiver."""
    if item.is_withdrawal:
        return "withdrawn"
    if item.record.voided is not None:
        return "void"
    return "amended" if item.amends else "new"
