"""Two machines with homes of their own, one database and one bucket: both scan, read, review and
export, and one of them is killed.
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections import Counter
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from pipeline.domain.form.form import Forms
from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.settings import Settings
from pipeline.export.runs import ExportContext, fetch_run_file, list_runs
from pipeline.operations.demo import DEMO_ACCOUNTS, NURSING, SAMPLE_FOLDER, prepare_store
from pipeline.operations.intake import import_files
from pipeline.operations.upkeep.store_check import check_store
from pipeline.operations.worker_pool import WorkerPool
from pipeline.store.database.store import Store, open_for_images
from pipeline.store.schema.paper import entry, event, page
from research.simulation.demo_through import drive_through
from tests.faults import readers
from tests.faults.watching import figures_of, queued, states, until
from tests.support.pages.small_pages import write_stack
from tests.support.servers.object_store import Bucket

pytest_plugins = ("tests.support.store.databases", "tests.support.servers.object_store")
pytestmark = [
    pytest.mark.faults,
    pytest.mark.both_databases,
    pytest.mark.parametrize(
        "bare_settings",
        [pytest.param("postgresql", marks=pytest.mark.postgres)],
        indirect=True,
    ),
]

SMALL, TRAP, SHEETS = 5, "0002.png", "13-hemsjukvard.pdf"
SHEET_PAGES, SERIALS = 3, {"3JTARWFY", "N5M4BC2X"}
BY = DEMO_ACCOUNTS[0].person


@pytest.fixture
def homes(bare_settings: Settings, bucket: Bucket, tmp_path: Path) -> tuple[Settings, Settings]:
    """The settings of the two machines, which differ by their own folder only.

    The keys are in a file: the server of the workers may have been forked by an earlier test.
    """
    shared = {
        "images_url": bucket.url,
        "images_keys": Path("keys.yaml"),
        "outage_start": datetime(2021, 12, 16, 3),
        "outage_end": datetime(2022, 1, 10, 8),
        "care_provider_hsa_id": "SE0000000000-DEMO",
        "source_system_hsa_id": "SE0000000000-EFTERSKRIFT",
        "beat_seconds": 0.2,
        "takeover_seconds": 1.5,
    }
    first, second = (tmp_path / "first", tmp_path / "second")
    for folder in (first, second):
        folder.mkdir()
        bucket.write_keys(folder / "keys.yaml")
    return (
        bare_settings.model_copy(update=shared | {"workspace": first}),
        bare_settings.model_copy(update=shared | {"workspace": second}),
    )


def test_one_of_two_machines_is_killed_and_nothing_is_lost_or_double(
    homes: tuple[Settings, Settings], tmp_path: Path
) -> None:
    with ExitStack() as opened:
        first = opened.enter_context(closing(prepare_store(homes[0])))
        second = opened.enter_context(closing(open_for_images(homes[1])))
        small = write_stack(tmp_path / "in", SMALL)
        import_files(first, small, unit=NURSING, place="", by="a.b")
        sheets = [SAMPLE_FOLDER / "stack" / SHEETS]
        import_files(second, sheets, unit=NURSING, place="", by="a.b")
        _kill_one_while_it_reads(homes, second, tmp_path / "in" / TRAP)
        assert set(states(first).values()) == {"read"}
        assert_nothing_lost_or_double(first)

        report = drive_through(_office(second, homes[1]))
        assert report.lost == []
        assert report.exports
        # The runs that one machine made are fetched whole at the other, and so is every image
        office = _office(first, homes[0])
        exported = [one for entries in report.exports.values() for one in entries]
        assert _fetch_all(office) == len(exported) == len(set(exported))
        check = check_store(first, BY.login).check
        assert (check.missing, check.damaged, check.orphans) == (0, 0, 0)
        assert check.files >= SMALL + 2 * SHEET_PAGES
    assert not [path for home in homes for path in home.workspace.rglob("*.png")]


def _kill_one_while_it_reads(homes: tuple[Settings, Settings], store: Store, trap: Path) -> None:
    """The first machine dies with a page in hand; the second reads that and the rest."""
    (homes[0].workspace / "trap").write_text(hashlib.sha256(trap.read_bytes()).hexdigest())
    with ExitStack() as working:
        killed = WorkerPool(homes[0], 1, readers.gated)
        working.callback(killed.stop)
        killed.start()
        until((homes[0].workspace / "begun").exists, "the first machine reads")
        os.kill(killed.pids()[0], signal.SIGKILL)
        living = WorkerPool(homes[1], 1, readers.plain)
        working.callback(living.stop)
        living.start()
        until(lambda: _is_idle(store, living), "the second machine has read the rest")


def _is_idle(store: Store, pool: WorkerPool) -> bool:
    pool.poll()
    return queued(store) == 0


def assert_nothing_lost_or_double(store: Store) -> None:
    """Every page was read exactly once, and every sheet has its entries once."""
    figures = figures_of(store)
    assert (figures["in"], figures["failed"]) == (SMALL + SHEET_PAGES, 0)
    with store.read() as conn:
        pages = list(conn.execute(select(page.c.id)).scalars())
        ends = Counter(
            conn.execute(
                select(event.c.subject).where(event.c.action.in_(("read_page", "fail_page")))
            ).scalars()
        )
        serials = Counter(
            conn.execute(select(entry.c.serial).where(entry.c.serial.in_(SERIALS))).scalars()
        )
    assert ends == Counter(dict.fromkeys(pages, 1))
    assert set(serials) == SERIALS


def _office(store: Store, settings: Settings) -> ExportContext:
    return ExportContext(store, settings, Forms.load(*settings.form_folders))


def _fetch_all(office: ExportContext) -> int:
    """Fetch the file of every run; answers with how many entries these have."""
    entries: dict[str, int] = {}
    for person in (account.person for account in DEMO_ACCOUNTS):
        if is_allowed(person, Action.EXPORT):
            for status in list_runs(office, person):
                file = fetch_run_file(office, person, status.run.id)
                assert hashlib.sha256(file.data).hexdigest() == file.sha256
                entries[status.run.id] = file.entries
    return sum(entries.values())
