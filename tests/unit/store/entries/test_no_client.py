"""Paper about no client: a meeting, a diary, a photo of a whiteboard. It is reviewed, exported and
counted without a personal number.
"""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.cli.printing import print_form
from pipeline.domain.errors import MissingAnswerError, NotAllowedError, UsageError
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.law.permissions import default_areas
from pipeline.domain.model import EntryState, Outcome, PageReading, Reading, Role, State, Value
from pipeline.domain.record import Record
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import Settings
from pipeline.export.exporter import ExportOptions, Item
from pipeline.export.manual_entry.printed_list import ManualEntryListExporter
from pipeline.forms.layout.form import place_outline
from pipeline.forms.layout.outline import Outline
from pipeline.forms.library import dump_form
from pipeline.registers.client_check import NO_CLIENT, ClientStatement
from pipeline.review import decisions
from pipeline.review.corrections import Corrections
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.exports import records
from pipeline.store.reports.backlog import load_backlog
from pipeline.store.review.duplicate_entries import find_similar_entries
from tests.support.form_rules import form_problem_texts
from tests.support.store.export_examples import run
from tests.support.store.ward import (
    ASTA,
    CHIEF,
    EVA,
    FREE,
    NILS,
    NORTH,
    NOTE,
    NOW,
    PLAN,
    SAID,
    Ward,
    answers,
    page_reading,
    person,
)
from tests.support.store.work import work

pytest_plugins = ("tests.support.store.databases",)


def _form(form_id: str, *sections: dict[str, object]) -> Form:
    law = [{"ref": "FL 27 §", "source": "SFS 2017:900"}]
    told = {
        "id": form_id,
        "version": 1,
        "title": form_id.capitalize(),
        "area": "ADM",
        "criticality": "C",
        "subject": "none",
        "law": law,
    }
    form = place_outline(
        Outline.model_validate(
            told
            | {"entries": "sheet", "sections": [*sections, {"use": "event"}, {"use": "author"}]}
        )
    )
    assert form_problem_texts(form) == []
    return form


MEETING = _form(
    "mote",
    {
        "title": "Beslut",
        "rows": [[{"name": "beslut", "label": "Beslut", "kind": "lines", "lines": 4}]],
    },
)
CALL = _form("samtal", {"use": "client"})
FORMS = Forms({(form.id, form.version): form for form in (MEETING, CALL, FREE, NOTE)})
MET: Mapping[str, Value] = {
    "beslut": "Extra bemanning.",
    "handelsedatum": "2026-02-17",
    "handelsetid": "08:15",
    "skribent": "Disa Penn",
}


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store).begin()


def _read(ward: Ward, form: Form, serial: str, said: Mapping[str, Value]) -> str:
    ward.read(ward.scan(), page_reading(form, serial, said), form)
    return f"{serial}-00"


def _get(ward: Ward, entry_id: str) -> Entry:
    with ward.store.read() as conn:
        return load_entry(conn, entry_id)


def _given(form: Form, said: Mapping[str, Value]) -> dict[str, Answer]:
    return answers(
        {spec.name: said.get(spec.name) for spec in form.fields if spec.kind != "printed"}
    )


def _save(
    ward: Ward, entry_id: str, given: Mapping[str, Answer], about: ClientStatement | None = None
) -> EntryState:
    with ward.store.begin() as conn:
        seen = load_entry(conn, entry_id)
        state = decisions.decide_entry(
            conn,
            FORMS,
            EVA,
            decisions.Decision(entry_id, seen.revision, given, about=about or ClientStatement()),
            NOW,
        )
    if state is not EntryState.SECOND:
        return state
    with ward.store.begin() as conn:
        view = queue.open_claimed_entry(conn, FORMS, NILS, entry_id, queue.ClaimTerms(NOW))
        disputed = {
            field.spec.name: given.get(field.spec.name, Answer(None, State.EMPTY))
            for field in view.fields
            if field.is_open
        }
        return decisions.decide_entry(
            conn,
            FORMS,
            NILS,
            decisions.Decision(
                entry_id, view.entry.revision, disputed, about=about or ClientStatement()
            ),
            NOW,
        )


def _records(ward: Ward, *entry_ids: str) -> list[Record]:
    with ward.store.begin() as conn:
        return records.load_records(conn, FORMS, entry_ids)


