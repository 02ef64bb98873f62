"""A network of the organisation's own is checked before it reads, and is not trusted unmeasured."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest

from pipeline.cli.reading import RegisterFiles, read_files, recognize_files
from pipeline.domain.errors import ExitCode, MissingProgramError, SettingsError
from pipeline.domain.form.confidence import PREFILL_FROM_BY_KIND, UNCALIBRATED_MAX_P
from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.model import Reading, State
from pipeline.domain.settings import load_settings
from pipeline.operations.health import HealthFinding, check_installation
from pipeline.operations.page_job import make_reader
from pipeline.reading.calibration.curves import installed_curves
from pipeline.reading.field_readers import NETWORK_FINGERPRINTS, calibrate_readings
from pipeline.reading.fields.handwriting.network import (
    find_network_file,
    find_program_file,
    find_second_file,
    load_network,
    open_own_network,
    read_steps,
    require_fit,
)

FREE = Path(__file__).parents[4] / "data" / "models" / "handwriting-free.onnx"
LINE = np.full((48, 160), 255, np.uint8)
CHANNELS_HEIGHT = b"\x0a\x02\x08\x03\x0a\x02\x08"
"""The shape of the input in the file, before its height."""
TEXT = FieldSpec(name="namn", label="Namn", kind=Kind.TEXT, box=(0, 0, 60, 9))


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is as good as the program's, named in a path relative to the workspace."""
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path))
    (tmp_path / "settings.yaml").write_text("handwriting: weights/handwriting.onnx\n", "utf-8")
    file = tmp_path / "weights" / "handwriting.onnx"
    file.parent.mkdir()
    shutil.copy(FREE, file)
    _replace(file, b"\n~\n", b"\n^\n")
    return file


def _replace(file: Path, old: bytes, new: bytes) -> None:
    """Change bytes that occur once: another network, as far as its digest says."""
    content = file.read_bytes()
    assert content.count(old) == 1
    file.write_bytes(content.replace(old, new))


def _doctor() -> HealthFinding:
    (found,) = [
        one for one in check_installation(load_settings()) if one.part == "Handwriting network"
    ]
    return found


def test_own_file_reads_by_itself(own: Path) -> None:
    assert find_network_file() == open_own_network() == own
    assert find_second_file() is None, "named as the best weights are, but no such"
    (ours,), (free,) = read_steps([LINE]), read_steps([LINE], FREE)
    assert np.array_equal(ours, free)


def test_initials_are_read_by_what_their_signers_were_measured_with(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert own.is_file()
    monkeypatch.setenv("EFTERSKRIFT_NON_COMMERCIAL", "false")
    assert find_program_file() == FREE
    monkeypatch.setenv("EFTERSKRIFT_NON_COMMERCIAL", "true")
    assert find_program_file() == FREE.with_name("handwriting.onnx")


def test_without_a_file_nothing_is_opened() -> None:
    assert open_own_network() is None


def test_name_that_is_no_file_of_a_network_is_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_HANDWRITING", "bset")
    with pytest.raises(SettingsError, match="handwriting"):
        load_settings()


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:2000])


def _make_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (Path.unlink, "saknas"),
        (_cut, "skadat"),
        (_make_folder, "går inte att öppna"),
        (lambda file: shutil.copy(FREE.with_name("digits.onnx"), file), "48 bildpunkter höga"),
        (
            lambda file: _replace(file, "\nå\n".encode(), "\nþ\n".encode()),
            "dess teckenlista saknar å.",
        ),
        (lambda file: _replace(file, CHANNELS_HEIGHT + b"0", CHANNELS_HEIGHT + b" "), "48 bildp"),
    ],
)
def test_unfit_file_is_refused_before_it_reads(
    own: Path, spoil: Callable[[Path], object], said: str
) -> None:
    spoil(own)
    with pytest.raises(MissingProgramError) as caught:
        open_own_network()
    assert said in caught.value.message_in("sv")
    assert "`handwriting` i settings.yaml" in caught.value.remedy_in("sv")
    with pytest.raises(MissingProgramError):
        read_steps([LINE])
    found = _doctor()
    assert found.remedy
    assert found.code is ExitCode.MISSING_PROGRAM


