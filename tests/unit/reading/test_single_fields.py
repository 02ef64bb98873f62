"""Images of single fields: accepted image files, and images that are no field."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image as Pictures

from pipeline.domain.errors import BrokenFileError
from pipeline.reading.single_fields import decode_grayscale, read_image_files


@pytest.mark.parametrize("name", ["a.png", "a.JPG", "a.jfif", "a.jpe", "a.tiff", "a.webp", "a.pgm"])
def test_every_usual_image_extension_is_accepted(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"picture")
    (tmp_path / "readme.txt").write_bytes(b"text")
    (tmp_path / "sheet.pdf").write_bytes(b"pages")
    assert list(read_image_files([tmp_path])) == [(str(tmp_path / name), b"picture")]


@pytest.mark.parametrize("size", [(7, 400), (10_000, 10_000), (20_000, 10_000)])
def test_an_image_of_the_wrong_size_says_so_without_a_warning(size: tuple[int, int]) -> None:
    file = io.BytesIO()
    Pictures.new("1", size, 1).save(file, "PNG")
    with pytest.raises(BrokenFileError) as raised:
        decode_grayscale(file.getvalue())
    assert raised.value.key == "error.field_image_size"
