"""Granska tells when an entry is due by law and which numbers do not add up, once the person has
typed what they rest on; Kö lists what is due.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np
import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from pipeline.domain.errors import RecountError
from pipeline.domain.form.field import Kind
from pipeline.domain.form.form import Deadline, Form
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import (
    EntryState,
    Outcome,
    PageReading,
    Person,
    Reading,
    Role,
    SheetCode,
    State,
    Value,
)
from pipeline.domain.record import OutageKind
from pipeline.domain.review.rules import Answer, asked_fields
from pipeline.forms.fiducials import new_serial
from pipeline.preparation.digital_forms.form_file import DigitalPack
from pipeline.registers.outages import OutagePeriod
from pipeline.review import decisions
from pipeline.store.accounts import own_choices, people
from pipeline.store.database.sampling_key import digital_form_secret
from pipeline.store.database.store import Store
from pipeline.store.entries import sheet_entries as sheets
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.paper import pages
from pipeline.store.paper.pages import NewPage
from pipeline.store.registers.planning import save_outage
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.paper import event
from tests.contract.forms.test_digital_notes import Ward
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import ADMINISTRATOR, CLIENTS, MANAGER, NURSE, UNIT
from tests.support.store.passwords import hashed
from tests.unit.ui.conftest import OpenScreen
from tests.unit.ui.review.test_review_screen import state, type_all
from ui.screens.review import entry_header

OFFICER = Person(
    "ines", "Ines Falk", "socialsekreterare", Role.REVIEWER, frozenset({UNIT}), ALL_AREAS
)
OTHER_OFFICER = Person(
    "ivar", "Ivar Rask", "socialsekreterare", Role.REVIEWER, frozenset({UNIT}), ALL_AREAS
)

CUSTODY: Mapping[str, Value] = {
    "personnummer": seeding.CLIENTS[0].pid,
    "namn": CLIENTS[0].name,
    "beslutsdatum": "2021-12-17",
    "beslutstid": "14:20",
    "beslutsfattare": "Berit Norr",
    "beslutat_av": "ordforande",
    "skal": "Akut situation i hemmet.",
    "skribent": "Ines Falk",
    "underskrift": True,
}
CALCULATION: Mapping[str, Value] = {
    "personnummer": seeding.CLIENTS[0].pid,
    "namn": CLIENTS[0].name,
    "manad": "202412",
    "hushall": "ensamstaende",
    "antal": "1",
    "norm_vuxna": "3000",
    "norm_gemensamt": "1000",
    "norm_summa": "4000",
    "hyra": "6200",
    "el": "300",
    "kostnad_summa": "6400",
    "inkomst_summa": "0",
    "utfall": "underskott",
    "resultat": "10400",
    "handelsedatum": "2021-12-20",
    "skribent": "Ines Falk",
    "underskrift": True,
}
"""A calculation of a year without a table, in which costs are added up wrongly: 6200 + 300 is 6500.
"""


@pytest.fixture(autouse=True)
def officers(store: Store) -> None:
    """Two case officers of the unit, who know their way about."""
    with store.begin() as conn:
        for person in (OFFICER, OTHER_OFFICER):
            people.save_person(conn, person, hashed("papper och penna"))
            own_choices.close_guide(conn, person.login, utc_now())


def add(store: Store, form_id: str, values: Mapping[str, Value]) -> str:
    """A filled sheet of a form, all its pages read as they are; answers with its entry's id."""
    form, serial = seeding.forms().latest(form_id), new_serial()
    with store.begin() as conn:
        batch = pages.create_batch(conn, UNIT, "Pärm 9", MANAGER.login)
        for number, page in enumerate(form.pages, start=1):
            code = SheetCode(form.id, form.version, number, len(form.pages), serial)
            read = {
                spec.name: _reading(spec.kind, values.get(spec.name)) for spec in page.all_fields
            }
            image = store.images.put(_picture(f"{serial} {number}"))
            new = NewPage(batch, number, "bunt.pdf", number, None, image, "image/jpeg")
            page_id = pages.add_page(conn, new, MANAGER.login)
            found = PageReading(Outcome.READ, code, 0.0, 0.1, (), read)
            sheets.save_page_reading(
                conn, page_id, found, upright_sha256=image, form=form, reader_version="test"
            )
    return f"{serial}-00"


def _picture(text: str) -> bytes:
    """Paper that is like no other page's."""
    paper = cv2.putText(
        np.full((297, 210), 255, np.uint8), text, (20, 150), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0,), 1
    )
    done, data = cv2.imencode(".jpg", paper)
    assert done
    return data.tobytes()


def _reading(kind: Kind, value: Value) -> Reading:
    return (
        Reading.empty(0.995, False if kind is Kind.MARK else None)
        if value in (None, False)
        else Reading(value, 0.995, State.READ)
    )


