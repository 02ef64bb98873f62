"""A folder of images of single fields: accepted image files."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.reading.single_fields import read_image_files


@pytest.mark.parametrize("name", ["a.png", "a.JPG", "a.jfif", "a.jpe", "a.tiff", "a.webp", "a.pgm"])
def test_every_usual_image_extension_is_accepted(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"picture")
    (tmp_path / "readme.txt").write_bytes(b"text")
    (tmp_path / "sheet.pdf").write_bytes(b"pages")
    assert list(read_image_files([tmp_path])) == [(str(tmp_path / name), b"picture")]
