"""`efterskrift recognize`: read images of single fields, without a database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.counting import counted
from pipeline.cli.options import RESEARCH
from pipeline.errors import EfterskriftError, ExitCode
from pipeline.field_spec import Kind

if TYPE_CHECKING:
    from pipeline.model import Reading
    from pipeline.recognize.crop import Crop

AT_ONCE = 64
"""So many pictures are held and read together."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("recognize", rich_help_panel=RESEARCH)(recognize)


def recognize(
    kind: Annotated[Kind, typer.Argument(help="Kind of field.")],
    paths: Annotated[list[Path], typer.Argument(help="Images, folders or zip archives of images.", exists=True)],
    cells: Annotated[int | None, typer.Option(min=1, max=60, help="Number of boxes in a row, or of ruled lines in an area.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object an image.")] = False,
) -> None:
    """Read images of single fields; nothing is stored.

    An image that cannot be read gets the state "failed" and a problem. The others are read, and the
    exit code is 4.
    """
    asked, failed = 0, 0
    for found in recognized(kind, paths, cells):
        asked += 1
        failed += found["state"] == "failed"
        typer.echo(json.dumps(found, ensure_ascii=False) if as_json else _row(found))
    if failed:
        typer.echo(f"{counted(failed, 'picture')} could not be read.", err=True)
        raise typer.Exit(ExitCode.INTAKE)
    if not asked:
        typer.echo("There is no picture: PNG, JPEG and TIFF are looked for.", err=True)


def recognized(kind: Kind, paths: list[Path], cells: int | None) -> Iterator[dict[str, Any]]:
    """One object a picture, in order, with progress on stderr."""
    from rich.console import Console
    from rich.progress import Progress, TextColumn

    from pipeline.recognize.loose import picture_files

    columns = (TextColumn("Reading"), TextColumn("{task.completed:.0f} pictures"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("read", total=None)
        files = picture_files(paths)
        while some := list(islice(files, AT_ONCE)):
            yield from _read_together(kind, some, cells)
            progress.advance(task, len(some))


def _read_together(kind: Kind, files: list[tuple[str, bytes]], cells: int | None) -> list[dict[str, Any]]:
    """All at once; a picture at a time when one of them stops the others."""
    from pipeline.errors import BrokenFileError, ReadingError
    from pipeline.recognize.loose import grey_picture, loose_crop
    from pipeline.recognize.registry import RECOGNIZERS

    found: list[dict[str, Any]] = []
    crops: list[tuple[int, Crop]] = []
    for path, data in files:
        try:
            crops.append((len(found), loose_crop(grey_picture(data), kind, cells)))
            found.append({"path": path})
        except BrokenFileError as error:
            found.append(_failed(path, error))
    try:
        readings = RECOGNIZERS[kind]([crop for _, crop in crops])
    except ReadingError as error:
        if len(files) == 1:
            return [_failed(files[0][0], error)]
        return [one for file in files for one in _read_together(kind, [file], cells)]
    for (at, _), reading in zip(crops, readings, strict=True):
        found[at] |= _as_object(reading)
    return found


def _as_object(reading: Reading) -> dict[str, Any]:
    return {
        "value": reading.value,
        "p": round(reading.p, 4),
        "state": str(reading.state),
        "alternatives": [[value, round(p, 4)] for value, p in reading.alternatives],
    }


def _failed(path: str, error: EfterskriftError) -> dict[str, Any]:
    return {"path": path, "value": None, "p": 0.0, "state": "failed", "alternatives": [], "problem": error.message}


def _row(found: dict[str, Any]) -> str:
    value = found.get("problem") or ("" if found["value"] is None else str(found["value"]))
    return f"{found['state']:<10} {found['p']:6.3f}  {value:<30}  {found['path']}"
