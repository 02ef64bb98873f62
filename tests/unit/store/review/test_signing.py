"""Signing, and every version of an entry: author, transcriber, verifier and signer kept apart,
nothing ever lost.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import insert, update

from pipeline.domain.errors import NotAllowedError, ReviewError, StaleDecisionError
from pipeline.domain.form.form import Forms, SigningRule, load_signing_rules
from pipeline.domain.model import Assignment, EntryState, Person, Role
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import ROOT, Settings
from pipeline.export.record_text import late_entry_text
from pipeline.export.runs import ExportContext, count_unsigned
from pipeline.registers.staff import SAME_NAME_REASON
from pipeline.review import decisions, rejections, signing
from pipeline.review.corrections import Corrections
from pipeline.review.signing import Signing
from pipeline.store.database.store import Store
from pipeline.store.entries import queue, versions
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.exports import ready_entries, records
from pipeline.store.review import signatures
from pipeline.store.schema import paper, registers
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    EVA,
    FORMS,
    NILS,
    NORTH,
    NOW,
    PLAN,
    RULE,
    SAID,
    SOUTH,
    VISITS,
    Ward,
    answers,
    later,
    page_reading,
    whole_log,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)

SIGNED_FORMS = Forms(FORMS)
SIGNED_FORMS.signing = (RULE,)
SHARED_NAMES = Forms(FORMS)
SHARED_NAMES.signing = (RULE, RULE.model_copy(update={"version": 4, "same_name": True}))
DISA = replace(EVA, login="disa", name="Disa Penn")
NAMESAKE = {
    "login": "disa2",
    "name": "Disa Penn",
    "title": "usk",
    "role": "granskare",
    "password_hash": "-",
    "active": True,
}
ALL = {**SAID, **PLAN}


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


def confirmed(ward: Ward, serial: str = "AAAA") -> Entry:
    """A note by Disa that Eva has entered."""
    entry_id = ward.note(serial)
    with ward.store.begin() as conn:
        assert (
            decisions.decide_entry(
                conn, FORMS, EVA, decisions.Decision(entry_id, 0, answers(ALL)), NOW
            )
            is EntryState.CONFIRMED
        )
        return load_entry(conn, entry_id)


def ready(ward: Ward) -> list[str]:
    with ward.store.read() as conn:
        return ready_entries.list_ready_entries(conn, SIGNED_FORMS, EVA)


def signed(ward: Ward, person: Person, one: Entry, **said: str) -> Entry:
    with ward.store.begin() as conn:
        work(Signing, conn, person, later(5), forms=SIGNED_FORMS).sign(one.id, one.revision, **said)
        return load_entry(conn, one.id)


def test_only_signed_entries_are_ready_where_a_signature_is_needed(ward: Ward) -> None:
    one = confirmed(ward)
    with ward.store.read() as conn:
        assert ready_entries.list_ready_entries(conn, FORMS, EVA) == [one.id]
    assert count_unsigned(ExportContext(ward.store, Settings(), SIGNED_FORMS), EVA) == 1
    assert ready(ward) == []
    assert signed(ward, DISA, one).state is EntryState.SIGNED
    assert ready(ward) == [one.id]


def test_the_four_people_stay_apart(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    wrong = answers(ALL, datum=Answer("2026-02-18"))
    with ward.store.begin() as conn:
        assert (
            decisions.decide_entry(conn, FORMS, EVA, decisions.Decision(entry_id, 0, wrong), NOW)
            is EntryState.SECOND
        )
        view = queue.open_claimed_entry(conn, FORMS, NILS, entry_id, queue.ClaimTerms(NOW))
        decisions.decide_entry(
            conn,
            FORMS,
            NILS,
            decisions.Decision(entry_id, view.entry.revision, answers({"datum": SAID["datum"]})),
            later(1),
        )
        found = load_entry(conn, entry_id)
    signed(ward, DISA, found)
    with ward.store.read() as conn:
        (record,) = records.load_records(conn, SIGNED_FORMS, [entry_id])
    assert (record.author, record.entered.by) == ("Disa Penn", "Eva Ek")
    assert record.verified is not None
    assert record.signed is not None
    assert (record.verified.by, record.signed.by, record.signed_why) == ("Nils Ek", "disa", "")
    text = late_entry_text(record, Settings())
    assert all(
        words in text
        for words in (
            "av Disa Penn",
            "Inskriven av Eva Ek",
            "Kontrollerad av Nils Ek",
            "Signerad av disa",
        )
    )


def test_another_signs_only_with_a_reason(ward: Ward) -> None:
    one = confirmed(ward)
    for said in ({}, {"reason": "annat skäl"}, {"reason": "för att"}):
        with pytest.raises(ReviewError):
            signed(ward, EVA, one, **said)
    after = signed(ward, EVA, one, reason="annat skäl", text="Avliden")
    assert (after.signed_by, after.signed_why) == ("eva", "annat skäl: Avliden")
    with ward.store.read() as conn:
        (record,) = records.load_records(conn, SIGNED_FORMS, [one.id])
        assert "i stället för den som skrev (annat skäl: Avliden)" in late_entry_text(
            record, Settings()
        )
        assert "Avliden" not in whole_log(conn)
        assert [
            event.detail["own"] for event in list_events(conn, one.id) if event.action == "sign"
        ] == [False]


def test_the_list_keeps_own_notes_and_those_of_others_apart(ward: Ward) -> None:
    one = confirmed(ward)
    with ward.store.read() as conn:
        assert [
            each.id
            for each in work(Signing, conn, DISA, forms=SIGNED_FORMS).load_queue().own_entries
        ] == [one.id]
        mine = work(Signing, conn, EVA, forms=SIGNED_FORMS).load_queue()
        assert (mine.own_entries, [each.id for each in mine.other_entries]) == ((), [one.id])
        assert work(Signing, conn, DISA).load_queue() == signing.SigningQueue((), ())
        with pytest.raises(NotAllowedError):
            work(Signing, conn, ADMIN, forms=SIGNED_FORMS).load_queue()


def test_what_has_no_day_is_signed_after_what_has(ward: Ward) -> None:
    undated, dated = confirmed(ward, "AAAA"), confirmed(ward, "BBBB")
    with ward.store.begin() as conn:
        conn.execute(
            update(paper.entry).where(paper.entry.c.id == undated.id).values(event_on=None)
        )
        assert [
            each.id
            for each in work(Signing, conn, DISA, forms=SIGNED_FORMS).load_queue().own_entries
        ] == [dated.id, undated.id]


def test_a_second_key_press_signs_nothing(ward: Ward) -> None:
    one = confirmed(ward)
    signed(ward, DISA, one)
    with pytest.raises(StaleDecisionError):
        signed(ward, DISA, one)


def test_a_correction_takes_the_signature_away_and_both_are_kept(ward: Ward) -> None:
    one = signed(ward, DISA, confirmed(ward))
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA, later(9), forms=SIGNED_FORMS).correct(
            one.id, one.revision, {"text": Answer("Sov oroligt.")}, "läste fel"
        )
        after = load_entry(conn, one.id)
    assert (after.state, after.signed_by) == (EntryState.CONFIRMED, None)
    assert ready(ward) == []
    signed(ward, DISA, after)
    with ward.store.read() as conn:
        first, second = versions.list_versions(conn, EVA, one.id)
    assert (first.kind, first.by, first.reason) == ("first", "Eva Ek", "")
    assert (second.kind, second.by, second.reason) == ("correction", "Eva Ek", "läste fel")
    assert (first.answers["text"], second.answers["text"]) == (
        Answer("Sov gott."),
        Answer("Sov oroligt."),
    )
    assert first.answers["plan"] == second.answers["plan"]
    assert [len(each.signatures) for each in (first, second)] == [1, 1]


def test_a_signed_entry_is_made_void_and_not_rejected_or_undone(ward: Ward) -> None:
    one = signed(ward, DISA, confirmed(ward))
    with ward.store.begin() as conn:
        with pytest.raises(ReviewError):
            rejections.reject_entry(
                conn, EVA, rejections.Rejection(one.id, one.revision, "fel person"), later(6)
            )
        with pytest.raises(ReviewError):
            work(Corrections, conn, EVA, later(6)).undo([(one.id, one.revision)])
        work(Corrections, conn, EVA, later(6)).void(one.id, one.revision, "fel person")
        after = load_entry(conn, one.id)
        assert (after.state, after.voided) == (EntryState.REJECTED, "fel person")
        with pytest.raises(ReviewError):
            rejections.reopen_rejected(conn, EVA, one.id, after.revision)
        assert [each.kind for each in versions.list_versions(conn, EVA, one.id)] == [
            "first",
            "void",
        ]
    assert ready(ward) == []


def test_an_exported_entry_made_void_goes_out_without_a_new_signature(ward: Ward) -> None:
    from pipeline.export.runs import ExportContext
    from tests.support.store.route_steps import make_run

    one = signed(ward, DISA, confirmed(ward))
    office = ExportContext(ward.store, Settings(), SIGNED_FORMS)
    assert make_run(office, EVA, "skriv-in", later(6)) is not None
    with ward.store.begin() as conn:
        work(Corrections, conn, EVA, later(7)).void(
            one.id, load_entry(conn, one.id).revision, "fel person"
        )
    assert ready(ward) == [one.id]
    run = make_run(office, EVA, "skriv-in", later(8))
    assert run is not None
    assert run.entries == 1


def test_the_own_signature_is_taken_back_until_the_export(ward: Ward) -> None:
    one = signed(ward, DISA, confirmed(ward))
    with ward.store.begin() as conn:
        with pytest.raises(NotAllowedError):
            work(Signing, conn, EVA, later(6)).withdraw([(one.id, one.revision)])
        assert [each.id for each in signatures.list_last_signed(conn, DISA)] == [one.id]
        work(Signing, conn, DISA, later(6)).withdraw([(one.id, one.revision)])
        assert load_entry(conn, one.id).state is EntryState.CONFIRMED
        (only,) = versions.list_versions(conn, EVA, one.id)
        assert [(each.by, each.is_withdrawn) for each in only.signatures] == [
            ("disa", False),
            ("disa", True),
        ]
    assert ready(ward) == []


def rows(ward: Ward, criticality: str) -> list[Entry]:
    """Two rows of a sheet by Disa."""
    head = {"datum": SAID["datum"], "skribent": "Disa Penn"}
    row = {
        f"rad{n:02d}.{name}": value
        for n in (1, 2)
        for name, value in (("pnr", ASTA.pid), ("tid", "08:15"), ("mat", True))
    }
    form = VISITS.model_copy(update={"criticality": criticality})
    ward.read(ward.scan(), page_reading(VISITS, "RRRR", {**head, **row}))
    found = []
    with ward.store.begin() as conn:
        conn.exec_driver_sql(f"UPDATE entry SET criticality = '{form.criticality}'")
        for n in (1, 2):
            said = {
                **head,
                f"rad{n:02d}.pnr": ASTA.pid,
                f"rad{n:02d}.tid": "08:15",
                f"rad{n:02d}.mat": True,
                f"rad{n:02d}.sign": None,
            }
            decisions.decide_entry(
                conn, FORMS, EVA, decisions.Decision(f"RRRR-{n:02d}", 0, answers(said)), NOW
            )
            found.append(load_entry(conn, f"RRRR-{n:02d}"))
    return found


def test_own_rows_of_a_sheet_are_signed_together_but_never_of_class_a(ward: Ward) -> None:
    found = rows(ward, "B")
    seen = [(one.id, one.revision) for one in found]
    with ward.store.begin() as conn:
        assert work(Signing, conn, DISA, forms=SIGNED_FORMS).load_queue().same_sheet_entries(
            found[0]
        ) == tuple(found)
        with pytest.raises(ReviewError):
            work(Signing, conn, EVA, later(2), forms=SIGNED_FORMS).sign_sheet(seen)
        work(Signing, conn, DISA, later(2), forms=SIGNED_FORMS).sign_sheet(seen)
        acts = set(conn.exec_driver_sql("SELECT act, rule FROM signature").all())
        assert {load_entry(conn, one.id).state for one in found} == {EntryState.SIGNED}
    assert len(acts) == 1
    assert {rule for _, rule in acts} == {RULE.version}


def test_class_a_is_signed_one_by_one(ward: Ward) -> None:
    found = rows(ward, "A")
    with ward.store.begin() as conn:
        assert (
            work(Signing, conn, DISA, forms=SIGNED_FORMS).load_queue().same_sheet_entries(found[0])
            == ()
        )
        with pytest.raises(ReviewError):
            work(Signing, conn, DISA, later(2), forms=SIGNED_FORMS).sign_sheet(
                [(one.id, one.revision) for one in found]
            )


def test_rows_of_a_list_of_class_a_are_signed_together_where_the_rule_lets_it(ward: Ward) -> None:
    forms = Forms(FORMS)
    forms.signing = (RULE.model_copy(update={"by_sheet": frozenset({VISITS.id})}),)
    found = rows(ward, "A")
    seen = [(one.id, one.revision) for one in found]
    with ward.store.begin() as conn:
        queued = work(Signing, conn, DISA, forms=forms).load_queue()
        assert queued.same_sheet_entries(found[0]) == tuple(found)
        work(Signing, conn, DISA, later(2), forms=forms).sign_sheet(seen)
        assert {load_entry(conn, one.id).state for one in found} == {EntryState.SIGNED}


def test_the_rule_of_today_lets_lists_be_signed_by_sheet_and_no_note_or_report() -> None:
    forms = Forms.load(ROOT / "forms")
    rule = forms.signing_rule(date(2027, 1, 1))
    assert rule is not None
    assert {"signeringslista", "matvarden"} <= rule.by_sheet
    assert not {"hsl-anteckning", "palliativ-hemakt"} & rule.by_sheet
    assert not rule.requires_signature(forms.latest("avvikelse-hsl"), "HSL")


def test_rules_are_data_and_the_newest_in_force_holds() -> None:
    forms = Forms.load(ROOT / "forms")
    rule = forms.signing_rule(date(2027, 1, 1))
    assert rule is not None
    note, visits, free = (
        forms.latest(name) for name in ("hsl-anteckning", "besokslista", "fri-anteckning")
    )
    assert (rule.requires_signature(note, "HSL"), rule.requires_signature(visits, "SoL")) == (
        True,
        False,
    )
    assert (rule.requires_signature(free, "HSL"), rule.requires_signature(free, "SoL")) == (
        True,
        False,
    )
    assert forms.signing_rule(date(2000, 1, 1)) is None
    assert rule.same_name
    first = forms.signing_rule(date(2026, 1, 1))
    assert first is not None
    assert (first.version, first.same_name) == (1, False)
    later_rule = replace_rule(rule, since=date(2030, 1, 1), version=9)
    forms.signing = (*forms.signing, later_rule)
    assert forms.signing_rule(date(2031, 1, 1)) is later_rule
    assert forms.signing_rule(date(2029, 1, 1)) is rule
    assert load_signing_rules(ROOT / "forms" / "nothing.yaml") == ()


def replace_rule(rule: SigningRule, **changed: object) -> SigningRule:
    return rule.model_copy(update=changed)


def test_a_note_is_nobodys_own_where_two_bear_the_name(ward: Ward) -> None:
    with ward.store.begin() as conn:
        conn.execute(insert(registers.staff), [NAMESAKE])
    one = confirmed(ward)
    with ward.store.begin() as conn:
        assert [
            note.id
            for note in work(Signing, conn, DISA, forms=SIGNED_FORMS).load_queue().other_entries
        ] == [one.id]
        with pytest.raises(ReviewError, match="reason"):
            work(Signing, conn, DISA, later(2), forms=SIGNED_FORMS).sign(one.id, one.revision)


def test_who_shares_the_name_says_so_and_signs_the_own_note(ward: Ward) -> None:
    with ward.store.begin() as conn:
        conn.execute(insert(registers.staff), [NAMESAKE])
    one = confirmed(ward)
    with ward.store.read() as conn:
        assert work(Signing, conn, DISA, forms=SHARED_NAMES).list_reasons(one) == (
            SAME_NAME_REASON,
            *signing.SIGNING_REASONS,
        )
        assert (
            work(Signing, conn, EVA, forms=SHARED_NAMES).list_reasons(one)
            == work(Signing, conn, DISA, forms=SIGNED_FORMS).list_reasons(one)
            == signing.SIGNING_REASONS
        )
    for person, forms in ((EVA, SHARED_NAMES), (DISA, SIGNED_FORMS)):
        with ward.store.begin() as conn, pytest.raises(ReviewError, match="reason"):
            work(Signing, conn, person, later(5), forms=forms).sign(
                one.id, one.revision, reason=SAME_NAME_REASON
            )
    with ward.store.begin() as conn:
        work(Signing, conn, DISA, later(5), forms=SHARED_NAMES).sign(
            one.id, one.revision, reason=SAME_NAME_REASON
        )
        (record,) = records.load_records(conn, SHARED_NAMES, [one.id])
    told = late_entry_text(record, Settings())
    assert f"({SAME_NAME_REASON})" in told
    assert "i stället för" not in told


ASSISTANT = replace(EVA, title="assistent", areas=frozenset({"HSL"}))
TYPIST = replace(NILS, role=Role.TYPIST, title="assistent", areas=frozenset({"HSL"}))


@pytest.mark.parametrize("name", ["Disa Penn", "Eva Ek"])
def test_an_assistant_neither_signs_nor_is_asked_to(ward: Ward, name: str) -> None:
    """Issue: who typed for health care signed a nurse's note. Nor as who seems to be its author."""
    one = confirmed(ward)
    who = replace(ASSISTANT, name=name)
    with pytest.raises(NotAllowedError, match="profession"):
        signed(ward, who, one, reason="annat skäl", text="Avliden")
    with ward.store.read() as conn:
        queued = work(Signing, conn, who, forms=SIGNED_FORMS).load_queue()
        assert load_entry(conn, one.id).state is EntryState.CONFIRMED
    assert (queued.own_entries, queued.other_entries) == ((), ())


