"""Signature keys (signaturförtydligande) on paper as a staff list: what people have confirmed of them, read from the decisions themselves.

Nothing is copied: a correction, or a row that is put aside, changes the list at once.
"""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection, select

from pipeline.model import SIGNATURE_LETTERS, EntryState, StaffMember, State
from pipeline.own_forms import SIGNATURE_KEY
from pipeline.store import tables

_entry, _decision = tables.entry, tables.decision
_NAME, _TITLE, _SIGNATURE = "namn", "yrkestitel", "signatur"


def confirmed_signers(conn: Connection) -> list[StaffMember]:
    """Everybody on a confirmed row whose name and initials could be read, each once a unit."""
    confirmed = (_entry.c.form == SIGNATURE_KEY, _entry.c.state == EntryState.RECEIPTED.value, _entry.c.voided.is_(None))
    query = select(_entry.c.id, _entry.c.unit, _decision.c.field, _decision.c.value, _decision.c.state)
    rows = conn.execute(query.join(_decision, _decision.c.entry == _entry.c.id).where(*confirmed).order_by(_decision.c.id))
    said: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for row in rows:
        read = row.state == State.READ.value and isinstance(row.value, str)
        said[row.id, row.unit][row.field.rpartition(".")[2]] = row.value.strip() if read else ""
    members = [StaffMember(line.get(_NAME, ""), line.get(_TITLE, ""), _letters(line.get(_SIGNATURE, "")), unit) for (_, unit), line in said.items()]
    return list({(one.unit, one.signature, one.name.casefold()): one for one in members if one.name and one.signature}.values())


def _letters(signature: str) -> str:
    return "".join(letter for letter in signature.upper() if letter in SIGNATURE_LETTERS)
