"""A save that an earlier window sent: done once, refused as any other, or kept as a draft."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.domain.model import EntryState
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.entry import load_entry
from pipeline.store.schema.clock import utc_now
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import CLIENTS, COLLEAGUE, NURSE
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_review_screen import type_all
from ui.screens.review.client_card import is_client_seen
from ui.screens.review.workbench import acts


def again(bench: Bench, **more: Any) -> Bench:  # noqa: ANN401 - what the browser had sent
    """Send what is in the fields as what an earlier window had saved."""
    values = {name: bench.value(name) for name in bench.names}
    return bench.act("again", **{"values": values, "seen": 2000, "clientSeen": True} | more)


def test_it_is_saved_once(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client was seen in that window, and is not shown again."""
    monkeypatch.setattr(acts, "is_client_seen", is_client_seen)
    seeding.add_notes(store, 3)
    bench = type_all(Bench(open_screen(NURSE, "review")))
    entry_id = bench.entry
    values = {name: bench.value(name) for name in bench.names}
    again(bench)
    with store.read() as conn:
        assert load_entry(conn, entry_id).state is EntryState.CONFIRMED
    other = bench.entry
    assert other != entry_id
    bench.act("again", entry=entry_id, revision=0, values=values, seen=2000)
    with store.read() as conn:
        assert load_entry(conn, entry_id).revision == 1
    assert (bench.entry, bench.data["kept"]) == (other, 0)
    assert bench.data["says"] == {"text": "Sparat", "kind": "ok"}


def test_a_client_who_was_not_seen_is_shown_first(
    store: Store, open_screen: OpenScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts, "is_client_seen", is_client_seen)
    (entry_id,) = seeding.add_notes(store, 1)
    bench = again(type_all(Bench(open_screen(NURSE, "review"))), clientSeen=False)
    assert bench.entry == entry_id
    assert "Se efter att patienten är rätt" in bench.card["warning"]
    assert bench.value("personnummer") == CLIENTS[0].pid


def test_what_somebody_else_has_stays_a_draft(store: Store, open_screen: OpenScreen) -> None:
    seeding.add_notes(store, 2)
    bench = type_all(Bench(open_screen(NURSE, "review")))
    entry_id = bench.entry
    values = {name: bench.value(name) for name in bench.names}
    with store.begin() as conn:
        queue.release_claim(conn, NURSE, entry_id)
        queue.open_claimed_entry(
            conn, seeding.forms(), COLLEAGUE, entry_id, queue.ClaimTerms(utc_now())
        )
    bench.act("again", entry=entry_id, revision=0, values=values, seen=2000)
    assert bench.data["kept"] == bench.data["heard"]
    assert "hos någon annan" in bench.data["says"]["text"]
    assert bench.entry != entry_id
    with store.read() as conn:
        assert load_entry(conn, entry_id).revision == 0


def test_what_somebody_else_has_decided_is_told(store: Store, open_screen: OpenScreen) -> None:
    seeding.add_notes(store, 2)
    bench = type_all(Bench(open_screen(NURSE, "review")))
    entry_id = bench.entry
    with store.begin() as conn:
        queue.release_claim(conn, NURSE, entry_id)
    seeding.confirm(store, COLLEAGUE, entry_id)
    again(bench)
    assert "hann ändras av någon annan" in bench.data["says"]["text"]
    with store.read() as conn:
        assert load_entry(conn, entry_id).first_by == COLLEAGUE.login
