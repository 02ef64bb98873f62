"""The setting that selects the weights of the handwriting network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.model import Image
from pipeline.domain.settings import load_settings
from pipeline.operations.health import check_installation
from pipeline.reading.fields.handwriting.network import (
    find_network_file,
    find_second_file,
    read_steps,
)

pytestmark = pytest.mark.slow

DATA_MODELS = Path(__file__).parents[4] / "data" / "models"
TEXTS = (
    "Sårvård höger ben",
    "Alvedon 500 mg kl. 08.15",
    "Åkte till Östra Kajen",
    "pulsen 84, blodtryck 135/82",
    "ringde dottern",
    "Övre Njurunda",
)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EFTERSKRIFT_MODELS", str(tmp_path))
    return tmp_path


def test_best_weights_are_tuned_ones_if_present(models: Path) -> None:
    assert find_network_file().name == "PP-OCRv6_rec_small.onnx"
    (models / "handwriting.onnx").touch()
    assert find_network_file() == models / "handwriting.onnx"


@pytest.mark.parametrize(
    ("choice", "name"), [("free", "handwriting-free.onnx"), ("shipped", "PP-OCRv6_rec_small.onnx")]
)
def test_explicit_choice_of_weights_is_used(
    models: Path, monkeypatch: pytest.MonkeyPatch, choice: str, name: str
) -> None:
    (models / "handwriting.onnx").touch()
    monkeypatch.setenv("EFTERSKRIFT_HANDWRITING", choice)
    assert find_network_file().name == name


@pytest.mark.parametrize(
    ("declared", "name", "second"),
    [
        ("true", "handwriting.onnx", "handwriting-second.onnx"),
        ("false", "handwriting-free.onnx", "handwriting-second.onnx"),
        (None, "handwriting-free.onnx", "handwriting-second.onnx"),
    ],
)
def test_without_a_choice_only_who_is_non_commercial_gets_weights_for_that(
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    declared: str | None,
    name: str,
    second: str | None,
) -> None:
    monkeypatch.delenv("EFTERSKRIFT_NON_COMMERCIAL")
    if declared is not None:
        monkeypatch.setenv("EFTERSKRIFT_NON_COMMERCIAL", declared)
    assert find_network_file().name == "PP-OCRv6_rec_small.onnx"
    for installed in ("handwriting", "handwriting-free", "handwriting-second"):
        (models / f"{installed}.onnx").touch()
    assert find_network_file().name == name
    file = find_second_file()
    assert (file and file.name) == second


@pytest.mark.parametrize(
    ("choice", "declared", "said"),
    [
        ("auto", "false", "handwriting-free.onnx (handwriting: auto, non_commercial: false)"),
        ("auto", "true", "handwriting.onnx (handwriting: auto, non_commercial: true)"),
        ("best", "false", "for non-commercial use only"),
        ("free", "true", "handwriting-free.onnx (handwriting: free)"),
    ],
)
def test_doctor_says_which_weights_are_used_and_why(
    monkeypatch: pytest.MonkeyPatch, choice: str, declared: str, said: str
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_HANDWRITING", choice)
    monkeypatch.setenv("EFTERSKRIFT_NON_COMMERCIAL", declared)
    (found,) = [
        finding
        for finding in check_installation(load_settings())
        if finding.part == "Handwriting network"
    ]
    assert said in found.state


@pytest.mark.parametrize(
    ("choice", "second"),
    [("best", "handwriting-second.onnx"), ("free", "handwriting-second.onnx"), ("shipped", None)],
)
def test_only_tuned_weights_use_second_network(
    models: Path, monkeypatch: pytest.MonkeyPatch, choice: str, second: str | None
) -> None:
    for name in ("handwriting", "handwriting-free", "handwriting-second"):
        (models / f"{name}.onnx").touch()
    monkeypatch.setenv("EFTERSKRIFT_HANDWRITING", choice)
    file = find_second_file()
    assert (file and file.name) == second


@pytest.mark.usefixtures("models")
def test_missing_weights_error_has_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFTERSKRIFT_HANDWRITING", "free")
    with pytest.raises(MissingProgramError, match=r"handwriting-free\.onnx is missing") as caught:
        read_steps([np.full((48, 96), 255, np.uint8)])
    assert "`handwriting` to `shipped`" in str(caught.value.remedy)


def test_damaged_weights_are_reported(models: Path) -> None:
    (models / "handwriting.onnx").write_bytes(b"not a network")
    with pytest.raises(MissingProgramError, match="damaged"):
        read_steps([np.full((48, 96), 255, np.uint8)])


def _written(text: str, height: int, ink: int) -> Image:
    """A line in a typeface."""
    font = ImageFont.load_default(height)
    picture = Pictures.new("L", (int(font.getlength(text)) + 2 * height, 2 * height), 255)
    ImageDraw.Draw(picture).text((height, height // 2), text, ink, font)
    return np.asarray(picture)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["handwriting", "handwriting-free"])
def test_exported_network_matches_trained_network(name: str) -> None:
    lines = [
        _written(text, height, ink)
        for text in TEXTS
        for height, ink in ((24, 0), (40, 60), (60, 150))
    ]
    reads, trained = (
        np.concatenate(read_steps(lines, folder / f"{name}.onnx"))
        for folder in (DATA_MODELS, DATA_MODELS / "trained")
    )
    assert np.mean(reads.argmax(-1) == trained.argmax(-1)) > 0.97
    assert np.abs(reads - trained).max(-1).mean() < 0.02
