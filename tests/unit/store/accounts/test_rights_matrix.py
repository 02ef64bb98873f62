"""Role × action × unit × area of law × block, for every public function of `pipeline` that acts for
a person.

A new function that takes a Person fails here until it asks for rights and is in `MATRIX`,
which says what it ought to ask for.
"""

from __future__ import annotations

import importlib
import inspect
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest

from pipeline.domain.errors import EfterskriftError, NotAllowedError
from pipeline.domain.law.permissions import ALL_AREAS, ROLE_ACTIONS, Action
from pipeline.domain.model import Assignment, Person, Role
from pipeline.domain.settings import Settings
from pipeline.export.runs import RunPreview
from pipeline.reporting.audit.client_extract import ClientExtract
from pipeline.reporting.progress import Overview
from pipeline.store.database.store import open_store
from pipeline.store.registers import blocks
from pipeline.store.reports.paper_days import PaperDays
from tests.support.rights.acting import acting_functions, unguarded, without_area
from tests.support.rights.rights_table import ABOUT_NO_PAPER, MATRIX, NOT_ACTING, R, Reach
from tests.support.rights.rights_world import REASON, Known, World, make_world
from tests.support.store.ward import ADMIN, ASTA, NORTH, NOW, SOUTH, person

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Known]:
    """The workspace that each call gets a copy of, and the ids in it."""
    folder = tmp_path_factory.mktemp("rights") / "workspace"
    return folder, make_world(folder)


@pytest.fixture
def opened(made: tuple[Path, Known], tmp_path: Path) -> Iterator[Callable[[], World]]:
    """Opens one world after another, each untouched."""
    folder, known = made
    worlds: list[World] = []

    def world() -> World:
        copy = tmp_path / str(len(worlds))
        shutil.copytree(folder, copy)
        settings = Settings(workspace=copy, database_url="")
        worlds.append(World(open_store(settings), settings, known))
        return worlds[-1]

    yield world
    for one in worlds:
        one.store.close()


def somebody(
    role: Role, units: tuple[str, ...] = (NORTH,), areas: frozenset[str] = ALL_AREAS
) -> Person:
    """A person who shares Eva's login, so that what she has decided is this person's too."""
    return replace(person("eva", role, units), areas=areas)


def test_every_acting_function_asks_for_rights() -> None:
    assert unguarded() - set(NOT_ACTING) == set()


def test_no_function_asks_for_the_unit_of_paper_and_forgets_its_area() -> None:
    """`require_visible_entry` and `require_visible_page` ask for unit, area and block."""
    assert {call for call in without_area() if not call.startswith(ABOUT_NO_PAPER)} == set()


def test_every_acting_function_stands_in_the_matrix() -> None:
    public = {name for name, one in acting_functions().items() if one.public}
    assert public - set(NOT_ACTING) == set(MATRIX)
    assert set(NOT_ACTING) <= public


def test_an_acting_function_that_never_asks_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline" / "leak.py").write_text(
        "def tell(conn: Connection, person: Person) -> str:\n    return person.name\n\n\n"
        "def half(conn: Connection, person: Person, entry: Entry) -> None:\n"
        "    require_permission(person, Action.REVIEW, entry.unit)\n",
        "utf-8",
    )
    monkeypatch.setattr("tests.support.rights.acting.ROOT", tmp_path)
    acting_functions.cache_clear()
    try:
        assert unguarded() == {"pipeline.leak.tell"}
        assert without_area() == {
            "pipeline.leak.half: require_permission(person, Action.REVIEW, entry.unit)"
        }
    finally:
        acting_functions.cache_clear()


@pytest.mark.parametrize("name", list(MATRIX))
def test_whoever_the_table_denies_is_refused_or_given_nothing(
    name: str, opened: Callable[[], World]
) -> None:
    action, reach = MATRIX[name]
    actions = frozenset({action}) if isinstance(action, Action) else action
    denied = opened()
    for role in Role:
        if not actions & ROLE_ACTIONS[role]:
            for units in ((NORTH,), (NORTH, SOUTH)):
                assert outcome(denied, name, somebody(role, units)) == "refused", (role, units)
            continue
        elsewhere = {
            "another unit": somebody(role, (SOUTH,)),
            "another area": somebody(role, areas=frozenset({"SoL", "IFO"})),
            "other roles": replace(somebody(role, (SOUTH,)), further=without(actions)),
        }
        for where, who in elsewhere.items():
            assert outcome(denied, name, who) in expected(reach, where), (role, where)
        if reach in {R.PAPER, R.LISTED, R.SOUGHT}:
            assert outcome(blocked(opened()), name, somebody(role)) in expected(reach, "blocked"), (
                role,
                "blocked",
            )
        got = outcome(opened(), name, somebody(role))
        assert got != "refused", role
        if reach in {R.LISTED, R.SOUGHT, R.LISTED_BLANK, R.COUNTED}:
            assert got == "something", role


