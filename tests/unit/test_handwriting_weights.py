"""Which weights the handwriting network reads with: one setting."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import MissingProgramError
from pipeline.recognize.network import network_file, read_steps


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EFTERSKRIFT_MODELS", str(tmp_path))
    return tmp_path


def test_the_best_is_the_tuned_one_if_it_is_there(models: Path) -> None:
    assert network_file().name == "PP-OCRv6_rec_small.onnx"
    (models / "handwriting.onnx").touch()
    assert network_file() == models / "handwriting.onnx"


@pytest.mark.parametrize(("choice", "name"), [("free", "handwriting-free.onnx"), ("shipped", "PP-OCRv6_rec_small.onnx")])
def test_another_choice_is_kept_to(models: Path, monkeypatch: pytest.MonkeyPatch, choice: str, name: str) -> None:
    (models / "handwriting.onnx").touch()
    monkeypatch.setenv("EFTERSKRIFT_HANDWRITING", choice)
    assert network_file().name == name


@pytest.mark.usefixtures("models")
def test_missing_weights_name_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFTERSKRIFT_HANDWRITING", "free")
    with pytest.raises(MissingProgramError, match=r"handwriting-free\.onnx is not installed") as caught:
        read_steps([np.full((48, 96), 255, np.uint8)])
    assert "`handwriting` to `shipped`" in str(caught.value.remedy)


def test_damaged_weights_are_said_to_be_so(models: Path) -> None:
    (models / "handwriting.onnx").write_bytes(b"not a network")
    with pytest.raises(MissingProgramError, match="damaged"):
        read_steps([np.full((48, 96), 255, np.uint8)])
