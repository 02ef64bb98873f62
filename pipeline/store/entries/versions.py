"""Every version of an entry: its answers, and who made it, when and why.

Versions are never changed (PDL 3:14).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from pipeline.domain.law.permissions import Action
from pipeline.domain.model import EntryState, Person, State
from pipeline.domain.review.rules import Answer
from pipeline.store.accounts import people, visibility
from pipeline.store.entries.answers import AnswerOrigin
from pipeline.store.entries.entry import load_entry
from pipeline.store.schema import paper
from pipeline.store.schema.review import entry_version, signature


@dataclass(frozen=True, slots=True)
class Version:
    """The entry as one decision left it.

    `kind` is the kind of decision: "first", "second", "correction", "void" or "reject". `by` is a
    name, `signatures` are those given to this version.
    """

    revision: int
    kind: str
    state: EntryState | None
    at: datetime
    by: str
    reason: str
    answers: Mapping[str, Answer]
    signatures: tuple[SignatureEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class SignatureEvent:
    """One signature, or the withdrawal of one."""

    at: datetime
    by: str
    is_own: bool
    why: str
    is_withdrawn: bool


def list_versions(conn: Connection, person: Person, entry_id: str) -> list[Version]:
    """Return all versions of an entry, oldest first.

    Those from before decisions were stored have no reason.

    Raises:
        NotAllowedError: the entry is of another unit, or the role does not allow it.
    """
    visibility.require_visible_entry(conn, person, Action.VIEW_PAGE, load_entry(conn, entry_id))
    names = people.names_by_login(conn)
    notes = _notes_by_revision(conn, entry_id)
    rounds = _rounds_by_revision(conn, entry_id)
    # Signatures belong to versions that were neither rejected nor made void
    rejected = {
        note.revision
        for note in notes.values()
        if note.state == EntryState.REJECTED.value or note.voided
    }
    signatures = _signatures_by_version(conn, entry_id, names, sorted(rounds.keys() - rejected))
    versions: list[Version] = []
    answers: dict[str, Answer] = {}
    for revision in sorted(notes.keys() | rounds.keys()):
        # A decision without answers, such as a rejection, has a note only
        note, made = notes.get(revision), rounds.get(revision)
        if made is None:
            made = _AnswerRound(notes[revision].at, notes[revision].by, "")
        # A version has all earlier answers, and those of its own decision
        answers = {**answers, **made.answers}
        state = EntryState(note.state) if note else None
        versions.append(
            Version(
                revision,
                _version_kind(made.origin, state, voided=bool(note and note.voided)),
                state,
                made.at,
                names.get(made.by, made.by),
                note.reason if note else "",
                answers,
                signatures.get(revision, ()),
            )
        )
    return versions


@dataclass(frozen=True, slots=True)
class _AnswerRound:
    """The answers of one decision by field; the rest is that of the first of them."""

    at: datetime
    by: str
    origin: str
    answers: dict[str, Answer] = field(default_factory=dict)


def _notes_by_revision(conn: Connection, entry_id: str) -> dict[int, Any]:
    """Return the stored decisions of an entry; the last one of a revision counts."""
    query = select(entry_version).where(entry_version.c.entry == entry_id)
    return {row.revision: row for row in conn.execute(query.order_by(entry_version.c.id))}


def _rounds_by_revision(conn: Connection, entry_id: str) -> dict[int, _AnswerRound]:
    """Return the answers of an entry by the decision that gave them."""
    rounds: dict[int, _AnswerRound] = {}
    query = select(paper.decision).where(paper.decision.c.entry == entry_id)
    for row in conn.execute(query.order_by(paper.decision.c.id)):
        made = rounds.setdefault(row.revision, _AnswerRound(row.at, row.by, row.how))
        made.answers[row.field] = Answer(row.value, State(row.state))
    return rounds


def _version_kind(how: str, state: EntryState | None, *, voided: bool) -> str:
    """Return the kind of a decision; `how` is the origin of its first answer."""
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
    """Return the signatures of an entry by the version that they were given to.

    Withdrawn signatures and duplicate marks make revisions of the entry that are not versions.
    """
    signatures: dict[int, tuple[SignatureEvent, ...]] = {}
    for row in conn.execute(
        select(signature).where(signature.c.entry == entry_id).order_by(signature.c.id)
    ):
        event = SignatureEvent(row.at, names.get(row.by, row.by), row.own, row.why, row.taken_back)
        # The latest confirmed version at the time of the signature
        version = max(
            (revision for revision in confirmed if revision <= row.revision), default=row.revision
        )
        signatures[version] = (*signatures.get(version, ()), event)
    return signatures
