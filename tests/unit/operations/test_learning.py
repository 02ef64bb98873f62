"""Corrections teach: probabilities, words, who signs; nothing worse is installed, and a training
set is made only with a stated purpose.
"""

from __future__ import annotations

import errno
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.errors import (
    MissingProgramError,
    NotAllowedError,
    NothingLearnedError,
    StoreError,
    StoreUnavailableError,
    UsageError,
)
from pipeline.domain.form.field import FieldSpec, Format, Kind, Meaning
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
    LearningResult,
    export_training_set,
    install_learned,
    learn_from_entries,
)
from pipeline.operations.learning.training_set import TrainingPermit, write_training_set
from pipeline.operations.learning.words import (
    SignedSheet,
    SignerLesson,
    WordLesson,
    install_signers,
    learn_signers,
    load_learned_signers,
)
from pipeline.reading.calibration.curves import CalibrationCurve, installed_curves
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.language.language_model import Lexicon, add_learned_words
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import AnswerOrigin, DecidedAnswer
from pipeline.store.event_log.events import list_events
from pipeline.store.paper.sheets import save_page_reading
from pipeline.store.registers import client_register
from pipeline.store.review.decisions import decide_entry
from pipeline.store.schema import paper
from tests.support.store.ward import (
    ADMIN,
    ASTA,
    EVA,
    FORMS,
    FREE,
    NORTH,
    NOW,
    SAID,
    VISITS,
    Ward,
    answers,
    page_reading,
)

pytest_plugins = ("tests.support.store.databases",)

SERIALS = [f"{i:07d}X" for i in range(70)]
PERMIT = TrainingPermit(
    "Träna nätet på kommunens egen handstil",
    "Samtycke enligt artikel 6.1 a",
    "Alla skribenter har skrivit under",
    True,
    "admin",
    NOW,
)


class Overconfident:
    """Says what the paper says but for a share of the fields, always with the same p."""

    def __init__(self, p: float, wrong: float) -> None:
        self.p, self.wrong, self.random = p, wrong, np.random.default_rng(3)

    def __call__(self, crops: Sequence[FieldImage]) -> list[Reading]:
        return [self._read(crop.spec) for crop in crops]

    def _read(self, spec: FieldSpec) -> Reading:
        said = SAID.get(spec.name)
        if said is None:
            return Reading.empty(self.p)
        return Reading("9" if self.random.random() < self.wrong else said, self.p, State.READ)


def confirmed(store: Store, count: int, author: str = "Disa Penn") -> None:
    """So many sheets of the form without second page, confirmed by a person."""
    ward = Ward(store).begin()
    picture = cv2.imencode(".jpg", np.full((2376, 1680), 255, np.uint8))[1].tobytes()
    upright = store.images.put(picture)
    for i, serial in enumerate(SERIALS[:count]):
        said = {**SAID, "skribent": f"{author} {i % 3}"}
        page = ward.scan()
        with store.begin() as conn:
            save_page_reading(
                conn,
                page,
                page_reading(FREE, serial, said),
                upright_sha256=upright,
                form=FREE,
                reader_version="test 1",
            )
        with store.begin() as conn:
            decide_entry(
                conn, FORMS, EVA, f"{serial}-00", 0, answers({**said, "enhet": None} | said), NOW
            )


@pytest.fixture
def school(
    store: Store, store_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> LearningContext:
    """A store to learn in, whose workspace the readers look at too."""
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(store_settings.workspace))
    return LearningContext(store, store_settings, FORMS)


def with_reader(monkeypatch: pytest.MonkeyPatch, p: float, wrong: float) -> None:
    reader = Overconfident(p, wrong)
    monkeypatch.setattr(curves, "FIELD_READERS", dict.fromkeys(Kind, reader))
    monkeypatch.setattr(words, "FIELD_READERS", dict.fromkeys(Kind, reader))


def taught(school: LearningContext) -> LearningResult:
    return learn_from_entries(school, ADMIN, lambda _done, _total: None)


