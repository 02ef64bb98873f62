"""Whom the tests of the follow-up ask as."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.domain import dates
from pipeline.domain.errors import NotAllowedError
from pipeline.domain.model import IssuedSheet, Person, Role
from pipeline.reporting.audit import follow_up
from pipeline.reporting.audit.client_extract import (
    make_client_extract,
)
from pipeline.review import decisions
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.event_log.queries import LogFilter
from pipeline.store.lookup.by_serial import find_sheets
from pipeline.store.registers import client_register
from pipeline.store.schema.clock import utc_now
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    CILLA,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOTE,
    NOW,
    PLAN,
    SAID,
    SOUTH,
    Ward,
    answers,
    later,
    person,
)

LOGGER = person("lo", Role.LOG_REVIEWER, (NORTH, SOUTH))


TODAY = follow_up.day_range(
    dates.today_in_sweden() - timedelta(days=1), dates.today_in_sweden() + timedelta(days=1)
)


ALL = LogFilter(*TODAY)


def extract(ward: Ward, typed: str, who: Person = LOGGER) -> list[str]:
    with ward.store.begin() as conn:
        return [
            line.description
            for line in make_client_extract(conn, who, typed, *TODAY, utc_now()).lines
        ]


def make_looked_at_ward(store: Store) -> Ward:
    """A ward in which Asta's note was looked at and decided, Cilla's only looked at, and a person
    tried what is not allowed.
    """
    ward = Ward(store).begin()
    ward.issue(
        IssuedSheet("AAAA", NOTE.id, 1, NORTH, ASTA.pid),
        IssuedSheet("CCCC", NOTE.id, 1, SOUTH, CILLA.pid),
    )
    asta, _ = ward.note("AAAA"), ward.note("CCCC", {**SAID, "pnr": CILLA.pid})
    with store.begin() as conn:
        view = queue.open_claimed_entry(conn, FORMS, EVA, asta, queue.ClaimTerms(NOW))
        for page in view.pages:
            queue.record_page_view(conn, EVA, page.id)
        client_register.look_up_client(conn, EVA, ASTA.pid)
        decisions.decide_entry(
            conn,
            FORMS,
            EVA,
            decisions.Decision(asta, view.entry.revision, answers({**SAID, **PLAN})),
            later(1),
        )
        queue.record_page_view(conn, ADMIN, f"{ward.batch}-00003")
        find_sheets(conn, NILS, "AAAA")
    with pytest.raises(NotAllowedError), store.begin() as conn:
        queue.record_page_view(conn, NILS, f"{ward.batch}-00003")
    return ward
