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
from pipeline.domain.form.page import PageSpec
from pipeline.domain.identity_numbers import make_client_code
from pipeline.domain.model import Client, Image, StaffMember, Value
from pipeline.domain.settings import ROOT
from pipeline.forms.printing import Sheet
from pipeline.operations.demo import list_code_holders
from pipeline.preparation.practice.fill_sheet import PRINT_PX_PER_MM, fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import SyntheticWriter
from pipeline.registers.clients import load_client_register
from pipeline.registers.prescriptions import Prescription, make_prescription_sheets
from pipeline.registers.staff import load_staff
from pipeline.store.entries.client_identities import FIRST_CODE_NUMBER
from tests.support.pages.distort import DISTORTIONS
from tests.support.pages.sample_pages import (
    Desk,
    Filled,
    at_dpi,
    expected_page,
    grey,
    jpeg,
    printed_paper,
    scanned_pdf,
)

SHEETS = ROOT / "tests" / "data" / "municipality.yaml"
FILES = {
    "Särskilt boende Björken": "07-bjorken.pdf",
    "Hemtjänsten Norr": "08-hemtjanst.pdf",
    "LSS-boende Åviken": "09-aviken.pdf",
    "Individ- och familjeomsorgen": "10-ifo.tif",
    "Socialförvaltningens kansli": "11-kansli.pdf",
    "Hemsjukvården Centrum": "13-hemsjukvard.pdf",
}
BOARD_FILE, BOARD_UNIT = "12-tavla.jpg", "Särskilt boende Björken"
DPI = 150
_WAYS = ("clean", "skew_right", "clean", "upside_down")
_BOARD = (
    ("", "Mån 20/12"),
    ("Siv Palo", "Siv P: läkare kl 10"),
    ("Bertil Gran", "Bertil G: ring apoteket"),
    ("Folke Niemi", "Folke N: ny säng"),
    ("Sixten Jonsson", "Sixten J: äter dåligt"),
)
"""Whom each line of the shared board is about, and what it says."""
_BOARD_DAY = "2021-12-20"
_BOARD_SIZE, _BOARD_TOP, _BOARD_PITCH = (1900, 1400), 120, 240


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
    board = _board(desk.hands[2], desk.rng)
    (folder / BOARD_FILE).write_bytes(jpeg(board, DPI, 60))
    shared = Filled(board, "", "", {}, "unidentified", "tavla", {"parts": _board_parts()})
    return [*expected, expected_page(BOARD_FILE, 1, shared, "photo")]


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
    """Each page of a sheet and the papers behind it, with the unit that they belong to."""
    form = desk.forms.latest(sheet["form"])
    client, member = _clients().get(sheet.get("client", "")), _staff().get(sheet["staff"])
    unit = _unit(sheet, client, member)
    values = _values(form, sheet, client, member)
    printed = _prescriptions(form, sheet, client)
    issued: Sheet = desk.sheet(form, unit, None, tuple(printed.items()))
    written = {**_signatures(form, sheet, printed), **values}
    unknown = written.keys() - form.by_name.keys()
    if unknown:
        raise ValueError(f"{form.id} has no {sorted(unknown)}")
    for page_no, spec in enumerate(form.pages, start=1):
        own = {
            field.name: written[field.name]
            for field in spec.all_fields
            if written.get(field.name, "") != ""
        }
        image = fill_field(
            render_sheet_page(form, issued, page_no),
            spec,
            own,
            desk.hands[number % len(desk.hands)],
            desk.rng,
        )
        truth = _codes_said(spec, sheet) | _printed_on(spec, printed)
        yield unit, Filled(image, form.id, issued.serial, own, truth=truth)
    for paper in sheet.get("attached", ()):
        belongs = {"to": issued.serial, "title": paper["title"], "day": str(paper["day"])}
        yield (
            unit,
            Filled(
                printed_paper(paper["lines"]),
                "",
                "",
                {},
                "unidentified",
                "bilaga",
                {"attached": belongs},
            ),
        )


