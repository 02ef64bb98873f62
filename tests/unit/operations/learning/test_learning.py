"""Corrections teach probabilities, and a training set needs a reason."""

from __future__ import annotations

import errno
import json
import zipfile
from pathlib import Path

import pytest

from pipeline.domain.errors import (
    NotAllowedError,
    NothingLearnedError,
    StoreError,
    UsageError,
)
from pipeline.domain.settings import Settings
from pipeline.operations.learning import curves
from pipeline.operations.learning.learn import (
    LearningContext,
    LearningResult,
    TrainingPermit,
    export_training_set,
    install_learned,
    learn_from_entries,
    write_training_set,
)
from pipeline.operations.learning.words import (
    SignerLesson,
    WordLesson,
)
from pipeline.reading.calibration.curves import installed_curves
from pipeline.store.database.store import Store
from pipeline.store.event_log.events import list_events
from tests.support.store.ward import (
    ADMIN,
    EVA,
    FORMS,
    NOW,
)
from tests.unit.operations.learning.learning_school import (
    PERMIT,
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
        begun, event = list_events(conn, "models")
    assert (begun.action, event.action) == ("begin_learning", "learn")
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
        write_training_set(tmp_path / "set.zip", [said_in("Hej", "s", "w")], PERMIT)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    assert write_training_set(tmp_path / "set.zip", [said_in("Hej", "s", "w")], PERMIT) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["set.zip"]
