"""Make the sample stack under `data/samples`: `make samples`. The same on every run but for the
compressors' versions.

Forms are printed by the program, filled in by `pipeline/preparation/practice/fill_sheet.py`, and
spoilt by `tests/support/pages/distort.py`.
"""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from pipeline.domain.model import Client, Image
from pipeline.preparation.practice.fill_sheet import fill_field, render_sheet_page
from research.evaluation.fields.sample_content import (
    SAMPLE_MEASUREMENTS,
    SAMPLE_NOTES,
    SAMPLE_STAFF,
    SAMPLE_VISITS,
    SampleEntry,
)
from tests.support.pages.distort import DISTORTIONS
from tests.support.pages.sample_pages import (
    HOME_CARE_UNIT,
    HSL_UNIT,
    SAMPLES,
    Desk,
    Filled,
    at_dpi,
    expected_page,
    grey,
    jpeg,
    scanned_pdf,
)
from tests.support.store.municipality import write_municipality

STACK = SAMPLES / "stack"
MUNICIPALITY_SEED = 20220110


def write(
    desk: Desk, form_id: str, written: SampleEntry, writer: int, client: Client | None = None
) -> Filled:
    """Print a sheet and fill it in."""
    form = desk.forms[form_id, 1]
    unit = HOME_CARE_UNIT if form_id == "besokslista" else HSL_UNIT
    sheet = desk.sheet(form, unit, client)
    values = {
        k: v for k, v in written.items() if client is None or k not in ("personnummer", "namn")
    }
    image = fill_field(
        render_sheet_page(form, sheet),
        form.pages[0],
        values,
        desk.hands[writer % len(desk.hands)],
        desk.rng,
    )
    return Filled(image, form.id, sheet.serial, dict(written))


def notes(desk: Desk) -> list[Filled]:
    """Journal notes by four nurses; every fourth on a pre-filled sheet."""
    pages = []
    for i, (day, time, kind, text, plan) in enumerate(SAMPLE_NOTES):
        client = desk.patients[i % len(desk.patients)]
        name, title = SAMPLE_STAFF[i % 4]
        written: SampleEntry = {
            "personnummer": client.pid, "namn": client.name,
            "handelsedatum": day, "handelsetid": time, "kontakttyp": kind,
            "information": i % 3 == 0, "anteckning": text, "plan": plan,
            "skribent": name, "yrkestitel": title, "underskrift": True,
        }  # fmt: skip
        pages.append(write(desk, "hsl-anteckning", written, i, client if i % 4 == 3 else None))
    return pages


def measurements(desk: Desk) -> list[Filled]:
    """Measurement sheets, some rows each."""
    pages = []
    for i, rows in enumerate(SAMPLE_MEASUREMENTS):
        client = desk.patients[(i * 3 + 1) % len(desk.patients)]
        name, title = SAMPLE_STAFF[i % 4]
        written: SampleEntry = {
            "personnummer": client.pid,
            "namn": client.name,
            "skribent": name,
            "yrkestitel": title,
            "underskrift": True,
        }
        for number, row in enumerate(rows, start=1):
            written |= {f"rad{number:02d}.{field}": value for field, value in row.items()}
            written[f"rad{number:02d}.signatur"] = _initials(name)
        pages.append(write(desk, "matvarden", written, i + 2))
    return pages


def visits(desk: Desk) -> list[Filled]:
    """Visit lists of the home care, one client a row; a cancelled tick here and there."""
    pages = []
    for i, (day, times) in enumerate(SAMPLE_VISITS):
        name, title = SAMPLE_STAFF[4 + i % 4]
        written: SampleEntry = {
            "datum": day,
            "skribent": name,
            "yrkestitel": title,
            "underskrift": True,
        }
        for number, (start, end, services) in enumerate(times, start=1):
            client = desk.home_care[(i * 5 + number) % len(desk.home_care)]
            row: SampleEntry = {
                "personnummer": client.pid,
                "namn": client.name,
                "start": start,
                "slut": end,
                "signatur": _initials(name),
            }
            row |= dict.fromkeys(services, True)
            if number == 3:
                row["inkop"] = "solid"
            written |= {f"rad{number:02d}.{field}": value for field, value in row.items()}
        pages.append(write(desk, "besokslista", written, i + 4))
    return pages