def test_a_meeting_is_confirmed_and_keyed_in_without_a_client(ward: Ward) -> None:
    entry_id = _read(ward, MEETING, "AAAA", MET)
    assert _save(ward, entry_id, _given(MEETING, MET)) is EntryState.CONFIRMED
    assert (
        _get(ward, entry_id).subject,
        _get(ward, entry_id).event_on,
        _get(ward, entry_id).area,
    ) == ("none", "2026-02-17", "ADM")
    (made,) = _records(ward, entry_id)
    assert (made.client.pid, made.area) == ("", "ADM")
    told = _key_in(made)
    assert "Gäller ingen klient" in told
    assert "Personnummer saknas" not in told
    assert "Extra bemanning." in told


def _key_in(*made: Record) -> str:
    items = [Item(number, record) for number, record in enumerate(made, 1)]
    data = ManualEntryListExporter("skriv-in").make(
        items, run("skriv-in"), ExportOptions(Settings(), FORMS)
    )
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=data, capture_output=True, check=True
    ).stdout.decode()


def test_it_is_nobodys_hole_in_a_record(ward: Ward) -> None:
    _read(ward, MEETING, "AAAA", MET)
    with ward.store.begin() as conn:
        assert (load_backlog(conn, CHIEF).markers, load_backlog(conn, CHIEF).unknown) == ((), 0)
    ward.note("BBBB", dict(SAID) | {"pnr": None})
    with ward.store.begin() as conn:
        assert load_backlog(conn, CHIEF).unknown == 1


def test_a_meeting_is_a_duplicate_of_one_of_the_same_day_only(ward: Ward) -> None:
    first, second = (_read(ward, MEETING, serial, MET) for serial in ("AAAA", "AAAB"))
    other = _read(ward, MEETING, "AAAC", {**MET, "handelsedatum": "2026-02-18"})
    _save(ward, first, _given(MEETING, MET))
    with ward.store.read() as conn:
        assert [
            one.id
            for one in find_similar_entries(
                conn, EVA, load_entry(conn, second), days=["2026-02-17"]
            )
        ] == [first]
        assert find_similar_entries(conn, EVA, load_entry(conn, other), days=["2026-02-18"]) == []


def test_a_call_may_or_may_not_be_about_a_client(ward: Ward) -> None:
    said = {name: value for name, value in MET.items() if name != "beslut"}
    nobody, asta = (_read(ward, CALL, serial, said) for serial in ("AAAA", "AAAB"))
    assert _save(ward, nobody, _given(CALL, said)) is EntryState.CONFIRMED
    assert (
        _save(ward, asta, _given(CALL, {**said, "personnummer": ASTA.pid, "namn": ASTA.name}))
        is EntryState.CONFIRMED
    )
    assert [(_get(ward, one).subject, _get(ward, one).client_pid) for one in (nobody, asta)] == [
        ("none", None),
        ("client", ASTA.pid),
    ]
    told = _key_in(*_records(ward, nobody, asta))
    assert "Gäller ingen klient" in told
    assert ASTA.pid in told


def test_an_unknown_paper_is_about_nobody_only_if_a_person_says_so(ward: Ward) -> None:
    ward.read(ward.scan(), PageReading(Outcome.UNIDENTIFIED, None))
    with ward.store.begin() as conn:
        view = queue.claim_next(conn, FORMS, EVA, queue.ClaimTerms(NOW))
    assert view is not None
    assert view.form is FREE
    given = _given(FREE, {**SAID, "pnr": None, "namn": None})
    with pytest.raises(MissingAnswerError):
        _save(ward, view.entry.id, given)
    assert (
        _save(ward, view.entry.id, given, ClientStatement(NO_CLIENT, temporary=True))
        is EntryState.CONFIRMED
    )
    assert (_get(ward, view.entry.id).subject, _get(ward, view.entry.id).client_pid) == (
        "none",
        None,
    )


def test_a_client_who_was_a_mistake_is_taken_away(ward: Ward) -> None:
    ward.read(ward.scan(), PageReading(Outcome.UNIDENTIFIED, None))
    with ward.store.begin() as conn:
        view = queue.claim_next(conn, FORMS, EVA, queue.ClaimTerms(NOW))
    assert view is not None
    _save(ward, view.entry.id, _given(FREE, SAID))
    none = {name: Answer(None, State.EMPTY) for name in ("pnr", "namn")}
    about = ClientStatement(NO_CLIENT, temporary=True)
    with ward.store.begin() as conn:
        revision = load_entry(conn, view.entry.id).revision
        work(Corrections, conn, EVA, forms=FORMS).correct(
            view.entry.id, revision, none, "gällde ingen", about=about
        )
        decisions.decide_entry(
            conn,
            FORMS,
            person("ulla"),
            decisions.Decision(view.entry.id, revision + 1, {"pnr": none["pnr"]}, about=about),
            NOW,
        )
    (made,) = _records(ward, view.entry.id)
    assert (made.client.pid, _get(ward, view.entry.id).client_pid) == ("", None)


