"""A missing or truncated network file is reported by its reader and by `efterskrift doctor`, and
fails no page.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.domain.errors import MissingProgramError
from pipeline.domain.settings import load_settings
from pipeline.operations.health import check_installation
from pipeline.reading.fields.digits import reader
from pipeline.reading.fields.handwriting import strikethrough
from pipeline.reading.imaging.onnx_sessions import open_session

pytestmark = pytest.mark.slow

PICTURE = np.full((32, 64), 255, np.uint8)
READ: dict[str, Callable[[Path], object]] = {
    "digits": lambda file: reader.run_digit_network(PICTURE[None, :, :32], file),
    "strikes": lambda file: strikethrough.strike_probabilities(PICTURE, file),
}


@pytest.mark.parametrize("name", READ)
def test_reader_error_names_file_and_remedy(tmp_path: Path, name: str) -> None:
    """A truncated file was an internal error on every page."""
    file = tmp_path / f"{name}.onnx"
    with pytest.raises(MissingProgramError, match=f"{name}.onnx is missing"):
        READ[name](file)
    file.write_bytes(
        (reader.DIGIT_MODEL if name == "digits" else strikethrough.STRIKE_MODEL).read_bytes()[:2000]
    )
    with pytest.raises(MissingProgramError, match=f"{name}.onnx is damaged") as caught:
        READ[name](file)
    assert "git checkout data/models" in str(caught.value.remedy)


@pytest.mark.parametrize(
    ("module", "name", "part"),
    [(reader, "DIGIT_MODEL", "Digit network"), (strikethrough, "STRIKE_MODEL", "Struck-out words")],
)
def test_doctor_names_damaged_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: object, name: str, part: str
) -> None:
    file = tmp_path / "cut.onnx"
    file.write_bytes(getattr(module, name).read_bytes()[:2000])
    monkeypatch.setattr(module, name, file)
    assert {one.part: one.state for one in check_installation(load_settings()) if one.remedy}[
        part
    ] == "The network cut.onnx is damaged."


def test_existing_network_is_opened() -> None:
    assert [given.name for given in open_session(reader.DIGIT_MODEL).get_inputs()] == ["cells"]
