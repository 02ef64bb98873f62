"""From a client to the rows of the log that concern the client, and back: through entries, sheets, pages and runs.

The log itself names no client. What was once taken for a client's and then corrected counts as the client's too: somebody read it as that.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Select, Text, cast, literal, or_, select, union

from pipeline.store import export_tables, tables
from pipeline.store.account_tables import client_block
from pipeline.store.archive_tables import archived_sheet
from pipeline.store.events import client_subject
from pipeline.store.issued_row_tables import issued_row
from pipeline.store.pulls import PullKind
from pipeline.store.queue_tables import pull
from pipeline.store.statistics_tables import statistics_item

_MOST_IDS = 500
_entry, _page, _item, _issued = tables.entry, tables.page, export_tables.export_item, tables.issued_sheet
_told = statistics_item


def subjects_of(conn: Connection, pid: str) -> Select[Any]:
    """All subjects of the log that concern a client: entries, their sheets' pages and serials, runs, packages, printed sheets,
    what was pulled to the front, and searches."""
    # As JSON text, which both databases can compare.
    answered = select(tables.decision.c.entry).where(cast(tables.decision.c.value, Text) == json.dumps(pid))
    own = select(_entry.c.id, _entry.c.sheet, _entry.c.serial).where(or_(_entry.c.client_pid == pid, _entry.c.id.in_(answered))).cte("own")
    pages = select(_page.c.id).where(_page.c.sheet.in_(select(own.c.sheet))).cte("own_page")
    found = union(
        select(own.c.id.label("subject")),
        select(pages.c.id),
        select(_page.c.id).where(_page.c.duplicate_of.in_(select(pages.c.id))),
        select(own.c.serial).where(own.c.serial.is_not(None)),
        select(_item.c.run).where(_item.c.entry.in_(select(own.c.id))),
        select(_told.c.run).where(_told.c.entry.in_(select(own.c.id))),
        select(archived_sheet.c.package).where(archived_sheet.c.sheet.in_(select(own.c.sheet))),
        select(_issued.c.serial).where(_issued.c.client_pid == pid),
        select(issued_row.c.serial).where(issued_row.c.client_pid == pid),
        select(pull.c.id).where(pull.c.kind == PullKind.CLIENT.value, pull.c.what == pid),
        select(pull.c.id).where(pull.c.kind == PullKind.ENTRY.value, pull.c.what.in_(select(own.c.id))),
        select(client_block.c.id).where(client_block.c.client_pid == pid),
        select(literal(client_subject(conn, pid))),
    ).subquery()
    return select(found.c.subject)


def clients_of(conn: Connection, subjects: Iterable[str]) -> dict[str, set[str]]:
    """The personal numbers of the clients that each subject concerns now; a subject that concerns none is left out."""
    wanted, found = sorted(set(subjects)), defaultdict[str, set[str]](set)
    for start in range(0, len(wanted), _MOST_IDS):
        part = wanted[start : start + _MOST_IDS]
        for query in _queries(part):
            for subject, pid in conn.execute(query):
                found[subject].add(pid)
    return dict(found)


def searched_clients(conn: Connection) -> Mapping[str, str]:
    """For each client of the register, how the log names a search for the client → the personal number."""
    return {client_subject(conn, pid): pid for pid in conn.execute(select(tables.client.c.pid)).scalars()}


def _queries(ids: Collection[str]) -> list[Select[Any]]:
    """Pairs of subject and personal number."""
    pid = _entry.c.client_pid
    known = pid.is_not(None)
    first = _page.alias("first")
    return [
        select(_entry.c.id, pid).where(_entry.c.id.in_(ids), known),
        select(_page.c.id, pid).join(_entry, _entry.c.sheet == _page.c.sheet).where(_page.c.id.in_(ids), known),
        select(_page.c.id, pid)
        .join(first, first.c.id == _page.c.duplicate_of)
        .join(_entry, _entry.c.sheet == first.c.sheet)
        .where(_page.c.id.in_(ids), known),
        select(_entry.c.serial, pid).where(_entry.c.serial.in_(ids), known),
        *(select(run.c.run, pid).join(_entry, _entry.c.id == run.c.entry).where(run.c.run.in_(ids), known) for run in (_item, _told)),
        select(archived_sheet.c.package, pid).join(_entry, _entry.c.sheet == archived_sheet.c.sheet).where(archived_sheet.c.package.in_(ids), known),
        select(_issued.c.serial, _issued.c.client_pid).where(_issued.c.serial.in_(ids), _issued.c.client_pid.is_not(None)),
        select(issued_row.c.serial, issued_row.c.client_pid).where(issued_row.c.serial.in_(ids)),
        select(client_block.c.id, client_block.c.client_pid).where(client_block.c.id.in_(ids)),
        select(pull.c.id, pull.c.what).where(pull.c.id.in_(ids), pull.c.kind == PullKind.CLIENT.value),
        select(pull.c.id, pid).join(_entry, _entry.c.id == pull.c.what).where(pull.c.id.in_(ids), pull.c.kind == PullKind.ENTRY.value, known),
    ]