def _initials(name: str) -> str:
    return "".join(part[0] for part in name.split())


def blank_back(desk: Desk, through: Filled) -> Filled:
    """The back of a sheet: the front shines through, mirrored and faint."""
    grey = cv2.cvtColor(through.image, cv2.COLOR_BGR2GRAY)[:, ::-1]
    faint = 255 - (255 - cv2.GaussianBlur(grey, (0, 0), 6).astype(np.float32)) * 0.05
    speckled = np.clip(faint + desk.rng.normal(0, 2, faint.shape), 0, 255).astype(np.uint8)
    return Filled(np.ascontiguousarray(np.dstack([speckled] * 3)), "", "", {}, "blank", "baksida")


def foreign_page(desk: Desk) -> Filled:
    """A handwritten letter on plain paper: no form of Efterskrift."""
    paper = np.full((3508, 2480, 3), 250, np.uint8)
    lines = (
        "Hej!",
        "Mamma ramlade i natt men säger att hon",
        "inte har ont. Kan någon titta till henne",
        "på förmiddagen? Ring mig gärna.",
        "",
        "Hälsningar Stina",
    )
    for i, line in enumerate(lines):
        if line:
            mask = desk.hands[3].words(line, 130, desk.rng)
            region = paper[400 + i * 190 : 400 + i * 190 + mask.shape[0], 250 : 250 + mask.shape[1]]
            np.minimum(
                region,
                (255 - 215 * mask[: region.shape[0], : region.shape[1], None]).astype(np.uint8),
                out=region,
            )
    return Filled(paper, "", "", {}, "unidentified", "främmande sida")


def main() -> None:
    """Write every file of the stack, the issued serials and what each page says."""
    desk = Desk()
    STACK.mkdir(parents=True, exist_ok=True)
    for old in STACK.iterdir():
        old.unlink()
    note, measured, visit = notes(desk), measurements(desk), visits(desk)
    expected: list[dict[str, object]] = []
    _nursing_pdf(desk, note[:13], measured[:5], expected)
    _home_care_tiff(desk, visit[:9], expected)
    _colour_pdf(desk, note[13:], measured[5:], visit[9:], expected)
    (STACK / "04-trasig.pdf").write_bytes(
        b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        + bytes(range(128, 256)) * 8
    )
    expected.append(
        {
            "file": "04-trasig.pdf",
            "page": 1,
            "outcome": "failed",
            "note": "trasig fil",
            "values": {},
        }
    )
    municipality = Desk(MUNICIPALITY_SEED)
    expected += write_municipality(municipality, STACK)
    (SAMPLES / "expected.json").write_text(
        json.dumps(expected, ensure_ascii=False, indent=1) + "\n", "utf-8"
    )
    with (SAMPLES / "utlamnade.csv").open("w", encoding="utf-8", newline="") as file:
        issued = [*desk.issued, *municipality.issued]
        csv.writer(file, delimiter=";").writerows(
            [("löpnummer", "blankett", "version", "enhet", "personnummer"), *issued]
        )


