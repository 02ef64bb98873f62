"""`/metrics` and `/healthz`: what Prometheus reads, what a monitor reads, and nobody's data."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from pipeline.domain.errors import StoreUnavailableError, UsageError
from pipeline.domain.form.form import Forms
from pipeline.domain.settings import ROOT, Settings
from pipeline.reporting.audit.follow_up import verify_log
from pipeline.reporting.watching import drift
from pipeline.reporting.watching.metrics import Watch, make_server
from pipeline.store.database.store import Store
from pipeline.store.paper.workers import save_heartbeat
from pipeline.store.reports.upkeep import BackupFacts, begin_check, record_backup, save_check
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from tests.support.image_folder import folder_of
from tests.support.store.ward import ASTA, FORMS, NOTE, SAID, Ward, page_reading

pytestmark = pytest.mark.patient

pytest_plugins = ("tests.support.store.databases",)
OWN_ADDRESS = "127.0.0.1"
_TABLE_ROW = re.compile(r"^\| `(efterskrift_\w+)", re.MULTILINE)


@dataclass
class Site:
    """A served workspace; `is_away` lets the database be out of reach."""

    ward: Ward
    port: int = 0
    is_away: bool = False
    seconds: float = 0.0

    def open(self) -> tuple[Store, Forms]:
        """The workspace, unless it is away."""
        if self.is_away:
            raise StoreUnavailableError("folder_not_writable", folder="x", reason="y")
        return self.ward.store, FORMS

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a request, some time after the one before."""
        self.seconds += 60
        connection = HTTPConnection(OWN_ADDRESS, self.port, timeout=20)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def values(self) -> dict[tuple[str, ...], float]:
        """All samples by name and labels, as Prometheus' own parser reads them."""
        status, body = self.get("/metrics")
        assert status == 200
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(body)
            for sample in family.samples
        }


@pytest.fixture
def site(store: Store) -> Iterator[Site]:
    """A ward that was backed up and checked, with a read page and a waiting one, being served."""
    drift._kept.clear()
    ward = Ward(store).begin()
    ward.read(ward.scan(), page_reading(NOTE, "AAA1", SAID))
    ward.scan()
    verify_log(store, "root", [])
    now = utc_now()
    with store.begin() as conn:
        save_heartbeat(conn, "one", now)
        record_backup(conn, "root", BackupFacts(1, 1, 0, "a", True))
        save_check(conn, begin_check(conn, "root", now), now)
    found = Site(ward)
    settings = Settings(workspace=folder_of(store).folder.parent)
    watch = Watch(settings, found.open, clock=lambda: found.seconds)
    server = make_server(watch, OWN_ADDRESS, 0)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def test_metrics_are_what_the_workspace_has(site: Site) -> None:
    found = site.values()
    assert found["efterskrift_up",] == 1
    assert found["efterskrift_pages", "waiting"] == 2
    assert found["efterskrift_pages", "queued"] == 1
    assert found["efterskrift_pages_read_total",] == 1
    assert found["efterskrift_reads_per_minute",] == 0.2
    assert found["efterskrift_workers_alive",] == 1
    assert 0 <= found["efterskrift_queue_age_seconds",] < 300
    assert 0 <= found["efterskrift_backup_age_seconds",] < 300
    assert 0 <= found["efterskrift_check_age_seconds",] < 300
    assert found["efterskrift_unreceipted_entries",] == 0
    assert found["efterskrift_disk_free_bytes",] > 0


def test_failed_pages_are_counted_by_a_code_and_never_by_a_sentence(site: Site) -> None:
    ids = [site.ward.scan() for _ in range(3)]
    reasons = ("reader_died:1", f"scan {ASTA.name}.pdf is damaged", "reader_died")
    with site.ward.store.begin() as conn:
        for page_id, reason in zip(ids, reasons, strict=True):
            failed = update(paper.page).where(paper.page.c.id == page_id)
            conn.execute(failed.values(state="failed", reason=reason))
    found = site.values()
    assert found["efterskrift_failed_pages", "reader_died"] == 2
    assert found["efterskrift_failed_pages", "other"] == 1


def test_nothing_is_said_of_a_person(site: Site) -> None:
    _, body = site.get("/metrics")
    said = {str(value) for value in SAID.values()} | {ASTA.pid, ASTA.name, site.ward.batch}
    assert {value for value in said if value in body} == set()


def test_a_healthy_workspace_is_ok(site: Site) -> None:
    status, body = site.get("/healthz")
    assert (status, json.loads(body)) == (200, {"status": "ok", "alarms": []})


def test_a_page_that_nobody_reads_is_a_fault(site: Site) -> None:
    with site.ward.store.begin() as conn:
        conn.execute(paper.worker.delete())
    status, body = site.get("/healthz")
    assert (status, json.loads(body)) == (503, {"status": "failing", "alarms": ["no_worker"]})
    found = site.values()
    assert found["efterskrift_alarms", "critical"] == 1
    assert found["efterskrift_alarms", "warning"] == 0
    assert found["efterskrift_alarm", "no_worker"] == 1


def test_a_database_that_is_away_is_said_and_looked_for_again(site: Site) -> None:
    site.is_away = True
    status, body = site.get("/healthz")
    assert (status, json.loads(body)["alarms"]) == (503, ["database_away"])
    assert site.values()["efterskrift_up",] == 0
    site.is_away = False
    assert site.get("/healthz")[0] == 200
    assert site.values()["efterskrift_up",] == 1


def test_there_is_nothing_else_to_be_had(site: Site) -> None:
    assert site.get("/")[0] == 404
    assert site.get("/metrics/../settings.yaml")[0] == 404


def test_every_metric_is_documented_and_no_other(site: Site) -> None:
    _, body = site.get("/metrics")
    served = {family.name for family in text_string_to_metric_families(body)}
    listed = _TABLE_ROW.findall((ROOT / "docs" / "watching.md").read_text("utf-8"))
    assert sorted(listed) == sorted(served)


def test_a_port_that_is_in_use_is_told(site: Site) -> None:
    with pytest.raises(UsageError):
        make_server(Watch(Settings(), site.open), OWN_ADDRESS, site.port)
