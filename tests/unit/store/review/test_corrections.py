"""What cannot be brought in at once: sent to another unit, asked of the author, marked as a
duplicate, or about somebody outside the register.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from sqlalchemy import update

from pipeline.domain.errors import (
    ClientConflictError,
    MissingAnswerError,
    NotAllowedError,
    ReviewError,
    StaleDecisionError,
    UnknownClientError,
)
from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.model import Client, EntryState, Person, State
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import Settings
from pipeline.export.exporter import TEMPORARY_CLIENT, ExportOptions
from pipeline.export.targets import TARGETS
from pipeline.registers.client_check import ClientStatement, ConflictChoice
from pipeline.reporting.author_questions import make_question_list
from pipeline.store.database.store import Store
from pipeline.store.entries import client_check, closed_entries, queue
from pipeline.store.entries.closed_entries import list_reviewed_sheets
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.exports import records
from pipeline.store.paper import lookup
from pipeline.store.registers import client_register
from pipeline.store.review import corrections, decisions, duplicate_entries, questions, transfers
from pipeline.store.review.duplicate_entries import ComparisonSource, is_value_in_text
from pipeline.store.schema import paper
from pipeline.store.schema.review import client_choice
from tests.support.store.ward import (
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
from tests.support.texts import in_swedish

pytest_plugins = ("tests.support.store.databases",)

ALL = {**SAID, **PLAN}
PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


def get(ward: Ward, entry_id: str) -> Entry:
    with ward.store.read() as conn:
        return load_entry(conn, entry_id)


def forward(ward: Ward, entry_id: str, who: Person, to_unit: str, why: str = "") -> None:
    revision = get(ward, entry_id).revision
    with ward.store.begin() as conn:
        transfers.transfer_entry(conn, FORMS, who, entry_id, revision, to_unit, why, later(1))


def save(
    ward: Ward,
    entry_id: str,
    about: ClientStatement,
    who: Person = EVA,
    changed: Mapping[str, Answer] | None = None,
) -> EntryState:
    revision = get(ward, entry_id).revision
    with ward.store.begin() as conn:
        return decisions.decide_entry(
            conn, FORMS, who, entry_id, revision, answers(ALL, **(changed or {})), NOW, about=about
        )


def test_what_is_sent_on_turns_up_there_and_the_sender_sees_what_becomes_of_it(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    forward(ward, entry_id, EVA, SOUTH, "er pärm")
    with ward.store.begin() as conn:
        assert queue.claim_next(conn, FORMS, EVA, later(2)) is None
        view = queue.claim_next(conn, FORMS, SOFIA, later(2))
        assert view is not None
        assert view.entry.id == entry_id
        queue.record_page_view(conn, SOFIA, view.pages[0].id)
        with pytest.raises(NotAllowedError):
            queue.record_page_view(conn, EVA, view.pages[0].id)
        (sent,) = transfers.list_transferred(conn, NILS)
        assert (sent.current_unit, sent.state, sent.reason, sent.by) == (
            SOUTH,
            EntryState.REVIEW,
            "er pärm",
            "Eva Ek",
        )
        decisions.reject_entry(conn, SOFIA, entry_id, view.entry.revision, "oläsligt", later(3))
        assert transfers.list_transferred(conn, NILS)[0].current_reason == "oläsligt"
        assert transfers.list_transferred(conn, SOFIA) == []


def test_a_row_goes_alone_and_is_sent_back(ward: Ward) -> None:
    head = {"datum": SAID["datum"], "skribent": "Disa Penn"}
    said = {**head, "rad01.pnr": ASTA.pid, "rad02.pnr": BROR.pid}
    page_id = ward.scan()
    ward.read(page_id, page_reading(VISITS, "RRRR", said))
    with ward.store.begin() as conn, pytest.raises(NotAllowedError):
        queue.record_page_view(conn, SOFIA, page_id)
    forward(ward, "RRRR-02", EVA, SOUTH)
    assert (get(ward, "RRRR-01").unit, get(ward, "RRRR-02").unit) == (NORTH, SOUTH)
    with ward.store.begin() as conn:
        queue.record_page_view(conn, SOFIA, page_id)
    forward(ward, "RRRR-02", SOFIA, NORTH, "inte vår")
    with ward.store.read() as conn:
        assert [one.current_unit for one in transfers.list_transferred(conn, EVA)] == [NORTH]


def test_a_row_that_was_sent_on_is_found_there_by_its_serial(ward: Ward) -> None:
    ward.read(
        ward.scan(),
        page_reading(
            VISITS, "RRRR", {"datum": SAID["datum"], "rad01.pnr": ASTA.pid, "rad02.pnr": BROR.pid}
        ),
    )
    forward(ward, "RRRR-02", EVA, SOUTH)
    with ward.store.begin() as conn:
        decisions.reject_entry(
            conn, SOFIA, "RRRR-02", get(ward, "RRRR-02").revision, "oläsligt", later(2)
        )
        assert [
            [one.id for one in sheet.entries] for sheet in lookup.find_sheets(conn, SOFIA, "RRRR")
        ] == [["RRRR-02"]]


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
    save(ward, entry_id, ClientStatement())
    with pytest.raises(StaleDecisionError):
        forward(ward, entry_id, EVA, SOUTH)


def test_a_question_waits_for_its_author_and_the_answer_brings_the_entry_back(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        with pytest.raises(ReviewError):
            questions.ask_author(conn, FORMS, EVA, entry_id, 0, "  ", "", NOW)
        questions.ask_author(conn, FORMS, EVA, entry_id, 0, "Vilken fot?", "", NOW)
        (asked,) = questions.list_questions(conn, NILS)
        assert (asked.author, asked.text, asked.by) == ("Disa Penn", "Vilken fot?", "Eva Ek")
        assert queue.claim_next(conn, FORMS, NILS, later(1)) is None
        for said, who, at in (
            ("", "Disa", NOW),
            ("Vänster", " ", NOW),
            ("Vänster", "Disa", later(9)),
        ):
            with pytest.raises(ReviewError):
                questions.save_author_answer(conn, NILS, asked.id, said, who, at, later(5))
        with pytest.raises(NotAllowedError):
            questions.save_author_answer(conn, SOFIA, asked.id, "Vänster", "Disa", NOW, later(5))
        questions.save_author_answer(
            conn, NILS, asked.id, "Vänster", "Disa Penn", later(3), later(5)
        )
        assert questions.list_questions(conn, NILS) == []
        (done,) = questions.list_questions(conn, NILS, answered=True)
        (given,) = done.answers
        assert (given.text, given.answered_by, given.answered_at, given.by) == (
            "Vänster",
            "Disa Penn",
            later(3),
            "Nils Ek",
        )
        view = queue.claim_next(conn, FORMS, NILS, later(6))
        assert view is not None
        assert view.entry.reason == questions.ANSWERED_REASON
        assert [one.answers for one in questions.list_entry_questions(conn, NILS, entry_id)] == [
            done.answers
        ]
        assert "Vilken" not in whole_log(conn)
        assert "Vänster" not in whole_log(conn)


def test_an_answer_that_an_administrator_writes_in_brings_the_entry_back_too(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        questions.ask_author(conn, FORMS, EVA, entry_id, 0, "Vilken fot?", "", NOW)
        (asked,) = questions.list_questions(conn, ADMIN)
        questions.save_author_answer(conn, ADMIN, asked.id, "Vänster", "Disa Penn", NOW, later(1))
    assert (get(ward, entry_id).state, get(ward, entry_id).reason) == (
        EntryState.REVIEW,
        questions.ANSWERED_REASON,
    )


def test_the_list_for_an_author_names_no_client(ward: Ward) -> None:
    import subprocess

    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        questions.ask_author(conn, FORMS, EVA, entry_id, 0, "Vilken fot åsyftas?", "", NOW)
        asked = questions.list_questions(conn, EVA)
    data = make_question_list("Disa Penn", asked, FORMS, made_by="Eva Ek", made_at=NOW)
    told = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=data, capture_output=True, check=True
    ).stdout.decode()
    assert all(
        words in told
        for words in (
            "Disa Penn",
            "1 fråga. Ställd av Eva Ek",
            "Vilken fot åsyftas?",
            "AAAA",
            NOTE.title,
        )
    )
    assert ASTA.pid not in told
    assert "Provberg" not in told


def test_a_mark_that_is_taken_back_late_brings_nothing_back_that_was_put_aside_for_another_reason(
    ward: Ward,
) -> None:
    first, second = ward.note("AAAA"), ward.note("BBBB")
    for entry_id in (first, second):
        save(ward, entry_id, ClientStatement())
    with ward.store.begin() as conn:
        mark = duplicate_entries.mark_duplicate(
            conn,
            ward.store.images,
            EVA,
            second,
            load_entry(conn, second).revision,
            ComparisonSource(other_entry=first),
            "",
            NOW,
        )
        decisions.reopen_rejected(conn, NILS, second, load_entry(conn, second).revision)
        decisions.reject_entry(
            conn, NILS, second, load_entry(conn, second).revision, "fel person", later(2)
        )
    with pytest.raises(StaleDecisionError), ward.store.begin() as conn:
        duplicate_entries.withdraw_duplicate_mark(conn, EVA, mark, later(3))
    with ward.store.read() as conn:
        assert (load_entry(conn, second).state, load_entry(conn, second).reason) == (
            EntryState.REJECTED,
            "fel person",
        )


def test_a_question_is_listed_however_many_others_need_no_answer_any_longer(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "_MAX_QUESTIONS", 1)
    first, second = ward.note("AAAA"), ward.note("BBBB")
    with ward.store.begin() as conn:
        for entry_id in (first, second):
            questions.ask_author(conn, FORMS, EVA, entry_id, 0, "Vilken dos?", "", NOW)
        decisions.reopen_rejected(conn, NILS, first, 1)
        assert [one.entry.id for one in questions.list_questions(conn, EVA)] == [second]


def test_nobody_sends_on_what_a_colleague_has_on_the_screen(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        queue.open_claimed_entry(conn, FORMS, NILS, entry_id, NOW)
        with pytest.raises(StaleDecisionError):
            transfers.transfer_entry(conn, FORMS, EVA, entry_id, 0, SOUTH, "", later(1))
        transfers.transfer_entry(conn, FORMS, NILS, entry_id, 0, SOUTH, "", later(1))
        assert load_entry(conn, entry_id).unit == SOUTH


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
                duplicate_entries.mark_duplicate(
                    conn, ward.store.images, EVA, second, 0, compared, "", NOW
                )
        duplicate_entries.mark_duplicate(
            conn,
            ward.store.images,
            EVA,
            second,
            0,
            ComparisonSource(other_entry=first, picture=PNG),
            "samma besök",
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
            duplicate_entries.withdraw_duplicate_mark(conn, SOFIA, mark.id, later(2))
        duplicate_entries.withdraw_duplicate_mark(conn, NILS, mark.id, later(2))
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
        duplicate_entries.mark_duplicate(
            conn, ward.store.images, EVA, entry_id, 1, same, "", later(1)
        )
        assert corrections.undo_decision(conn, EVA, entry_id, 2, later(2)) is EntryState.CONFIRMED
        assert conn.exec_driver_sql("SELECT taken_back_by FROM duplicate_mark").scalars().all() == [
            "eva"
        ]
    assert get(ward, entry_id) == replace(before, revision=3)


def test_an_old_mark_confirms_nothing_that_was_decided_anew(ward: Ward) -> None:
    entry_id, same = ward.note("AAAA"), ComparisonSource(other_entry=ward.note("BBBB"))
    save(ward, entry_id, ClientStatement())
    with ward.store.begin() as conn:
        duplicate_entries.mark_duplicate(
            conn, ward.store.images, EVA, entry_id, 1, same, "", later(1)
        )
        decisions.reopen_rejected(conn, EVA, entry_id, 2)
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
        new = duplicate_entries.mark_duplicate(
            conn, ward.store.images, EVA, entry_id, 4, same, "", later(4)
        )
        assert [mark.id for mark in duplicate_entries.list_duplicate_marks(conn, NILS)] == [new]
        duplicate_entries.withdraw_duplicate_mark(conn, NILS, new, later(5))
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
        decisions.reject_entry(conn, EVA, entry_id, 0, "dubblett", NOW)
        assert [one.id for one in closed_entries.list_rejected(conn, NILS)] == [entry_id]
        assert [one.id for one in closed_entries.list_rejected(conn, ADMIN)] == [entry_id]
        assert closed_entries.list_rejected(conn, SOFIA) == []
        with pytest.raises(NotAllowedError):
            closed_entries.list_rejected(conn, CHIEF)


def test_the_name_of_another_client_of_the_unit_stops_an_entry(ward: Ward) -> None:
    with ward.store.begin() as conn:
        client_register.save_clients(
            conn, [replace(ASTA, name="Ulla Svensson"), replace(BROR, name="Bo Svensson")]
        )
    entry_id = ward.note("AAAA", {**SAID, "namn": "Bo Svensson"})
    with pytest.raises(ClientConflictError) as error:
        save(
            ward,
            entry_id,
            ClientStatement(choice=ConflictChoice.ASK),
            changed={"namn": Answer("Bo Svensson")},
        )
    assert error.value.codes == ("name_fits_other",)
    assert (
        save(
            ward,
            entry_id,
            ClientStatement(choice=ConflictChoice.ASK),
            changed={"namn": Answer("Ulla Svensson")},
        )
        is EntryState.CONFIRMED
    )


def test_a_conflict_stops_the_entry_until_it_is_resolved_or_handed_on(ward: Ward) -> None:
    said = {**SAID, "namn": "Bror Testlund"}
    entry_id = ward.note("AAAA", said)
    given = {"namn": Answer("Bror Testlund")}
    with pytest.raises(ClientConflictError) as error:
        save(ward, entry_id, ClientStatement(choice=ConflictChoice.ASK), changed=given)
    assert (error.value.fields, error.value.codes) == (("pnr",), ("name_differs",))
    with pytest.raises(ClientConflictError):
        save(ward, entry_id, ClientStatement(choice=ConflictChoice.LENT_SHEET), changed=given)
    assert get(ward, entry_id).state is EntryState.REVIEW
    assert (
        save(
            ward,
            entry_id,
            ClientStatement(choice=ConflictChoice.SLIP, why="smeknamn"),
            changed=given,
        )
        is EntryState.CONFIRMED
    )
    with ward.store.read() as conn:
        (row,) = conn.execute(client_choice.select()).all()
        assert (row.entry, row.codes, row.choice, row.why, row.by) == (
            entry_id,
            ["name_differs"],
            "slip",
            "smeknamn",
            "eva",
        )
        assert "smeknamn" not in whole_log(conn)
    other = ward.note("BBBB", said)
    assert save(ward, other, ClientStatement(), changed=given) is EntryState.SECOND


def test_the_second_person_is_asked_too(ward: Ward) -> None:
    entry_id = ward.note("AAAA", {**SAID, "namn": "Bror Testlund"})
    given = {"namn": Answer("Bror Testlund")}
    assert save(ward, entry_id, ClientStatement(), changed=given) is EntryState.SECOND
    with pytest.raises(ClientConflictError):
        save(ward, entry_id, ClientStatement(choice=ConflictChoice.ASK), NILS)
    assert (
        save(ward, entry_id, ClientStatement(choice=ConflictChoice.SLIP), NILS)
        is EntryState.CONFIRMED
    )


def test_a_correction_to_another_client_is_guarded(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    save(ward, entry_id, ClientStatement())
    revision = get(ward, entry_id).revision
    for field, value in (("pnr", BROR.pid), ("namn", BROR.name)):
        with pytest.raises(ClientConflictError), ward.store.begin() as conn:
            corrections.correct_entry(
                conn,
                FORMS,
                EVA,
                entry_id,
                revision,
                {field: Answer(value)},
                "fel",
                NOW,
                about=ClientStatement(choice=ConflictChoice.ASK),
            )
    with ward.store.begin() as conn:
        state = corrections.correct_entry(
            conn, FORMS, EVA, entry_id, revision, {"namn": Answer(BROR.name)}, "fel", NOW
        )
    assert state is EntryState.SECOND


def test_a_temporary_identity_needs_a_reason_and_another_person(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    gone = {"pnr": Answer(None, State.ILLEGIBLE)}
    with pytest.raises(MissingAnswerError):
        save(ward, entry_id, ClientStatement(), changed=gone)
    with pytest.raises(MissingAnswerError):
        save(ward, entry_id, ClientStatement(temporary=True), changed=gone)
    about = ClientStatement("numret går inte att läsa", "Asta P", temporary=True)
    assert save(ward, entry_id, about, changed=gone) is EntryState.SECOND
    with ward.store.begin() as conn:
        (one,) = client_check.list_temporary_identities(conn, EVA)
        assert (one.entry.id, one.name, one.reason) == (entry_id, "Asta P", about.outside)
        assert is_temporary_pid(one.number)
        assert client_check.list_temporary_identities(conn, SOFIA) == []
        decisions.decide_entry(
            conn, FORMS, NILS, entry_id, one.entry.revision, {"pnr": Answer(one.number)}, later(1)
        )
        assert load_entry(conn, entry_id).client_pid == one.number
        assert len(client_check.list_temporary_identities(conn, EVA)) == 1
        assert one.number not in whole_log(conn)
        (sheet,) = list_reviewed_sheets(conn, ADMIN)
        assert "pnr" not in sheet.answers
        (record,) = records.load_records(conn, FORMS, [entry_id])
    assert (
        TARGETS["besok"].unsupported_reason(record, ExportOptions(Settings(), FORMS))
        == TEMPORARY_CLIENT
    )
    assert (
        in_swedish(TARGETS["skriv-in"].unsupported_reason(record, ExportOptions(Settings(), FORMS)))
        == ""
    )


def test_a_temporary_identity_is_held_against_the_name_that_it_was_first_given_with(
    ward: Ward,
) -> None:
    first, other = ward.note("AAAA"), ward.note("BBBB", {**SAID, "namn": "Bror Testlund"})
    assert (
        save(
            ward,
            first,
            ClientStatement("ny klient", temporary=True),
            changed={"pnr": Answer(None, State.ILLEGIBLE)},
        )
        is EntryState.SECOND
    )
    with ward.store.read() as conn:
        (given,) = client_check.list_temporary_identities(conn, EVA)
    changed = {"pnr": Answer(given.number), "namn": Answer("Bror Testlund")}
    with pytest.raises(ClientConflictError):
        save(ward, other, ClientStatement(choice=ConflictChoice.ASK), changed=changed)
    assert (
        save(
            ward,
            other,
            ClientStatement(choice=ConflictChoice.SLIP, why="kallas så"),
            changed=changed,
        )
        is EntryState.SECOND
    )
    with ward.store.read() as conn:
        assert [(row.entry, row.codes) for row in conn.execute(client_choice.select())] == [
            (other, ["name_differs"])
        ]


@pytest.mark.parametrize("number", ["TILLF0123456", "TILLFACDEFHJ"])
def test_a_temporary_identity_that_was_never_given_is_nobody(ward: Ward, number: str) -> None:
    entry_id = ward.note("AAAA")
    with pytest.raises(UnknownClientError):
        save(ward, entry_id, ClientStatement(), changed={"pnr": Answer(number)})
    assert get(ward, entry_id).state is EntryState.REVIEW


@pytest.mark.parametrize("number", ["12345678/9", "AB-123456"])
def test_somebody_with_a_local_number_that_the_register_lacks_can_be_confirmed(
    ward: Ward, number: str
) -> None:
    entry_id = ward.note("AAAA")
    with pytest.raises(UnknownClientError):
        save(ward, entry_id, ClientStatement(), changed={"pnr": Answer(number)})
    assert (
        save(
            ward,
            entry_id,
            ClientStatement("utländsk eller utan personnummer", "Asta P"),
            changed={"pnr": Answer(number)},
        )
        is EntryState.SECOND
    )
    with ward.store.read() as conn:
        assert client_check.list_temporary_identities(conn, EVA)[0].number == number.replace(
            "-", ""
        )


def test_an_entry_moves_to_the_client_whom_the_register_has_by_then(ward: Ward) -> None:
    entry_id = ward.note("AAAA", {**SAID, "pnr": UNKNOWN_PID, "namn": "Doris Nyström"})
    given = {"pnr": Answer(UNKNOWN_PID), "namn": Answer("Doris Nyström")}
    with pytest.raises(UnknownClientError):
        save(ward, entry_id, ClientStatement(), changed=given)
    assert save(ward, entry_id, ClientStatement("ny klient"), changed=given) is EntryState.CONFIRMED
    new = Client(UNKNOWN_PID, "Doris Nyström", NORTH)
    with ward.store.begin() as conn:
        assert client_check.list_temporary_identities(conn, EVA)[0].candidates == ()
        client_register.save_clients(conn, [new])
        (one,) = client_check.list_temporary_identities(conn, EVA)
        assert one.candidates == (new,)
        corrections.correct_entry(
            conn,
            FORMS,
            EVA,
            entry_id,
            one.entry.revision,
            {"pnr": Answer(new.pid)},
            "finns nu",
            later(5),
        )
        assert client_check.list_temporary_identities(conn, EVA) == []
        settled = conn.exec_driver_sql("SELECT settled_by FROM temporary_identity").scalar_one()
    assert settled == "eva"


def test_a_gap_is_not_pushed_off_the_list_by_rows_that_were_empty(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closed_entries, "_MAX_REJECTED", 1)
    gap, empty = ward.note("AAAA"), ward.note("BBBB")
    with ward.store.begin() as conn:
        decisions.reject_entry(conn, EVA, gap, 0, "oläsligt", NOW)
        decisions.reject_entry(conn, EVA, empty, 0, "tom rad", later(1))
        assert [one.id for one in closed_entries.list_rejected(conn, NILS)] == [gap]
