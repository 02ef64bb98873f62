"""Several workspaces of one installation, such as the municipalities of a region, watched together.

A folder has one file of settings for each, `NAME.env`, which the services of that workspace read
too. Each is looked at in a process of its own that has only these settings, and answers with counts
and moments: nothing about a person, and nothing is shared.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.domain.errors import EfterskriftError, UsageError, describe_error_location
from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState
from pipeline.domain.settings import (
    ROOT,
    load_settings,
    own_environment,
    read_environment_file,
)
from pipeline.reporting.watching.alarms import Severity, find_alarms, load_watch_state
from pipeline.store.database.store import open_store
from pipeline.store.paper.pages import count_pages_by_state, find_oldest_waiting
from pipeline.store.paper.workers import count_entries_by_state
from pipeline.store.schema.clock import utc_now

_SUFFIX = ".env"
_WORKSPACE = "EFTERSKRIFT_WORKSPACE"
_PATIENCE_SECONDS = 20.0
"""How long all of them together may take; those that have not answered then are named."""
_LOCK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Member:
    """A workspace of the folder; `problem` says why its file cannot be used."""

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class MemberState:
    """What a workspace has answered, or the `reason` why it has not; alarms most urgent first."""

    name: str
    reason: str = ""
    version: str = ""
    waiting: int = 0
    oldest_at: datetime | None = None
    to_review: int = 0
    failed: int = 0
    alarms: Mapping[str, int] = field(default_factory=dict)
    critical: int = 0
    backup_at: datetime | None = None
    check_at: datetime | None = None
    log_check_at: datetime | None = None

    @property
    def is_calm(self) -> bool:
        """Whether it has answered and nothing is wrong."""
        return not self.reason and not self.alarms


def list_members(folder: Path) -> list[Member]:
    """Return the workspaces of a folder of `NAME.env` files, by name.

    Raises:
        UsageError: there are none, or the folder cannot be read.
    """
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix == _SUFFIX)
    except OSError as error:
        raise UsageError("fleet_unreadable", folder=folder, reason=error.strerror) from error
    if not files:
        raise UsageError("fleet_empty", folder=folder)
    members = [_load_member(file) for file in files]
    places = Counter(_place(member) for member in members if not member.problem)
    return [
        Member(member.name, problem=UsageError("fleet_shared", name=member.name).message)
        if places[_place(member)] > 1
        else member
        for member in members
    ]


def _load_member(file: Path) -> Member:
    try:
        environment = read_environment_file(file)
    except EfterskriftError as error:
        return Member(file.stem, problem=error.message)
    if not environment.get(_WORKSPACE):
        return Member(file.stem, problem=UsageError("fleet_no_workspace", file=file).message)
    return Member(file.stem, environment)


def _place(member: Member) -> str:
    return os.path.realpath(member.environment.get(_WORKSPACE, ""))


def ask_members(members: Sequence[Member]) -> Iterator[MemberState]:
    """Yield the state of each workspace, in their order; all are asked at once."""
    # The program's forms are parsed once, before the processes part
    Forms.load(ROOT / "forms")
    context = multiprocessing.get_context("fork")
    asked: list[tuple[BaseProcess, Connection] | None] = []
    for member in members:
        if member.problem:
            asked.append(None)
            continue
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_answer, args=(member, sender), daemon=True)
        process.start()
        sender.close()
        asked.append((process, receiver))
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for member, running in zip(members, asked, strict=True):
        if running is None:
            yield MemberState(member.name, member.problem)
        else:
            yield _receive(member, *running, max(0.0, deadline - time.monotonic()))


def _receive(
    member: Member, process: BaseProcess, receiver: Connection, seconds: float
) -> MemberState:
    with receiver:
        try:
            if receiver.poll(seconds):
                answer: Any = receiver.recv()
                return MemberState(member.name, **answer)
            error = UsageError("fleet_silent", seconds=f"{_PATIENCE_SECONDS:g}")
        except EOFError:
            error = UsageError("fleet_ended")
        finally:
            process.kill()
            process.join()
    return MemberState(member.name, error.message)


def _answer(member: Member, sender: Connection) -> None:
    """Look at the workspace, in a process that has opened no other, and send what is found."""
    logging.disable()
    environment = own_environment(member.environment)
    os.environ.clear()
    os.environ.update(environment)
    try:
        answer = _look()
    except EfterskriftError as error:
        answer = {"reason": str(error)}
    except Exception as error:  # its text may quote what is written on paper
        answer = {"reason": describe_error_location(error)}
    sender.send(answer)


def _look() -> dict[str, Any]:
    settings = load_settings()
    with closing(open_store(settings, wait_seconds=_LOCK_SECONDS)) as store:
        state = load_watch_state(store, settings, Forms.load(*settings.form_folders), utc_now())
        with store.read() as conn:
            pages, entries = count_pages_by_state(conn), count_entries_by_state(conn)
            oldest_at = find_oldest_waiting(conn)
    alarms = find_alarms(state, settings)
    return {
        "version": __version__,
        "waiting": pages["waiting"],
        "oldest_at": oldest_at,
        "to_review": sum(entries.get(one, 0) for one in (EntryState.REVIEW, EntryState.SECOND)),
        "failed": pages["failed"],
        "alarms": dict(Counter(alarm.kind.value for alarm in alarms)),
        "critical": sum(alarm.severity is Severity.CRITICAL for alarm in alarms),
        "backup_at": state.backup.last_at,
        "check_at": state.check.started_at if state.check else None,
        "log_check_at": state.log_check.last_at,
    }
