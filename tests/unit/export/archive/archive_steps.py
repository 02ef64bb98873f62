"""What the tests of the archive scan, send and pack."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import cv2
import numpy as np
from sqlalchemy import delete, update

from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import Person, Role
from pipeline.export.archive.runs import make_package, package_file
from pipeline.export.runs import ExportContext
from pipeline.store.exports.archives import ArchivePackage
from pipeline.store.schema import paper as schema_paper
from pipeline.store.schema.append_only import protect_tables, unprotect_tables
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.exports import receipt
from tests.support.store.export_office import ANNA, confirm, receipt_run
from tests.support.store.route_steps import make_run

RUT = Person(
    "rut", "Rut Ek", "registrator", Role.REGISTRAR, frozenset({"Norr", "Söder"}), ALL_AREAS
)


BO = Person(
    "bo", "Bo Alm", "administratör", Role.ADMINISTRATOR, frozenset({"Norr", "Söder"}), ALL_AREAS
)


NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}


def picture(text: str) -> bytes:
    """A page registered to its form: 8 px/mm, grey."""
    paper = np.full((297 * 8, 210 * 8), 245, np.uint8)
    cv2.putText(paper, text, (200, 400), cv2.FONT_HERSHEY_SIMPLEX, 3, 0, 4)
    return cv2.imencode(".jpg", paper)[1].tobytes()


def scanned(
    office: ExportContext, serial: str, form: str = "hsl-anteckning", **fields: str | bool
) -> str:
    """A confirmed entry whose page has pictures: the scan and the same laid upright."""
    entry = confirm(office, form, serial, "Norr", **fields)
    scan, upright = (
        office.store.images.put(picture(f"skannat {serial}")),
        office.store.images.put(picture(serial)),
    )
    page = schema_paper.page
    with office.store.begin() as conn:
        conn.execute(
            update(page)
            .where(page.c.serial == serial)
            .values(image_sha256=scan, media_type="image/jpeg", upright_sha256=upright)
        )
    return entry


PLAN = "DHP 2022-3"
"""The plan that sheets are archived by."""


def sent(office: ExportContext, *serials: str, target: str = "rivta") -> None:
    """Notes that are in their care system, which has said so."""
    for serial in serials:
        scanned(office, serial, **NOTE)
    export_and_receipt(office, target)


def export_and_receipt(office: ExportContext, target: str = "rivta") -> None:
    """Everything that is ready for a target goes there, and the target takes it."""
    run = make_run(office, ANNA, target, utc_now())
    assert run is not None
    receipt_run(office, ANNA, run.id)


def packed(office: ExportContext) -> ArchivePackage:
    made = make_package(office, BO, utc_now(), PLAN)
    assert made is not None
    return made


def forget_receipt(office: ExportContext, entry_id: str) -> None:
    """The entry is as if it had been archived before receipts were demanded."""
    entry = schema_paper.entry
    with office.store.begin() as conn:
        unprotect_tables(conn)
        conn.execute(delete(receipt).where(receipt.c.entry == entry_id))
        protect_tables(conn)
        conn.execute(update(entry).where(entry.c.id == entry_id).values(state="exporterad"))


def unpacked(office: ExportContext, made: ArchivePackage, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(package_file(office, BO, made.id).data)) as file:
        file.extractall(folder)
    return folder / made.id