def test_a_form_that_requires_a_number_is_never_about_nobody(ward: Ward) -> None:
    content = NOTE.model_dump(mode="json")
    content["pages"][0]["fields"][1]["required"] = True
    FORMS["anteckning", 1] = Form.model_validate(content)
    try:
        entry_id = ward.note("AAAA", dict(SAID) | {"pnr": None})
        with pytest.raises(MissingAnswerError):
            _save(
                ward,
                entry_id,
                answers({**SAID, **PLAN, "pnr": None}),
                ClientStatement(NO_CLIENT, temporary=True),
            )
    finally:
        FORMS["anteckning", 1] = NOTE


def test_paper_of_the_office_is_for_those_whose_work_it_is(ward: Ward) -> None:
    entry_id = _read(ward, MEETING, "AAAA", MET)
    nurse = person("karin", areas=default_areas(Role.REVIEWER, "sjuksköterska"))
    registrar = person("rita", areas=default_areas(Role.REVIEWER, "registrator"))
    with ward.store.begin() as conn, pytest.raises(NotAllowedError, match="another area of law"):
        queue.open_claimed_entry(conn, FORMS, nurse, entry_id, queue.ClaimTerms(NOW))
    with ward.store.begin() as conn:
        assert (
            queue.open_claimed_entry(
                conn, FORMS, registrar, entry_id, queue.ClaimTerms(NOW)
            ).entry.id
            == entry_id
        )


def test_a_form_about_no_client_is_not_printed_for_clients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "forms" / "mote").mkdir(parents=True)
    (tmp_path / "forms" / "mote" / "form.yaml").write_text(dump_form(MEETING), "utf-8")
    (tmp_path / "klienter.csv").write_text(
        f"personnummer;namn;enhet\n{ASTA.pid};{ASTA.name};{NORTH}\n", "utf-8"
    )
    monkeypatch.setenv("EFTERSKRIFT_FORMS", str(tmp_path / "forms"))
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))
    with pytest.raises(UsageError, match="about no client"):
        print_form("mote", tmp_path / "ut.pdf", clients=tmp_path / "klienter.csv")
    assert not (tmp_path / "ut.pdf").exists()


def test_a_call_with_a_number_that_nobody_has_read_is_somebodys_hole(ward: Ward) -> None:
    said = {name: value for name, value in MET.items() if name != "beslut"}
    reading = page_reading(CALL, "AAAA", said)
    number = Reading("189001019802", 0.5, State.READ)
    ward.read(
        ward.scan(),
        dataclasses.replace(reading, fields={**reading.fields, "personnummer": number}),
        CALL,
    )
    with ward.store.begin() as conn:
        assert load_backlog(conn, CHIEF).unknown == 1


def test_a_call_that_two_people_say_is_about_nobody_is_no_hole_in_the_record_that_the_machine_read(
    ward: Ward,
) -> None:
    said = {name: value for name, value in MET.items() if name != "beslut"}
    entry_id = _read(ward, CALL, "AAAA", {**said, "personnummer": ASTA.pid})
    assert (
        _save(ward, entry_id, _given(CALL, said), ClientStatement(NO_CLIENT, temporary=True))
        is EntryState.CONFIRMED
    )
    with ward.store.begin() as conn:
        assert load_backlog(conn, CHIEF).markers == ()


def test_a_number_that_nobody_can_read_is_not_nobodys(ward: Ward) -> None:
    said = {**{name: value for name, value in MET.items() if name != "beslut"}, "namn": ASTA.name}
    entry_id = _read(ward, CALL, "AAAA", {**said, "personnummer": ASTA.pid})
    given = {**_given(CALL, said), "personnummer": Answer(None, State.ILLEGIBLE)}
    with pytest.raises(MissingAnswerError):
        _save(ward, entry_id, given)
    assert (
        _save(
            ward,
            entry_id,
            given,
            ClientStatement("numret går inte att läsa", ASTA.name, temporary=True),
        )
        is EntryState.CONFIRMED
    )
    assert _get(ward, entry_id).subject == "client"
