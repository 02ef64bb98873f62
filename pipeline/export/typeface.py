"""A typeface for our PDFs from those that are installed: the project ships none, and PDF's own cannot write every name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FAMILIES = (
    ("NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("DejaVuSansCondensed.ttf", "DejaVuSansCondensed-Bold.ttf"),
    ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"),
    ("Carlito-Regular.ttf", "Carlito-Bold.ttf"),
    ("Arial.ttf", "Arial Bold.ttf"),
    ("arial.ttf", "arialbd.ttf"),
)


@dataclass(frozen=True, slots=True)
class Typeface:
    """The files of one family."""

    regular: Path
    bold: Path


@cache
def find_typeface() -> Typeface | None:
    """The first family of `FAMILIES` that is installed; None when there is none."""
    files = {path.name: path for folder in _folders() for path in sorted(folder.rglob("*.[tT][tT][fF]"))}
    return next((Typeface(files[regular], files[bold]) for regular, bold in FAMILIES if regular in files and bold in files), None)


def _folders() -> Iterator[Path]:
    home = Path.home()
    places = ["/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts/Supplemental"]
    own = [home / ".local/share/fonts", home / ".fonts", home / "Library/Fonts", Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"]
    return (folder for folder in [*map(Path, places), *own] if folder.is_dir())
