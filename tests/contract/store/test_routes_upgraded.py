"""A workspace from before there were routes: its runs are runs of the routes made from them."""

from __future__ import annotations

from sqlalchemy import text, update

from pipeline.domain.record import Run
from pipeline.domain.settings import Settings
from pipeline.export.runs import ExportContext, RunKind, list_run_previews, make_run
from pipeline.store.database.history import alembic_version
from pipeline.store.database.migrations.upgrade import upgrade_store
from pipeline.store.database.store import open_store
from pipeline.store.event_log.verification import verify_chain
from pipeline.store.exports import ready_entries, run_items
from pipeline.store.exports.routes import list_routes
from pipeline.store.schema.append_only import unprotect_tables
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.tally_triggers import drop_tally_triggers
from tests.support.store.export_examples import FORMS
from tests.support.store.export_office import ANNA, confirm, correct, open_office
from tests.support.store.older_stores import TO_0020

pytest_plugins = ("tests.support.store.databases",)

_BEFORE = """
DROP TABLE route; DROP TABLE export_undo; ALTER TABLE export_run DROP COLUMN route;
ALTER TABLE export_item DROP COLUMN route_revision; ALTER TABLE export_item DROP COLUMN routes;
ALTER TABLE staff_signature DROP COLUMN role_code; ALTER TABLE staff_signature DROP COLUMN hsa_id;
ALTER TABLE unit DROP COLUMN hsa_id; DROP TABLE key_in_signature; DROP TABLE key_in_order;
DROP TABLE key_in_copy;
ALTER TABLE statistics_item DROP COLUMN whole; DROP TABLE export_proof;
DROP TABLE queue_choice; DROP INDEX entry_form_oldest; DROP INDEX entry_form_newest;
DROP INDEX entry_author_key; ALTER TABLE entry DROP COLUMN author_key;
DROP INDEX entry_day; DROP INDEX entry_author; DROP INDEX event_own_action;
DROP TABLE watched_folder; DROP INDEX ix_page_read_at;
DROP TABLE tally; DROP TABLE outstanding_sheet; DROP TABLE scanned_pack;
DROP INDEX page_live; DROP INDEX page_queue; DROP INDEX page_duplicate_of; DROP INDEX page_blank;
DROP INDEX page_sides; DROP INDEX page_scanned; DROP INDEX batch_created; DROP INDEX batch_coming;
DROP INDEX entry_unreceipted; DROP INDEX entry_gap; DROP INDEX entry_due; DROP INDEX entry_first;
DROP INDEX entry_second; DROP INDEX entry_created; DROP INDEX entry_version_at; DROP INDEX look_at;
DROP INDEX receipt_run; DROP INDEX event_skip;
ALTER TABLE page DROP COLUMN standing;
CREATE INDEX ix_page_state ON page (state)
"""
"""What makes a store of the revision before duties one of the revision before routes."""


def sent_before(office: ExportContext, target: str, entry_id: str) -> None:
    """Export an entry as that version did."""
    with office.store.begin() as conn:
        run = Run(f"run-{target}", target, "f", utc_now(), "Anna Öst", 1, "0" * 64)
        run_items.save_run(conn, run, [(entry_id, 1)])
        ready_entries.mark_exported(conn, [entry_id])


def test_earlier_runs_are_of_the_routes_that_are_made_from_them(store_settings: Settings) -> None:
    office = open_office(store_settings)
    note = confirm(office, "hsl-anteckning", "AAAA01", kontakttyp="besok", anteckning="Läker.")
    social = [
        confirm(office, "social-anteckning", f"BBBB0{number}", anteckning="Läker.")
        for number in range(2)
    ]
    for target, entry in (("treserva-exempel", social[0]), ("besok", social[1]), ("rivta", note)):
        sent_before(office, target, entry)
    with office.store.begin() as conn:
        unprotect_tables(conn)
        drop_tally_triggers(conn)
        for statement in (*TO_0020, *_BEFORE.split(";")):
            conn.execute(text(statement))
        conn.execute(update(alembic_version).values(version_num="0011"))
    office.store.close()
    upgrade_store(office.settings, backup=False)
    office = ExportContext(open_store(office.settings), office.settings, FORMS)
    with office.store.read() as conn:
        routes = {route.name: route for route in list_routes(conn)}
        assert "route" not in {problem.table for problem in verify_chain(conn).problems}
    # A form that went to two targets has no route, and corrections go where it is.
    assert {name: (one.forms, one.is_active) for name, one in routes.items()} == {
        "rivta": (("hsl-anteckning",), True),
        "treserva-exempel": ((), False),
        "besok": ((), False),
    }
    for entry in (note, social[0]):
        correct(office, entry, "anteckning", "Läkt.")
    waiting = {
        each.kind: each.amendments for each in list_run_previews(office, ANNA) if each.entries
    }
    assert waiting == {
        RunKind("rivta", "rivta"): 1,
        RunKind("treserva-exempel", "treserva-exempel"): 1,
    }
    run = make_run(office, ANNA, RunKind("rivta", "rivta"), utc_now())
    assert run is not None
    assert run.route == "rivta"
    office.store.close()
