"""Planted values on their way through the store: caught, missed, withdrawn, and never anywhere else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from sqlalchemy import Connection, select, update

from pipeline.errors import StoreError
from pipeline.model import EntryState, Person, Value
from pipeline.review import Answer
from pipeline.store import answers as stored
from pipeline.store import claims, decisions, records, tables
from pipeline.store.control_tables import plant
from pipeline.store.database import Store
from pipeline.store.entries import entry
from pipeline.store.entry_views import EntryView
from pipeline.store.plants import CAUGHT, MISSED, WITHDRAWN, last_missed, planted
from tests.ward import EVA, FORMS, NILS, NOW, PLAN, SAID, Ward, answers, later

pytest_plugins = ("tests.databases",)
TRUE: Mapping[str, Value] = {**SAID, "text": "Såret på höger fot läker.", **PLAN}


@pytest.fixture
def ward(store: Store) -> Ward:
    """One note about a right foot, and with a time; both are shown filled in."""
    ward = Ward(store).begin()
    ward.note("AAAA", TRUE)
    return ward


def shown(conn: Connection, who: Person, share: float = 1.0) -> tuple[EntryView, str, Value]:
    """The entry as a person sees it, and what is planted where."""
    view = planted(conn, who, claims.open_entry(conn, FORMS, who, "AAAA-00", NOW), share, NOW)
    row = conn.execute(select(plant).where(plant.c.login == who.login)).one_or_none()
    return view, row.field if row else "", row.value if row else None


def as_shown(view: EntryView) -> dict[str, Answer]:
    """What a person answers who confirms all that is shown, and types the rest right."""
    said = {field.spec.name: TRUE.get(field.spec.name) for field in view.fields if field.open and field.spec.kind != "printed"}
    read = {field.spec.name: Answer(field.reading.value, field.reading.state) for field in view.fields if field.open and field.reading}
    return answers(said) | {name: answer for name, answer in read.items() if name in said}


def outcomes(conn: Connection) -> list[str | None]:
    return list(conn.execute(select(plant.c.outcome).order_by(plant.c.id)).scalars())


def test_one_shown_field_is_planted_and_the_same_one_again(ward: Ward) -> None:
    with ward.store.begin() as conn:
        view, field, value = shown(conn, EVA)
        assert field in {"tid", "text"}
        differing = [one.spec.name for one in view.fields if one.reading and TRUE.get(one.spec.name) not in (None, one.reading.value)]
        assert differing == [field]
        assert shown(conn, EVA, share=0.0)[1:] == (field, value)
        assert next(one.reading.value for one in view.fields if one.spec.name == field and one.reading) == value


def test_nothing_is_planted_at_a_share_of_nought_nor_where_the_person_has_typed(ward: Ward) -> None:
    with ward.store.begin() as conn:
        assert shown(conn, EVA, share=0.0)[1] == ""
        for field in ("tid", "text", "namn", "skribent", "plan"):
            decisions.save_draft(conn, EVA, "AAAA-00", field, Answer(TRUE[field]), NOW)
        assert shown(conn, EVA)[1] == ""


def test_who_changes_it_has_caught_it(ward: Ward) -> None:
    with ward.store.begin() as conn:
        shown(conn, EVA)
        assert decisions.save_answers(conn, FORMS, EVA, "AAAA-00", 0, answers(TRUE), NOW) is EntryState.CONFIRMED
        assert outcomes(conn) == [CAUGHT]
        assert last_missed(conn, EVA, "AAAA-00") is None
        assert records.records(conn, FORMS, ["AAAA-00"])[0].fields["text"] == TRUE["text"]


def test_who_confirms_it_is_told_and_decides_anew(ward: Ward) -> None:
    with ward.store.begin() as conn:
        view, field, _ = shown(conn, EVA)
        assert decisions.save_answers(conn, FORMS, EVA, "AAAA-00", 0, as_shown(view), NOW) is EntryState.REVIEW
        assert outcomes(conn) == [MISSED]
        assert last_missed(conn, EVA, "AAAA-00") == field
        found = entry(conn, "AAAA-00")
        assert (found.state, found.revision, found.claimed_by, found.first_by) == (EntryState.REVIEW, 1, EVA.login, None)
        assert stored.decided(conn, "AAAA-00") == {}
        again, _, _ = shown(conn, EVA)
        told = next(one for one in again.fields if one.spec.name == field)
        assert told.draft is None
        assert told.reading is not None
        assert told.reading.value == TRUE[field]
        assert next(one.draft for one in again.fields if one.spec.name == "pnr") == Answer(TRUE["pnr"])
        assert decisions.save_answers(conn, FORMS, EVA, "AAAA-00", 1, answers(TRUE), NOW) is EntryState.CONFIRMED


def test_a_text_with_other_changes_gets_the_true_word_back(ward: Ward) -> None:
    with ward.store.begin() as conn:
        conn.execute(update(tables.reading).where(tables.reading.c.field == "tid").values(value=None, state="empty"))
        view, field, value = shown(conn, EVA)
        assert field == "text"
        given = as_shown(view) | {"text": Answer(f"{value} Sov gott."), "tid": Answer("08:15")}
        assert decisions.save_answers(conn, FORMS, EVA, "AAAA-00", 0, given, NOW) is EntryState.REVIEW
        draft = stored.drafts(conn, "AAAA-00", EVA.login)["text"]
        assert draft == Answer(f"{TRUE['text']} Sov gott.")


def test_who_means_what_was_planted_needs_another_person(ward: Ward) -> None:
    """The machine may have read wrongly, and the planted value may be what the paper says."""
    with ward.store.begin() as conn:
        view, field, value = shown(conn, EVA)
        decisions.save_answers(conn, FORMS, EVA, "AAAA-00", 0, as_shown(view), NOW)
        meant = answers(TRUE) | {field: Answer(value)}
        assert decisions.save_answers(conn, FORMS, EVA, "AAAA-00", 1, meant, NOW) is EntryState.SECOND
        assert records.ready(conn, FORMS, EVA) == []
        second = claims.open_entry(conn, FORMS, NILS, "AAAA-00", NOW)
        assert [one.spec.name for one in second.fields if one.open] == [field]


def test_others_see_and_decide_without_it(ward: Ward) -> None:
    with ward.store.begin() as conn:
        shown(conn, EVA)
        view = planted(conn, NILS, claims.open_entry(conn, FORMS, NILS, "AAAA-00", later(20)), 0.0, later(20))
        assert all(one.reading is None or one.reading.value == TRUE.get(one.spec.name) for one in view.fields)
        assert decisions.save_answers(conn, FORMS, NILS, "AAAA-00", 0, answers(TRUE), later(20)) is EntryState.CONFIRMED
        assert outcomes(conn) == [WITHDRAWN]


def test_a_rejected_entry_ends_it(ward: Ward) -> None:
    with ward.store.begin() as conn:
        shown(conn, EVA)
        decisions.reject(conn, EVA, "AAAA-00", 0, "dubblett", NOW)
        assert outcomes(conn) == [WITHDRAWN]


def test_an_entry_with_an_open_plant_is_no_record(ward: Ward) -> None:
    """Even if something confirms an entry past `save_answers`."""
    with ward.store.begin() as conn:
        decisions.save_answers(conn, FORMS, EVA, "AAAA-00", 0, answers(TRUE), NOW)
        row = {"entry": "AAAA-00", "login": NILS.login, "field": "tid", "value": "08:45", "state": "read", "start": 0, "end": 0, "shown_at": NOW}
        conn.execute(plant.insert().values(row))
        assert records.ready(conn, FORMS, EVA) == []
        with pytest.raises(StoreError, match="controlled"):
            records.records(conn, FORMS, ["AAAA-00"])


def test_no_decision_is_written_past_the_judgement(ward: Ward) -> None:
    with ward.store.begin() as conn:
        _, field, value = shown(conn, EVA)
        found = entry(conn, "AAAA-00")
        unjudged = {field: stored.Decided(Answer(value), stored.How.KEPT, True)}
        with pytest.raises(StoreError, match="judged"):
            decisions.decide(conn, EVA, found, unjudged, NOW, state=EntryState.CONFIRMED, first_by=EVA.login, first_at=NOW)


def test_no_planted_value_is_in_the_log(ward: Ward) -> None:
    with ward.store.begin() as conn:
        view, _, _ = shown(conn, EVA)
        decisions.save_answers(conn, FORMS, EVA, "AAAA-00", 0, as_shown(view), NOW)
        log = " ".join(str(tuple(row)) for row in conn.exec_driver_sql("SELECT * FROM event"))
        assert "vänster" not in log
        assert "plant" not in log
