"""The staff list (signaturförtydligande) of each unit: imported lists and keys on paper.

The signature keys on paper are read from the decisions themselves. Nothing is copied: a correction
or a rejected row changes the list at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from pipeline.domain.form.form import SIGNATURE_KEY
from pipeline.domain.model import (
    SIGNATURE_LETTERS,
    EntryState,
    StaffMember,
    State,
    register_columns,
)
from pipeline.store.event_log.events import record
from pipeline.store.schema import paper, registers

_signature_table = registers.staff_signature
_entry_table, _decision_table = paper.entry, paper.decision
_COLUMNS = register_columns(StaffMember)
_NAME_FIELD, _TITLE_FIELD, _SIGNATURE_FIELD = "namn", "yrkestitel", "signatur"


def save_staff(
    conn: Connection,
    members: Iterable[StaffMember],
    by: str = "system",
    missing_columns: Collection[str] = (),
) -> int:
    """Replace the staff lists of the members' units and return how many lines there were.

    Lists of other units stay. So do the values of columns that the file lacks (`missing_columns`).
    """
    rows = staff_rows(members)
    if rows:
        # Values of missing columns are copied from the stored rows.
        if missing_columns:
            query = select(*(_signature_table.c[column.field] for column in _COLUMNS))
            known = {_row_key(dict(row)): row for row in conn.execute(query).mappings()}
            rows = [
                row | {name: known[_row_key(row)][name] for name in missing_columns}
                if _row_key(row) in known
                else row
                for row in rows
            ]
        # The new lists replace the old ones of the same units.
        conn.execute(
            delete(_signature_table).where(
                _signature_table.c.unit.in_({row["unit"] for row in rows})
            )
        )
        conn.execute(insert(_signature_table), rows)
        record(conn, by, "save_staff_list", "staff", count=len(rows))
    return len(rows)


def staff_rows(members: Iterable[StaffMember]) -> list[dict[str, Any]]:
    """Return the rows of members of the staff list."""
    return [{column.field: getattr(m, column.field) for column in _COLUMNS} for m in members]


def _row_key(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["unit"], row["signature"], row["name"]


def load_staff_list(conn: Connection) -> list[StaffMember]:
    """Return the staff of all units: imported lists and confirmed signature keys on paper."""
    query = select(*(_signature_table.c[column.field] for column in _COLUMNS)).order_by(
        _signature_table.c.unit, _signature_table.c.signature, _signature_table.c.name
    )
    listed = [StaffMember(**row) for row in conn.execute(query).mappings()]
    # A member on paper who is listed already is left out.
    listed_keys = {
        (member.unit, member.signature.upper(), member.name.casefold()) for member in listed
    }
    on_paper = [
        member
        for member in list_confirmed_signers(conn)
        if (member.unit, member.signature, member.name.casefold()) not in listed_keys
    ]
    return sorted(
        [*listed, *on_paper], key=lambda member: (member.unit, member.signature, member.name)
    )


def list_confirmed_signers(conn: Connection) -> list[StaffMember]:
    """Return the staff on confirmed rows whose name and initials could be read, once per unit."""
    # Final, valid entries of the form of signature keys.
    is_confirmed = (
        _entry_table.c.form == SIGNATURE_KEY,
        _entry_table.c.state == EntryState.RECEIPTED.value,
        _entry_table.c.voided.is_(None),
    )
    query = select(
        _entry_table.c.id,
        _entry_table.c.unit,
        _decision_table.c.field,
        _decision_table.c.value,
        _decision_table.c.state,
    )
    rows = conn.execute(
        query.join(_decision_table, _decision_table.c.entry == _entry_table.c.id)
        .where(*is_confirmed)
        .order_by(_decision_table.c.id)
    )
    # The last decision on a field holds; unreadable values are empty.
    rows_by_entry: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for row in rows:
        is_read = row.state == State.READ.value and isinstance(row.value, str)
        rows_by_entry[row.id, row.unit][row.field.rpartition(".")[2]] = (
            row.value.strip() if is_read else ""
        )
    members = [
        StaffMember(
            line.get(_NAME_FIELD, ""),
            line.get(_TITLE_FIELD, ""),
            _signature_letters(line.get(_SIGNATURE_FIELD, "")),
            unit,
        )
        for (_, unit), line in rows_by_entry.items()
    ]
    return list(
        {
            (member.unit, member.signature, member.name.casefold()): member
            for member in members
            if member.name and member.signature
        }.values()
    )


def _signature_letters(signature: str) -> str:
    return "".join(letter for letter in signature.upper() if letter in SIGNATURE_LETTERS)
