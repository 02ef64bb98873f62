"""Role × action × unit × area of law × block, for every public function of `pipeline` that acts for a person.

A new function that takes a Person fails here until it asks for rights and stands in `MATRIX`, which says what it ought to ask for.
"""

from __future__ import annotations

import importlib
import inspect
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from pipeline.access import RIGHTS, Action
from pipeline.errors import EfterskriftError, NotAllowedError
from pipeline.export.runs import Office, make_run
from pipeline.learning.learn import School
from pipeline.model import IssuedSheet, Outcome, PageReading, Person, Role
from pipeline.professions import ALL_AREAS
from pipeline.review import Answer
from pipeline.settings import Settings
from pipeline.store import blocks, claims, decisions, sheets
from pipeline.store.database import Store, open_store
from tests.acting import acting_functions, unguarded, without_area
from tests.ward import ADMIN, ASTA, EVA, FORMS, NORTH, NOTE, NOW, PLAN, SAID, SOUTH, Ward, answers, later, page_reading, person

REASON = "Ett skäl."


class Reach(Enum):
    """Where a right ends."""

    PAPER = "own units, areas and unblocked clients; elsewhere refused"
    LISTED = "own units, areas and unblocked clients; elsewhere nothing is given"
    LISTED_BLANK = "as LISTED, of pages that are about no client"
    UNIT = "own units; elsewhere refused"
    COUNTED = "own units; of others nothing is given"
    EVERYWHERE = "the role alone decides"


