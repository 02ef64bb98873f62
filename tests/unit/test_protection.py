"""Protected identities: nothing of them reaches whoever lacks the right, neither in fields nor in lists nor in the bytes of a picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.model import Person, Reading, State
from pipeline.register import PX_PER_MM
from pipeline.store import claims, forwarding, pages, registers
from pipeline.store.database import Store
from pipeline.store.entries import entry
from pipeline.store.entry_views import EntryView, look_at
from pipeline.store.protection import NOTHING, WHOLE_PAGE, covered_on, covered_page, hidden_numbers
from tests.ward import ADMIN, ASTA, BROR, CHIEF, CILLA, EVA, FORMS, NORTH, NOTE, NOW, SAID, SOFIA, SOUTH, UNKNOWN_PID, VISITS, Ward, page_reading
from ui.components.pictures import with_covered

pytest_plugins = ("tests.databases",)

SECRET = replace(CILLA, protected=True)
ABOUT_HER = {**SAID, "pnr": SECRET.pid, "namn": SECRET.name}


@pytest.fixture
def ward(store: Store) -> Ward:
    made = Ward(store).begin()
    with store.begin() as conn:
        registers.save_clients(conn, [SECRET])
    return made


def view_of(ward: Ward, who: Person, entry_id: str) -> EntryView:
    with ward.store.read() as conn:
        return look_at(conn, FORMS, who, entry_id)


def test_who_lacks_the_right_is_told_nothing_of_the_client(ward: Ward) -> None:
    view = view_of(ward, EVA, ward.note("AAAA", ABOUT_HER))
    hidden = {field.spec.name for field in view.fields if field.hidden}
    assert view.hidden
    assert hidden == {"pnr", "namn"}
    assert all((field.reading, field.draft, field.first, field.open) == (None, None, None, False) for field in view.fields if field.hidden)
    assert SECRET.name not in repr(view)
    assert SECRET.pid not in repr(view)
    assert view.suggestion is None


def test_the_own_unit_sees_her(ward: Ward) -> None:
    entry_id = ward.note("AAAA", ABOUT_HER)
    view = view_of(ward, SOFIA, entry_id)
    assert not view.hidden
    assert view.covered is NOTHING


def test_an_unlikely_second_reading_of_her_number_hides_too(ward: Ward) -> None:
    reading = page_reading(NOTE, "AAAA", SAID)
    doubtful = Reading(ASTA.pid, 0.9, State.READ, ((ASTA.pid, 0.9), (SECRET.pid, 0.08)))
    ward.read(ward.scan(), replace(reading, fields={**reading.fields, "pnr": doubtful}))
    assert view_of(ward, EVA, "AAAA-00").hidden


def test_of_a_table_only_her_row_is_covered(ward: Ward) -> None:
    page_id = ward.scan()
    ward.read(page_id, page_reading(VISITS, "RRRR", {"datum": SAID["datum"], "rad01.pnr": ASTA.pid, "rad02.pnr": SECRET.pid}))
    with ward.store.begin() as conn:
        conn.exec_driver_sql(f"UPDATE page SET upright_sha256 = '{'0' * 64}'")
    boxes = {spec.name: spec.box for spec in VISITS.fields}
    assert view_of(ward, EVA, "RRRR-02").covered.boxes == {page_id: (boxes["rad02.pnr"],)}
    assert view_of(ward, EVA, "RRRR-02").hidden
    assert not view_of(ward, EVA, "RRRR-01").hidden
    with ward.store.read() as conn:
        found = pages.page(conn, page_id)
        assert covered_page(conn, FORMS, EVA, found) == (boxes["rad02.pnr"],)
        assert covered_page(conn, FORMS, SOFIA, found) == ()
        assert covered_page(conn, FORMS, ADMIN, found) == (boxes["rad02.pnr"],)


def test_a_page_that_lies_on_no_form_is_covered_whole(ward: Ward) -> None:
    page_id = ward.scan()
    ward.read(page_id, page_reading(NOTE, "AAAA", ABOUT_HER))
    with ward.store.read() as conn:
        found = pages.page(conn, page_id)
        assert covered_on(conn, EVA, NOTE, [found]).boxes == {page_id: (WHOLE_PAGE,)}


def test_the_right_is_review_in_her_unit(ward: Ward) -> None:
    with ward.store.read() as conn:
        for who, hidden in ((EVA, True), (SOFIA, False), (ADMIN, True), (CHIEF, True)):
            assert bool(hidden_numbers(conn, who, [SECRET.pid, ASTA.pid, None])) is hidden
        assert hidden_numbers(conn, EVA, [ASTA.pid, BROR.pid]) == frozenset()


def test_what_is_covered_is_gone_from_the_bytes() -> None:
    paper = np.random.default_rng(1).integers(0, 255, (800, 800), dtype=np.uint8)
    shown = with_covered(paper, ((20.0, 30.0, 40.0, 10.0),))
    left, top, right, bottom = (round(v * PX_PER_MM) for v in (20, 30, 60, 40))
    assert len(np.unique(shown[top:bottom, left:right])) == 1
    assert (shown[: top - 50] == paper[: top - 50]).all()
    assert with_covered(paper, ()) is paper
    assert len(np.unique(with_covered(paper, (WHOLE_PAGE,)))) == 1


def test_it_is_handed_on_to_those_who_may_without_telling_where(ward: Ward) -> None:
    entry_id = ward.note("AAAA", ABOUT_HER)
    with ward.store.begin() as conn:
        assert entry(conn, entry_id).unit == NORTH
        forwarding.forward_protected(conn, FORMS, EVA, entry_id, 0, NOW)
        assert entry(conn, entry_id).unit == SOUTH
        assert claims.claim_next(conn, FORMS, SOFIA, NOW) is not None
        (sent,) = forwarding.forwarded(conn, EVA)
    assert (sent.to_unit, sent.unit_now) == ("", "")


def test_what_is_covered_for_an_unlikely_number_is_handed_on_too(ward: Ward) -> None:
    reading = page_reading(NOTE, "AAAA", SAID)
    doubtful = Reading(UNKNOWN_PID, 0.6, State.READ, ((SECRET.pid, 0.3),))
    ward.read(ward.scan(), replace(reading, fields={**reading.fields, "pnr": doubtful}))
    assert view_of(ward, EVA, "AAAA-00").hidden
    with ward.store.begin() as conn:
        forwarding.forward_protected(conn, FORMS, EVA, "AAAA-00", 0, NOW)
        assert entry(conn, "AAAA-00").unit == SOUTH
