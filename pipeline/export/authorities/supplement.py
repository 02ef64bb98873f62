"""The list of what to add to the care system's own file of a month: a CSV table for people.

A row is a row of that file, in the columns of its layout, after what to do with it and where it
comes from. It is the whole list of the month each time, so rows that an earlier list had already
say so. What an entry became on an earlier list is found there by its id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.export.exporter import Item, data_text
from pipeline.files.csv_tables import write_csv

LEADING_COLUMNS = ("Gör så här", "Poster", "Löpnummer", "Tidigare lista")


@dataclass(frozen=True, slots=True)
class SupplementRow:
    """A row of the authority's file that an entry makes; no cells where it makes none now."""

    item: Item
    cells: tuple[str, ...] = ()


def supplement_csv(
    titles: Sequence[str], rows: Iterable[SupplementRow], *, once_a_person: bool = False
) -> bytes:
    """Return the list.

    Args:
        titles: of the columns of the authority's file.
        once_a_person: the file has a row once a month for each person, however many entries make
            it: equal rows are one, and the care system's file may have it already.
    """
    merged: dict[tuple[str, ...], list[Item]] = {}
    for number, row in enumerate(rows):
        earlier = row.item.amends.run if row.item.amends else ""
        cells = row.cells or ("",) * len(titles)
        key = (_instruction(row, once_a_person=once_a_person), earlier, *cells)
        # A row that counts each time is never merged with an equal one.
        merged.setdefault(key if once_a_person else (*key, str(number)), []).append(row.item)
    return write_csv(
        (*LEADING_COLUMNS, *titles),
        [
            [
                key[0],
                " ".join(dict.fromkeys(item.record.entry_id for item in items)),
                " ".join(dict.fromkeys(item.record.serial for item in items)),
                *key[1 : 2 + len(titles)],
            ]
            for key, items in merged.items()
        ],
    )


def _instruction(row: SupplementRow, *, once_a_person: bool) -> str:
    """Return in words what a person does with a row."""
    item = row.item
    if item.is_reported:
        return data_text("statistics_text.row.kept")
    if item.record.voided is not None or not row.cells:
        return data_text(
            "statistics_text.row.remove_person"
            if once_a_person and row.cells
            else "statistics_text.row.remove"
        )
    if item.amends:
        return data_text("statistics_text.row.replace")
    return data_text(
        "statistics_text.row.add_person" if once_a_person else "statistics_text.row.add"
    )
