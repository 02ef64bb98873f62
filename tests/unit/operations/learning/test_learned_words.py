"""Corrections teach words and who signs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from sqlalchemy import update

from pipeline.domain.errors import (
    UsageError,
)
from pipeline.domain.form.field import FieldSpec, Kind, Meaning
from pipeline.domain.model import (
    Client,
    IssuedSheet,
    Outcome,
    PrintedRow,
    Reading,
    StaffMember,
    State,
)
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import Settings
from pipeline.operations.learning import curves, words
from pipeline.operations.learning.learn import (
    LearningContext,
    export_training_set,
)
from pipeline.operations.learning.words import (
    SignedSheet,
    install_signers,
    learn_signers,
    load_learned_signers,
)
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.language.language_model import Lexicon, add_learned_words
from pipeline.review.decisions import Decision, decide_entry
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import AnswerOrigin, DecidedAnswer
from pipeline.store.paper.sheets import save_page_reading
from pipeline.store.registers import client_register
from pipeline.store.schema import paper
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    EVA,
    FORMS,
    NORTH,
    NOW,
    SAID,
    VISITS,
    Ward,
    answers,
    page_reading,
)
from tests.unit.operations.learning.learning_school import (
    PERMIT,
    SERIALS,
    Overconfident,
    confirmed,
    said_in,
    taught,
    with_reader,
)

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def school(
    store: Store, store_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> LearningContext:
    """A store to learn in, whose workspace the readers look at too."""
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(store_settings.workspace))
    return LearningContext(store, store_settings, FORMS)


def test_words_of_several_people_on_several_sheets_are_learned_and_no_names() -> None:
    fields = [said_in("Skymningsro Asta besökt", f"s{i}", f"w{i % 2}") for i in range(3)]
    fields += [
        said_in("Enstaka", "s1", "w1"),
        *(said_in("ensam hand", f"s{i}", "w1") for i in range(5)),
    ]
    found = words.find_words(fields, [ASTA])
    assert set(found) == {"skymningsro", "besökt"}


def test_learned_words_are_expected_beside_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path))
    names = Lexicon.of({"asta": 1.0})
    assert add_learned_words(names) is names
    words.install_words(tmp_path / "models", words.WordLesson({"skymningsro": 4}))
    both = add_learned_words(names)
    assert both.p("asta") == both.p("skymningsro") == 0.5


def test_an_error_noticed_in_a_field_shown_filled_in_counts_for_more() -> None:
    assert said_in("Hej", "s", "w").evidence().weight == pytest.approx(
        1 / curves.NOTICED_ERROR_SHARE
    )


def test_who_signs_often_is_expected(tmp_path: Path) -> None:
    staff = [
        StaffMember("Maria Ek", "ssk", "ME", "Norr"),
        StaffMember("Max Ehn", "usk", "MX", "Norr"),
    ]
    sheets = [SignedSheet("Norr", "maria ek", f"s{i}") for i in range(60)]
    lesson = learn_signers(sheets, staff, {f"s{i}" for i in range(20)})
    assert lesson.better
    assert lesson.sheet_counts["Norr", "ME"] == 40
    install_signers(tmp_path / "models", lesson.sheet_counts)
    assert load_learned_signers(tmp_path / "models") == lesson.sheet_counts
    assert not learn_signers(sheets, staff, {"s1", "s2"}).better
    assert load_learned_signers(tmp_path) == {}


def test_of_two_with_one_name_nobody_is_taught_to_sign_more() -> None:
    staff = [
        StaffMember("Maria Ek", "ssk", "ME", "Norr"),
        StaffMember("Maria Ek", "usk", "MAE", "Norr"),
        StaffMember("Max Ehn", "usk", "MX", "Norr"),
    ]
    sheets = [SignedSheet("Norr", "maria ek", f"s{i}") for i in range(60)]
    lesson = learn_signers(sheets, staff, {f"s{i}" for i in range(25)})
    assert not lesson.better
    assert lesson.sheet_counts == {}


def test_nobody_whose_identity_is_hidden_from_the_administrator_is_in_a_training_set(
    school: LearningContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    confirmed(school.store, 3)
    with school.store.begin() as conn:
        client_register.save_clients(conn, [Client(ASTA.pid, ASTA.name, ASTA.unit, protected=True)])
    with_reader(monkeypatch, p=0.9, wrong=0.0)
    with pytest.raises(UsageError, match="No confirmed field"):
        export_training_set(school, ADMIN, taught(school), tmp_path / "set.zip", PERMIT)


def test_no_name_is_learned_in_the_genitive_nor_of_somebody_outside_the_register() -> None:
    def said(text: str, n: int, means: Meaning | None = None) -> curves.ConfirmedField:
        spec = FieldSpec(name="f", label="f", kind=Kind.TEXT, box=(0, 0, 50, 9), means=means)
        crop = FieldImage(np.full((72, 400), 255, np.uint8), spec)
        return curves.ConfirmedField(
            crop,
            Reading("", 0.1, State.READ),
            DecidedAnswer(Answer(text), AnswerOrigin.CHANGED, True),
            f"s{n}",
            f"w{n % 2}",
        )

    fields = [said("Provbergs dotter ringde Kjellgren", n) for n in range(3)]
    fields += [said("Ulla Kjellgren", n, Meaning.CLIENT_NAME) for n in range(3)]
    assert set(words.find_words(fields, [ASTA])) == {"dotter", "ringde"}


def test_what_was_printed_in_a_field_teaches_nothing_of_handwriting(
    school: LearningContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward = Ward(school.store).begin()
    row = PrintedRow(1, ASTA.pid, (("pnr", ASTA.pid), ("tid", "0815")))
    ward.issue(IssuedSheet("RRRR", VISITS.id, VISITS.version, NORTH, None, (row,)))
    said = {
        "datum": SAID["datum"],
        "skribent": "Disa Penn",
        "rad01.pnr": ASTA.pid,
        "rad01.tid": "08:15",
        "rad01.mat": True,
    }
    upright = school.store.images.put(
        cv2.imencode(".jpg", np.full((2376, 1680), 255, np.uint8))[1].tobytes()
    )
    page = ward.scan()
    with school.store.begin() as conn:
        save_page_reading(
            conn,
            page,
            page_reading(VISITS, "RRRR", said),
            upright_sha256=upright,
            form=VISITS,
            reader_version="test 1",
        )
        decide_entry(
            conn, FORMS, EVA, Decision("RRRR-01", 0, answers({**said, "rad01.sign": None})), NOW
        )
    with_reader(monkeypatch, p=0.9, wrong=0.0)
    learned = {one.crop.spec.name for one in taught(school).fields}
    assert "rad01.mat" in learned
    assert not learned & {"rad01.pnr", "rad01.tid"}


def test_a_sheet_that_is_taken_up_again_meanwhile_is_in_no_training_set(
    school: LearningContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    confirmed(school.store, 3)
    with_reader(monkeypatch, p=0.9, wrong=0.0)
    learned = taught(school)
    with school.store.begin() as conn:
        conn.execute(update(paper.entry).values(state="granskas"))
    with pytest.raises(UsageError, match="No confirmed field"):
        export_training_set(school, ADMIN, learned, tmp_path / "set.zip", PERMIT)


def test_a_page_that_lay_badly_on_its_form_teaches_nothing(
    school: LearningContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its places are not where the form has them; its picture is kept for showing."""
    confirmed(school.store, 3)
    with school.store.begin() as conn:
        conn.execute(
            update(paper.page)
            .where(paper.page.c.serial == SERIALS[0])
            .values(outcome=Outcome.UNIDENTIFIED.value)
        )
    with_reader(monkeypatch, p=0.9, wrong=0.0)
    assert {one.sheet for one in taught(school).fields} == set(SERIALS[1:3])


