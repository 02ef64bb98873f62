"""Import mutated files, and count crashes, pages that are not accounted for, memory and time.

python -m research.robustness.mutated_files --files 10000 --seed 1
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from rich.console import Console

from pipeline.domain.errors import UsageError, describe_error_location
from pipeline.domain.settings import Settings
from pipeline.files.sandbox_process import NoTableError, read_foreign_table
from pipeline.operations.intake import SourceFile, import_files
from pipeline.store.database.store import Store, open_store
from pipeline.store.paper.pages import Page, list_batch_pages
from research.robustness.mutations import mutate_bytes, mutations, seed_files

_FILES_PER_STACK = 50
_TABLE_SUFFIXES = {".xlsx", ".csv"}
_TABLE_SHARE = 0.02
"""Each table is opened in a process of its own, which takes time."""
MAX_MEMORY_BYTES, MAX_SECONDS = 1.2 * 2**30, 120


@dataclass(slots=True)
class Findings:
    """What happened to the files."""

    files: int = 0
    pages: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    crashes: list[str] = field(default_factory=list)
    unaccounted: list[str] = field(default_factory=list)
    longest_seconds: float = 0.0

    @property
    def peak_bytes(self) -> int:
        """The highest memory of a process that opened files, bytes."""
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024

    @property
    def is_good(self) -> bool:
        """Whether nothing crashed, was lost, or went over the limits."""
        is_within = self.peak_bytes <= MAX_MEMORY_BYTES and self.longest_seconds <= MAX_SECONDS
        return not self.crashes and not self.unaccounted and is_within

    def describe(self) -> str:
        """Return the findings in lines."""
        outcomes = ", ".join(f"{name or 'page'} {n}" for name, n in self.outcomes.most_common())
        lines = [
            f"{self.files} files, {self.pages} pages ({outcomes})",
            f"crashes {len(self.crashes)}, files unaccounted for {len(self.unaccounted)}",
            f"peak memory of a process {self.peak_bytes / 2**20:.0f} MiB, "
            f"longest time of a page {self.longest_seconds:.1f} s",
        ]
        return "\n".join([*lines, *self.crashes[:20], *self.unaccounted[:20]])


def measure(files: int, seed: int, kept: Path) -> Findings:
    """Import so many mutated files; those that crash or are lost are kept in a folder."""
    rng, findings, seeds = Random(seed), Findings(), seed_files()
    pages = {name: data for name, data in seeds.items() if Path(name).suffix not in _TABLE_SUFFIXES}
    while findings.files < files:
        with tempfile.TemporaryDirectory() as folder:
            number = min(_FILES_PER_STACK, files - findings.files)
            stack = [_write_mutated(Path(folder), n, pages, rng) for n in range(number)]
            _import_stack(Path(folder), stack, findings, kept)
        for _ in range(round(number * _TABLE_SHARE) or 1):
            _open_table(seeds, rng, findings)
        findings.files += number
    return findings


def _write_mutated(folder: Path, number: int, seeds: dict[str, bytes], rng: Random) -> Path:
    name = rng.choice(sorted(seeds))
    data = mutations().get(Path(name).suffix, mutate_bytes)(seeds[name], rng)
    path = folder / f"{number:05d}-{name}"
    path.write_bytes(data)
    return path


def _import_stack(folder: Path, stack: Sequence[Path], findings: Findings, kept: Path) -> None:
    store = open_store(Settings(workspace=folder / "workspace", database_url=""), create=True)
    last = time.monotonic()

    def note_time(_: int) -> None:
        nonlocal last
        now = time.monotonic()
        findings.longest_seconds = max(findings.longest_seconds, now - last)
        last = now

    try:
        result = import_files(store, stack, unit="U", place="", by="fuzz", on_page=note_time)
        _check_pages(store, result.batch, stack, findings, kept)
    except Exception as error:
        findings.crashes.append(describe_error_location(error))
        for path in stack:
            _keep(path, kept)
    finally:
        store.close()


def _check_pages(
    store: Store, batch: str, stack: Sequence[Path], findings: Findings, kept: Path
) -> None:
    """Check that every file has its pages from the first on, each with an image or a reason."""
    with store.read() as conn:
        rows = list_batch_pages(conn, batch)
    by_source: dict[str, list[Page]] = {}
    for row in rows:
        by_source.setdefault(row.source_sha256 or "", []).append(row)
        findings.outcomes[row.reason.partition(":")[0]] += 1
    findings.pages += len(rows)
    copies = Counter(SourceFile.of(path).sha256 for path in stack)
    for path in stack:
        sha256 = SourceFile.of(path).sha256
        found = by_source.get(sha256, [])
        numbers = sorted(row.source_page for row in found)
        count = len(numbers) // copies[sha256]
        expected = sorted(list(range(1, count + 1)) * copies[sha256])
        if not found or numbers != expected or any(not (r.image_sha256 or r.reason) for r in found):
            findings.unaccounted.append(f"{path.name}: pages {numbers}")
            _keep(path, kept)


def _open_table(seeds: dict[str, bytes], rng: Random, findings: Findings) -> None:
    name = rng.choice(sorted(name for name in seeds if Path(name).suffix in _TABLE_SUFFIXES))
    data = mutate_bytes(seeds[name], rng)
    try:
        read_foreign_table(data, name, strict=rng.random() < 0.5)
        findings.outcomes["table"] += 1
    except (UsageError, NoTableError):
        findings.outcomes["table refused"] += 1
    except Exception as error:
        findings.crashes.append(describe_error_location(error))


def _keep(path: Path, kept: Path) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    (kept / path.name).write_bytes(path.read_bytes())


def main() -> int:
    """Run the measurement; the exit code says whether all is good."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("mutated-files"))
    options = parser.parse_args()
    findings = measure(options.files, options.seed, options.keep)
    Console().print(findings.describe(), highlight=False, markup=False)
    return 0 if findings.is_good else 1


if __name__ == "__main__":
    raise SystemExit(main())