def type_critical(bench: Bench, form_id: str, values: Mapping[str, Value]) -> Bench:
    """Type what the paper says into every field that is keyed blind; what is empty is left
    alone.
    """
    for spec in seeding.forms().latest(form_id).fields:
        if spec.critical and values.get(spec.name) is not None:
            bench.type(spec.name, str(values[spec.name]))
    return bench


def facts(bench: Bench) -> str:
    """The lines about the entry, and what they say of themselves."""
    return "\n".join(f"{fact['text']} {fact['passed']}" for fact in bench.card["facts"])


def test_the_last_day_is_told_when_the_day_of_the_decision_is_typed_and_not_before(
    store: Store, open_screen: OpenScreen
) -> None:
    add(store, "lvu-omhandertagande", CUSTODY)
    bench = Bench(open_screen(OFFICER, "review"))
    assert "Sista dagen visas när du har skrivit ”Beslutsdatum”" in facts(bench)
    sent = bench.sent()
    assert [shown for shown in ("2021-12-17", "2021-12-24", "24 dec") if shown in sent] == []
    bench.type("beslutsdatum", "20211217").act("draft")
    assert "Ska vara hos förvaltningsrätten senast fre 24 dec. 2021" in facts(bench)
    assert "dagen har passerat" in facts(bench)
    bench.type("beslutsdatum", "202112").act("draft")
    assert "Sista dagen visas" in facts(bench)