def test_fields_are_read_again_as_their_page_was_read(
    school: LearningContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Boxes are held against the others of their page, and the register's names are expected in
    handwriting.
    """
    seen: list[FieldImage] = []
    reader = Overconfident(0.9, 0.0)

    def looking(crops: Sequence[FieldImage]) -> list[Reading]:
        seen.extend(crops)
        return reader(crops)

    confirmed(school.store, 1)
    monkeypatch.setattr(curves, "FIELD_READERS", dict.fromkeys(Kind, looking))
    taught(school)
    assert {crop.sheet_number for crop in seen} == {1}
    assert all(crop.expected_names.p("provberg") for crop in seen)


def test_who_signs_elsewhere_is_not_forgotten_by_whoever_sees_one_unit_only(tmp_path: Path) -> None:
    install_signers(tmp_path, {("Norr", "ME"): 40, ("Norr", "MX"): 2, ("Söder", "SO"): 7})
    install_signers(tmp_path, {("Norr", "ME"): 50})
    assert load_learned_signers(tmp_path) == {("Norr", "ME"): 50, ("Söder", "SO"): 7}


def test_who_signs_is_held_against_what_is_in_use() -> None:
    staff = [
        StaffMember("Maria Ek", "ssk", "ME", "Norr"),
        StaffMember("Max Ehn", "usk", "MX", "Norr"),
    ]
    sheets = [SignedSheet("Norr", "maria ek", f"s{i}") for i in range(60)]
    apart = {f"s{i}" for i in range(20)}
    assert learn_signers(sheets, staff, apart, {("Norr", "ME"): 10}).better
    assert not learn_signers(sheets, staff, apart, {("Norr", "ME"): 400}).better


def test_words_that_were_learned_before_stay_unless_a_client_bears_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_reader(monkeypatch, p=0.9, wrong=0.0)
    fields = [said_in("Skymningsro besökt", f"s{i}", f"w{i % 2}") for i in range(3)] + [
        said_in("Skymningsro", "s9", "w9")
    ]
    lesson = words.learn_words(
        fields, {"w9"}, [ASTA], {"gryning": 5, "skymningsro": 2, "provberg": 4}
    )
    assert lesson.words == {"gryning": 5, "skymningsro": 3, "besökt": 3}


def test_a_name_that_stands_only_on_sheets_kept_apart_is_no_word_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_reader(monkeypatch, p=0.9, wrong=0.0)
    fields = [said_in("Kjellgren ringde", f"s{i}", f"w{i % 2}") for i in range(3)]
    named = FieldSpec(
        name="f", label="f", kind=Kind.TEXT, box=(0, 0, 50, 9), means=Meaning.CLIENT_NAME
    )
    held = curves.ConfirmedField(
        FieldImage(np.full((72, 400), 255, np.uint8), named),
        Reading("", 0.1, State.READ),
        DecidedAnswer(Answer("Ulla Kjellgren"), AnswerOrigin.TYPED, True),
        "s9",
        "w9",
    )
    assert set(words.learn_words([*fields, held], {"w9"}, [ASTA]).words) == {"ringde"}
