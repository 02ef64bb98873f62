"""A page without a form, a note on plain paper or a photo of a whiteboard, is a free note with the
lines that were read.
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState, Image, Outcome, State
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import make_blank_sheets
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from pipeline.reading.read_page import NOTE_FIELD, PageReader, transcribe_page
from pipeline.registers.client_check import NO_CLIENT, ClientStatement
from pipeline.review import decisions
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from tests.support.store.ward import ASTA, EVA, NILS, NOW, Ward

pytest_plugins = ("tests.support.store.databases",)

FORMS = Forms.load(ROOT / "forms")
FREE = FORMS["fri-anteckning", 1]
SAID = "Larmet gick kl 14.30.\nAnna var hemma och mår bra.\nNy nyckel behövs till porten."


@pytest.fixture(scope="module")
def note() -> Image:
    """Handwriting on plain paper: that of a form's field, cut out without its lines, on a white
    page.
    """
    rng = np.random.default_rng(3)
    sheet, writer = make_blank_sheets(1)[0], make_writers(1, seed=11)[0]
    filled = fill_field(
        render_sheet_page(FREE, sheet, 1), FREE.pages[0], {NOTE_FIELD: SAID}, writer, rng
    )
    grey = cv2.cvtColor(filled, cv2.COLOR_BGR2GRAY) if filled.ndim == 3 else filled
    x, y, w, h = (int(side * PRINT_PX_PER_MM) for side in FREE.by_name[NOTE_FIELD].box)
    part = grey[y + 6 : y + h - 6, x + 8 : x + w - 8]
    page = np.full(grey.shape, 250, np.uint8)
    page[300 : 300 + part.shape[0], 200 : 200 + part.shape[1]] = np.where(part < 150, part, 250)
    return page


def test_lines_of_page_are_text_of_free_note(note: Image) -> None:
    assert FREE.by_name[NOTE_FIELD].kind == "lines"
    reading = transcribe_page(note)[NOTE_FIELD]
    words = str(reading.value).split()
    assert sum(word in words for word in SAID.split()) >= 0.8 * len(SAID.split())
    assert reading.words == ()  # without a form, positions would be wrong


def test_empty_page_has_no_text(note: Image) -> None:
    assert transcribe_page(np.full_like(note, 250)) == {}


def test_page_without_form_stays_unidentified_with_its_lines(note: Image) -> None:
    reading = (
        PageReader.of_forms(FORMS)
        .read(cv2.imencode(".png", note)[1].tobytes(), "image/png")
        .reading
    )
    assert reading.outcome is Outcome.UNIDENTIFIED
    assert set(reading.fields) == {NOTE_FIELD}


def test_free_note_is_confirmed_with_all_its_fields(store: Store, note: Image) -> None:
    """All fields of the free note can be entered, starting from the lines that were read."""
    ward = Ward(store).begin()
    ward.read(
        ward.scan(),
        PageReader.of_forms(FORMS)
        .read(cv2.imencode(".png", note)[1].tobytes(), "image/png")
        .reading,
    )
    with store.begin() as conn:
        view = queue.claim_next(conn, FORMS, EVA, queue.ClaimTerms(NOW))
    assert view is not None
    assert view.form is FREE
    shown = {field.spec.name: field for field in view.fields}
    assert (proposal := shown[NOTE_FIELD].reading) is not None
    assert "Anna" in str(proposal.value)
    by_hand: dict[str, str | bool] = {
        "personnummer": ASTA.pid,
        "handelsedatum": "2026-02-17",
        "handelsetid": "14:30",
        "omrade": "sol",
        "rubrik": "Lapp från larmpatrullen",
        "anteckning": SAID,
        "skribent": "Disa Penn",
        "underskrift": True,
    }
    given = {
        name: Answer(by_hand[name]) if name in by_hand else Answer(None, State.EMPTY)
        for name, field in shown.items()
        if field.is_open
    }
    assert by_hand.keys() <= given.keys()
    assert _confirmed(store, view.entry.id, given) is EntryState.CONFIRMED


def test_photo_about_no_client_is_confirmed_on_request(store: Store, note: Image) -> None:
    ward = Ward(store).begin()
    ward.read(
        ward.scan(),
        PageReader.of_forms(FORMS)
        .read(cv2.imencode(".png", note)[1].tobytes(), "image/png")
        .reading,
    )
    with store.begin() as conn:
        view = queue.claim_next(conn, FORMS, EVA, queue.ClaimTerms(NOW))
    assert view is not None
    by_hand = {
        "handelsedatum": "2026-02-17",
        "rubrik": "Whiteboard",
        "anteckning": SAID,
        "skribent": "Disa Penn",
    }
    given = {
        field.spec.name: Answer(by_hand.get(field.spec.name))
        for field in view.fields
        if field.is_open and field.spec.name in by_hand
    }
    given |= {
        field.spec.name: Answer(None, State.EMPTY)
        for field in view.fields
        if field.is_open and field.spec.name not in by_hand
    }
    assert (
        _confirmed(store, view.entry.id, given, ClientStatement(NO_CLIENT, temporary=True))
        is EntryState.CONFIRMED
    )


def _confirmed(
    store: Store, entry_id: str, given: dict[str, Answer], about: ClientStatement | None = None
) -> EntryState:
    """Decided by two people, as required for class A without machine-readable fields."""
    about = about or ClientStatement()
    with store.begin() as conn:
        assert (
            decisions.decide_entry(
                conn, FORMS, EVA, decisions.Decision(entry_id, 0, given, about=about), NOW
            )
            is EntryState.SECOND
        )
    with store.begin() as conn:
        view = queue.open_claimed_entry(conn, FORMS, NILS, entry_id, queue.ClaimTerms(NOW))
        again = {field.spec.name: given[field.spec.name] for field in view.fields if field.is_open}
        return decisions.decide_entry(
            conn,
            FORMS,
            NILS,
            decisions.Decision(entry_id, view.entry.revision, again, about=about),
            NOW,
        )
