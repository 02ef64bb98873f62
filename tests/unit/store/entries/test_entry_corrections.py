"""Correcting entries that are decided, and their way until it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import insert

from pipeline.domain.errors import (
    FormError,
    NotAllowedError,
    ReviewError,
    StaleDecisionError,
)
from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState, State, Value
from pipeline.domain.review.rules import Answer
from pipeline.review import decisions, rejections
from pipeline.review.corrections import Corrections
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.answers import AnswerOrigin, decided_answers
from pipeline.store.entries.entry import load_entry, reopen_sheet
from pipeline.store.event_log.events import list_events
from pipeline.store.exports import ready_entries
from pipeline.store.schema import exports
from tests.support.pages.alike import DAY, visits
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    BROR,
    CHIEF,
    CILLA,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOW,
    SAID,
    SOFIA,
    SOUTH,
    VISITS,
    Ward,
    answers,
    later,
    page_reading,
)
from tests.support.store.work import work
from tests.unit.store.entries.entry_steps import ALL, WRONG_DAY, by_name, claim, export, get, save

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def ward(store: Store) -> Ward:
    """The test organisation."""
    return Ward(store).begin()


def test_a_correction_is_a_new_version(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    (first,) = export(ward, "AAAA-00")
    assert first.revision == 1
    with ward.store.begin() as conn:
        with pytest.raises(ReviewError, match="exported"):
            work(Corrections, conn, EVA).undo([("AAAA-00", 1)])
        with pytest.raises(ReviewError):
            work(Corrections, conn, EVA).correct("AAAA-00", 1, {}, "fel")
        with pytest.raises(ReviewError):
            work(Corrections, conn, NILS).correct("AAAA-00", 1, {"text": Answer("Sov illa.")}, " ")
        work(Corrections, conn, NILS, later(5)).correct(
            "AAAA-00", 1, {"text": Answer("Sov illa.")}, "Fel avskrivet"
        )
        with pytest.raises(StaleDecisionError):
            work(Corrections, conn, NILS).correct(
                "AAAA-00", 1, {"text": Answer("Sov.")}, "Fel avskrivet"
            )
        assert ready_entries.list_ready_entries(conn, FORMS, EVA, lock=True) == ["AAAA-00"]
    (second,) = export(ward, "AAAA-00")
    assert (second.revision, second.fields["text"], second.entered.by) == (
        2,
        "Sov illa.",
        "Nils Ek",
    )
    assert second.fields["datum"] == first.fields["datum"]


def test_a_corrected_critical_field_is_as_critical_as_before(ward: Ward) -> None:
    ward.note("AAAA", {**SAID, "datum": "2026-02-18"})
    save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY))
    export(ward, "AAAA-00")
    with ward.store.begin() as conn:
        new = {"datum": Answer("2026-02-19")}
        assert (
            work(Corrections, conn, EVA).correct("AAAA-00", 1, new, "Fel dag") is EntryState.SECOND
        )
        assert ready_entries.list_ready_entries(conn, FORMS, EVA) == []
    assert claim(ward) is None
    view = claim(ward, NILS)
    assert view is not None
    assert [name for name, field in by_name(view).items() if field.is_open] == ["datum"]
    assert save(ward, "AAAA-00", {"datum": Answer("2026-02-19")}, NILS) is EntryState.CONFIRMED
    (record,) = export(ward, "AAAA-00")
    assert (record.revision, record.fields["datum"], record.verified and record.verified.by) == (
        2,
        "2026-02-19",
        "Nils Ek",
    )


def test_a_day_that_nobody_can_read_after_all_is_no_day(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    gone = {"datum": Answer(None, State.ILLEGIBLE)}
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA).correct("AAAA-00", 1, gone, "går inte att läsa")
    save(ward, "AAAA-00", gone, NILS)
    assert get(ward, "AAAA-00").event_on is None


def test_what_is_answered_as_before_is_no_correction(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL, datum=WRONG_DAY))
    save(ward, "AAAA-00", {"datum": WRONG_DAY}, NILS)
    with ward.store.begin() as conn:
        same = {"datum": WRONG_DAY, "tid": Answer("8.15"), "pnr": Answer(ASTA.pid[2:])}
        with pytest.raises(ReviewError, match="Nothing"):
            work(Corrections, conn, EVA).correct("AAAA-00", 2, same, "fel")
        new = {**same, "text": Answer("Sov illa.")}
        assert (
            work(Corrections, conn, EVA).correct("AAAA-00", 2, new, "fel") is EntryState.CONFIRMED
        )
        assert [
            name
            for name, one in decided_answers(conn, "AAAA-00").items()
            if one.origin is AnswerOrigin.CORRECTION
        ] == ["text"]


def test_an_empty_mark_that_stays_empty_is_no_correction(ward: Ward) -> None:
    (entry_id,) = visits(ward, "AAAA", (True,))
    said: dict[str, Value] = {
        "datum": DAY,
        "skribent": "Disa Penn",
        "rad01.pnr": ASTA.pid,
        "rad01.tid": "08:15",
        "rad01.sign": "DP",
    }
    save(ward, entry_id, answers({**said, "rad01.mat": None}))
    with ward.store.begin() as conn, pytest.raises(ReviewError, match="Nothing"):
        work(Corrections, conn, EVA).correct(
            entry_id, 1, {"rad01.mat": Answer(None, State.EMPTY)}, "fel"
        )


def test_a_correction_is_shown_when_the_entry_comes_back_whole(ward: Ward) -> None:
    """A field with a draft never is folded (ui/screens/review/field_cards.py)."""
    (entry_id,) = visits(ward, "AAAA", (True,))
    said: dict[str, Value] = {
        "datum": DAY,
        "skribent": "Disa Penn",
        "rad01.pnr": ASTA.pid,
        "rad01.tid": "08:15",
        "rad01.sign": "DP",
        "rad01.mat": True,
    }
    save(ward, entry_id, answers(said))
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA).correct(
            entry_id, 1, {"rad01.mat": Answer(None, State.EMPTY)}, "åt inte"
        )
        reopen_sheet(conn, "AAAA")
        shown = next(
            field
            for field in queue.open_claimed_entry(
                conn, FORMS, NILS, entry_id, queue.ClaimTerms(NOW)
            ).fields
            if field.spec.column == "mat"
        )
    assert shown.draft == Answer(False, State.EMPTY)


def test_a_voided_entry_is_exported_as_void(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    with pytest.raises(ReviewError), ward.store.begin() as conn:
        work(Corrections, conn, EVA).void("AAAA-00", 1, "fel person")
    export(ward, "AAAA-00")
    with ward.store.begin() as conn:
        with pytest.raises(ReviewError, match="exported"):
            rejections.reject_entry(
                conn, EVA, rejections.Rejection("AAAA-00", 1, "fel person"), NOW
            )
        work(Corrections, conn, EVA).void("AAAA-00", 1, "Fel person")
        with pytest.raises(ReviewError):
            work(Corrections, conn, EVA).correct("AAAA-00", 2, {"text": Answer("x")}, "fel")
    (record,) = export(ward, "AAAA-00")
    assert (record.revision, record.voided) == (2, "Fel person")


@pytest.mark.parametrize("accepted", [True, False])
def test_a_receipt_ends_the_way_or_brings_the_entry_back(ward: Ward, accepted: bool) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    (record,) = export(ward, "AAAA-00")
    with ward.store.begin() as conn:
        run = conn.exec_driver_sql("SELECT id FROM export_run").scalar_one()
        row = {
            "entry": "AAAA-00",
            "revision": 1,
            "run": run,
            "at": NOW,
            "by": "eva",
            "accepted": accepted,
            "text": "Okänd enhet",
        }
        # Neither without a receipt nor by one of another revision
        ready_entries.mark_accepted(conn, ["AAAA-00"])
        ready_entries.mark_refused(conn, "AAAA-00", record.revision + 1)
        assert load_entry(conn, "AAAA-00").state is EntryState.EXPORTED
        conn.execute(insert(exports.receipt).values(row))
        if accepted:
            ready_entries.mark_accepted(conn, ["AAAA-00"])
        else:
            ready_entries.mark_refused(conn, "AAAA-00", record.revision)
    found = get(ward, "AAAA-00")
    assert (found.state, found.reason) == (
        (EntryState.RECEIPTED, "") if accepted else (EntryState.REVIEW, "Okänd enhet")
    )


def test_a_record_tells_the_whole_way(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL, tid=Answer(None, State.ILLEGIBLE)))
    (record,) = export(ward, "AAAA-00")
    assert (record.client, record.unit, record.author, record.serial, record.row) == (
        ASTA,
        NORTH,
        "Disa Penn",
        "AAAA",
        None,
    )
    assert (record.place, record.reader_version, record.scanned.by) == (
        "Pärm 3",
        "test 1",
        "Admin Ek",
    )
    assert record.event_at is not None
    assert record.event_at.isoformat() == "2026-02-17T00:00:00"
    assert record.clock_unknown == {"event_at"}
    assert record.illegible == {"tid"}
    assert record.written_at is None
    assert (record.entered.at, record.verified, record.signed, record.voided) == (
        NOW,
        None,
        None,
        None,
    )
    assert "enhet" not in record.fields
    assert record.labels["text"] == "Text"


def test_a_row_becomes_a_record_of_its_own_client(ward: Ward) -> None:
    said: dict[str, Value] = {
        "datum": "2026-02-17",
        "skribent": None,
        "rad02.pnr": BROR.pid,
        "rad02.tid": "07:30",
        "rad02.mat": True,
        "rad02.sign": "EE",
    }
    ward.read(ward.scan(), page_reading(VISITS, "BBBB", said))
    assert save(ward, "BBBB-02", answers(said)) is EntryState.CONFIRMED
    (record,) = export(ward, "BBBB-02")
    assert record.client == BROR
    assert dict(record.fields) == {
        "datum": "2026-02-17",
        "skribent": None,
        "pnr": BROR.pid,
        "tid": "07:30",
        "mat": True,
        "sign": "EE",
    }
    assert (record.author, record.row, str(record.event_at)) == ("EE", 2, "2026-02-17 07:30:00")


def test_the_head_of_a_sheet_is_settled_once_for_all_its_rows(ward: Ward) -> None:
    rows: list[dict[str, Value]] = [
        {f"{row}.pnr": ASTA.pid, f"{row}.tid": "07:30", f"{row}.sign": "EE"}
        for row in ("rad01", "rad02")
    ]
    ward.read(
        ward.scan(), page_reading(VISITS, "BBBB", {"datum": "2026-02-17", **rows[0], **rows[1]})
    )
    first, second = (
        answers(row | {"skribent": None, f"rad0{number}.mat": None})
        for number, row in enumerate(rows, 1)
    )
    view = claim(ward)
    assert view is not None
    assert by_name(view)["datum"].draft is None
    assert save(ward, "BBBB-01", first | {"datum": WRONG_DAY}) is EntryState.SECOND
    assert save(ward, "BBBB-01", {"datum": WRONG_DAY}, NILS) is EntryState.CONFIRMED
    view = claim(ward)
    assert view is not None
    assert (view.entry.id, by_name(view)["datum"].draft, by_name(view)["rad02.pnr"].draft) == (
        "BBBB-02",
        WRONG_DAY,
        None,
    )
    assert save(ward, "BBBB-02", second | {"datum": WRONG_DAY}) is EntryState.CONFIRMED


def test_the_day_of_a_row_after_midnight_is_its_own(ward: Ward) -> None:
    rows: list[dict[str, Value]] = [
        {f"rad0{row}.pnr": ASTA.pid, f"rad0{row}.tid": at, f"rad0{row}.sign": "EE"}
        for row, at in ((1, "22:30"), (2, "00:30"))
    ]
    night = page_reading(VISITS, "BBBB", {"datum": "2026-02-17", **rows[0], **rows[1]})
    ward.read(ward.scan(), replace(night, issues=("after_midnight:rad02.tid",)))
    first, second = (
        answers(row | {"skribent": None, f"rad0{number}.mat": None})
        for number, row in enumerate(rows, 1)
    )
    with ward.store.begin() as conn:
        assert (
            decisions.decide_entry(
                conn,
                FORMS,
                EVA,
                decisions.Decision("BBBB-02", 0, second | answers({"datum": "2026-02-18"})),
                NOW,
            )
            is EntryState.SECOND
        )
    assert save(ward, "BBBB-02", answers({"datum": "2026-02-18"}), NILS) is EntryState.CONFIRMED
    view = claim(ward)
    assert view is not None
    assert (view.entry.id, by_name(view)["datum"].draft) == ("BBBB-01", None)
    assert save(ward, "BBBB-01", first | answers({"datum": "2026-02-18"})) is EntryState.SECOND


def test_ready_entries_are_those_of_the_unit(ward: Ward) -> None:
    ward.note("AAAA")
    save(ward, "AAAA-00", answers(ALL))
    with ward.store.read() as conn:
        assert ready_entries.list_ready_entries(conn, FORMS, EVA) == ["AAAA-00"]
        assert ready_entries.list_ready_entries(conn, FORMS, SOFIA) == []


def test_a_form_that_is_gone_is_named(ward: Ward) -> None:
    ward.note("AAAA")
    with pytest.raises(FormError, match="anteckning version 1"), ward.store.begin() as conn:
        queue.claim_next(conn, Forms(), EVA, queue.ClaimTerms(NOW))


def test_every_look_at_paper_is_an_event(ward: Ward) -> None:
    page_id = ward.scan()
    with ward.store.begin() as conn:
        assert queue.record_page_view(conn, EVA, page_id).id == page_id
        for nobody in (SOFIA, CHIEF, replace(ADMIN, units=frozenset({SOUTH}))):
            with pytest.raises(NotAllowedError):
                queue.record_page_view(conn, nobody, page_id)
        assert [(event.by, event.action) for event in list_events(conn, page_id)] == [
            ("admin", "add_page"),
            ("eva", "view_page"),
        ]


def test_an_unknown_entry_is_an_error(ward: Ward) -> None:
    with pytest.raises(ReviewError):
        get(ward, CILLA.unit)
