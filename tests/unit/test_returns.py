"""What cannot be brought in at once: sent to another unit, asked of the author, marked as a duplicate, or about somebody outside the register."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlalchemy import update

from pipeline.client_guard import AboutClient, Choice
from pipeline.errors import ClientConflictError, MissingAnswerError, NotAllowedError, ReviewError, StaleDecisionError, UnknownClientError
from pipeline.export import TARGETS
from pipeline.export.exporter import TEMPORARY_CLIENT, Terms
from pipeline.identity import is_temporary
from pipeline.model import Client, EntryState, Person, State
from pipeline.question_list import question_list
from pipeline.review import Answer
from pipeline.settings import Settings
from pipeline.store import (
    claims,
    corrections,
    decisions,
    duplicate_marks,
    forwarding,
    lookup,
    questions,
    records,
    registers,
    rejected,
    tables,
    temporary_identities,
    undoing,
)
from pipeline.store.database import Store
from pipeline.store.duplicate_marks import Compared, in_text
from pipeline.store.entries import Entry, entry
from pipeline.store.identity_tables import client_choice
from pipeline.store.reviewed import reviewed_sheets
from tests.ward import (
    ADMIN,
    ASTA,
    BROR,
    CHIEF,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOTE,
    NOW,
    PLAN,
    SAID,
    SOFIA,
    SOUTH,
    UNKNOWN_PID,
    VISITS,
    Ward,
    answers,
    later,
    page_reading,
    whole_log,
)

pytest_plugins = ("tests.databases",)

ALL = {**SAID, **PLAN}
PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


def get(ward: Ward, entry_id: str) -> Entry:
    with ward.store.read() as conn:
        return entry(conn, entry_id)


def forward(ward: Ward, entry_id: str, who: Person, to_unit: str, why: str = "") -> None:
    revision = get(ward, entry_id).revision
    with ward.store.begin() as conn:
        forwarding.forward(conn, FORMS, who, entry_id, revision, to_unit, why, later(1))


def save(ward: Ward, entry_id: str, about: AboutClient, who: Person = EVA, changed: Mapping[str, Answer] | None = None) -> EntryState:
    revision = get(ward, entry_id).revision
    with ward.store.begin() as conn:
        return decisions.save_answers(conn, FORMS, who, entry_id, revision, answers(ALL, **(changed or {})), NOW, about=about)


def test_what_is_sent_on_turns_up_there_and_the_sender_sees_what_becomes_of_it(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    forward(ward, entry_id, EVA, SOUTH, "er pärm")
    with ward.store.begin() as conn:
        assert claims.claim_next(conn, FORMS, EVA, later(2)) is None
        view = claims.claim_next(conn, FORMS, SOFIA, later(2))
        assert view is not None
        assert view.entry.id == entry_id
        claims.view_page(conn, SOFIA, view.pages[0].id)
        with pytest.raises(NotAllowedError):
            claims.view_page(conn, EVA, view.pages[0].id)
        (sent,) = forwarding.forwarded(conn, NILS)
        assert (sent.unit_now, sent.state, sent.why, sent.by) == (SOUTH, EntryState.REVIEW, "er pärm", "Eva Ek")
        decisions.reject(conn, SOFIA, entry_id, view.entry.revision, "oläsligt", later(3))
        assert forwarding.forwarded(conn, NILS)[0].reason_now == "oläsligt"
        assert forwarding.forwarded(conn, SOFIA) == []


def test_a_row_goes_alone_and_is_sent_back(ward: Ward) -> None:
    head = {"datum": SAID["datum"], "skribent": "Disa Penn"}
    said = {**head, "rad01.pnr": ASTA.pid, "rad02.pnr": BROR.pid}
    page_id = ward.scan()
    ward.read(page_id, page_reading(VISITS, "RRRR", said))
    with ward.store.begin() as conn, pytest.raises(NotAllowedError):
        claims.view_page(conn, SOFIA, page_id)
    forward(ward, "RRRR-02", EVA, SOUTH)
    assert (get(ward, "RRRR-01").unit, get(ward, "RRRR-02").unit) == (NORTH, SOUTH)
    with ward.store.begin() as conn:
        claims.view_page(conn, SOFIA, page_id)
    forward(ward, "RRRR-02", SOFIA, NORTH, "inte vår")
    with ward.store.read() as conn:
        assert [one.unit_now for one in forwarding.forwarded(conn, EVA)] == [NORTH]


def test_a_row_that_was_sent_on_is_found_there_by_its_serial(ward: Ward) -> None:
    ward.read(ward.scan(), page_reading(VISITS, "RRRR", {"datum": SAID["datum"], "rad01.pnr": ASTA.pid, "rad02.pnr": BROR.pid}))
    forward(ward, "RRRR-02", EVA, SOUTH)
    with ward.store.begin() as conn:
        decisions.reject(conn, SOFIA, "RRRR-02", get(ward, "RRRR-02").revision, "oläsligt", later(2))
        assert [[one.id for one in sheet.entries] for sheet in lookup.sheets_of(conn, SOFIA, "RRRR")] == [["RRRR-02"]]


def test_only_open_paper_of_the_own_unit_is_sent_to_a_unit_that_there_is(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    for who, unit, error in (
        (SOFIA, NORTH, NotAllowedError),
        (CHIEF, SOUTH, NotAllowedError),
        (EVA, NORTH, ReviewError),
        (EVA, "Ingen", ReviewError),
    ):
        with pytest.raises(error):
            forward(ward, entry_id, who, unit)
    save(ward, entry_id, AboutClient())
    with pytest.raises(StaleDecisionError):
        forward(ward, entry_id, EVA, SOUTH)


def test_a_question_waits_for_its_author_and_the_answer_brings_the_entry_back(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        with pytest.raises(ReviewError):
            questions.ask_author(conn, FORMS, EVA, entry_id, 0, "  ", "", NOW)
        questions.ask_author(conn, FORMS, EVA, entry_id, 0, "Vilken fot?", "", NOW)
        (asked,) = questions.questions(conn, NILS)
        assert (asked.author, asked.text, asked.by) == ("Disa Penn", "Vilken fot?", "Eva Ek")
        assert claims.claim_next(conn, FORMS, NILS, later(1)) is None
        for said, who, at in (("", "Disa", NOW), ("Vänster", " ", NOW), ("Vänster", "Disa", later(9))):
            with pytest.raises(ReviewError):
                questions.give_answer(conn, NILS, asked.id, said, who, at, later(5))
        with pytest.raises(NotAllowedError):
            questions.give_answer(conn, SOFIA, asked.id, "Vänster", "Disa", NOW, later(5))
        questions.give_answer(conn, NILS, asked.id, "Vänster", "Disa Penn", later(3), later(5))
        assert questions.questions(conn, NILS) == []
        (done,) = questions.questions(conn, NILS, answered=True)
        (given,) = done.answers
        assert (given.text, given.answered_by, given.answered_at, given.by) == ("Vänster", "Disa Penn", later(3), "Nils Ek")
        view = claims.claim_next(conn, FORMS, NILS, later(6))
        assert view is not None
        assert view.entry.reason == questions.ANSWERED
        assert [one.answers for one in questions.questions_of(conn, NILS, entry_id)] == [done.answers]
        assert "Vilken" not in whole_log(conn)
        assert "Vänster" not in whole_log(conn)


def test_an_answer_that_an_administrator_writes_in_brings_the_entry_back_too(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        questions.ask_author(conn, FORMS, EVA, entry_id, 0, "Vilken fot?", "", NOW)
        (asked,) = questions.questions(conn, ADMIN)
        questions.give_answer(conn, ADMIN, asked.id, "Vänster", "Disa Penn", NOW, later(1))
    assert (get(ward, entry_id).state, get(ward, entry_id).reason) == (EntryState.REVIEW, questions.ANSWERED)


def test_the_list_for_an_author_names_no_client(ward: Ward) -> None:
    import subprocess

    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        questions.ask_author(conn, FORMS, EVA, entry_id, 0, "Vilken fot åsyftas?", "", NOW)
        asked = questions.questions(conn, EVA)
    data = question_list("Disa Penn", asked, FORMS, made_by="Eva Ek", made_at=NOW)
    told = subprocess.run(["pdftotext", "-layout", "-", "-"], input=data, capture_output=True, check=True).stdout.decode()
    assert all(words in told for words in ("Disa Penn", "1 fråga. Ställd av Eva Ek", "Vilken fot åsyftas?", "AAAA", NOTE.title))
    assert ASTA.pid not in told
    assert "Provberg" not in told


def test_a_mark_that_is_taken_back_late_brings_nothing_back_that_was_put_aside_for_another_reason(ward: Ward) -> None:
    first, second = ward.note("AAAA"), ward.note("BBBB")
    for entry_id in (first, second):
        save(ward, entry_id, AboutClient())
    with ward.store.begin() as conn:
        mark = duplicate_marks.mark_duplicate(
            conn, ward.store.images, EVA, second, entry(conn, second).revision, Compared(other_entry=first), "", NOW
        )
        decisions.reopen(conn, NILS, second, entry(conn, second).revision)
        decisions.reject(conn, NILS, second, entry(conn, second).revision, "fel person", later(2))
    with pytest.raises(StaleDecisionError), ward.store.begin() as conn:
        duplicate_marks.take_back_duplicate(conn, EVA, mark, later(3))
    with ward.store.read() as conn:
        assert (entry(conn, second).state, entry(conn, second).reason) == (EntryState.REJECTED, "fel person")


def test_a_question_is_listed_however_many_others_need_no_answer_any_longer(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "_MOST", 1)
    first, second = ward.note("AAAA"), ward.note("BBBB")
    with ward.store.begin() as conn:
        for entry_id in (first, second):
            questions.ask_author(conn, FORMS, EVA, entry_id, 0, "Vilken dos?", "", NOW)
        decisions.reopen(conn, NILS, first, 1)
        assert [one.entry.id for one in questions.questions(conn, EVA)] == [second]


def test_nobody_sends_on_what_a_colleague_has_on_the_screen(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        claims.open_entry(conn, FORMS, NILS, entry_id, NOW)
        with pytest.raises(StaleDecisionError):
            forwarding.forward(conn, FORMS, EVA, entry_id, 0, SOUTH, "", later(1))
        forwarding.forward(conn, FORMS, NILS, entry_id, 0, SOUTH, "", later(1))
        assert entry(conn, entry_id).unit == SOUTH


def test_a_duplicate_is_compared_marked_listed_and_taken_back(ward: Ward) -> None:
    first, second = ward.note("AAAA"), ward.note("BBBB")
    save(ward, first, AboutClient())
    with ward.store.begin() as conn:
        found = entry(conn, second)
        assert [one.id for one in duplicate_marks.alike(conn, EVA, found, [ASTA.pid], [])] == [first]
        for compared in (Compared(), Compared(text=" "), Compared(other_entry=second), Compared(picture=b"<svg>")):
            with pytest.raises(ReviewError):
                duplicate_marks.mark_duplicate(conn, ward.store.images, EVA, second, 0, compared, "", NOW)
        duplicate_marks.mark_duplicate(conn, ward.store.images, EVA, second, 0, Compared(other_entry=first, picture=PNG), "samma besök", NOW)
        (mark,) = duplicate_marks.duplicates(conn, NILS)
        assert mark.other is not None
        assert (mark.entry.id, mark.other.id, mark.why, mark.by) == (second, first, "samma besök", "Eva Ek")
        assert ward.store.images.get(str(mark.picture_sha256)) == PNG
        assert rejected.rejected(conn, NILS) == []
        with pytest.raises(NotAllowedError):
            duplicate_marks.take_back_duplicate(conn, SOFIA, mark.id, later(2))
        duplicate_marks.take_back_duplicate(conn, NILS, mark.id, later(2))
        assert duplicate_marks.duplicates(conn, NILS) == []
        assert entry(conn, second).state is EntryState.REVIEW
        rows = conn.exec_driver_sql("SELECT taken_back_by, text FROM duplicate_mark").all()
    assert rows == [("nils", "")]


def test_entries_without_a_day_push_none_with_one_off_the_list(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    found, undated, dated = (ward.note(serial) for serial in ("AAAA", "BBBB", "CCCC"))
    for each in (undated, dated):
        save(ward, each, AboutClient())
    monkeypatch.setattr(duplicate_marks, "_MOST", 1)
    with ward.store.begin() as conn:
        conn.execute(update(tables.entry).where(tables.entry.c.id == undated).values(event_on=None))
        assert [one.id for one in duplicate_marks.alike(conn, EVA, entry(conn, found), [ASTA.pid], [])] == [dated]


def test_undoing_a_mark_takes_it_back(ward: Ward) -> None:
    entry_id, same = ward.note("AAAA"), Compared(other_entry=ward.note("BBBB"))
    save(ward, entry_id, AboutClient())
    before = get(ward, entry_id)
    with ward.store.begin() as conn:
        duplicate_marks.mark_duplicate(conn, ward.store.images, EVA, entry_id, 1, same, "", later(1))
        assert undoing.undo(conn, EVA, entry_id, 2, later(2)) is EntryState.CONFIRMED
        assert conn.exec_driver_sql("SELECT taken_back_by FROM duplicate_mark").scalars().all() == ["eva"]
    assert get(ward, entry_id) == replace(before, revision=3)


def test_an_old_mark_confirms_nothing_that_was_decided_anew(ward: Ward) -> None:
    entry_id, same = ward.note("AAAA"), Compared(other_entry=ward.note("BBBB"))
    save(ward, entry_id, AboutClient())
    with ward.store.begin() as conn:
        duplicate_marks.mark_duplicate(conn, ward.store.images, EVA, entry_id, 1, same, "", later(1))
        decisions.reopen(conn, EVA, entry_id, 2)
    assert save(ward, entry_id, AboutClient(), changed={"pnr": Answer(BROR.pid), "namn": Answer(BROR.name)}) is EntryState.SECOND
    with ward.store.begin() as conn:
        new = duplicate_marks.mark_duplicate(conn, ward.store.images, EVA, entry_id, 4, same, "", later(4))
        assert [mark.id for mark in duplicate_marks.duplicates(conn, NILS)] == [new]
        duplicate_marks.take_back_duplicate(conn, NILS, new, later(5))
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
def test_values_are_looked_for_in_a_copied_text(field: str, value: str, text: str, found: bool) -> None:
    assert in_text(NOTE.by_name[field], Answer(value), text) is found


def test_there_is_nothing_to_look_for_in_an_empty_field() -> None:
    assert in_text(NOTE.by_name["text"], Answer(None, State.EMPTY), "x") is None


def test_other_rejected_entries_stay_listed(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        decisions.reject(conn, EVA, entry_id, 0, "dubblett", NOW)
        assert [one.id for one in rejected.rejected(conn, NILS)] == [entry_id]
        assert [one.id for one in rejected.rejected(conn, ADMIN)] == [entry_id]
        assert rejected.rejected(conn, SOFIA) == []
        with pytest.raises(NotAllowedError):
            rejected.rejected(conn, CHIEF)


def test_the_name_of_another_client_of_the_unit_stops_an_entry(ward: Ward) -> None:
    with ward.store.begin() as conn:
        registers.save_clients(conn, [replace(ASTA, name="Ulla Svensson"), replace(BROR, name="Bo Svensson")])
    entry_id = ward.note("AAAA", {**SAID, "namn": "Bo Svensson"})
    with pytest.raises(ClientConflictError) as error:
        save(ward, entry_id, AboutClient(choice=Choice.ASK), changed={"namn": Answer("Bo Svensson")})
    assert error.value.codes == ("name_fits_other",)
    assert save(ward, entry_id, AboutClient(choice=Choice.ASK), changed={"namn": Answer("Ulla Svensson")}) is EntryState.CONFIRMED


def test_a_conflict_stops_the_entry_until_it_is_resolved_or_handed_on(ward: Ward) -> None:
    said = {**SAID, "namn": "Bror Testlund"}
    entry_id = ward.note("AAAA", said)
    given = {"namn": Answer("Bror Testlund")}
    with pytest.raises(ClientConflictError) as error:
        save(ward, entry_id, AboutClient(choice=Choice.ASK), changed=given)
    assert (error.value.fields, error.value.codes) == (("pnr",), ("name_differs",))
    with pytest.raises(ClientConflictError):
        save(ward, entry_id, AboutClient(choice=Choice.LENT_SHEET), changed=given)
    assert get(ward, entry_id).state is EntryState.REVIEW
    assert save(ward, entry_id, AboutClient(choice=Choice.SLIP, why="smeknamn"), changed=given) is EntryState.CONFIRMED
    with ward.store.read() as conn:
        (row,) = conn.execute(client_choice.select()).all()
        assert (row.entry, row.codes, row.choice, row.why, row.by) == (entry_id, ["name_differs"], "slip", "smeknamn", "eva")
        assert "smeknamn" not in whole_log(conn)
    other = ward.note("BBBB", said)
    assert save(ward, other, AboutClient(), changed=given) is EntryState.SECOND


def test_the_second_person_is_asked_too(ward: Ward) -> None:
    entry_id = ward.note("AAAA", {**SAID, "namn": "Bror Testlund"})
    given = {"namn": Answer("Bror Testlund")}
    assert save(ward, entry_id, AboutClient(), changed=given) is EntryState.SECOND
    with pytest.raises(ClientConflictError):
        save(ward, entry_id, AboutClient(choice=Choice.ASK), NILS)
    assert save(ward, entry_id, AboutClient(choice=Choice.SLIP), NILS) is EntryState.CONFIRMED


def test_a_correction_to_another_client_is_guarded(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    save(ward, entry_id, AboutClient())
    revision = get(ward, entry_id).revision
    for field, value in (("pnr", BROR.pid), ("namn", BROR.name)):
        with pytest.raises(ClientConflictError), ward.store.begin() as conn:
            corrections.correct(conn, FORMS, EVA, entry_id, revision, {field: Answer(value)}, "fel", NOW, about=AboutClient(choice=Choice.ASK))
    with ward.store.begin() as conn:
        state = corrections.correct(conn, FORMS, EVA, entry_id, revision, {"namn": Answer(BROR.name)}, "fel", NOW)
    assert state is EntryState.SECOND


def test_a_temporary_identity_needs_a_reason_and_another_person(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    gone = {"pnr": Answer(None, State.ILLEGIBLE)}
    with pytest.raises(MissingAnswerError):
        save(ward, entry_id, AboutClient(), changed=gone)
    with pytest.raises(MissingAnswerError):
        save(ward, entry_id, AboutClient(temporary=True), changed=gone)
    about = AboutClient("numret går inte att läsa", "Asta P", temporary=True)
    assert save(ward, entry_id, about, changed=gone) is EntryState.SECOND
    with ward.store.begin() as conn:
        (one,) = temporary_identities.temporary_identities(conn, EVA)
        assert (one.entry.id, one.name, one.reason) == (entry_id, "Asta P", about.outside)
        assert is_temporary(one.number)
        assert temporary_identities.temporary_identities(conn, SOFIA) == []
        decisions.save_answers(conn, FORMS, NILS, entry_id, one.entry.revision, {"pnr": Answer(one.number)}, later(1))
        assert entry(conn, entry_id).client_pid == one.number
        assert len(temporary_identities.temporary_identities(conn, EVA)) == 1
        assert one.number not in whole_log(conn)
        (sheet,) = reviewed_sheets(conn, ADMIN)
        assert "pnr" not in sheet.answers
        (record,) = records.records(conn, FORMS, [entry_id])
    assert TARGETS["besok"].unfit(record, Terms(Settings(), FORMS)) == TEMPORARY_CLIENT
    assert TARGETS["skriv-in"].unfit(record, Terms(Settings(), FORMS)) == ""


def test_a_temporary_identity_is_held_against_the_name_that_it_was_first_given_with(ward: Ward) -> None:
    first, other = ward.note("AAAA"), ward.note("BBBB", {**SAID, "namn": "Bror Testlund"})
    assert save(ward, first, AboutClient("ny klient", temporary=True), changed={"pnr": Answer(None, State.ILLEGIBLE)}) is EntryState.SECOND
    with ward.store.read() as conn:
        (given,) = temporary_identities.temporary_identities(conn, EVA)
    changed = {"pnr": Answer(given.number), "namn": Answer("Bror Testlund")}
    with pytest.raises(ClientConflictError):
        save(ward, other, AboutClient(choice=Choice.ASK), changed=changed)
    assert save(ward, other, AboutClient(choice=Choice.SLIP, why="kallas så"), changed=changed) is EntryState.SECOND
    with ward.store.read() as conn:
        assert [(row.entry, row.codes) for row in conn.execute(client_choice.select())] == [(other, ["name_differs"])]


@pytest.mark.parametrize("number", ["TILLF0123456", "TILLFACDEFHJ"])
def test_a_temporary_identity_that_was_never_given_is_nobody(ward: Ward, number: str) -> None:
    entry_id = ward.note("AAAA")
    with pytest.raises(UnknownClientError):
        save(ward, entry_id, AboutClient(), changed={"pnr": Answer(number)})
    assert get(ward, entry_id).state is EntryState.REVIEW


@pytest.mark.parametrize("number", ["12345678/9", "AB-123456"])
def test_somebody_with_a_local_number_that_the_register_lacks_can_be_confirmed(ward: Ward, number: str) -> None:
    entry_id = ward.note("AAAA")
    with pytest.raises(UnknownClientError):
        save(ward, entry_id, AboutClient(), changed={"pnr": Answer(number)})
    assert save(ward, entry_id, AboutClient("utländsk eller utan personnummer", "Asta P"), changed={"pnr": Answer(number)}) is EntryState.SECOND
    with ward.store.read() as conn:
        assert temporary_identities.temporary_identities(conn, EVA)[0].number == number.replace("-", "")


def test_an_entry_moves_to_the_client_whom_the_register_has_by_then(ward: Ward) -> None:
    entry_id = ward.note("AAAA", {**SAID, "pnr": UNKNOWN_PID, "namn": "Doris Nyström"})
    given = {"pnr": Answer(UNKNOWN_PID), "namn": Answer("Doris Nyström")}
    with pytest.raises(UnknownClientError):
        save(ward, entry_id, AboutClient(), changed=given)
    assert save(ward, entry_id, AboutClient("ny klient"), changed=given) is EntryState.CONFIRMED
    new = Client(UNKNOWN_PID, "Doris Nyström", NORTH)
    with ward.store.begin() as conn:
        assert temporary_identities.temporary_identities(conn, EVA)[0].candidates == ()
        registers.save_clients(conn, [new])
        (one,) = temporary_identities.temporary_identities(conn, EVA)
        assert one.candidates == (new,)
        corrections.correct(conn, FORMS, EVA, entry_id, one.entry.revision, {"pnr": Answer(new.pid)}, "finns nu", later(5))
        assert temporary_identities.temporary_identities(conn, EVA) == []
        settled = conn.exec_driver_sql("SELECT settled_by FROM temporary_identity").scalar_one()
    assert settled == "eva"


def test_a_gap_is_not_pushed_off_the_list_by_rows_that_were_empty(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejected, "_MOST", 1)
    gap, empty = ward.note("AAAA"), ward.note("BBBB")
    with ward.store.begin() as conn:
        decisions.reject(conn, EVA, gap, 0, "oläsligt", NOW)
        decisions.reject(conn, EVA, empty, 0, "tom rad", later(1))
        assert [one.id for one in rejected.rejected(conn, NILS)] == [gap]
