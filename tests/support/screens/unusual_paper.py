"""Paper that a workspace of the screens' tests holds besides notes and visits: payments, copies,
pages that failed, and others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from sqlalchemy import Connection

from pipeline.domain.form.form import COVER_SHEET
from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import (
    IssuedSheet,
    Outcome,
    PageReading,
    Reading,
    State,
    Value,
)
from pipeline.forms.fiducials import new_serial
from pipeline.store.database.store import Store
from pipeline.store.entries import sheet_entries as sheets
from pipeline.store.entries.attached_pages import save_page_text
from pipeline.store.entries.entry import load_entry, make_entry_id
from pipeline.store.paper import pages
from pipeline.store.paper.pages import NewPage
from pipeline.store.registers import issued_sheets
from tests.support.screens.seeding import (
    ADMINISTRATOR,
    CLIENTS,
    COLLEAGUE,
    NOTE,
    NURSE,
    OTHER_UNIT,
    UNIT,
    confirm,
    forms,
    jpeg,
    read_page,
)


def add_payments(store: Store) -> list[str]:
    """A confirmed list of three payments, the last of which is made already; answers with the ids
    of its rows.
    """
    form, serial = forms().latest("utbetalningslista"), new_serial()
    values: dict[str, Value] = {
        "handelsedatum": "2021-12-20",
        "summa": "9450",
        "attestant": "Maj Sand",
        "skribent": "Bo Lind",
    }
    for row, (client, amount) in enumerate(
        ((CLIENTS[0], "4500"), (CLIENTS[1], "3100"), (CLIENTS[0], "1850")), 1
    ):
        said = {
            "personnummer": client.pid,
            "namn": client.name,
            "clearing": "3300",
            "konto": f"12345{row}",
            "belopp": amount,
            "avser": "Januari",
        }
        values |= {f"rad{row:02d}.{name}": value for name, value in said.items()}
    values["rad03.utbetald"] = True
    with store.begin() as conn:
        issued_sheets.save_issued_sheets(
            conn, [IssuedSheet(serial, form.id, form.version, OTHER_UNIT)], ADMINISTRATOR.login
        )
        batch = pages.create_batch(conn, OTHER_UNIT, "Pärm 5", ADMINISTRATOR.login)
    read_page(store, form, serial, batch, 1, values, values, p=0.995)
    ids = [make_entry_id(serial, row) for row in (1, 2, 3)]
    for each in ids:
        for clerk in (NURSE, COLLEAGUE):
            confirm(store, replace(clerk, areas=ALL_AREAS), each, values)
    return ids


def add_failed_page(store: Store) -> str:
    """A page of a damaged file."""
    with store.begin() as conn:
        batch = pages.create_batch(conn, UNIT, "Pärm 2", ADMINISTRATOR.login)
        return pages.add_page(
            conn,
            NewPage(
                batch, 1, "trasig.pdf", 1, "0" * 64, None, None, "broken_file: The file is damaged."
            ),
            ADMINISTRATOR.login,
        )


def add_key_receipts(store: Store, rows: tuple[int, ...]) -> str:
    """A list of keys that were fetched, which is about no client; answers with its serial."""
    form, serial = forms().latest("nyckelkvittens"), new_serial()
    values: dict[str, Value] = {"skribent": "Nina Berglund", "underskrift": True}
    for row in rows:
        values |= {
            f"rad{row:02d}.nyckel": f"A {row}",
            f"rad{row:02d}.ut_datum": "2021-12-18",
            f"rad{row:02d}.ut_tid": "07:30",
        }
    with store.begin() as conn:
        issued_sheets.save_issued_sheets(
            conn, [IssuedSheet(serial, form.id, form.version, UNIT)], ADMINISTRATOR.login
        )
        batch = pages.create_batch(conn, UNIT, "Pärm 5", ADMINISTRATOR.login)
    read_page(store, form, serial, batch, 1, values, {})
    return serial


def add_free_page(store: Store, text: str) -> str:
    """A page that nobody can identify, on which the machine read this text; answers with the id of
    its entry.
    """
    with store.begin() as conn:
        batch = pages.create_batch(conn, UNIT, "Pärm 2", ADMINISTRATOR.login)
        image = store.images.put(jpeg(np.full((1123, 794), 250, np.uint8)))
        page = pages.add_page(
            conn, NewPage(batch, 1, "tavla.jpg", 1, image, image, "image/jpeg"), ADMINISTRATOR.login
        )
        reading = PageReading(
            Outcome.UNIDENTIFIED,
            issues=("no_code",),
            fields={"anteckning": Reading(text, 0.6, State.READ)},
        )
        sheets.save_page_reading(
            conn, page, reading, upright_sha256=None, form=None, reader_version="test 1"
        )
    return make_entry_id(page, None)


def add_duplicate(store: Store, entry_id: str, more: str = "") -> str:
    """The sheet of an entry scanned once more, from another picture, with `more` written in its
    note since.
    """
    form = forms()["hsl-anteckning", 1]
    serial = entry_id.rpartition("-")[0]
    with store.begin() as conn:
        batch = pages.create_batch(conn, UNIT, "Pärm 2", ADMINISTRATOR.login)
    said = {**NOTE, "anteckning": f"{NOTE['anteckning']}{more}"}
    read_page(store, form, serial, batch, 1, said, {}, shade=250)
    return f"{batch}-00001"


def add_copies(store: Store) -> tuple[str, ...]:
    """A form of two pages that was photocopied before it was filled in; answers with the pages of
    the two papers, the original first.
    """
    form, serial = forms().latest("krisledningsmote"), new_serial()
    with store.begin() as conn:
        issued_sheets.save_issued_sheets(
            conn, [IssuedSheet(serial, form.id, form.version, UNIT)], ADMINISTRATOR.login
        )
        batch = pages.create_batch(conn, UNIT, "Pärm 2", ADMINISTRATOR.login)
    for position, (leads, page_no) in enumerate(
        ((NURSE, 1), (NURSE, 2), (COLLEAGUE, 1), (COLLEAGUE, 2)), start=1
    ):
        values = {"ordforande": leads.name, "skribent": leads.name, "handelsedatum": "2021-12-18"}
        read_page(
            store, form, serial, batch, position, values, {}, page_no=page_no, shade=255 - position
        )
    found = tuple(f"{batch}-{position:05d}" for position in range(1, 5))
    for page in found[2:]:
        with store.begin() as conn:
            sheets.settle_duplicate(conn, ADMINISTRATOR, page, forms(), same=False)
    return found


def add_blank_page(store: Store) -> str:
    """A back with nothing on it."""
    with store.begin() as conn:
        batch = pages.create_batch(conn, UNIT, "Pärm 2", ADMINISTRATOR.login)
        image = store.images.put(jpeg(np.full((600, 424), 255, np.uint8)))
        page = pages.add_page(
            conn, NewPage(batch, 1, "bunt.pdf", 2, image, image, "image/jpeg"), ADMINISTRATOR.login
        )
        sheets.save_page_reading(
            conn,
            page,
            PageReading(Outcome.BLANK),
            upright_sha256=None,
            form=None,
            reader_version="test",
        )
    return page


def add_bundle(store: Store, said: int, sheets: int) -> str:
    """A stack of notes under a cover sheet that gives their number as `said`; answers with the
    cover's serial.
    """
    cover, note, serials = (
        forms().latest(COVER_SHEET),
        forms()["hsl-anteckning", 1],
        [new_serial() for _ in range(sheets + 1)],
    )
    with store.begin() as conn:
        batch = pages.create_batch(conn, UNIT, "Pärm 4", ADMINISTRATOR.login)
        issued_sheets.save_issued_sheets(
            conn, [IssuedSheet(serials[0], cover.id, cover.version, UNIT)], ADMINISTRATOR.login
        )
        issued_sheets.save_issued_sheets(
            conn,
            [IssuedSheet(serial, note.id, note.version, UNIT) for serial in serials[1:]],
            ADMINISTRATOR.login,
        )
    on_cover: Mapping[str, Value] = {
        "handelsedatum": "2021-12-18",
        "bunt": "1",
        "antal_ark": str(said),
        "skribent": "Nina Berglund",
        "underskrift": True,
    }
    read_page(store, cover, serials[0], batch, 1, on_cover, {})
    for position, serial in enumerate(serials[1:], start=2):
        read_page(store, note, serial, batch, position, NOTE, {})
    return serials[0]


def add_loose_pages(store: Store, entry_id: str, texts: Sequence[str]) -> list[str]:
    """Printed pages of no form after the sheet of an entry, in its stack; answers with their ids.

    Each has a grey of its own and the printed words that the machine found.
    """
    with store.begin() as conn:
        before = pages.load_page(conn, load_entry(conn, entry_id).page)
        return [
            _add_loose_page(store, conn, before.batch, before.position + number, text)
            for number, text in enumerate(texts, 1)
        ]


def _add_loose_page(store: Store, conn: Connection, batch: str, position: int, text: str) -> str:
    grey = np.full((1123, 794), 255 - 12 * position, np.uint8)
    image = store.images.put(jpeg(grey))
    new = NewPage(batch, position, "bunt.pdf", position, image, image, "image/jpeg")
    page = pages.add_page(conn, new, ADMINISTRATOR.login)
    sheets.save_page_reading(
        conn,
        page,
        PageReading(Outcome.UNIDENTIFIED, issues=("no_code",)),
        upright_sha256=None,
        form=None,
        reader_version="test 1",
    )
    words = [(word, 0.1 + 0.1 * n, 0.1, 0.08, 0.02) for n, word in enumerate(text.split())]
    save_page_text(conn, page, words)
    return page
