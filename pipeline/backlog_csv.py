"""Kvar på papper as a file, for staff who mark in the care system that a record has a hole."""

from __future__ import annotations

from pipeline.export.csv_file import write_table
from pipeline.identity import shown_pid
from pipeline.store.backlog import Backlog

HEADER = ("enhet", "personnummer", "namn", "ark", "poster", "äldsta dag", "högsta klass", "säkert vem")


def backlog_csv(found: Backlog) -> bytes:
    """The list; its last lines count the sheets and entries that are not on it, if there are any."""
    lines = [
        (m.unit, shown_pid(m.pid), m.name, str(m.sheets), str(m.entries), m.oldest, m.criticality, "ja" if m.sure else "nej, maskinläst")
        for m in found.markers
    ]
    rest = (("okänt vem det gäller", found.unknown), ("dolda: skyddade, spärrade eller andra lagområden", found.hidden))
    return write_table(HEADER, [*lines, *(("", "", what, "", str(count), "", "", "") for what, count in rest if count)])
