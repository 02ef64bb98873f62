"""Protected identities: nothing of them reaches the person who lacks the right, neither in fields
nor in lists nor in the bytes of a picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import update

from pipeline.domain.form.form import Form
from pipeline.domain.model import Client, EntryState, Person, Reading, State, Value
from pipeline.reading.imaging.geometry import PX_PER_MM
from pipeline.review import rejections
from pipeline.review.transfers import Transfers
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries import sheet_entries as sheets
from pipeline.store.entries.entry import load_entry
from pipeline.store.entries.entry_view import EntryView, load_entry_view
from pipeline.store.paper import pages
from pipeline.store.paper.protected_identity import (
    NO_COVERED_AREAS,
    WHOLE_PAGE_BOX,
    find_covered_areas,
    find_covered_boxes,
    find_hidden_pids,
)
from pipeline.store.registers import client_register
from pipeline.store.review import transferred
from pipeline.store.schema import paper as schema_paper
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    BROR,
    CHIEF,
    CILLA,
    EVA,
    FORMS,
    NORTH,
    NOTE,
    NOW,
    SAID,
    SOFIA,
    SOUTH,
    UNKNOWN_PID,
    VISITS,
    Ward,
    page_reading,
    person,
)
from tests.support.store.work import work
from ui.widgets.images import cover_boxes

pytest_plugins = ("tests.support.store.databases",)

SECRET = replace(CILLA, protected=True)
ABOUT_HER = {**SAID, "pnr": SECRET.pid, "namn": SECRET.name}
EAST = "Östra hemsjukvården"
ELSEWHERE = Client("189001059808", "Dora Hemlig", EAST, protected=True)


@pytest.fixture
def ward(store: Store) -> Ward:
    made = Ward(store).begin()
    with store.begin() as conn:
        client_register.save_clients(conn, [SECRET])
    return made


def view_of(ward: Ward, who: Person, entry_id: str) -> EntryView:
    with ward.store.read() as conn:
        return load_entry_view(conn, FORMS, who, entry_id)


def test_who_lacks_the_right_is_told_nothing_of_the_client(ward: Ward) -> None:
    view = view_of(ward, EVA, ward.note("AAAA", ABOUT_HER))
    hidden = {field.spec.name for field in view.fields if field.is_hidden}
    assert view.is_hidden
    assert hidden == {"pnr", "namn"}
    assert all(
        (field.reading, field.draft, field.first_answer, field.is_open) == (None, None, None, False)
        for field in view.fields
        if field.is_hidden
    )
    assert SECRET.name not in repr(view)
    assert SECRET.pid not in repr(view)
    assert view.suggestion is None


def test_the_own_unit_sees_her(ward: Ward) -> None:
    entry_id = ward.note("AAAA", ABOUT_HER)
    view = view_of(ward, SOFIA, entry_id)
    assert not view.is_hidden
    assert view.covered is NO_COVERED_AREAS


def test_an_unlikely_second_reading_of_her_number_hides_too(ward: Ward) -> None:
    reading = page_reading(NOTE, "AAAA", SAID)
    doubtful = Reading(ASTA.pid, 0.9, State.READ, ((ASTA.pid, 0.9), (SECRET.pid, 0.08)))
    ward.read(ward.scan(), replace(reading, fields={**reading.fields, "pnr": doubtful}))
    assert view_of(ward, EVA, "AAAA-00").is_hidden


def test_of_a_table_only_her_row_is_covered(ward: Ward) -> None:
    page_id = ward.scan()
    ward.read(
        page_id,
        page_reading(
            VISITS, "RRRR", {"datum": SAID["datum"], "rad01.pnr": ASTA.pid, "rad02.pnr": SECRET.pid}
        ),
    )
    with ward.store.begin() as conn:
        conn.exec_driver_sql(f"UPDATE page SET upright_sha256 = '{'0' * 64}'")
    boxes = {spec.name: spec.box for spec in VISITS.fields}
    assert view_of(ward, EVA, "RRRR-02").covered.boxes == {page_id: (boxes["rad02.pnr"],)}
    assert view_of(ward, EVA, "RRRR-02").is_hidden
    assert not view_of(ward, EVA, "RRRR-01").is_hidden
    with ward.store.read() as conn:
        found = pages.load_page(conn, page_id)
        assert find_covered_boxes(conn, FORMS, EVA, found) == (boxes["rad02.pnr"],)
        assert find_covered_boxes(conn, FORMS, SOFIA, found) == ()
        assert find_covered_boxes(conn, FORMS, ADMIN, found) == (boxes["rad02.pnr"],)


def test_a_page_that_lies_on_no_form_is_covered_whole(ward: Ward) -> None:
    page_id = ward.scan()
    ward.read(page_id, page_reading(NOTE, "AAAA", ABOUT_HER))
    with ward.store.read() as conn:
        found = pages.load_page(conn, page_id)
        assert find_covered_areas(conn, EVA, NOTE, [found]).boxes == {page_id: (WHOLE_PAGE_BOX,)}


def test_the_right_is_review_in_her_unit(ward: Ward) -> None:
    with ward.store.read() as conn:
        for who, hidden in ((EVA, True), (SOFIA, False), (ADMIN, True), (CHIEF, True)):
            assert bool(find_hidden_pids(conn, who, [SECRET.pid, ASTA.pid, None])) is hidden
        assert find_hidden_pids(conn, EVA, [ASTA.pid, BROR.pid]) == frozenset()


def test_what_is_covered_is_gone_from_the_bytes() -> None:
    paper = np.random.default_rng(1).integers(0, 255, (800, 800), dtype=np.uint8)
    shown = cover_boxes(paper, ((20.0, 30.0, 40.0, 10.0),))
    left, top, right, bottom = (round(v * PX_PER_MM) for v in (20, 30, 60, 40))
    assert len(np.unique(shown[top:bottom, left:right])) == 1
    assert (shown[: top - 50] == paper[: top - 50]).all()
    assert cover_boxes(paper, ()) is paper
    assert len(np.unique(cover_boxes(paper, (WHOLE_PAGE_BOX,)))) == 1


def test_it_is_handed_on_to_those_who_may_without_telling_where(ward: Ward) -> None:
    entry_id = ward.note("AAAA", ABOUT_HER)
    with ward.store.begin() as conn:
        assert load_entry(conn, entry_id).unit == NORTH
        work(Transfers, conn, EVA).send_protected(entry_id, 0)
        assert load_entry(conn, entry_id).unit == SOUTH
        assert queue.claim_next(conn, FORMS, SOFIA, queue.ClaimTerms(NOW)) is not None
        (sent,) = transferred.list_transferred(conn, EVA)
    assert (sent.to_unit, sent.current_unit) == ("", "")


def test_what_is_covered_for_an_unlikely_number_is_handed_on_too(ward: Ward) -> None:
    reading = page_reading(NOTE, "AAAA", SAID)
    doubtful = Reading(UNKNOWN_PID, 0.6, State.READ, ((SECRET.pid, 0.3),))
    ward.read(ward.scan(), replace(reading, fields={**reading.fields, "pnr": doubtful}))
    assert view_of(ward, EVA, "AAAA-00").is_hidden
    with ward.store.begin() as conn:
        work(Transfers, conn, EVA).send_protected("AAAA-00", 0)
        assert load_entry(conn, "AAAA-00").unit == SOUTH


def covered(
    ward: Ward, page_id: str, who: Person = EVA
) -> tuple[tuple[float, float, float, float], ...]:
    with ward.store.read() as conn:
        return find_covered_boxes(conn, FORMS, who, pages.load_page(conn, page_id))


def twice(ward: Ward, form: Form, serial: str, *said: Mapping[str, Value]) -> list[str]:
    """Scans of the same paper as the machine reads each of them; answers with their ids. All lie on
    their form.
    """
    found = []
    for each in said:
        found.append(ward.scan())
        ward.read(found[-1], page_reading(form, serial, each))
    with ward.store.begin() as conn:
        conn.execute(update(schema_paper.page).values(upright_sha256="0" * 64))
    return found


def is_about(ward: Ward, entry_id: str, pid: str) -> None:
    """People have typed the number that the machine could not read."""
    with ward.store.begin() as conn:
        conn.execute(
            update(schema_paper.entry)
            .where(schema_paper.entry.c.id == entry_id)
            .values(client_pid=pid, revision=1)
        )


def test_a_second_scan_covers_what_people_typed_of_the_first(ward: Ward) -> None:
    unread = {**ABOUT_HER, "pnr": None}
    first, second = twice(ward, NOTE, "AAAA", unread, {**unread, "text": None})
    assert covered(ward, second) == ()
    is_about(ward, "AAAA-00", SECRET.pid)
    boxes = {spec.name: spec.box for spec in NOTE.fields}
    for who in (EVA, ADMIN):
        assert (
            covered(ward, first, who) == covered(ward, second, who) == (boxes["pnr"], boxes["namn"])
        )
    assert covered(ward, second, SOFIA) == ()
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, second, FORMS, same=True)
        assert pages.load_page(conn, second).sheet is None
    assert covered(ward, second) == (boxes["pnr"], boxes["namn"])


def test_the_very_same_picture_of_a_row_is_covered_as_the_first(ward: Ward) -> None:
    said = {"datum": SAID["datum"], "rad01.pnr": ASTA.pid, "rad02.mat": True}
    picture = b"the same"
    first, second = ward.scan(picture), ward.scan(picture)
    for page_id in (first, second):
        ward.read(page_id, page_reading(VISITS, "RRRR", said))
    with ward.store.begin() as conn:
        conn.execute(update(schema_paper.page).values(upright_sha256="0" * 64))
        assert pages.load_page(conn, second).duplicate_of == first
    is_about(ward, "RRRR-02", SECRET.pid)
    row = {spec.name: spec.box for spec in VISITS.fields}["rad02.pnr"]
    assert covered(ward, first) == covered(ward, second) == (row,)


def test_a_number_that_only_the_second_scan_shows_hides_the_first_and_is_handed_on(
    ward: Ward,
) -> None:
    first, second = twice(ward, NOTE, "AAAA", {**ABOUT_HER, "pnr": None}, ABOUT_HER)
    assert covered(ward, first) == covered(ward, second) != ()
    assert view_of(ward, EVA, "AAAA-00").is_hidden
    with ward.store.begin() as conn:
        work(Transfers, conn, EVA).send_protected("AAAA-00", 0)
        assert load_entry(conn, "AAAA-00").unit == SOUTH


def test_a_number_that_was_written_on_the_same_paper_later_hides_the_first_scan_too(
    ward: Ward,
) -> None:
    first, second = twice(
        ward, NOTE, "AAAA", {**ABOUT_HER, "pnr": None}, {**ABOUT_HER, "text": None}
    )
    assert covered(ward, first) == covered(ward, second) != ()
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, second, FORMS, same=True)
        assert pages.load_page(conn, second).sheet == second
    assert covered(ward, first) == covered(ward, second) != ()
    assert view_of(ward, EVA, "AAAA-00").is_hidden


def test_what_was_written_on_the_same_paper_later_is_covered_and_handed_on_too(ward: Ward) -> None:
    unread = {**ABOUT_HER, "pnr": None}
    _, second = twice(ward, NOTE, "AAAA", {**unread, "text": None}, unread)
    is_about(ward, "AAAA-00", SECRET.pid)
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, second, FORMS, same=True)
        assert pages.load_page(conn, second).sheet == second
    boxes = {spec.name: spec.box for spec in NOTE.fields}
    assert covered(ward, second) == (boxes["pnr"], boxes["namn"])
    assert view_of(ward, EVA, f"{second}-00").is_hidden
    with ward.store.begin() as conn:
        work(Transfers, conn, EVA).send_protected(f"{second}-00", 0)
        assert load_entry(conn, f"{second}-00").unit == SOUTH


def test_another_paper_with_the_same_serial_is_covered_by_what_stands_on_itself(ward: Ward) -> None:
    _, copy = twice(ward, NOTE, "AAAA", ABOUT_HER, SAID)
    assert covered(ward, copy) != ()
    with ward.store.begin() as conn:
        sheets.settle_duplicate(conn, ADMIN, copy, FORMS, same=False)
    assert covered(ward, copy) == ()


@pytest.mark.parametrize("rejected", [False, True])
def test_nobody_who_sent_it_before_is_told_where_it_went_because_of_her(
    ward: Ward, rejected: bool
) -> None:
    with ward.store.begin() as conn:
        client_register.save_units(conn, {EAST: "HSL"})
        client_register.save_clients(conn, [ELSEWHERE])
    entry_id = ward.note("AAAA", {**SAID, "pnr": ELSEWHERE.pid, "namn": ELSEWHERE.name})
    with ward.store.begin() as conn:
        work(Transfers, conn, EVA).send(entry_id, 0, SOUTH, "er pärm")
        work(Transfers, conn, SOFIA).send_protected(entry_id, 1)
        if rejected:
            rejections.reject_entry(
                conn,
                person("ester", units=(EAST,)),
                rejections.Rejection(entry_id, 2, "oläsligt"),
                NOW,
            )
        (first,), (second,) = (transferred.list_transferred(conn, who) for who in (EVA, SOFIA))
        (own,) = transferred.list_transferred(conn, person("both", units=(NORTH, EAST)))
    assert (first.to_unit, first.current_unit, first.current_reason, first.reason) == (
        SOUTH,
        "",
        "",
        "er pärm",
    )
    assert (second.to_unit, second.current_unit, second.current_reason) == ("", "", "")
    assert (own.current_unit, own.current_reason) == (EAST, "oläsligt" if rejected else "")
    assert first.state is (EntryState.REJECTED if rejected else EntryState.REVIEW)


@pytest.mark.parametrize(
    ("known", "reading", "unit"),
    [
        (None, Reading(ELSEWHERE.pid, 0.93, State.READ, ((SECRET.pid, 0.06),)), EAST),
        (None, Reading(SECRET.pid, 0.93, State.READ, ((ELSEWHERE.pid, 0.06),)), SOUTH),
        (
            None,
            Reading(UNKNOWN_PID, 0.5, State.READ, ((SECRET.pid, 0.1), (ELSEWHERE.pid, 0.3))),
            EAST,
        ),
        (SECRET.pid, Reading(ELSEWHERE.pid, 0.93, State.READ), SOUTH),
    ],
)
def test_it_is_handed_on_to_the_unit_of_the_likeliest_client(
    ward: Ward, known: str | None, reading: Reading, unit: str
) -> None:
    with ward.store.begin() as conn:
        client_register.save_units(conn, {EAST: "HSL"})
        client_register.save_clients(conn, [ELSEWHERE])
    page = page_reading(NOTE, "AAAA", SAID)
    ward.read(ward.scan(), replace(page, fields={**page.fields, "pnr": reading}))
    if known:
        is_about(ward, "AAAA-00", known)
    with ward.store.begin() as conn:
        work(Transfers, conn, EVA).send_protected("AAAA-00", load_entry(conn, "AAAA-00").revision)
        assert load_entry(conn, "AAAA-00").unit == unit
