"""The list of typefaces for training, and its restrictions."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from pipeline.domain.errors import UsageError
from research.training.handwriting.fonts import fetch_family, load_font_list
from research.training.handwriting.lines import font_family
from tests.support.shared_data import shared

pytestmark = pytest.mark.slow


def test_every_font_face_is_listed_once_with_weight() -> None:
    assert len(load_font_list()) > 150
    for weights in load_font_list().values():
        assert weights == sorted(set(weights))
        assert set(weights) <= set(range(100, 1000, 100))


@pytest.mark.shared
def test_held_out_font_families_are_not_fetched() -> None:
    measured = {
        font_family(file.stem) for file in shared("handwriting", "fonts_train").glob("*.ttf")
    }
    assert measured
    assert not [name for name in load_font_list() if any(name.startswith(own) for own in measured)]


def test_package_with_other_licence_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def packed(command: list[str], *, cwd: str, **_: object) -> None:
        assert "@fontsource/some-hand@5" in command
        manifest = json.dumps({"license": "UNLICENSED"}).encode()
        with tarfile.open(Path(cwd, "font.tgz"), "w:gz") as package:
            member = tarfile.TarInfo("package/package.json")
            member.size = len(manifest)
            package.addfile(member, io.BytesIO(manifest))

    monkeypatch.setattr(subprocess, "run", packed)
    with pytest.raises(UsageError, match="UNLICENSED"):
        fetch_family("some-hand", [400], tmp_path)
    assert list(tmp_path.iterdir()) == []