P, R = "pipeline.", Reach
MATRIX: Mapping[str, tuple[Action, Reach]] = {
    f"{P}uploads.take_in_uploads": (Action.SCAN, R.UNIT),
    f"{P}store.pages.batches": (Action.SCAN, R.COUNTED),
    f"{P}store.pages.requeue": (Action.PROBLEMS, R.PAPER),
    f"{P}store.pages.problem_pages": (Action.PROBLEMS, R.LISTED),
    f"{P}store.page_lists.blank_pages": (Action.PROBLEMS, R.LISTED_BLANK),
    f"{P}store.page_lists.repeated_pages": (Action.PROBLEMS, R.LISTED),
    f"{P}store.page_lists.incomplete_sheets": (Action.PROBLEMS, R.LISTED),
    f"{P}store.sheets.settle_duplicate": (Action.PROBLEMS, R.PAPER),
    f"{P}store.sheets.settle_empty": (Action.PROBLEMS, R.PAPER),
    f"{P}store.sheets.add_row": (Action.REVIEW, R.PAPER),
    f"{P}store.claims.claim_next": (Action.REVIEW, R.LISTED),
    f"{P}store.claims.open_entry": (Action.REVIEW, R.PAPER),
    f"{P}store.claims.renew": (Action.REVIEW, R.EVERYWHERE),
    f"{P}store.claims.release": (Action.REVIEW, R.EVERYWHERE),
    f"{P}store.claims.skip": (Action.REVIEW, R.PAPER),
    f"{P}store.claims.view_page": (Action.VIEW_PAGE, R.PAPER),
    f"{P}store.claims.waiting_count": (Action.REVIEW, R.LISTED),
    f"{P}store.claims.hidden_count": (Action.REVIEW, R.EVERYWHERE),
    f"{P}store.pulls.pull_to_front": (Action.PULL, R.UNIT),
    f"{P}store.pulls.undo_pull": (Action.PULL, R.UNIT),
    f"{P}store.pulls.pulls": (Action.PULL, R.EVERYWHERE),
    f"{P}store.decisions.save_draft": (Action.REVIEW, R.PAPER),
    f"{P}store.decisions.save_answers": (Action.REVIEW, R.PAPER),
    f"{P}store.decisions.reject": (Action.REVIEW, R.PAPER),
    f"{P}store.decisions.undo": (Action.REVIEW, R.PAPER),
    f"{P}store.decisions.reopen": (Action.REVIEW, R.PAPER),
    f"{P}store.decisions.my_latest": (Action.REVIEW, R.LISTED),
    f"{P}store.corrections.correct": (Action.CORRECT, R.PAPER),
    f"{P}store.corrections.void": (Action.VOID, R.PAPER),
    f"{P}store.lookup.sheets_of": (Action.CORRECT, R.LISTED),
    f"{P}store.lookup.history": (Action.CORRECT, R.PAPER),
    f"{P}store.registers.look_up_client": (Action.REVIEW, R.EVERYWHERE),
    f"{P}store.records.ready": (Action.EXPORT, R.LISTED),
    f"{P}store.exports.runs_within": (Action.EXPORT, R.LISTED),
    f"{P}store.reviewed.reviewed_sheets": (Action.MANAGE, R.LISTED),
    f"{P}store.blocks.set_block": (Action.BLOCK, R.UNIT),
    f"{P}store.blocks.lift_block": (Action.BLOCK, R.UNIT),
    f"{P}store.blocks.blocks": (Action.BLOCK, R.COUNTED),
    f"{P}store.accounts.accounts": (Action.ACCOUNTS, R.EVERYWHERE),
    f"{P}store.accounts.save_account": (Action.ACCOUNTS, R.EVERYWHERE),
    f"{P}store.accounts.new_password": (Action.ACCOUNTS, R.EVERYWHERE),
    f"{P}store.accounts.close_account": (Action.ACCOUNTS, R.EVERYWHERE),
    f"{P}store.accounts.open_account": (Action.ACCOUNTS, R.EVERYWHERE),
    f"{P}store.emergencies.unseen": (Action.ALARM, R.EVERYWHERE),
    f"{P}store.emergencies.acknowledge": (Action.ALARM, R.EVERYWHERE),
    f"{P}export.runs.ready": (Action.EXPORT, R.LISTED),
    f"{P}export.runs.make_run": (Action.EXPORT, R.LISTED),
    f"{P}export.runs.history": (Action.EXPORT, R.LISTED),
    f"{P}export.runs.run_file": (Action.EXPORT, R.PAPER),
    f"{P}export.receipts.run_items": (Action.EXPORT, R.PAPER),
    f"{P}export.receipts.receipt_template": (Action.EXPORT, R.PAPER),
    f"{P}export.receipts.give_receipts": (Action.RECEIPT, R.PAPER),
    f"{P}export.receipts.apply_receipt_file": (Action.RECEIPT, R.PAPER),
    f"{P}progress.page_counts": (Action.PROGRESS, R.COUNTED),
    f"{P}progress.entry_counts": (Action.PROGRESS, R.COUNTED),
    f"{P}progress.pace": (Action.PROGRESS, R.COUNTED),
    f"{P}progress.forecast": (Action.PROGRESS, R.COUNTED),
    f"{P}learning.learn.learn": (Action.MANAGE, R.EVERYWHERE),
    f"{P}learning.learn.take_over": (Action.MANAGE, R.EVERYWHERE),
    f"{P}learning.learn.hand_out": (Action.MANAGE, R.EVERYWHERE),
}
NOT_ACTING: Mapping[str, str] = {
    f"{P}access.allowed": "asks",
    f"{P}access.require": "asks",
    f"{P}store.sight.require_entry": "asks",
    f"{P}store.sight.require_page": "asks",
    f"{P}store.sight.require_client": "asks",
    f"{P}store.sight.sees_page": "asks",
    f"{P}store.sight.is_blocked": "asks",
    f"{P}store.sight.visible_entries": "a condition",
    f"{P}store.sight.visible_pages": "a condition",
    f"{P}store.sight.all_visible": "a condition",
    f"{P}store.exports.require_run": "asks",
    f"{P}export.runs.open_run": "asks, for the action that its caller names",
    f"{P}store.decisions.seen": "asks, for the action that its caller names",
    f"{P}store.decisions.decide": "writes what `seen` has let through",
    f"{P}store.claims.held_by_other": "compares",
    f"{P}store.client_check.in_register": "part of a decision that `seen` has let through",
    f"{P}store.entry_views.look_at": "shows what its caller has asked for",
    f"{P}store.registers.shown_client": "hides",
    f"{P}authors.is_by": "compares",
    f"{P}store.signing.is_own": "compares",
    f"{P}store.forwarding.has_entry_on": "asks",
    f"{P}store.protection.covered_on": "hides",
    f"{P}store.protection.covered_page": "hides",
    f"{P}store.protection.hidden_numbers": "hides",
    f"{P}store.questions.author_on_paper": "part of a question that has been let through",
    f"{P}store.temporary_identities.note_client": "part of a decision that `seen` has let through",
    f"{P}store.people.save_person": "stores an account for whoever has the machine",
}

