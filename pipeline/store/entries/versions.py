"""Every version that an entry has had: what it said, who made it so, when and why. Nothing of it is
ever changed (PDL 3:14).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from pipeline.domain.model import EntryState, Person, State
from pipeline.domain.permissions import Action
from pipeline.domain.review.rules import Answer
from pipeline.store.accounts import people, visibility
from pipeline.store.entries.answers import AnswerOrigin
from pipeline.store.entries.entry import Entry, load_entry
from pipeline.store.schema import paper
from pipeline.store.schema.review import entry_version, signature


@dataclass(frozen=True, slots=True)
class Version:
    """The entry as one decision left it. `changed` are the fields that this decision answered;
    `kind` says what the decision was.

    Kinds: "first", "second", "correction", "void", "reject". `by` is a name. `signed` are the
    signatures given to this version.
    """

    revision: int
    kind: str
    state: EntryState | None
    at: datetime
    by: str
    reason: str
    answers: Mapping[str, Answer]
    changed_fields: frozenset[str]
    signatures: tuple[SignatureEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class SignatureEvent:
    """One signature, or that one was taken back."""

    at: datetime
    by: str
    is_own: bool
    why: str
    is_withdrawn: bool


def save_version(
    conn: Connection,
    entry: Entry,
    by: str,
    at: datetime,
    *,
    state: EntryState,
    reason: str,
    voided: bool,
) -> None:
    """Write down a decision. `found` is the entry as it was before."""
    row = {
        "entry": entry.id,
        "revision": entry.revision + 1,
        "state": state.value,
        "reason": reason,
        "voided": voided,
        "by": by,
        "at": at,
    }
    conn.execute(insert(entry_version).values(row | {"reason_before": entry.reason}))


def previous_return_reason(conn: Connection, entry: Entry) -> str | None:
    """Why an entry had come back before the decision that made it what it is; None if that was not
    noted.
    """
    noted = entry_version.c.entry == entry.id, entry_version.c.revision == entry.revision
    return conn.execute(select(entry_version.c.reason_before).where(*noted)).scalar()


def list_versions(conn: Connection, person: Person, entry_id: str) -> list[Version]:
    """All versions of an entry, oldest first. Those of a time before decisions were noted have no
    reason.

    Raises:
        NotAllowedError: another unit or role.
    """
    visibility.require_visible_entry(conn, person, Action.VIEW_PAGE, load_entry(conn, entry_id))
    names = people.names_by_login(conn)
    noted = {
        row.revision: row
        for row in conn.execute(
            select(entry_version)
            .where(entry_version.c.entry == entry_id)
            .order_by(entry_version.c.id)
        )
    }
    answers: dict[int, dict[str, Answer]] = defaultdict(dict)
    who: dict[int, tuple[datetime, str, str]] = {}
    for row in conn.execute(
        select(paper.decision)
        .where(paper.decision.c.entry == entry_id)
        .order_by(paper.decision.c.id)
    ):
        answers[row.revision][row.field] = Answer(row.value, State(row.state))
        who.setdefault(row.revision, (row.at, row.by, row.how))
    confirmed = sorted(
        who.keys()
        - {
            row.revision
            for row in noted.values()
            if row.state == EntryState.REJECTED.value or row.voided
        }
    )
    signed = _signatures_by_version(conn, entry_id, names, confirmed)
    found: list[Version] = []
    said: dict[str, Answer] = {}
    for revision in sorted(noted.keys() | who.keys()):
        note, new = noted.get(revision), answers.get(revision, {})
        at, by, how = who.get(revision) or (note.at, note.by, "") if note else who[revision]
        said = {**said, **new}
        state = EntryState(note.state) if note else None
        kind = _version_kind(how, state, voided=bool(note and note.voided))
        why = note.reason if note else ""
        found.append(
            Version(
                revision,
                kind,
                state,
                at,
                names.get(by, by),
                why,
                said,
                frozenset(new),
                signed.get(revision, ()),
            )
        )
    return found


def _version_kind(how: str, state: EntryState | None, *, voided: bool) -> str:
    if voided:
        return "void"
    if state is EntryState.REJECTED:
        return "reject"
    return {AnswerOrigin.CORRECTION.value: "correction", AnswerOrigin.SECOND.value: "second"}.get(
        how, "first"
    )


def _signatures_by_version(
    conn: Connection, entry_id: str, names: Mapping[str, str], confirmed: Sequence[int]
) -> dict[int, tuple[SignatureEvent, ...]]:
    """By version. Signatures that were taken back, and duplicate marks, make revisions of the entry
    that are no versions.
    """
    found: dict[int, tuple[SignatureEvent, ...]] = {}
    for row in conn.execute(
        select(signature).where(signature.c.entry == entry_id).order_by(signature.c.id)
    ):
        one = SignatureEvent(row.at, names.get(row.by, row.by), row.own, row.why, row.taken_back)
        version = max(
            (revision for revision in confirmed if revision <= row.revision), default=row.revision
        )
        found[version] = (*found.get(version, ()), one)
    return found
