"""Fetch the training fonts of `handwriting_fonts.txt`.

    python -m research.training.handwriting.fonts FOLDER

It needs npm. Each family is a package of Fontsource, whose licence (SIL Open Font License 1.1 or
Apache-2.0) must allow training. None is part of this project.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import tarfile
import tempfile
from collections import defaultdict
from pathlib import Path

from pipeline.domain.errors import UsageError

FONT_LIST_FILE = Path(__file__).parents[1] / "data" / "handwriting_fonts.txt"
ALLOWED_LICENCES = {"OFL-1.1", "Apache-2.0"}
REQUIRED_CHARACTERS = "åäöÅÄÖéabcxyz0123456789.,:/()%+<>"
PACKAGE_MAJOR = 5


def load_font_list() -> dict[str, list[int]]:
    """Return the weights of each family."""
    found: dict[str, list[int]] = defaultdict(list)
    for line in FONT_LIST_FILE.read_text("utf-8").splitlines():
        # Lines that start with # are comments.
        if not line.startswith("#"):
            family, weight = line.split()
            found[family].append(int(weight))
    return dict(found)


def fetch_family(family: str, weights: list[int], to: Path) -> None:
    """Write the faces of a family as TrueType files `<family>-<weight>.ttf`.

    Raises:
        UsageError: the package is of another licence, or a face lacks letters of Swedish.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Fetch the package through the registry's own client.
        subprocess.run(
            ["npm", "pack", "--silent", f"@fontsource/{family}@{PACKAGE_MAJOR}"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as package:
            # Use only fonts with a licence that allows it.
            licence = json.loads(_read_package_file(package, "package.json"))["license"]
            if licence not in ALLOWED_LICENCES:
                raise UsageError(
                    "font_licence_not_allowed",
                    family=family,
                    licence=licence,
                    faces=FONT_LIST_FILE.name,
                )
            for weight in weights:
                _save_truetype(
                    _read_package_file(package, f"files/{family}-latin-{weight}-normal.woff"),
                    to / f"{family}-{weight}.ttf",
                )


def _read_package_file(package: tarfile.TarFile, name: str) -> bytes:
    member = package.extractfile(f"package/{name}")
    assert member is not None, name
    return member.read()


def _save_truetype(woff: bytes, file: Path) -> None:
    from fontTools.ttLib import TTFont

    font = TTFont(io.BytesIO(woff))
    known = font.getBestCmap()
    # Refuse a font that lacks Swedish letters.
    if lacking := [sign for sign in REQUIRED_CHARACTERS if ord(sign) not in known]:
        raise UsageError(
            "font_characters_missing",
            stem=file.stem,
            lacking=" ".join(lacking),
            faces=FONT_LIST_FILE.name,
        )
    # Without the compression of WOFF it is TrueType.
    font.flavor = None
    font.save(file)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for family, weights in load_font_list().items():
        fetch_family(family, weights, folder)
        print(family, flush=True)


if __name__ == "__main__":
    main()