def _prescriptions(form: Form, sheet: Mapping[str, Any], client: Client | None) -> dict[str, str]:
    """What is printed on a signing list, by field; nothing on other sheets."""
    if client is None or "prescriptions" not in sheet:
        return {}
    rows = [
        Prescription(
            unit=client.unit,
            pid=client.pid,
            month=sheet["from"],
            number=number,
            name=client.name,
            prescriber="Dr Lindh",
            prescribed_on="2021-12-01",
            **{**row, "times": tuple(row["times"])},
        )
        for number, row in enumerate(sheet["prescriptions"], start=1)
    ]
    (filled,) = make_prescription_sheets(form, rows)
    return dict(filled.prefilled)


def _signatures(
    form: Form, sheet: Mapping[str, Any], printed: Mapping[str, str]
) -> dict[str, Value]:
    """Initials in each box of the grid that has a time, from the first day on, in turns."""
    by = sheet.get("signed_by", ())
    boxes = [
        field
        for field in form.fields
        if by
        and field.day is not None
        and field.day >= sheet["from"].day
        and field.planned_by in printed
    ]
    return {field.name: by[(field.day or 0) % len(by)] for field in boxes}


def _codes_said(spec: PageSpec, sheet: Mapping[str, Any]) -> dict[str, object]:
    """Whom each client code of the page means, by the number's field."""
    means = {
        f"{prefix}{number:02d}.personnummer": _clients()[row["coded"]].pid
        for prefix, rows in sheet.get("rows", {}).items()
        for number, row in enumerate(rows, start=1)
        if "coded" in row
    }
    names = {field.name for field in spec.all_fields}
    found = {name: pid for name, pid in means.items() if name in names}
    return {"coded": found} if found else {}


def _printed_on(spec: PageSpec, printed: Mapping[str, str]) -> dict[str, object]:
    """What was printed in the fields of the page before it went out, by field."""
    found = {field.name: printed[field.name] for field in spec.all_fields if field.name in printed}
    return {"printed": found} if found else {}


def _unit(sheet: Mapping[str, Any], client: Client | None, member: StaffMember | None) -> str:
    """That of the client, else of the clients of its rows, else of who wrote."""
    named = [
        row.get("client") or row.get("coded")
        for rows in sheet.get("rows", {}).values()
        for row in rows
    ]
    if client is None and named and named[0]:
        client = _clients()[named[0]]
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
    written = {
        name: _plain(value) for name, value in row.items() if name not in ("client", "coded")
    }
    if "client" in row:
        client = _clients()[row["client"]]
        written |= {"personnummer": client.pid, "namn": client.name}
    if "coded" in row:
        client = _clients()[row["coded"]]
        written |= {"kod": _codes()[client.pid], "namn": client.name}
    return written


@cache
def _codes() -> Mapping[str, str]:
    """The client codes that the demo gives."""
    return {
        pid: make_client_code(FIRST_CODE_NUMBER + place)
        for place, pid in enumerate(list_code_holders(list(_clients().values())))
    }


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


def _board_parts() -> list[dict[str, object]]:
    """The lines of the board that are about a client, with their places as shares of it."""
    height = _BOARD_SIZE[1]
    return [
        {
            "client": _clients()[name].pid,
            "day": _BOARD_DAY,
            "text": text,
            "area": [
                0.03,
                round((_BOARD_TOP + n * _BOARD_PITCH - 20) / height, 3),
                0.94,
                round(_BOARD_PITCH / height, 3),
            ],
        }
        for n, (name, text) in enumerate(_BOARD)
        if name
    ]


def _board(hand: SyntheticWriter, rng: Generator) -> Image:
    """A whiteboard as a telephone sees it: felt pen on shining white, light from one side."""
    width, height = _BOARD_SIZE
    board = np.full((height, width), 238, np.uint8)
    for i, (_, line) in enumerate(_BOARD):
        mask = hand.words(line, 150, rng)
        top = _BOARD_TOP + i * _BOARD_PITCH
        region = board[top : top + mask.shape[0], 140 : 140 + mask.shape[1]]
        np.minimum(
            region,
            (245 - 190 * mask[: region.shape[0], : region.shape[1]]).astype(np.uint8),
            out=region,
        )
    light = np.linspace(0.72, 1.0, width, dtype=np.float32)
    return np.asarray(
        cv2.GaussianBlur((board * light).astype(np.uint8), (0, 0), 0.12 * PRINT_PX_PER_MM), np.uint8
    )