def test_a_wrong_sum_stops_once_and_then_another_person_looks(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = add(store, "normberakning", CALCULATION)
    bench = Bench(open_screen(OFFICER, "review"))
    type_critical(bench, "normberakning", CALCULATION).save()
    with store.read() as conn:
        assert load_entry(conn, entry_id).state is EntryState.REVIEW
    (error,) = [text for text in bench.errors().values() if "delarna blir 6\xa0500" in text]
    assert "Summa kostnader: delarna blir 6\xa0500." in error
    assert "spara en gång till" in error
    bench.save()
    with store.read() as conn:
        found = load_entry(conn, entry_id)
    assert found.state is EntryState.SECOND
    said = facts(Bench(open_screen(OTHER_OFFICER, "review")))
    assert "delarna blir 6" in said
    assert "det finns ingen riksnorm för 2024" in said
    assert "är inte kontrollerade" in said


def test_figures_that_add_up_are_confirmed_at_once(store: Store, open_screen: OpenScreen) -> None:
    right = {**CALCULATION, "kostnad_summa": "6500", "resultat": "10500"}
    entry_id = add(store, "normberakning", right)
    type_critical(Bench(open_screen(OFFICER, "review")), "normberakning", right).save()
    with store.read() as conn:
        assert load_entry(conn, entry_id).state is EntryState.CONFIRMED


OF_2025 = {
    **CALCULATION,
    "manad": "202201",
    "norm_vuxna": "3910",
    "norm_gemensamt": "1270",
    "norm_summa": "5180",
    "kostnad_summa": "6500",
    "resultat": "11680",
}
"""The norm of 2025 for a month of 2022."""


def test_the_norm_of_another_year_stops_each_person_until_they_say_that_it_stands_so(
    store: Store, open_screen: OpenScreen
) -> None:
    entry_id = add(store, "normberakning", OF_2025)
    for person, after in (
        (OFFICER, EntryState.SECOND),
        (OTHER_OFFICER, EntryState.CONFIRMED),
    ):
        before, bench = _load(store, entry_id).state, Bench(open_screen(person, "review"))
        asked = set(bench.names)
        for spec in seeding.forms().latest("normberakning").fields:
            if spec.critical and spec.name in asked and spec.name in OF_2025:
                bench.type(spec.name, str(OF_2025[spec.name]))
        bench.save()
        assert _load(store, entry_id).state is before
        assert "beloppen är 2025 års riksnorm, men månaden är 2022-01." in str(bench.errors())
        bench.save()
        assert _load(store, entry_id).state is after
    with store.read() as conn:
        said = conn.execute(
            select(event.c.by).where(event.c.action == "confirm_norm_year").order_by(event.c.id)
        ).scalars()
        assert list(said) == [OFFICER.login, OTHER_OFFICER.login]


def test_the_store_itself_decides_no_norm_of_another_year_unasked(store: Store) -> None:
    entry_id = add(store, "normberakning", OF_2025)
    forms = seeding.forms()
    answers = {
        spec.name: Answer(OF_2025[spec.name]) if spec.name in OF_2025 else Answer(None, State.EMPTY)
        for spec in asked_fields(forms.latest("normberakning"), None)
    }
    with store.begin() as conn, pytest.raises(RecountError, match="norm"):
        decisions.decide_entry(
            conn, forms, OFFICER, decisions.Decision(entry_id, 0, answers), utc_now()
        )
    assert _load(store, entry_id).state is EntryState.REVIEW


def _load(store: Store, entry_id: str) -> Entry:
    with store.read() as conn:
        return load_entry(conn, entry_id)


def sent_to(app: AppTest) -> str:
    """All that the browser got of a screen, as text."""
    return "\n".join(str(element.proto) for element in app.main)


def test_what_has_passed_by_law_is_listed_on_request_the_nearest_first(
    store: Store, open_screen: OpenScreen
) -> None:
    app = open_screen(MANAGER, "progress")
    assert "förvaltningsrätten" not in sent_to(app)
    add(store, "lvu-omhandertagande", CUSTODY)
    add(store, "lvm-omhandertagande", CUSTODY)
    app = open_screen(MANAGER, "progress")
    assert "2 lagfrister har passerat." in sent_to(app)
    app.button(key="deadlines_passed").click().run()
    assert not app.exception
    sent = sent_to(app)
    assert sent.index("senast lör 18 dec. 2021") < sent.index("senast fre 24 dec. 2021")
    assert CLIENTS[0].name not in sent


def test_each_deadline_has_its_line_and_one_that_is_met_comes_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(entry_header, "current_language", lambda: "sv")
    form = _custody_with_deadlines()
    entry = SimpleNamespace(row=None)
    view = SimpleNamespace(form=form, entry=entry, is_second_review=False, fields=(), met_rules=())
    answers = {
        "beslutsdatum": Answer("2021-12-17"),
        "understallt_datum": Answer("2021-12-20"),
    }
    lines = entry_header.deadline_facts(cast(EntryView, view), answers)
    assert ["14 jan. 2022" in line.text for line in lines] == [True, False]
    assert "Gjort mån 20 dec. 2021" in lines[1].text
    assert "efter sista dagen" not in lines[1].text
    answers["understallt_datum"] = Answer("2021-12-27")
    late = entry_header.deadline_facts(cast(EntryView, view), answers)[1]
    assert "efter sista dagen" in late.text


def _custody_with_deadlines() -> Form:
    """A custody decision with two deadlines, the first of which is met by the day it was sent."""
    form = seeding.forms()[("lvu-omhandertagande", 1)]
    first = Deadline(rule="lvu-understallning", day="beslutsdatum", met="understallt_datum")
    second = Deadline(rule="lvu-ansokan", day="beslutsdatum")
    return form.model_copy(update={"deadline": None, "deadlines": (first, second)})


def test_what_an_author_typed_is_told_with_its_source_and_each_oddity_once(
    store: Store, open_screen: OpenScreen, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    with store.begin() as conn:
        pack = DigitalPack(seeding.UNIT, date(2021, 12, 1), digital_form_secret(conn), "abcd")
    ward = Ward(store, tmp_path / "in", pack)
    values = {
        "datum": "2021-12-18",
        "skribent": "Bo Ek",
        "rad01.start": "23:40",
        "rad01.slut": "00:20",
        "rad01.personnummer": seeding.CLIENTS[0].pid,
    }
    ward.take_in(ward.note(seeding.forms().latest("besokslista"), values, replaces="0123456Z"))
    card = Bench(open_screen(seeding.NURSE, "review")).card
    assert "Skrivet på dator av Nina Berglund, ssk" in card["origin"]
    assert "Författaren har rättat 0123-456Z" in card["notices"][0]
    assert [text for text in card["notices"] if "sluttid" in text] == []
    assert [fact["text"] for fact in card["facts"] if "sluttid" in fact["text"]] == [
        "Start: Klockslaget är efter sluttiden."
    ]


def test_a_day_long_before_the_outage_is_asked_about_and_may_be_so(
    store: Store, open_screen: OpenScreen
) -> None:
    """In January people write last year's number."""
    start = datetime(2022, 1, 10, tzinfo=UTC)
    with store.begin() as conn:
        period = OutagePeriod("", "", OutageKind.DOWN, start, start + timedelta(days=3))
        save_outage(conn, ADMINISTRATOR, period, utc_now())
    entry_id = seeding.add_notes(store, 1)[0]
    bench = type_all(Bench(open_screen(NURSE, "review"))).act("draft")
    assert "långt före avbrottet, som började 2022-01-10" in str(bench.card["facts"])
    bench.save()
    assert state(store, entry_id) is EntryState.REVIEW
    assert list(bench.errors()) == ["handelsedatum"] == [bench.card["focus"]]
    assert bench.errors()["handelsedatum"].endswith(
        "Rätt år? Jämför med papperet. Står det så där, spara en gång till."
    )
    bench.save()
    assert state(store, entry_id) is EntryState.CONFIRMED, "nobody else has to look"
