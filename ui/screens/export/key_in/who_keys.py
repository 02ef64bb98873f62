"""In plain words: who copied what for another system, and what changed meanwhile."""

from __future__ import annotations

from babel.lists import format_list

from pipeline.domain.errors import EfterskriftError, EntryChangedError
from pipeline.domain.model import Person
from pipeline.export.key_in.screen import ClientToKeyIn
from pipeline.store.accounts.people import names_by_login
from pipeline.store.database.store import Store
from pipeline.store.exports.manual_entry import CopiedPart, list_copies
from pipeline.store.schema.clock import utc_now
from ui.i18n import current_locale, format_recent, t
from ui.widgets.messages import Message, error_text

MESSAGE = Message("key_in_said", icon=":material/error:")
"""What is shown above the list when it is drawn next."""


def copied_lines(store: Store, person: Person, shown: ClientToKeyIn) -> list[str]:
    """Return who copied which of a client's entries before, a sentence for each person."""
    with store.read() as conn:
        copies = list_copies(conn, shown.entry_ids)
        names = names_by_login(conn)
    present = {(item.entry_id, item.revision) for entry in shown.entries for item in entry.items}
    numbers = {item.entry_id: item.number for entry in shown.entries for item in entry.items}
    groups: dict[tuple[bool, str], list[CopiedPart]] = {}
    for copy in copies:
        is_present = (copy.entry_id, copy.revision) in present
        groups.setdefault((is_present, copy.by), []).append(copy)
    lines = []
    for (is_present, by), parts in groups.items():
        entries = sorted({numbers[part.entry_id] for part in parts})
        lines.append(
            t(
                "key_in.copied" if is_present else "key_in.copied_before",
                who=t("key_in.you") if by == person.login else names.get(by, by),
                entries=format_list([str(number) for number in entries], locale=current_locale()),
                at=format_recent(max(part.at for part in parts), utc_now()),
                count=len(entries),
            )
        )
    return lines


def _change_lines(error: EntryChangedError) -> list[str]:
    """Return what became of each entry that was changed while it was keyed in."""
    return [
        t(
            f"key_in.changed.{change.kind}",
            number=change.number,
            entry=change.entry_id,
            by=change.by or "?",
            at=format_recent(change.at, utc_now()) if change.at else "",
        )
        for change in error.changes
    ]


def set_refusal(error: EfterskriftError) -> None:
    """Set why a press or a copy was refused as the message of the next drawing of the screen."""
    text = error_text(error)
    if isinstance(error, EntryChangedError):
        text = " ".join([t("key_in.not_ticked"), *_change_lines(error)])
    MESSAGE.failed(text)