class _Network:
    """A session that gives one answer to any line."""

    def __init__(self, answer: Callable[[int], np.ndarray[Any, Any]]) -> None:
        self._answer = answer

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="x", type="tensor(float)", shape=["n", 3, 48, None])]

    def get_modelmeta(self) -> SimpleNamespace:
        return SimpleNamespace(custom_metadata_map={"character": "a\nb"})

    def run(self, _: None, given: dict[str, np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        return [self._answer(given["x"].shape[-1] // 8)]


def _fail(steps: int) -> np.ndarray[Any, Any]:
    raise RuntimeError(steps)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda steps: np.full((1, steps, 4), 0.25), None),
        (lambda steps: np.full((1, steps, 3), 1 / 3), "4 probabilities for each step"),
        (lambda steps: np.full((1, 2 * steps, 4), 0.25), "4 probabilities for each step"),
        (lambda steps: np.full((1, steps, 4), 0.5), "no probabilities that add up"),
        (lambda steps: np.full((1, steps, 4), np.nan), "no probabilities that add up"),
        (lambda steps: np.full((1, steps, 4), 1.0) * [-1, 1, 1, 0], "no probabilities"),
        (_fail, "cannot read a blank line"),
    ],
)
def test_answers_on_trial_have_to_be_probabilities_of_each_step(
    answer: Callable[[int], np.ndarray[Any, Any]], said: str | None
) -> None:
    network = cast(Any, _Network(answer))
    if said is None:
        require_fit(network, FREE, "ab ")
    else:
        with pytest.raises(MissingProgramError, match=said):
            require_fit(network, FREE, "ab ")


def test_own_network_is_not_trusted_before_it_is_measured(own: Path) -> None:
    network = NETWORK_FINGERPRINTS[Kind.TEXT]()
    assert ("text", network) not in installed_curves()
    clear = Reading("Asta", 0.9999, State.READ, (), (0.9999,) * 4, sharpness=0.0, image_only_p=1.0)
    doubtful = Reading("Asta", 0.3, State.READ, (), (0.3,) * 4, sharpness=-1.0, image_only_p=1e-6)
    sure, unsure = calibrate_readings([TEXT, TEXT], [clear, doubtful])
    assert sure.p == UNCALIBRATED_MAX_P < min(PREFILL_FROM_BY_KIND.values())
    assert unsure.p <= 0.301
    assert _doctor().state == f"{own.name} (SHA-256 {network}…, not measured: `efterskrift learn`)"
    assert not _doctor().remedy


def test_empty_line_is_as_sure_as_with_other_weights(own: Path) -> None:
    assert own.is_file()
    (found,) = calibrate_readings([TEXT], [Reading.empty(0.999)])
    assert found.p > UNCALIBRATED_MAX_P


def test_running_process_keeps_network_and_curves_when_the_file_is_replaced(own: Path) -> None:
    before, network = NETWORK_FINGERPRINTS[Kind.TEXT](), load_network(own)
    own.write_bytes(b"half a file")
    assert NETWORK_FINGERPRINTS[Kind.TEXT]() == before
    assert load_network(own) is network


def test_worker_logs_what_reads_and_refuses_before_its_first_page(
    own: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_reader(load_settings(), cast(Any, None))
    assert hashlib.sha256(own.read_bytes()).hexdigest() in caplog.text
    load_network.cache_clear()
    own.unlink()
    with pytest.raises(MissingProgramError, match=r"handwriting\.onnx is missing"):
        make_reader(load_settings(), cast(Any, None))


def test_reading_pages_ends_before_the_first(own: Path, tmp_path: Path) -> None:
    own.unlink()
    page = tmp_path / "page.png"
    assert cv2.imwrite(str(page), LINE)
    with pytest.raises(MissingProgramError, match=r"handwriting\.onnx is missing"):
        next(read_files([page], RegisterFiles(), 1))


def test_recognized_lines_end_at_the_first(own: Path, tmp_path: Path) -> None:
    own.unlink()
    written = LINE.copy()
    written[10:38, 30:34] = 0
    assert cv2.imwrite(str(tmp_path / "line.png"), written)
    with pytest.raises(MissingProgramError, match=r"handwriting\.onnx is missing"):
        list(recognize_files(Kind.TEXT, [tmp_path / "line.png"], None))
