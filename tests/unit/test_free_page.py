"""A page that nobody can identify, a note on plain paper or a photo of a whiteboard, is a free note with the lines that the machine read as help."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from pipeline.client_guard import NOBODY, AboutClient
from pipeline.digitize import Reader
from pipeline.free_page import TRANSCRIBED, transcribed
from pipeline.model import EntryState, Image, Outcome, State
from pipeline.printing import issue
from pipeline.quality.filling import PX_PER_MM, fill, printed_page
from pipeline.quality.hands import hands
from pipeline.review import Answer
from pipeline.settings import ROOT
from pipeline.store import claims, decisions
from pipeline.store.database import Store
from pipeline.template import Forms
from tests.ward import ASTA, EVA, NILS, NOW, Ward

pytest_plugins = ("tests.databases",)

FORMS = Forms.load(ROOT / "forms")
FREE = FORMS["fri-anteckning", 1]
SAID = "Larmet gick kl 14.30.\nAnna var hemma och mår bra.\nNy nyckel behövs till porten."


@pytest.fixture(scope="module")
def note() -> Image:
    """Handwriting on plain paper: what stands in a form's field, cut out without its lines and laid on a white page."""
    rng = np.random.default_rng(3)
    sheet, hand = issue(1)[0], hands(1, seed=11)[0]
    filled = fill(printed_page(FREE, sheet, 1), FREE.pages[0], {TRANSCRIBED: SAID}, hand, rng)
    grey = cv2.cvtColor(filled, cv2.COLOR_BGR2GRAY) if filled.ndim == 3 else filled
    x, y, w, h = (int(side * PX_PER_MM) for side in FREE.by_name[TRANSCRIBED].box)
    part = grey[y + 6 : y + h - 6, x + 8 : x + w - 8]
    page = np.full(grey.shape, 250, np.uint8)
    page[300 : 300 + part.shape[0], 200 : 200 + part.shape[1]] = np.where(part < 150, part, 250)
    return page


def test_the_lines_of_a_page_are_the_free_notes_text(note: Image) -> None:
    assert FREE.by_name[TRANSCRIBED].kind == "lines"
    reading = transcribed(note)[TRANSCRIBED]
    words = str(reading.value).split()
    assert sum(word in words for word in SAID.split()) >= 0.8 * len(SAID.split())
    assert reading.words == ()  # the page lies on no form: places would be wrong


def test_an_empty_page_says_nothing(note: Image) -> None:
    assert transcribed(np.full_like(note, 250)) == {}


def test_a_page_of_no_form_is_kept_unidentified_with_its_lines(note: Image) -> None:
    reading = Reader.of_forms(FORMS).read(cv2.imencode(".png", note)[1].tobytes(), "image/png").reading
    assert reading.outcome is Outcome.UNIDENTIFIED
    assert set(reading.fields) == {TRANSCRIBED}


def test_it_is_confirmed_with_title_person_author_times_and_text(store: Store, note: Image) -> None:
    """Everything that the free note asks for can be said by hand, and the lines are shown to start from."""
    ward = Ward(store).begin()
    ward.read(ward.scan(), Reader.of_forms(FORMS).read(cv2.imencode(".png", note)[1].tobytes(), "image/png").reading)
    with store.begin() as conn:
        view = claims.claim_next(conn, FORMS, EVA, NOW)
    assert view is not None
    assert view.form is FREE
    shown = {field.spec.name: field for field in view.fields}
    assert (said := shown[TRANSCRIBED].reading) is not None
    assert "Anna" in str(said.value)
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
    given = {name: Answer(by_hand[name]) if name in by_hand else Answer(None, State.EMPTY) for name, field in shown.items() if field.open}
    assert by_hand.keys() <= given.keys()
    assert _confirmed(store, view.entry.id, given) is EntryState.CONFIRMED


def test_a_photo_about_nobody_is_confirmed_when_a_person_says_so(store: Store, note: Image) -> None:
    ward = Ward(store).begin()
    ward.read(ward.scan(), Reader.of_forms(FORMS).read(cv2.imencode(".png", note)[1].tobytes(), "image/png").reading)
    with store.begin() as conn:
        view = claims.claim_next(conn, FORMS, EVA, NOW)
    assert view is not None
    by_hand = {"handelsedatum": "2026-02-17", "rubrik": "Whiteboard", "anteckning": SAID, "skribent": "Disa Penn"}
    given = {field.spec.name: Answer(by_hand.get(field.spec.name)) for field in view.fields if field.open and field.spec.name in by_hand}
    given |= {field.spec.name: Answer(None, State.EMPTY) for field in view.fields if field.open and field.spec.name not in by_hand}
    assert _confirmed(store, view.entry.id, given, AboutClient(NOBODY, temporary=True)) is EntryState.CONFIRMED


def _confirmed(store: Store, entry_id: str, given: dict[str, Answer], about: AboutClient | None = None) -> EntryState:
    """Decided by two people, as a paper of class A needs whose fields no machine could read."""
    about = about or AboutClient()
    with store.begin() as conn:
        assert decisions.save_answers(conn, FORMS, EVA, entry_id, 0, given, NOW, about=about) is EntryState.SECOND
    with store.begin() as conn:
        view = claims.open_entry(conn, FORMS, NILS, entry_id, NOW)
        again = {field.spec.name: given[field.spec.name] for field in view.fields if field.open}
        return decisions.save_answers(conn, FORMS, NILS, entry_id, view.entry.revision, again, NOW, about=about)