def _nursing_pdf(
    desk: Desk, note: list[Filled], measured: list[Filled], expected: list[dict[str, object]]
) -> None:
    """01: grey, 300 dpi, mixed order, turned and skewed sheets, two blank backs, a sheet scanned
    twice, a destroyed code, a letter.
    """
    mixed = [
        *note[:4],
        measured[0],
        *note[4:7],
        measured[1],
        measured[2],
        *note[7:10],
        measured[3],
        *note[10:],
        measured[4],
    ]
    ways = [
        "clean",
        "upside_down",
        "skew_right",
        "clean",
        "quarter_turn",
        "clean",
        "skew_left_dark_bed",
        "printed_at_90_percent",
    ]
    pages = [(page, ways[i % len(ways)]) for i, page in enumerate(mixed)]
    pages[6] = (pages[6][0], "destroyed_code")
    pages[9] = (pages[9][0], "torn_corner")
    pages[12] = (pages[12][0], "coffee_and_holes")
    pages.insert(5, (blank_back(desk, pages[4][0]), "clean"))
    pages.insert(11, (blank_back(desk, pages[10][0]), "clean"))
    pages.insert(14, (foreign_page(desk), "clean"))
    again = replace(pages[2][0], note="samma blad en gång till")
    pages.append((again, "three_quarter_turn"))
    pictures = []
    for number, (page, way) in enumerate(pages, start=1):
        image = grey(DISTORTIONS[way](page.image, desk.rng))
        pictures.append((jpeg(image, 300, 58), image))
        expected.append(expected_page("01-hemsjukvard.pdf", number, page, way))
    scanned_pdf(STACK / "01-hemsjukvard.pdf", pictures, 300)


def _home_care_tiff(desk: Desk, visit: list[Filled], expected: list[dict[str, object]]) -> None:
    """02: 1-bit G4 at 200 dpi from an old office copier."""
    ways = ["one_bit", "one_bit_200_dpi_dust", "upside_down"]
    frames = []
    for number, page in enumerate(visit, start=1):
        way = ways[number % 3]
        image = grey(DISTORTIONS[way](page.image, desk.rng))
        scale = 2339 / max(image.shape)
        small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        frames.append(Pillow.fromarray(((small > 165) * 255).astype(np.uint8)).convert("1"))
        expected.append(expected_page("02-hemtjanst.tif", number, page, f"{way}, 1-bit 200 dpi"))
    frames[0].save(
        STACK / "02-hemtjanst.tif",
        save_all=True,
        append_images=frames[1:],
        compression="group4",
        dpi=(200, 200),
    )


def _colour_pdf(
    desk: Desk,
    note: list[Filled],
    measured: list[Filled],
    visit: list[Filled],
    expected: list[dict[str, object]],
) -> None:
    """03: colour at 150 dpi; and photographs by telephone, one with an EXIF turn, one the very same
    file twice.
    """
    *stack, last_note = note
    pages = [page for group in zip(stack, visit, strict=False) for page in group] + measured
    photographed = [pages.pop(), last_note]
    pictures = []
    for number, page in enumerate(pages, start=1):
        way = ["clean", "skew_right", "upside_down"][number % 3]
        image = at_dpi(DISTORTIONS[way](page.image, desk.rng), 150)
        pictures.append((jpeg(image, 150, 70), image))
        expected.append(expected_page("03-farg.pdf", number, page, f"{way}, färg 150 dpi"))
    scanned_pdf(STACK / "03-farg.pdf", pictures, 150)
    for name, page, way in (
        ("05-telefon-1.jpg", photographed[0], "photo"),
        ("05-telefon-2.jpg", photographed[1], "photo_turned_in_shadow"),
    ):
        _photograph(STACK / name, DISTORTIONS[way](page.image, desk.rng))
        expected.append(expected_page(name, 1, page, way))
    (STACK / "06-telefon-1-igen.jpg").write_bytes((STACK / "05-telefon-1.jpg").read_bytes())
    expected.append(
        expected_page(
            "06-telefon-1-igen.jpg",
            1,
            replace(photographed[0], note="samma fil en gång till"),
            "photo",
        )
    )


def _photograph(path: Path, image: Image) -> None:
    """A telephone's file: the sensor's picture lies on its side and EXIF says how to turn it."""
    turned = Pillow.fromarray(np.ascontiguousarray(np.rot90(image)[:, :, ::-1]))
    turned.thumbnail((2600, 2600))
    exif = Pillow.Exif()
    exif[0x0112] = 6
    turned.save(path, "JPEG", quality=72, exif=exif)


if __name__ == "__main__":
    main()