ABOUT_NO_PAPER = (
    f"{P}audit.",
    f"{P}store.registers.shown_client",
    f"{P}store.temporary_identities._candidates",
    f"{P}store.questions.give_answer: access.allowed",
)
"""Where the unit is that of a log's question or of a client."""


@dataclass(frozen=True)
class World:
    """A ward in which there is something to find for each function, all of it northern, of HSL, and about Asta."""

    store: Store
    settings: Settings
    twin: str
    run: str

    def arguments(self, name: str) -> dict[str, Any]:
        """By the parameters' names, what the functions are called with."""
        page = self.twin if name.endswith("settle_duplicate") else "first"
        office = Office(self.store, self.settings, FORMS)
        return {
            "forms": FORMS,
            "now": later(1),
            "entry_id": "AAAA-00",
            "entry_ids": ["AAAA-00"],
            "revision": 0,
            "field": "text",
            "answer": Answer("Sov gott."),
            "answers": [] if name.startswith(f"{P}export") else answers(SAID) | answers(PLAN),
            "reason": "oläsligt" if name.endswith("reject") else REASON,
            "page_id": self._page() if page == "first" else page,
            "row": None,
            "same": True,
            "serial": "AAAA",
            "unit": NORTH,
            "typed": ASTA.pid,
            "office": office,
            "target": "skriv-in",
            "run_id": self.run,
            "data": f"körning;löpnummer;post;status;text\n{self.run};1;CCCC-00;ok;\n".encode(),
            "store": self.store,
            "settings": self.settings,
            "uploads": [],
            "place": "",
            "school": School(self.store, self.settings, FORMS),
            "tick": lambda *_: None,
            "learned": None,
            "file": self.settings.workspace / "training.zip",
            "permit": None,
            "account": person("nils"),
            "login": "nils",
            "use_id": "none",
        }

    def _page(self) -> str:
        with self.store.read() as conn:
            return sheets.sheet_pages(conn, "AAAA")[0].id


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """The workspace that each call gets a copy of; its second scan and its run."""
    folder = tmp_path_factory.mktemp("rights") / "workspace"
    settings = Settings(workspace=folder, database_url="")
    with closing(open_store(settings, create=True)) as store:
        ward = Ward(store).begin()
        ward.issue(*(IssuedSheet(serial, NOTE.id, 1, NORTH, ASTA.pid) for serial in ("AAAA", "BBBB", "CCCC", "DDDD")))
        for serial in ("AAAA", "BBBB", "CCCC"):
            ward.note(serial)
        ward.read(ward.scan(), page_reading(NOTE, "DDDD", SAID))
        ward.read(ward.scan(), PageReading(Outcome.BLANK))
        twins = [ward.scan(), ward.scan()]
        for twin in twins:
            ward.read(twin, page_reading(NOTE, "AAAA", SAID))
        with store.begin() as conn:
            sheets.settle_duplicate(conn, ADMIN, twins[0], FORMS, same=True)
        confirm(store, "CCCC-00")
        run = make_run(Office(store, settings, FORMS), ADMIN, "skriv-in", NOW)
        assert run is not None
        confirm(store, "BBBB-00")
        with store.begin() as conn:
            blocks.set_block(conn, ADMIN, NORTH, ASTA.pid, REASON, NOW)
    return folder, twins[1], run.id


def confirm(store: Store, entry_id: str) -> None:
    """Eva decides an entry."""
    with store.begin() as conn:
        claims.open_entry(conn, FORMS, EVA, entry_id, NOW)
        decisions.save_answers(conn, FORMS, EVA, entry_id, 0, answers(SAID) | answers(PLAN), NOW)


@pytest.fixture
def opened(made: tuple[Path, str, str], tmp_path: Path) -> Iterator[Callable[[], World]]:
    """Opens one world after another, each untouched."""
    folder, twin, run = made
    worlds: list[World] = []

    def world() -> World:
        copy = tmp_path / str(len(worlds))
        shutil.copytree(folder, copy)
        settings = Settings(workspace=copy, database_url="")
        worlds.append(World(open_store(settings), settings, twin, run))
        return worlds[-1]

    yield world
    for one in worlds:
        one.store.close()


def somebody(role: Role, units: tuple[str, ...] = (NORTH,), areas: frozenset[str] = ALL_AREAS) -> Person:
    """A person who shares Eva's login, so that what she has decided is this person's too."""
    return replace(person("eva", role, units), areas=areas)


def test_every_acting_function_asks_for_rights() -> None:
    assert unguarded() - set(NOT_ACTING) == set()


