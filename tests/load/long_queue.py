"""A queue as long as one likes: as many sheets as will be worked on are whole, the others are
behind them as rows of the queue.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, select

from pipeline.domain.law.permissions import ALL_AREAS
from pipeline.domain.model import Person, Role
from pipeline.store.accounts.people import save_person
from pipeline.store.database.store import Store
from pipeline.store.schema import paper
from tests.support.screens import seeding
from tests.support.store.passwords import hashed

_EARLY, _LATE = "2021-12-18", "2021-12-30"
_CHUNK = 5000


def reviewers(store: Store, count: int) -> list[Person]:
    """People who review in both units."""
    people = [
        Person(
            f"load{number:02d}",
            f"Granskare {number}",
            "sjuksköterska",
            Role.REVIEWER,
            seeding.UNITS,
            ALL_AREAS,
        )
        for number in range(count)
    ]
    with store.begin() as conn:
        for person in people:
            save_person(conn, person, hashed(seeding.PASSWORD))
    return people


def lengthen(store: Store, whole: int, entries: int) -> None:
    """Fill the queue with copies of one filled note: `whole` of them with page, picture and
    readings, the rest to `entries` behind these.
    """
    first = seeding.add_notes(store, 1)[0].rpartition("-")[0]
    with store.begin() as conn:
        page = dict(
            conn.execute(select(paper.page).where(paper.page.c.sheet == first)).mappings().one()
        )
        entry = dict(
            conn.execute(select(paper.entry).where(paper.entry.c.sheet == first)).mappings().one()
        )
        readings = [
            dict(row)
            for row in conn.execute(
                select(paper.reading).where(paper.reading.c.page == page["id"])
            ).mappings()
        ]
        picture = store.images.get(page["upright_sha256"])
        for start in range(1, entries, _CHUNK):
            numbers = range(start, min(start + _CHUNK, entries))
            real = [number for number in numbers if number <= whole]
            if real:
                pages = [
                    _page(page, number, store.images.put(picture + f"{number}".encode()))
                    for number in real
                ]
                conn.execute(insert(paper.page), pages)
                conn.execute(
                    insert(paper.reading),
                    [row | {"page": copy["id"]} for copy in pages for row in readings],
                )
            conn.execute(
                insert(paper.entry),
                [_entry(entry, number, whole=number <= whole) for number in numbers],
            )
    if store.engine.dialect.name == "postgresql":
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.exec_driver_sql("ANALYZE")


def _serial(number: int) -> str:
    return f"L{number:07d}"


def _page(page: dict[str, Any], number: int, sha256: str) -> dict[str, Any]:
    serial = _serial(number)
    changed = {
        "id": f"{page['batch']}-L{number:07d}",
        "position": 100_000 + number,
        "serial": serial,
        "sheet": serial,
    }
    return (
        page | changed | {"upright_sha256": sha256, "image_sha256": sha256, "source_sha256": sha256}
    )


def _entry(entry: dict[str, Any], number: int, *, whole: bool) -> dict[str, Any]:
    serial, day = _serial(number), _EARLY if whole else _LATE
    own = {
        "id": f"{serial}-00",
        "sheet": serial,
        "serial": serial,
        "page": f"{entry['page'].rpartition('-')[0]}-L{number:07d}" if whole else entry["page"],
    }
    return (
        entry
        | own
        | {
            "first_on": day,
            "last_on": day,
            "happened": f"{day} 09:40",
            "likely_pid": f"1930{number:08d}",
        }
    )
