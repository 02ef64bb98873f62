"""`efterskrift recognize`: one JSON object a picture, whatever the pictures come in."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from pipeline.cli import reading
from pipeline.cli.app import build_app
from pipeline.domain.errors import ExitCode, ReadingError, UsageError
from pipeline.domain.form.field import Kind
from pipeline.domain.model import Image, Reading
from pipeline.reading import field_readers as registry
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.single_fields import decode_grayscale
from research.training.marks.draw import draw_mark

pytestmark = pytest.mark.slow

KEYS = {"path", "value", "p", "state", "alternatives"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(
        22
    )  # a box without a printed letter, which no reader tells from a mark without its blank
    for name, style in (("1.png", "cross"), ("2.png", "empty"), ("3.png", "solid")):
        (tmp_path / name).write_bytes(_png(draw_mark(style, random).crop.image))
    return tmp_path


def test_a_folder_gives_one_object_a_picture_in_order(folder: Path) -> None:
    code, found = _run("mark", folder)
    assert code == 0
    assert [Path(f["path"]).name for f in found] == ["1.png", "2.png", "3.png"]
    assert [f["value"] for f in found] == [True, False, False]
    assert [f["state"] for f in found] == ["read", "empty", "cancelled"]
    assert all(set(f) == KEYS and 0 <= f["p"] <= 1 for f in found)


def test_a_zip_reads_as_its_folder_does(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    archive = tmp_path_factory.mktemp("zip") / "marks.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for path in sorted(folder.iterdir()):
            made.write(path, f"inner/{path.name}")
    _, from_zip = _run("mark", archive)
    _, from_folder = _run("mark", folder)
    assert [f["path"] for f in from_zip] == [f"{archive}/inner/{n}.png" for n in (1, 2, 3)]
    assert [{**f, "path": ""} for f in from_zip] == [{**f, "path": ""} for f in from_folder]


def test_a_damaged_file_of_a_zip_fails_alone(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    archive = tmp_path_factory.mktemp("zip") / "marks.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(folder.iterdir()):
            made.write(path, path.name)
        second = made.getinfo("2.png")
    data = bytearray(archive.read_bytes())
    start = second.header_offset + 30 + len(second.filename)
    data[start : start + 20] = b"\xff" * 20
    archive.write_bytes(data)
    code, found = _run("mark", archive)
    assert (code, [one["state"] for one in found]) == (
        ExitCode.INTAKE,
        ["read", "failed", "cancelled"],
    )


def test_a_folder_without_images_is_reported(tmp_path: Path) -> None:
    (tmp_path / "brev.docx").write_bytes(b"x")
    result = CliRunner().invoke(build_app(), ["recognize", "mark", str(tmp_path), "--json"])
    assert (result.exit_code, result.stdout.strip()) == (0, "")
    assert "There is no image" in result.stderr


def test_a_bad_picture_fails_alone(folder: Path) -> None:
    (folder / "2.png").write_bytes(b"\x89PNG broken")
    code, found = _run("mark", folder)
    assert code == ExitCode.INTAKE
    assert [f["state"] for f in found] == ["read", "failed", "cancelled"]
    assert found[1]["problem"]
    assert found[1]["value"] is None


def test_one_picture_that_stops_its_reader_does_not_stop_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = registry.CALIBRATED_READERS[Kind.MARK]

    def reader(crops: Sequence[FieldImage]) -> list[Reading]:
        if any(crop.image.mean() < 150 for crop in crops):
            raise ReadingError("too_few_printed_marks")
        return real(crops)

    monkeypatch.setitem(registry.CALIBRATED_READERS, Kind.MARK, reader)
    (folder / "3.png").write_bytes(_png(np.full((60, 60), 20, np.uint8)))
    code, found = _run("mark", folder)
    assert code == ExitCode.INTAKE
    assert [f["state"] for f in found] == ["read", "empty", "failed"]


@pytest.mark.parametrize("kind", ["digits", "letters"])
def test_a_row_of_boxes_is_not_read_as_one_box(tmp_path: Path, kind: str) -> None:
    """A personal number whose boxes nobody counted was certainly nothing."""
    row = np.full((100, 800), 255, np.uint8)
    for box in range(12):
        cv2.putText(row, str(box % 10), (box * 66 + 15, 80), cv2.FONT_HERSHEY_SIMPLEX, 2, 0, 5)
    (tmp_path / "row.png").write_bytes(_png(row))
    code, (found,) = _run(kind, tmp_path / "row.png")
    assert (code, found["state"], found["value"], found["p"]) == (
        ExitCode.INTAKE,
        "failed",
        None,
        0,
    )
    assert "--cells" in found["problem"]
    code, (found,) = _run(kind, tmp_path / "row.png", "--cells", "12")
    assert (code, found["state"] == "failed") == (0, False)


def test_a_choice_needs_its_form(folder: Path) -> None:
    with pytest.raises(UsageError, match="form"):
        list(reading.recognize_files(Kind.CHOICE, [folder], None))


def test_people_get_a_table(folder: Path) -> None:
    result = CliRunner().invoke(build_app(), ["recognize", "mark", str(folder)])
    assert result.exit_code == 0
    assert "cancelled" in result.stdout
    assert not result.stdout.startswith("{")


def test_every_kind_has_a_reader() -> None:
    assert set(registry.CALIBRATED_READERS) == set(Kind)


def test_transparent_and_sixteen_bit_pictures_are_made_grey() -> None:
    clear = np.zeros((20, 20, 4), np.uint8)
    deep = np.full((20, 20), 40_000, np.uint16)
    assert decode_grayscale(_png(clear)).min() == 255
    assert abs(int(decode_grayscale(_png(deep))[0, 0]) - 40_000 // 257) <= 1


def _run(kind: str, *paths: Path | str) -> tuple[int, list[dict[str, Any]]]:
    result = CliRunner().invoke(build_app(), ["recognize", kind, *map(str, paths), "--json"])
    return result.exit_code, [
        json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")
    ]


def _png(image: Image | np.ndarray[Any, Any]) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()