def test_no_function_asks_for_the_unit_of_paper_and_forgets_its_area() -> None:
    """`sight.require_entry` and `sight.require_page` ask for the unit, the area and the block."""
    assert {call for call in without_area() if not call.startswith(ABOUT_NO_PAPER)} == set()


def test_every_acting_function_stands_in_the_matrix() -> None:
    public = {name for name, one in acting_functions().items() if one.public}
    assert public - set(NOT_ACTING) == set(MATRIX)
    assert set(NOT_ACTING) <= public


def test_an_acting_function_that_never_asks_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "leak.py").write_text(
        "def tell(conn: Connection, person: Person) -> str:\n    return person.name\n\n\n"
        "def half(conn: Connection, person: Person, found: Entry) -> None:\n    require(person, Action.REVIEW, found.unit)\n",
        "utf-8",
    )
    monkeypatch.setattr("tests.acting.ROOT", tmp_path)
    acting_functions.cache_clear()
    try:
        assert unguarded() == {"pipeline.leak.tell"}
        assert without_area() == {"pipeline.leak.half: require(person, Action.REVIEW, found.unit)"}
    finally:
        acting_functions.cache_clear()


@pytest.mark.parametrize("name", list(MATRIX))
def test_whoever_the_table_denies_is_refused_or_given_nothing(name: str, opened: Callable[[], World]) -> None:
    action, reach = MATRIX[name]
    denied = opened()
    for role in Role:
        right = action in RIGHTS[role]
        if not right:
            for units in ((NORTH,), (NORTH, SOUTH)):
                assert outcome(denied, name, somebody(role, units)) == "refused", (role, units)
            continue
        elsewhere = {"another unit": somebody(role, (SOUTH,)), "another area": somebody(role, areas=frozenset({"SoL", "IFO"}))}
        for where, who in elsewhere.items():
            assert outcome(denied, name, who) in expected(reach, where), (role, where)
        if reach in {R.PAPER, R.LISTED}:
            assert outcome(blocked(opened()), name, somebody(role)) in expected(reach, "another unit"), (role, "blocked")
        got = outcome(opened(), name, somebody(role))
        assert got != "refused", role
        if reach in {R.LISTED, R.LISTED_BLANK, R.COUNTED}:
            assert got == "something", role


def expected(reach: Reach, where: str) -> set[str]:
    """What comes of calling a function that reaches so far from a place where the person has no right."""
    if reach is R.EVERYWHERE or (where == "another area" and reach in {R.UNIT, R.COUNTED}):
        return {"something", "nothing", "failed"}
    return {"refused"} if reach in {R.PAPER, R.UNIT} else {"nothing"}


def blocked(world: World) -> World:
    """The same with Asta blocked by the southern unit instead of her own."""
    with world.store.begin() as conn:
        blocks.set_block(conn, ADMIN, SOUTH, ASTA.pid, REASON, NOW)
        blocks.lift_block(conn, ADMIN, NORTH, ASTA.pid, REASON, NOW)
    return world


def outcome(world: World, name: str, who: Person) -> str:
    """Call a function for a person: "refused", "nothing" or "something" was given, or it "failed" after it had let the person through."""
    module, _, function = name.rpartition(".")
    call = getattr(importlib.import_module(module), function)
    known = world.arguments(name) | {"person": who}
    parameters = inspect.signature(call).parameters.values()
    given = {one.name: known[one.name] for one in parameters if one.name in known and (one.default is one.empty or one.name == "same")}
    missing = [one.name for one in parameters if one.default is one.empty and one.name not in (*known, "conn")]
    assert not missing, f"World.arguments does not know {missing} of {name}"
    try:
        if "conn" not in inspect.signature(call).parameters:
            return said(call(**given))
        with world.store.begin() as conn:
            return said(call(conn=conn, **given))
    except NotAllowedError:
        return "refused"
    except (EfterskriftError, AttributeError):  # AttributeError: what the learning functions do with nothing learned
        return "failed"


def said(result: object) -> str:
    """Whether an answer holds anything."""
    return "nothing" if _empty(result) else "something"


def _empty(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(_empty(one) for one in value.values())
    if isinstance(value, list | tuple):
        return all(_empty(one) for one in value)
    if is_dataclass(value):
        return all(_empty(one) for one in (getattr(value, field.name) for field in fields(value)) if not isinstance(one, str))
    return not value