def without(actions: frozenset[Action]) -> tuple[Assignment, ...]:
    """Every role that has no right to these, in the northern unit: together they give none."""
    return tuple(
        Assignment(role, "sjuksköterska", frozenset({NORTH}), ALL_AREAS)
        for role in Role
        if not actions & ROLE_ACTIONS[role]
    )


def expected(reach: Reach, where: str) -> set[str]:
    """What comes of calling a function that reaches so far from a place where the person has no
    right.
    """
    if reach is R.EVERYWHERE or (where == "another area" and reach in {R.UNIT, R.COUNTED}):
        return {"something", "nothing", "failed"}
    if reach is R.SOUGHT:
        return {"refused"} if where == "blocked" else {"refused", "nothing"}
    return {"refused"} if reach in {R.PAPER, R.UNIT, R.UNIT_AREA} else {"nothing"}


def blocked(world: World) -> World:
    """The same with Asta blocked by the southern unit instead of her own."""
    with world.store.begin() as conn:
        blocks.set_block(conn, ADMIN, SOUTH, ASTA.pid, REASON, NOW)
        blocks.lift_block(conn, ADMIN, NORTH, ASTA.pid, REASON, NOW)
    return world


def outcome(world: World, name: str, who: Person) -> str:
    """Call a function for a person: "refused", "nothing" or "something" was given, or it "failed"
    after it had let the person through.
    """
    owner, _, function = name.rpartition(".")
    known = world.arguments(name) | {"person": who}
    module, _, kind = owner.rpartition(".")
    if kind[:1].isupper():  # a kind of work that a person does
        made = getattr(importlib.import_module(module), kind)
        work = made(world.store, known["forms"], world.settings, who, lambda: known["now"])
        call = getattr(work, function)
    else:
        call = getattr(importlib.import_module(owner), function)
    parameters = inspect.signature(call).parameters.values()
    given = {
        one.name: known[one.name]
        for one in parameters
        if one.name in known and (one.default is one.empty or one.name in {"same", "least"})
    }
    missing = [
        one.name
        for one in parameters
        if one.default is one.empty and one.name not in (*known, "conn")
    ]
    assert not missing, f"World.arguments does not know {missing} of {name}"
    try:
        if "conn" not in inspect.signature(call).parameters:
            return said(given_by(call(**given)))
        with world.store.begin() as conn:
            return said(given_by(call(conn=conn, **given)))
    except NotAllowedError:
        return "refused"
    except (
        EfterskriftError,
        AttributeError,
    ):  # AttributeError: what the learning functions do with nothing learned
        return "failed"


def given_by(result: object) -> object:
    """What of an answer tells about others: an extract of the log always says for whom and when it
    was made, a day without paper whether the unit had its systems, a route where it leads, and Läge
    its moment and the last check of the whole store.
    """
    if isinstance(result, Overview):
        return [result.pages, result.left, result.deadlines, result.sheets, result.past_days]
    if isinstance(result, PaperDays):
        return [(one.sheets, one.entries, one.planned_visits) for one in result.counts.values()]
    if isinstance(result, list) and any(isinstance(one, RunPreview) for one in result):
        return [(one.entries, one.unsupported, one.first_day) for one in result]
    return result.lines if isinstance(result, ClientExtract) else result


def said(result: object) -> str:
    """Whether an answer holds anything."""
    return "nothing" if _empty(result) else "something"


def _empty(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(_empty(one) for one in value.values())
    if isinstance(value, list | tuple):
        return all(_empty(one) for one in value)
    if is_dataclass(value):
        return all(
            _empty(one)
            for one in (getattr(value, field.name) for field in fields(value))
            if not isinstance(one, str)
        )
    return not value
