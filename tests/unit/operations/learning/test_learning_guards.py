"""Nothing worse is installed, and what finds no room or is damaged is reported."""

from __future__ import annotations

import errno
import zipfile
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.errors import (
    MissingProgramError,
    NothingLearnedError,
    StoreError,
    StoreUnavailableError,
)
from pipeline.domain.form.field import FieldSpec, Format, Kind
from pipeline.domain.model import (
    Reading,
    State,
)
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import Settings
from pipeline.operations.learning import curves
from pipeline.operations.learning.learn import (
    LearningContext,
    LearningResult,
    install_learned,
    write_training_set,
)
from pipeline.operations.learning.words import (
    SignerLesson,
    WordLesson,
    load_learned_signers,
)
from pipeline.reading.calibration.curves import CalibrationCurve
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.language.language_model import Lexicon, add_learned_words
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import AnswerOrigin, DecidedAnswer
from pipeline.store.event_log.events import list_events, record
from pipeline.store.reports.closed_entries import find_unfinished_learning
from tests.support.store.ward import (
    ADMIN,
    FORMS,
    NORTH,
)
from tests.unit.operations.learning.learning_school import (
    PERMIT,
    said_in,
)

pytest_plugins = ("tests.support.store.databases",)


@pytest.fixture
def school(
    store: Store, store_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> LearningContext:
    """A store to learn in, whose workspace the readers look at too."""
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(store_settings.workspace))
    return LearningContext(store, store_settings, FORMS)


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
            tmp_path / "set.zip", [said_in('Hon "mår bra" a\\b\tc\r\nd', "s", "w"), dated], PERMIT
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
        (event,) = [one for one in list_events(conn, "models") if one.action == "learn"]
        assert find_unfinished_learning(conn) == ()
    assert event.detail["installed"] == "words"


def test_a_log_that_refuses_too_does_not_hide_what_the_disk_said(
    school: LearningContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def away(conn: Connection, by: str, action: str, subject: str, **detail: int | str) -> None:
        if action == "learn":
            raise StoreUnavailableError("database_away", name="efterskrift", why="no connection")
        record(conn, by, action, subject, installed=detail["installed"])

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


def test_what_was_stopped_between_installing_and_logging_is_named_and_logged_by_the_next(
    school: LearningContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """Stands for a process that ends: nothing after it is done."""

    def die(*_: object) -> None:
        raise Killed

    words = WordLesson({"skymningsro": 4}, 40, 400, 20, 10)
    learned = LearningResult(3, [], [], words, SignerLesson())
    with monkeypatch.context() as stopped:
        stopped.setattr("pipeline.operations.learning.learn._log_outcome", die)
        with pytest.raises(Killed):
            install_learned(school, ADMIN, learned)
    with school.store.read() as conn:
        assert find_unfinished_learning(conn) == ("words",)
    # The next run finds nothing better than what was installed then
    nothing = LearningResult(3, [], [], WordLesson({}), SignerLesson())
    assert install_learned(school, ADMIN, nothing) == ["words"]
    with school.store.read() as conn:
        assert find_unfinished_learning(conn) == ()
        event = list_events(conn, "models")[-1]
    assert (event.action, event.detail["installed"]) == ("learn", "words")


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
    """The fields of a writer go wrong together: three writers are three trials, however many fields
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
