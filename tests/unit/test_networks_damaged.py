"""A network whose file is gone or cut off is said to be so, by who reads with it and by `efterskrift doctor`, and fails no page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import MissingProgramError
from pipeline.health import installed
from pipeline.recognize import digits, strikes
from pipeline.recognize.inference import opened
from pipeline.settings import load_settings

pytestmark = pytest.mark.slow

PICTURE = np.full((32, 64), 255, np.uint8)
READ: dict[str, Callable[[Path], object]] = {
    "digits": lambda file: digits.one_look(PICTURE[None, :, :32], file),
    "strikes": lambda file: strikes.column_p(PICTURE, file),
}


@pytest.mark.parametrize("name", READ)
def test_what_reads_with_it_names_the_file_and_the_remedy(tmp_path: Path, name: str) -> None:
    """A file that was cut off had been a fault of the program, page by page."""
    file = tmp_path / f"{name}.onnx"
    with pytest.raises(MissingProgramError, match=f"{name}.onnx is missing"):
        READ[name](file)
    file.write_bytes((digits.MODEL if name == "digits" else strikes.MODEL).read_bytes()[:2000])
    with pytest.raises(MissingProgramError, match=f"{name}.onnx is damaged") as caught:
        READ[name](file)
    assert "git checkout data/models" in str(caught.value.remedy)


@pytest.mark.parametrize(("module", "name", "part"), [(digits, "MODEL", "Digit network"), (strikes, "MODEL", "Struck-out words")])
def test_the_doctor_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: object, name: str, part: str) -> None:
    file = tmp_path / "cut.onnx"
    file.write_bytes(getattr(module, name).read_bytes()[:2000])
    monkeypatch.setattr(module, name, file)
    assert {one.part: one.state for one in installed(load_settings()) if one.remedy}[part] == "The network cut.onnx is damaged."


def test_a_network_that_is_there_is_opened() -> None:
    assert [given.name for given in opened(digits.MODEL).get_inputs()] == ["cells"]
