"""Who keys an entry into another system right now, for screens that change entries."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.domain.model import Person
from pipeline.store.accounts.people import names_by_login
from pipeline.store.database.store import Store
from pipeline.store.exports.manual_entry import list_keying
from pipeline.store.schema.clock import utc_now
from ui.i18n import format_recent, t


def keying_lines(store: Store, person: Person, entry_id: str) -> Sequence[str]:
    """Return who else has the entry open in Skriv in, or copied from it, for the editor."""
    now = utc_now()
    with store.read() as conn:
        keying = list_keying(conn, entry_id, person.login, now)
        names = names_by_login(conn)
    return [
        t("key_in.is_open", who=names.get(each.by, each.by))
        if each.at is None
        else t("key_in.was_copied", who=names.get(each.by, each.by), at=format_recent(each.at, now))
        for each in keying
    ]
