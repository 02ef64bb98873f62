"""The second part of the sample stack: every kind of form, filled in by the units of a small
municipality (`tests/data/municipality.yaml`).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.random import Generator
from PIL import Image as Pillow

from pipeline.domain.form.field import Kind, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.model import Client, Image, StaffMember, Value
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import Sheet
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import SyntheticWriter
from pipeline.registers.clients import load_client_register
from pipeline.registers.staff import load_staff
from tests.support.pages.distort import DISTORTIONS
from tests.support.pages.sample_pages import (
    Desk,
    Filled,
    at_dpi,
    expected_page,
    grey,
    jpeg,
    scanned_pdf,
)

SHEETS = ROOT / "tests" / "data" / "municipality.yaml"
FILES = {
    "Särskilt boende Björken": "07-bjorken.pdf",
    "Hemtjänsten Norr": "08-hemtjanst.pdf",
    "LSS-boende Åviken": "09-aviken.pdf",
    "Individ- och familjeomsorgen": "10-ifo.tif",
    "Socialförvaltningens kansli": "11-kansli.pdf",
}
BOARD_FILE, BOARD_UNIT = "12-tavla.jpg", "Särskilt boende Björken"
DPI = 150
_WAYS = ("clean", "skew_right", "clean", "upside_down")
_BOARD = (
    "Mån 20/12",
    "Rum 3 läkare kl 10",
    "Rum 7 ny säng",
    "Ring apoteket!",
    "Kväll: Anneli + Hassan",
)


def write_municipality(desk: Desk, folder: Path) -> list[dict[str, object]]:
    """Write the units' files; answers with what each page says."""
    expected: list[dict[str, object]] = []
    by_unit: dict[str, list[Filled]] = {unit: [] for unit in FILES}
    for number, sheet in enumerate(yaml.safe_load(SHEETS.read_text("utf-8"))):
        for unit, page in _filled(desk, sheet, number):
            by_unit[unit].append(page)
    for unit, name in FILES.items():
        pictures = []
        for number, page in enumerate(by_unit[unit], start=1):
            way = _WAYS[number % len(_WAYS)]
            pictures.append(grey(DISTORTIONS[way](page.image, desk.rng)))
            expected.append(expected_page(name, number, page, way))
        (_tiff if name.endswith(".tif") else _pdf)(folder / name, pictures)
    (folder / BOARD_FILE).write_bytes(jpeg(_board(desk.hands[2], desk.rng), DPI, 60))
    return [
        *expected,
        expected_page(
            BOARD_FILE,
            1,
            Filled(_board(desk.hands[2], desk.rng), "", "", {}, "unidentified", "tavla"),
            "photo",
        ),
    ]


@cache
def _clients() -> Mapping[str, Client]:
    return {
        client.name: client
        for client in load_client_register(ROOT / "data" / "samples" / "klienter.csv").clients
    }


@cache
def _staff() -> Mapping[str, StaffMember]:
    return {
        member.name: member for member in load_staff(ROOT / "data" / "samples" / "personal.csv")
    }


def _filled(desk: Desk, sheet: Mapping[str, Any], number: int) -> Iterator[tuple[str, Filled]]:
    """Each page of a sheet, with the unit that it belongs to."""
    form = desk.forms.latest(sheet["form"])
    client, member = _clients().get(sheet.get("client", "")), _staff().get(sheet["staff"])
    unit = _unit(sheet, client, member)
    values = _values(form, sheet, client, member)
    issued: Sheet = desk.sheet(form, unit)
    for page_no, spec in enumerate(form.pages, start=1):
        own = {field.name: values[field.name] for field in spec.all_fields if field.name in values}
        image = fill_field(
            render_sheet_page(form, issued, page_no),
            spec,
            own,
            desk.hands[number % len(desk.hands)],
            desk.rng,
        )
        yield unit, Filled(image, form.id, issued.serial, own)


def _unit(sheet: Mapping[str, Any], client: Client | None, member: StaffMember | None) -> str:
    """That of the client, else of the clients of its rows, else of who wrote."""
    rows = [row for rows in sheet.get("rows", {}).values() for row in rows if "client" in row]
    if client is None and rows:
        client = _clients()[rows[0]["client"]]
    if client is None or sheet["form"] == "utbetalningslista":
        return member.unit if member else BOARD_UNIT
    return client.unit


def _values(
    form: Form, sheet: Mapping[str, Any], client: Client | None, member: StaffMember | None
) -> dict[str, Value]:
    values = {name: _plain(value) for name, value in sheet.get("values", {}).items()}
    given = dict[Meaning, Value]()
    if client:
        given |= {Meaning.CLIENT_PID: client.pid, Meaning.CLIENT_NAME: client.name}
    if member:
        given |= {
            Meaning.AUTHOR_NAME: member.name,
            Meaning.AUTHOR_TITLE: member.title,
            Meaning.AUTHOR_SIGNATURE: True,
        }
    for spec in form.fields:
        if spec.row is None and spec.means in given and spec.kind is not Kind.PRINTED:
            values.setdefault(spec.name, given[spec.means])
    for prefix, rows in sheet.get("rows", {}).items():
        for number, row in enumerate(rows, start=1):
            values |= {f"{prefix}{number:02d}.{name}": value for name, value in _row(row).items()}
    return values


def _row(row: Mapping[str, Any]) -> dict[str, Value]:
    written = {name: _plain(value) for name, value in row.items() if name != "client"}
    if "client" in row:
        client = _clients()[row["client"]]
        written |= {"personnummer": client.pid, "namn": client.name}
    return written


def _plain(value: object) -> Value:
    return value if isinstance(value, bool) else str(value)


def _pdf(path: Path, pictures: list[Image]) -> None:
    small = [at_dpi(picture, DPI) for picture in pictures]
    scanned_pdf(path, [(jpeg(picture, DPI, 55), picture) for picture in small], DPI)


def _tiff(path: Path, pictures: list[Image]) -> None:
    """1-bit G4 at 200 dpi, as an office copier sends it."""
    small = [at_dpi(picture, 200) for picture in pictures]
    frames = [
        Pillow.fromarray(((picture > 170) * 255).astype(np.uint8)).convert("1") for picture in small
    ]
    buffer = io.BytesIO()
    frames[0].save(
        buffer,
        "TIFF",
        save_all=True,
        append_images=frames[1:],
        compression="group4",
        dpi=(200, 200),
    )
    path.write_bytes(buffer.getvalue())


def _board(hand: SyntheticWriter, rng: Generator) -> Image:
    """A whiteboard as a telephone sees it: felt pen on shining white, light from one side."""
    board = np.full((1400, 1900), 238, np.uint8)
    for i, line in enumerate(_BOARD):
        mask = hand.words(line, 150, rng)
        region = board[120 + i * 240 : 120 + i * 240 + mask.shape[0], 140 : 140 + mask.shape[1]]
        np.minimum(
            region,
            (245 - 190 * mask[: region.shape[0], : region.shape[1]]).astype(np.uint8),
            out=region,
        )
    light = np.linspace(0.72, 1.0, board.shape[1], dtype=np.float32)
    return np.asarray(
        cv2.GaussianBlur((board * light).astype(np.uint8), (0, 0), 0.12 * PRINT_PX_PER_MM), np.uint8
    )