def test_what_a_typist_confirms_waits_for_its_author(ward: Ward) -> None:
    entry_id = ward.note("AAAA")
    with ward.store.begin() as conn:
        state = decisions.decide_entry(
            conn, FORMS, TYPIST, decisions.Decision(entry_id, 0, answers(ALL)), NOW
        )
        one = load_entry(conn, entry_id)
    assert state is EntryState.CONFIRMED
    assert ready(ward) == []
    with pytest.raises(NotAllowedError):
        signed(ward, TYPIST, one, reason="annat skäl", text="x")
    with pytest.raises(NotAllowedError), ward.store.begin() as conn:
        work(Signing, conn, TYPIST, forms=SIGNED_FORMS).load_queue()
    assert signed(ward, DISA, one).state is EntryState.SIGNED
    assert ready(ward) == [entry_id]


def test_a_signature_says_by_which_profession(ward: Ward) -> None:
    one = confirmed(ward)
    signed(ward, DISA, one)
    with ward.store.read() as conn:
        (event,) = [each for each in list_events(conn, one.id) if each.action == "sign"]
    assert event.detail["profession"] == "nurse"


def test_a_nurse_signs_where_she_is_a_nurse_only(ward: Ward) -> None:
    """Who scans here and is a nurse in the other unit signs nothing here."""
    one = confirmed(ward)
    nurse = Assignment(Role.REVIEWER, "sjuksköterska", frozenset({SOUTH}), frozenset({"HSL"}))
    here = replace(DISA, role=Role.ADMINISTRATOR, further=(nurse,))
    with pytest.raises(NotAllowedError, match="unit"):
        signed(ward, here, one)
    both = replace(here, further=(replace(nurse, units=frozenset({NORTH})),))
    assert signed(ward, both, one).state is EntryState.SIGNED
