"""The staff list (signaturförtydligande) of each unit, kept elsewhere and copied in.

Signature keys (signaturförtydligande) on paper as a staff list: what people have confirmed of
them, read from the decisions themselves.

Nothing is copied: a correction, or a row that is put aside, changes the list at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

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
from pipeline.store.schema import paper

_signature_table = paper.staff_signature
_COLUMNS = register_columns(StaffMember)


_entry_table, _decision_table = paper.entry, paper.decision


_NAME_FIELD, _TITLE_FIELD, _SIGNATURE_FIELD = "namn", "yrkestitel", "signatur"


def list_confirmed_signers(conn: Connection) -> list[StaffMember]:
    """Everybody on a confirmed row whose name and initials could be read, each once a unit."""
    confirmed = (
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
        .where(*confirmed)
        .order_by(_decision_table.c.id)
    )
    said: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for row in rows:
        read = row.state == State.READ.value and isinstance(row.value, str)
        said[row.id, row.unit][row.field.rpartition(".")[2]] = row.value.strip() if read else ""
    members = [
        StaffMember(
            line.get(_NAME_FIELD, ""),
            line.get(_TITLE_FIELD, ""),
            _signature_letters(line.get(_SIGNATURE_FIELD, "")),
            unit,
        )
        for (_, unit), line in said.items()
    ]
    return list(
        {
            (one.unit, one.signature, one.name.casefold()): one
            for one in members
            if one.name and one.signature
        }.values()
    )


def _signature_letters(signature: str) -> str:
    return "".join(letter for letter in signature.upper() if letter in SIGNATURE_LETTERS)


def save_staff(conn: Connection, members: Iterable[StaffMember], by: str = "system") -> int:
    """Make these the staff lists of their units; lists of other units stay. Answers with how many
    lines there were.
    """
    rows = [{column.field: getattr(m, column.field) for column in _COLUMNS} for m in members]
    if rows:
        conn.execute(
            delete(_signature_table).where(
                _signature_table.c.unit.in_({row["unit"] for row in rows})
            )
        )
        conn.execute(insert(_signature_table), rows)
        record(conn, by, "save_staff_list", "staff", count=len(rows))
    return len(rows)


def load_staff_list(conn: Connection) -> list[StaffMember]:
    """Who signs, of all units: by the lists that were taken in, and by the signature keys on paper
    that somebody has confirmed.
    """
    query = select(*(_signature_table.c[column.field] for column in _COLUMNS)).order_by(
        _signature_table.c.unit, _signature_table.c.signature, _signature_table.c.name
    )
    listed = [StaffMember(**row) for row in conn.execute(query).mappings()]
    known = {(member.unit, member.signature.upper(), member.name.casefold()) for member in listed}
    written = [
        one
        for one in list_confirmed_signers(conn)
        if (one.unit, one.signature, one.name.casefold()) not in known
    ]
    return sorted(
        [*listed, *written], key=lambda member: (member.unit, member.signature, member.name)
    )