def test_an_overconfident_reader_is_believed_less_afterwards(
    school: LearningContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed(school.store, 70)
    with_reader(monkeypatch, p=0.97, wrong=0.3)
    monkeypatch.setattr(curves, "MIN_READINGS", 30)
    monkeypatch.setattr(curves, "MIN_HELD_OUT_READINGS", 15)
    learned = taught(school)
    date = next(one for one in learned.curves if one.key == "digits-date")
    assert date.better
    assert date.before is not None
    assert date.after is not None
    assert date.after.log_loss < date.before.log_loss
    assert "digits-date" in install_learned(school, ADMIN, learned)
    curve = installed_curves()[date.key, date.network]
    assert 0.5 < curve.at((3.5,)) < 0.9
    with school.store.read() as conn:
        (event,) = list_events(conn, "models")
    assert event.action == "learn"
    assert "Penn" not in str(event.detail)


def test_too_few_entries_install_nothing_and_say_how_many_are_needed(
    school: LearningContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed(school.store, 4)
    with_reader(monkeypatch, p=0.97, wrong=0.3)
    learned = taught(school)
    with pytest.raises(NothingLearnedError, match=r"needs 1\d\d more"):
        install_learned(school, ADMIN, learned)
    assert not school.models.exists()


def test_a_curve_that_foretells_no_better_is_refused(
    school: LearningContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed(school.store, 70)
    with_reader(monkeypatch, p=0.9, wrong=0.1)
    monkeypatch.setattr(curves, "MIN_READINGS", 30)
    monkeypatch.setattr(curves, "MIN_HELD_OUT_READINGS", 15)
    learned = taught(school)
    date = next(one for one in learned.curves if one.key == "digits-date")
    assert date.before is not None
    assert not date.better
    nothing = LearningResult(learned.sheets, learned.fields, [date], WordLesson({}), SignerLesson())
    with pytest.raises(NothingLearnedError, match="none of"):
        install_learned(school, ADMIN, nothing)
    assert not school.models.exists()


def test_without_confirmed_entries_there_is_nothing_to_learn_from(school: LearningContext) -> None:
    with pytest.raises(NothingLearnedError, match="confirmed yet"):
        learn_from_entries(school, ADMIN, lambda _done, _total: None)


def test_only_an_administrator_learns(school: LearningContext) -> None:
    with pytest.raises(NotAllowedError):
        learn_from_entries(school, EVA, lambda _done, _total: None)


def test_a_training_set_needs_reasons() -> None:
    with pytest.raises(UsageError, match="legal ground"):
        TrainingPermit(
            "Träna nätet på egen handstil", "", "Alla har skrivit under", False, "admin", NOW
        )


def test_health_data_stays_out_unless_asked_for(
    school: LearningContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    confirmed(school.store, 3)
    with_reader(monkeypatch, p=0.9, wrong=0.0)
    learned = taught(school)
    careful = TrainingPermit(
        PERMIT.purpose, PERMIT.legal_ground, PERMIT.consent, False, "admin", NOW
    )
    with pytest.raises(UsageError, match="No confirmed field"):
        export_training_set(school, ADMIN, learned, tmp_path / "set.zip", careful)
    assert export_training_set(school, ADMIN, learned, tmp_path / "set.zip", PERMIT) > 0
    with zipfile.ZipFile(tmp_path / "set.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert manifest["purpose"] == PERMIT.purpose
        assert manifest["hands"] == 3
        assert not any("penn" in name.casefold() for name in archive.namelist())
        assert len(archive.read("labels.tsv").decode().splitlines()) == sum(
            manifest["pictures"].values()
        )
    assert (tmp_path / "set.zip").stat().st_mode & 0o077 == 0
    with school.store.read() as conn:
        assert [event.action for event in list_events(conn, "models")] == ["training_set"]


def test_of_a_training_set_that_finds_no_room_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(archive: zipfile.ZipFile, name: str, data: str) -> None:
        if name == "labels.tsv":
            raise OSError(errno.ENOSPC, "No space left on device")
        written(archive, name, data)

    written = zipfile.ZipFile.writestr
    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(StoreError, match="No space left"):
        write_training_set(tmp_path / "set.zip", [_said("Hej", "s", "w")], PERMIT)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert write_training_set(tmp_path / "set.zip", [_said("Hej", "s", "w")], PERMIT) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["set.zip"]


def _said(text: str, sheet: str, writer: str) -> curves.ConfirmedField:
    spec = FieldSpec(name="f", label="f", kind=Kind.TEXT, box=(0, 0, 50, 9))
    crop = FieldImage(np.full((72, 400), 255, np.uint8), spec)
    return curves.ConfirmedField(
        crop,
        Reading("", 0.1, State.READ),
        DecidedAnswer(answers({"f": text})["f"], AnswerOrigin.CHANGED, True),
        sheet,
        writer,
    )


def test_words_of_several_people_on_several_sheets_are_learned_and_no_names() -> None:
    fields = [_said("Skymningsro Asta besökt", f"s{i}", f"w{i % 2}") for i in range(3)]
    fields += [
        _said("Enstaka", "s1", "w1"),
        *(_said("ensam hand", f"s{i}", "w1") for i in range(5)),
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
    assert _said("Hej", "s", "w").evidence().weight == pytest.approx(1 / curves.NOTICED_ERROR_SHARE)


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
        decide_entry(conn, FORMS, EVA, "RRRR-01", 0, answers({**said, "rad01.sign": None}), NOW)
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
    fields = [_said("Skymningsro besökt", f"s{i}", f"w{i % 2}") for i in range(3)] + [
        _said("Skymningsro", "s9", "w9")
    ]
    lesson = words.learn_words(
        fields, {"w9"}, [ASTA], {"gryning": 5, "skymningsro": 2, "provberg": 4}
    )
    assert lesson.words == {"gryning": 5, "skymningsro": 3, "besökt": 3}


def test_a_name_that_stands_only_on_sheets_kept_apart_is_no_word_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_reader(monkeypatch, p=0.9, wrong=0.0)
    fields = [_said("Kjellgren ringde", f"s{i}", f"w{i % 2}") for i in range(3)]
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


def test_a_label_is_what_stands_in_the_picture(tmp_path: Path) -> None:
    """Quotation marks stay as they are; a date that was written in another way than it is stored is
    left out.
    """
    day = FieldSpec(name="d", label="d", kind=Kind.TEXT, format=Format.DATE, box=(0, 0, 50, 9))
    dated = curves.ConfirmedField(
        FieldImage(np.full((72, 400), 255, np.uint8), day),
        Reading("", 0.1, State.READ),
        DecidedAnswer(Answer("2026-11-24"), AnswerOrigin.TYPED, True),
        "s",
        "w",
    )
    assert (
        write_training_set(
            tmp_path / "set.zip", [_said('Hon "mår bra" a\\b\tc\r\nd', "s", "w"), dated], PERMIT
        )
        == 1
    )
    with zipfile.ZipFile(tmp_path / "set.zip") as archive:
        assert (
            archive.read("labels.tsv").decode() == 'text_001_00001.png\tHon "mår bra" a\\b c / d\n'
        )


def test_what_finds_no_room_is_said_and_what_was_installed_before_it_is_logged(
    school: LearningContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pipeline.operations.learning.learn.install_signers", full)
    better = SignerLesson({(NORTH, "ME"): 3}, 30, 1.0, 0.5)
    with pytest.raises(StoreError, match="No space left"):
        install_learned(
            school,
            ADMIN,
            LearningResult(3, [], [], WordLesson({"skymningsro": 4}, 40, 400, 20, 10), better),
        )
    with school.store.read() as conn:
        (event,) = list_events(conn, "models")
    assert event.detail["installed"] == "words"


def test_a_log_that_refuses_too_does_not_hide_what_the_disk_said(
    school: LearningContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def away(*_: object, **_more: object) -> None:
        raise StoreUnavailableError("database_away", name="efterskrift", why="no connection")

    monkeypatch.setattr("pipeline.operations.learning.learn.install_signers", full)
    monkeypatch.setattr("pipeline.operations.learning.learn.record", away)
    better = SignerLesson({(NORTH, "ME"): 3}, 30, 1.0, 0.5)
    with pytest.raises(StoreError, match="No space left"):
        install_learned(
            school,
            ADMIN,
            LearningResult(3, [], [], WordLesson({"skymningsro": 4}, 40, 400, 20, 10), better),
        )
    assert "words" in caplog.text
    assert "The database efterskrift is locked or cannot be reached" in caplog.text


@pytest.mark.both_databases
def test_two_do_not_learn_at_once(school: LearningContext) -> None:
    with (
        school.alone(),
        pytest.raises(StoreError, match="is learning in this workspace"),
        school.alone(),
    ):
        pass
    with school.alone():
        pass


def test_the_command_waits_for_nobody_and_a_dry_run_asks_nobody(
    store_settings: Settings, school: LearningContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.cli.learning.load_settings", lambda: store_settings)
    with school.alone():
        assert isinstance(
            CliRunner().invoke(build_app(), ["learn", "--dry-run"]).exception, NothingLearnedError
        )
        told = CliRunner().invoke(build_app(), ["learn"]).exception
    assert "is learning in this workspace" in str(told)


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_read(
    school: LearningContext,
) -> None:
    school.models.parent.mkdir(parents=True, exist_ok=True)
    school.models.write_text("no folder")
    with pytest.raises(StoreError, match="cannot be written"), school.alone():
        pass


def test_errors_that_stand_for_more_than_one_count_for_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A curve that is shown with a higher loss than the one in use is not better."""
    mark = FieldSpec(name="f", label="f", kind=Kind.MARK, box=(0, 0, 5, 5))

    def one(n: int) -> curves.ConfirmedField:
        right = n % 19 > 0
        how, reading = (
            (AnswerOrigin.TYPED if right else AnswerOrigin.CHANGED),
            Reading(True, 0.9, State.READ),
        )
        said = DecidedAnswer(Answer(True) if right else Answer(False, State.EMPTY), how, True)
        return curves.ConfirmedField(
            FieldImage(np.full((40, 40), 255, np.uint8), mark),
            reading,
            said,
            f"s{n:04d}",
            f"w{n:04d}",
        )

    monkeypatch.setattr(curves, "installed_curves", dict)
    monkeypatch.setattr(curves, "fit_curve", lambda _: CalibrationCurve((1.0,), (0.0,), (0.9375,)))
    (lesson,) = curves.learn_curves([one(n) for n in range(3800)])
    assert lesson.before is not None
    assert lesson.after is not None
    assert lesson.after.log_loss > lesson.before.log_loss
    assert not lesson.better


@pytest.mark.parametrize("count", ["0", "-3", "NaN", "Infinity", "null", '"x"'])
def test_counts_that_are_none_are_a_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: str
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "words.json").write_text(f'{{"skymningsro": {count}}}')
    (tmp_path / "models" / "signers.json").write_text(
        f'[{{"unit": "Norr", "signature": "ME", "sheets": {count}}}]'
    )
    with pytest.raises(MissingProgramError, match="damaged"):
        add_learned_words(Lexicon.of({"asta": 1.0}))
    with pytest.raises(MissingProgramError, match="damaged"):
        load_learned_signers(tmp_path / "models")


def test_what_a_single_hand_gains_is_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fields of a hand go wrong together: three hands are three trials, however many fields
    they fill in.
    """
    mark = FieldSpec(name="f", label="f", kind=Kind.MARK, box=(0, 0, 5, 5))

    def one(hand: int, n: int, *, right: bool) -> curves.ConfirmedField:
        said = DecidedAnswer(
            Answer(True) if right else Answer(False, State.EMPTY), AnswerOrigin.TYPED, True
        )
        return curves.ConfirmedField(
            FieldImage(np.full((40, 40), 255, np.uint8), mark),
            Reading(True, 0.9, State.READ),
            said,
            f"s{hand}-{n}",
            f"w{hand}",
        )

    def lesson(bad_hands: int) -> curves.CurveLesson:
        names = [one(hand, 0, right=True) for hand in range(9)]
        bad = sorted(int(writer[1:]) for writer in curves.hold_out_writers(names))[:bad_hands]
        (found,) = curves.learn_curves(
            [
                one(hand, n, right=n % 2 > 0 if hand in bad else n % 10 > 0)
                for hand in range(9)
                for n in range(60)
            ]
        )
        return found

    monkeypatch.setattr(curves, "installed_curves", dict)
    monkeypatch.setattr(curves, "fit_curve", lambda _: CalibrationCurve((1.0,), (0.0,), (0.8,)))
    assert not lesson(1).better
    assert lesson(3).better
