"""Entries that are marked as written twice, and values found in a copied text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from pipeline.domain.errors import (
    NotAllowedError,
    ReviewError,
)
from pipeline.domain.model import EntryState, State
from pipeline.domain.review.rules import Answer
from pipeline.registers.client_check import ClientStatement
from pipeline.review import rejections
from pipeline.review.corrections import Corrections
from pipeline.review.rejections import ComparisonSource, is_value_in_text
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.reports import closed_entries
from pipeline.store.review import duplicate_entries
from pipeline.store.schema import paper
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    BROR,
    CHIEF,
    EVA,
    NILS,
    NOTE,
    NOW,
    SOFIA,
    Ward,
    later,
)
from tests.support.store.work import work
from tests.unit.store.review.correction_steps import get, save

pytest_plugins = ("tests.support.store.databases",)

PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


def test_a_duplicate_is_compared_marked_listed_and_taken_back(ward: Ward) -> None:
    first, second = ward.note("AAAA"), ward.note("BBBB")
    save(ward, first, ClientStatement())
    with ward.store.begin() as conn:
        found = load_entry(conn, second)
        assert [
            one.id
            for one in duplicate_entries.find_similar_entries(conn, EVA, found, [ASTA.pid], [])
        ] == [first]
        for compared in (
            ComparisonSource(),
            ComparisonSource(text=" "),
            ComparisonSource(other_entry=second),
            ComparisonSource(picture=b"<svg>"),
        ):
            with pytest.raises(ReviewError):
                rejections.mark_duplicate(
                    conn, ward.store.images, EVA, rejections.Duplicate(second, 0, compared), NOW
                )
        rejections.mark_duplicate(
            conn,
            ward.store.images,
            EVA,
            rejections.Duplicate(
                second, 0, ComparisonSource(other_entry=first, picture=PNG), "samma besök"
            ),
            NOW,
        )
        (mark,) = duplicate_entries.list_duplicate_marks(conn, NILS)
        assert mark.other is not None
        assert (mark.entry.id, mark.other.id, mark.reason, mark.by) == (
            second,
            first,
            "samma besök",
            "Eva Ek",
        )
        assert ward.store.images.get(str(mark.picture_sha256)) == PNG
        assert closed_entries.list_rejected(conn, NILS) == []
        with pytest.raises(NotAllowedError):
            rejections.withdraw_duplicate_mark(conn, SOFIA, mark.id, later(2))
        rejections.withdraw_duplicate_mark(conn, NILS, mark.id, later(2))
        assert duplicate_entries.list_duplicate_marks(conn, NILS) == []
        assert load_entry(conn, second).state is EntryState.REVIEW
        rows = conn.exec_driver_sql("SELECT taken_back_by, text FROM duplicate_mark").all()
    assert rows == [("nils", "")]


def test_entries_without_a_day_push_none_with_one_off_the_list(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, undated, dated = (ward.note(serial) for serial in ("AAAA", "BBBB", "CCCC"))
    for each in (undated, dated):
        save(ward, each, ClientStatement())
    monkeypatch.setattr(duplicate_entries, "_MAX_MARKS", 1)
    with ward.store.begin() as conn:
        conn.execute(update(paper.entry).where(paper.entry.c.id == undated).values(event_on=None))
        assert [
            one.id
            for one in duplicate_entries.find_similar_entries(
                conn, EVA, load_entry(conn, found), [ASTA.pid], []
            )
        ] == [dated]


def test_undoing_a_mark_takes_it_back(ward: Ward) -> None:
    entry_id, same = ward.note("AAAA"), ComparisonSource(other_entry=ward.note("BBBB"))
    save(ward, entry_id, ClientStatement())
    before = get(ward, entry_id)
    with ward.store.begin() as conn:
        rejections.mark_duplicate(
            conn, ward.store.images, EVA, rejections.Duplicate(entry_id, 1, same), later(1)
        )
        assert work(Corrections, conn, EVA, later(2)).undo([(entry_id, 2)]) is EntryState.CONFIRMED
        assert conn.exec_driver_sql("SELECT taken_back_by FROM duplicate_mark").scalars().all() == [
            "eva"
        ]
    assert get(ward, entry_id) == replace(before, revision=3)


def test_an_old_mark_confirms_nothing_that_was_decided_anew(ward: Ward) -> None:
    entry_id, same = ward.note("AAAA"), ComparisonSource(other_entry=ward.note("BBBB"))
    save(ward, entry_id, ClientStatement())
    with ward.store.begin() as conn:
        rejections.mark_duplicate(
            conn, ward.store.images, EVA, rejections.Duplicate(entry_id, 1, same), later(1)
        )
        rejections.reopen_rejected(conn, EVA, entry_id, 2)
    assert (
        save(
            ward,
            entry_id,
            ClientStatement(),
            changed={"pnr": Answer(BROR.pid), "namn": Answer(BROR.name)},
        )
        is EntryState.SECOND
    )
    with ward.store.begin() as conn:
        new = rejections.mark_duplicate(
            conn, ward.store.images, EVA, rejections.Duplicate(entry_id, 4, same), later(4)
        )
        assert [mark.id for mark in duplicate_entries.list_duplicate_marks(conn, NILS)] == [new]
        rejections.withdraw_duplicate_mark(conn, NILS, new, later(5))
    assert get(ward, entry_id).state is EntryState.SECOND


@pytest.mark.parametrize(
    ("field", "value", "text", "found"),
    [
        ("pnr", ASTA.pid, "Asta, 900101-9802", True),
        ("pnr", ASTA.pid, "Bror, 900102-9819", False),
        ("pnr", "50017845/6", "Cilla, 50-017845/6", True),
        ("pnr", "50017845/6", "Cilla, 50-017845/7", False),
        ("tid", "08:15", "kl 08.15 hembesök", True),
        ("tid", "08:15", "kl 09.15 hembesök", False),
        ("text", "Sov gott.", "Patienten sov gott i natt", True),
        ("text", "Sov gott.", "Åt frukost", False),
    ],
)
def test_values_are_looked_for_in_a_copied_text(
    field: str, value: str, text: str, found: bool
) -> None:
    assert is_value_in_text(NOTE.by_name[field], Answer(value), text) is found


def test_there_is_nothing_to_look_for_in_an_empty_field() -> None:
    assert is_value_in_text(NOTE.by_name["text"], Answer(None, State.EMPTY), "x") is None


def test_other_rejected_entries_stay_listed(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        rejections.reject_entry(conn, EVA, rejections.Rejection(entry_id, 0, "dubblett"), NOW)
        assert [one.id for one in closed_entries.list_rejected(conn, NILS)] == [entry_id]
        assert [one.id for one in closed_entries.list_rejected(conn, ADMIN)] == [entry_id]
        assert closed_entries.list_rejected(conn, SOFIA) == []
        with pytest.raises(NotAllowedError):
            closed_entries.list_rejected(conn, CHIEF)
