"""A month's signing list of which only the deviations are typed: no dose is said to be given that
was not.
"""

from __future__ import annotations

import json
from base64 import b64decode

import pytest

from pipeline.domain.model import EntryState, State, Value
from pipeline.domain.record import Record, TypedPart
from pipeline.domain.review.rules import Answer
from pipeline.export.manual_entry.block import build_block
from pipeline.export.record_text import late_entry_text
from pipeline.review.decisions import Decision, decide_entry
from pipeline.store.database.store import Store
from pipeline.store.entries.entry import load_entry
from pipeline.store.entries.entry_view import load_entry_view
from pipeline.store.exports.records import load_records
from tests.support.store.export_examples import FORMS, SETTINGS, items, run, terms
from tests.support.store.targets import TARGETS
from tests.support.store.ward import ASTA, EVA, NOW, Ward, page_reading

pytest_plugins = ("tests.support.store.databases",)
FORM = FORMS.latest("signeringslista")
SIGNED: dict[str, Value] = {f"rad{line}_dag{day}": "MS" for line in (2, 4) for day in range(17, 26)}
PAPER: dict[str, Value] = (
    SIGNED
    | {
        "personnummer": ASTA.pid,
        "datum": "2021-12-17",
        "overkanslighet": "Penicillin",
        "skribent": "Disa Penn",
        "avv1_dag": "24",
        "avv1_rad": "2",
        "avv1_kod": "4",
    }
    | {
        f"rad{line}_{name}{side}": value
        for line, drug, clock in ((2, "1 Waran", "08:00"), (4, "2 Alvedon", "14:00"))
        for name, value in (("insats", drug), ("tid", clock))
        for side in ("", "_bak")
    }
    | {"rad4_dag22": None, "rad2_dag24": "4"}
    | {
        f"ord{number}_{name}": value
        for number, *ordered in (
            (1, "Waran", "2,5 mg", "1 tablett kl. 8", "2021-12-01"),
            (2, "Alvedon", "500 mg", "1 tablett kl. 14", "2021-12-01"),
            (3, "Furix", "40 mg", "1 tablett kl. 8", "2021-12-01"),
        )
        for name, value in zip(("insats", "styrka", "dos", "ordinerat"), ordered, strict=True)
    }
)
"""Alvedon is not signed on the 22nd, and the patient was away on the 24th."""
NOT_SIGNED = "Alvedon (500 mg, 1 tablett kl. 14) 14.00, 2021-12-22: inte signerad"
AWAY = "Waran (2,5 mg, 1 tablett kl. 8) 08.00, 2021-12-24: borta eller på sjukhus (4)"


@pytest.fixture
def ward(store: Store) -> Ward:
    ward = Ward(store).begin()
    for page_no in range(1, 5):
        ward.read(ward.scan(), page_reading(FORM, "SSSS", PAPER, page_no), form=FORM)
    return ward


def decide(ward: Ward, **typed: Answer) -> EntryState:
    """Answer what is asked as the paper has it, apart from `typed`."""
    with ward.store.begin() as conn:
        view = load_entry_view(conn, FORMS, EVA, "SSSS-00")
        given = {
            field.spec.name: Answer(value) if value else Answer(None, State.EMPTY)
            for field in view.fields
            if field.is_open
            for value in [PAPER.get(field.spec.name)]
        }
        decide_entry(conn, FORMS, EVA, Decision("SSSS-00", 0, given | typed), NOW)
        return load_entry(conn, "SSSS-00").state


def load(ward: Ward) -> Record:
    with ward.store.read() as conn:
        (record,) = load_records(conn, FORMS, ["SSSS-00"])
    return record


def test_a_dose_that_nobody_signed_is_in_every_text(ward: Ward) -> None:
    assert decide(ward) is EntryState.CONFIRMED
    record = load(ward)
    assert record.typed is TypedPart.DEVIATIONS
    block = build_block(items(record)[0], terms("skriv-in"))
    for text in (late_entry_text(record, SETTINGS), block.whole_text):
        assert NOT_SIGNED in text
        assert AWAY in text
        assert text.index(NOT_SIGNED) < text.index("allt annat")
    assert ("Alvedon (500 mg, 1 tablett kl. 14) 14.00, 2021-12-22", "inte signerad") in block.rows
    data = TARGETS["fhir"].make(items(record), run("fhir"), terms("fhir"))
    documents = [
        part["resource"]
        for line in data.decode().splitlines()
        for part in json.loads(line).get("entry", ())
        if part["resource"]["resourceType"] == "DocumentReference"
    ]
    assert documents
    for document in documents:
        assert NOT_SIGNED in document["description"]
        assert NOT_SIGNED in b64decode(document["content"][0]["attachment"]["data"]).decode()


def test_of_prescriptions_only_those_that_deviate_are_asked_with_strength_and_dose(
    ward: Ward,
) -> None:
    with ward.store.read() as conn:
        view = load_entry_view(conn, FORMS, EVA, "SSSS-00")
    asked = {field.spec.name for field in view.fields if field.is_open}
    assert {name for name in asked if name.startswith("ord")} == {
        f"ord{number}_{name}" for number in (1, 2) for name in ("insats", "styrka", "dos")
    }


def test_a_page_that_has_not_come_is_said_and_nothing_on_it_is_called_signed(store: Store) -> None:
    ward = Ward(store).begin()
    for page_no in range(1, 4):
        ward.read(ward.scan(), page_reading(FORM, "SSSS", PAPER, page_no), form=FORM)
    decide(ward)
    text = late_entry_text(load(ward), SETTINGS)
    assert "Sida 4 av arket har inte kommit in" in text
    assert "allt annat på de sidor som kommit in" in text
    assert "allt annat de dagar" not in text


def test_what_is_told_about_a_deviation_is_in_words_and_the_allergy_comes_along(
    ward: Ward,
) -> None:
    decide(ward)
    rows = build_block(items(load(ward))[0], terms("skriv-in")).rows
    assert ("Överkänslighet, eller INGEN KÄND", "Penicillin") in rows
    assert ("Avvikelser 1: Kod", "borta eller på sjukhus (4)") in rows
    assert ("Avvikelser 1: Rad", "Waran (2,5 mg, 1 tablett kl. 8) 08.00 (2)") in rows


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            Answer(None, State.ILLEGIBLE),
            "Alvedon (500 mg, 1 tablett kl. 14) 14.00, 2021-12-22: [oläsligt]",
        ),
        (Answer("1"), "Alvedon (500 mg, 1 tablett kl. 14) 14.00, 2021-12-22: ej given (1)"),
    ],
)
def test_another_answer_than_read_is_seen_by_two_and_said(
    ward: Ward, typed: Answer, said: str
) -> None:
    assert decide(ward, rad4_dag22=typed) is EntryState.SECOND
    assert said in late_entry_text(load(ward), SETTINGS)


def test_initials_in_a_deviation_say_that_the_dose_was_given(ward: Ward) -> None:
    assert decide(ward, rad4_dag22=Answer("MS")) is EntryState.SECOND
    record = load(ward)
    assert "2021-12-22" not in late_entry_text(record, SETTINGS)
    assert ("Alvedon (500 mg, 1 tablett kl. 14) 14.00, 2021-12-22", "MS") in build_block(
        items(record)[0], terms("skriv-in")
    ).rows
