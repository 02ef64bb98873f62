"""What the workbench knows of the entries that the browser holds, in the user's session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

import streamlit as st

from pipeline.domain.issues import Issue
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.schema.clock import utc_now
from ui.screens.review.client_question import ClientQuestion

FieldValue = str | int | Mapping[str, Any]
"""What a field holds in the browser.

A text; the index of the chosen option (-1 if none); in second review both (`choice` and `other`).
"""
Card = dict[str, Any]
"""An entry as the browser gets it."""
ALL_FIELDS = "*"
FOCUS_SAVE, FOCUS_LOOK = ":save", ":look"
"""Where the focus may go besides a field: the button that saves, and the tick of a sheet."""
_STATE_KEY = "workbench_state"


@dataclass(slots=True)
class HeldEntry:
    """What was typed, shown and asked about one revision of an entry since it came up.

    `values` are the values that are stored as drafts, by field. `clients_shown` says since when the
    browser has each number's client; `clients_logged` are the numbers whose lookup is logged.
    `findings` are the sums that stopped the last save. `expanded` are fields that were unfolded.
    `completed` are values that a short form became, by field: the short form and the whole value.
    With `is_rejecting` the reason of a rejection is asked in place of the fields.
    `warning` is above the fields until the next act. `actions` are the buttons of what else the
    entry allows, once they are known. `memo` is what a mode keeps of its own.
    """

    entry: str
    revision: int
    shown_at: datetime
    values: dict[str, FieldValue] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    attempts: int = 0
    clients_shown: dict[str, datetime] = field(default_factory=dict)
    clients_logged: set[str] = field(default_factory=set)
    question: ClientQuestion | None = None
    findings: tuple[Issue, ...] = ()
    completed: dict[str, tuple[str, str]] = field(default_factory=dict)
    expanded: frozenset[str] = frozenset()
    is_rejecting: bool = False
    warning: str = ""
    actions: list[dict[str, str]] | None = None
    focus: str = ""
    memo: Any = None

    def shown_since(self, message: Mapping[str, Any]) -> datetime:
        """Return since when it is on the screen: the browser may show it before it says so."""
        seen = message.get("seen")
        if not isinstance(seen, int | float):
            return self.shown_at
        return max(self.shown_at, utc_now() - timedelta(milliseconds=max(0.0, float(seen))))

    def refuse(self, errors: Mapping[str, str]) -> None:
        """Note that nothing was saved, with a text for each of these fields, unfolded."""
        self.errors, self.focus = dict(errors), ""
        self.attempts += 1
        self.expanded |= frozenset(errors)

    def stop(self, warning: str, focus: str) -> None:
        """Note that something has to be looked at first; the focus goes there, into no field."""
        self.refuse({})
        self.warning, self.focus = warning, focus


class Mode(Protocol):
    """What may be due at the workbench instead of an entry, with a card and acts of its own."""

    @property
    def key(self) -> str:
        """What it is called among the entries; it has a colon, which no entry's id has."""
        ...

    @property
    def area(self) -> str:
        """The area of law whose words it uses, empty if there is none."""
        ...

    def card(self, held: HeldEntry) -> tuple[Card, list[bytes]]:
        """Return the card, and the images (JPEG) that it shows; their views are logged."""
        ...

    def act(self, held: HeldEntry, message: Mapping[str, Any]) -> bool:
        """Do what the browser asks for, and return whether the mode is over."""
        ...


def is_mode(key: str) -> bool:
    """Return whether a key of the workbench is a mode's, not the id of an entry."""
    return ":" in key


@dataclass(frozen=True, slots=True)
class EntryAhead:
    """What comes next: the entry that is claimed, or a mode, and the card that the browser has."""

    entry: str
    revision: int
    card: Card


@dataclass(slots=True)
class BenchState:
    """What was heard from the browser, and what it holds.

    `begun` is the number of the last act, `heard` that of the last one that is over, `kept` that of
    one whose answers stay a draft in the browser, which has the key `unsent` for them. `ahead_for`
    is the entry and revision that `ahead` comes after. With `needs_screen` something else than the
    workbench is due. `fresh_turn` was loaded in this run. With `is_task_due` a rekeying task may
    come before the next entry; `skipped_tasks` do not come again before an entry is saved.
    `left_faces` are the keys of modes that the person has left for the entry itself. `attached` are
    an entry and the pages that were attached from it last, which undo takes off.
    `batch_pause` is after how many entries the queue is asked for a batch again.
    `shown_as_rows` says of a sheet that its rows are shown together, or one at a time, if the
    person has chosen.
    """

    begun: int = 0
    heard: int = 0
    kept: int = 0
    unsent: dict[str, str] = field(default_factory=dict, repr=False)
    notice: tuple[str, str] = ("", "")
    notice_number: int = 0
    held: dict[str, HeldEntry] = field(default_factory=dict)
    ahead: EntryAhead | None = None
    ahead_for: str = ""
    needs_screen: bool = False
    fresh_turn: EntryView | Mode | None = None
    is_task_due: bool = False
    skipped_tasks: frozenset[int] = frozenset()
    left_faces: frozenset[str] = frozenset()
    attached: tuple[str, list[str]] = ("", [])
    batch_pause: int = 0
    shown_as_rows: dict[str, bool] = field(default_factory=dict)

    def hold(self, entry_id: str, revision: int) -> HeldEntry:
        """Return what is known of an entry in this revision, nothing yet if it has just come."""
        held = self.held.get(entry_id)
        if held is None or held.revision != revision:
            held = self.held[entry_id] = HeldEntry(entry_id, revision, utc_now())
        return held

    def let_go(self, entry_id: str | None) -> None:
        """Forget an entry that is decided or left."""
        self.held.pop(entry_id or "", None)

    def keep_only(self, *entry_ids: str) -> None:
        """Forget all entries but these: what is on the screen, and what comes next."""
        self.held = {name: held for name, held in self.held.items() if name in entry_ids}

    def forget_actions(self) -> None:
        """Ask again what the entries allow: another screen may have changed it."""
        for held in self.held.values():
            held.actions = None

    def forget_ahead(self) -> None:
        """Forget what was to come next: another entry is."""
        self.ahead, self.ahead_for = None, ""

    def say(self, text: str, kind: str = "ok") -> None:
        """Set a brief message."""
        self.notice, self.notice_number = (text, kind), self.notice_number + 1


def bench_state() -> BenchState:
    """Return the state of this session's workbench."""
    state: BenchState = st.session_state.setdefault(_STATE_KEY, BenchState())
    return state
