"""A session that was ended elsewhere does nothing more: whatever a button or key does asks for that
first, since it runs before the screen does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from streamlit.testing.v1 import AppTest

from pipeline.domain.model import Person
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import ROOT
from pipeline.review.batches import BatchReview
from pipeline.store.accounts import people, sessions
from pipeline.store.database.store import Store
from pipeline.store.entries.answers import list_answer_drafts
from pipeline.store.entries.entry import load_entry
from pipeline.store.schema.accounts import browser_session
from pipeline.store.schema.clock import utc_now
from pipeline.store.schema.paper import entry as entry_table
from pipeline.store.schema.review import control
from tests.support.screens import seeding
from tests.support.screens.bench import Bench
from tests.support.screens.seeding import COLLEAGUE, NURSE, OTHER_UNIT
from tests.support.store.work import work
from tests.unit.ui.conftest import APP, OpenScreen
from tests.unit.ui.lookup.test_lookup import exported_note, looked_up, opened
from tests.unit.ui.review.test_batch_review import open_group
from tests.unit.ui.review.test_rekeying import controlled
from ui.screens.review.workbench.correction_mode import REASON

UI = ROOT / "ui"
ACTING = {"context", "export_context"}
"""What a function of a screen gets first that can reach the store."""
NO_ACTS = {"_show_no_screen", "_save_copied"}
"""A screen, which is drawn after the session has been asked for; and what asks by `note_activity`,
so that the screen is not drawn again at each key.
"""


def end(store: Store, person: Person = NURSE) -> None:
    """The person logs out in another browser."""
    with store.begin() as conn:
        sessions.end_all_sessions(conn, person.login, utc_now(), "logged out")


def test_every_act_of_every_screen_asks() -> None:
    assert {
        f"{path.name}: {name}"
        for path in UI.rglob("*.py")
        for name in unasked(ast.parse(path.read_text("utf-8")))
    } == set()


def test_an_act_that_does_not_ask_is_found() -> None:
    source = """
def show(context):
    act = partial(_lift, context, 1)
    st.button("a", on_click=partial(act, same=True))
    st.button("b", on_click=_move, args=(context,))
    st.button("c", on_click=partial(_kept, context))
    grid(1, partial(_mark, context))

def _lift(context, one): ...
def _move(context): ...
def _mark(context, marked): ...
@requires_open_session
def _kept(context): ...
"""
    assert set(unasked(ast.parse(source))) == {"_lift", "_move", "_mark"}


def unasked(tree: ast.Module) -> Iterator[str]:
    """Functions of a module that are handed on, to be called by a button or key with the workspace,
    and do not ask.
    """
    own = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    for call in (one for one in ast.walk(tree) if isinstance(one, ast.Call)):
        handed: list[tuple[ast.expr, list[ast.expr]]] = (
            [(call.args[0], call.args[1:])] if _name(call.func) == "partial" and call.args else []
        )
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        if (act := named.get("on_click") or named.get("on_change")) is not None and isinstance(
            args := named.get("args"), ast.Tuple
        ):
            handed.append((act, args.elts))
        for act in (act for act, args in handed if args and _name(args[0]) in ACTING):
            found = own.get(_name(act))
            if (
                found is not None
                and _acts(found)
                and "requires_open_session" not in {_name(one) for one in found.decorator_list}
            ):
                yield found.name


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _acts(found: ast.FunctionDef) -> bool:
    """Not what is asked for a value, or draws a screen."""
    return isinstance(found.returns, ast.Constant | None) and found.name not in NO_ACTS


def test_a_correction_is_not_made(store: Store, open_screen: OpenScreen) -> None:
    _, entry_id = exported_note(store)
    app = opened(open_screen(NURSE, "review"), entry_id)
    revision = revision_of(store, entry_id)
    bench = written(app, entry_id)
    end(store)
    with pytest.raises(AssertionError):  # nothing can be drawn for nobody
        bench.save()
    assert revision_of(store, entry_id) == revision


def test_a_row_is_not_added(store: Store, open_screen: OpenScreen) -> None:
    serial = seeding.add_visits(store, rows=(1, 2))
    app = looked_up(open_screen(NURSE, "review"), serial)
    end(store)
    app.button(key=f"add-lookup_row-{serial}").click().run()
    with store.read() as conn:
        assert conn.execute(select(func.count()).select_from(entry_table)).scalar_one() == 2


def test_a_group_is_not_given_back(store: Store, open_screen: OpenScreen) -> None:
    seeding.add_visit_lists(store, 3)
    bench = Bench(open_screen(NURSE, "review"))
    group = open_group(store)
    assert bench.entry == f"batch:{group.id}"
    end(store)
    with pytest.raises(AssertionError):  # nothing can be drawn for nobody
        bench.act("skip")
    assert open_group(store).id == group.id


def test_a_group_is_not_taken_back(store: Store, open_screen: OpenScreen) -> None:
    seeding.add_visit_lists(store, 3)
    bench = Bench(with_a_group_done(store, open_screen))
    assert bench.data["undo"]
    end(store)
    with pytest.raises(AssertionError):
        bench.act("undo")
    with store.begin() as conn:
        assert work(BatchReview, conn, NURSE, utc_now()).undo() > 0


def with_a_group_done(store: Store, open_screen: OpenScreen) -> AppTest:
    """The nurse has confirmed a group and has the next one on the screen."""
    first = open_group(store)
    with store.begin() as conn:
        work(BatchReview, conn, NURSE, utc_now() + timedelta(seconds=2), seeding.forms()).confirm(
            first.id, {}, utc_now()
        )
    app = open_screen(NURSE, "review")
    app.session_state["group_to_undo"] = True
    return app.run()


def written(app: AppTest, entry_id: str) -> Bench:
    """Write a correction at the workbench, and do not save it yet."""
    app.button(key=f"correct-{entry_id}").click().run()
    return Bench(app).type("handelsetid", "10:15").type(REASON, "Fel klockslag")


def correcting(store: Store, open_screen: OpenScreen) -> tuple[Bench, str]:
    """The nurse has written a correction and not saved it yet."""
    _, entry_id = exported_note(store)
    app = opened(open_screen(NURSE, "review"), entry_id)
    return written(app, entry_id), entry_id


def revision_of(store: Store, entry_id: str) -> int:
    with store.read() as conn:
        return load_entry(conn, entry_id).revision


def test_a_right_that_was_withdrawn_is_not_used_from_an_open_screen(
    store: Store, open_screen: OpenScreen
) -> None:
    bench, entry_id = correcting(store, open_screen)
    revision = revision_of(store, entry_id)
    with store.begin() as conn:
        people.save_person(conn, replace(NURSE, units=frozenset({OTHER_UNIT})), None)
    bench.save()
    assert revision_of(store, entry_id) == revision


@pytest.mark.parametrize("hours", [2, 30], ids=["left alone", "begun yesterday"])
def test_a_session_that_has_run_out_does_nothing_more(
    store: Store, open_screen: OpenScreen, hours: int
) -> None:
    bench, entry_id = correcting(store, open_screen)
    revision, before = revision_of(store, entry_id), utc_now() - timedelta(hours=hours)
    with store.begin() as conn:
        conn.execute(update(browser_session).values(active_at=before, started_at=before))
    bench.app.session_state["active_at"] = before
    with pytest.raises(AssertionError):  # nothing can be drawn for nobody
        bench.save()
    assert revision_of(store, entry_id) == revision


@pytest.mark.parametrize("act", ["save", "skip"])
def test_a_control_is_not_typed(store: Store, open_screen: OpenScreen, act: str) -> None:
    controlled(store)
    bench = Bench(open_screen(COLLEAGUE, "review")).type("handelsetid", "10:40")
    end(store, COLLEAGUE)
    with pytest.raises(AssertionError):  # nothing can be drawn for nobody
        bench.act(act)
    with store.read() as conn:
        assert conn.execute(select(control.c.typed_by, control.c.passed)).one() == (None, 0)


def test_a_draft_is_not_kept(store: Store, open_screen: OpenScreen) -> None:
    """What the browser sends while one types, without a button."""
    seeding.add_notes(store, 1)
    bench = Bench(open_screen(NURSE, "review")).type("handelsetid", "09:4").act("draft")
    assert kept(store) == {"handelsetid": Answer("09:4")}
    end(store)
    bench.type("handelsetid", "09:40")
    with pytest.raises(AssertionError):  # the person is told: nothing can be drawn for nobody
        bench.act("draft")
    assert kept(store) == {"handelsetid": Answer("09:4")}


def test_typing_is_activity(store: Store, open_screen: OpenScreen) -> None:
    seeding.add_notes(store, 1)
    bench = Bench(open_screen(NURSE, "review"))
    before = utc_now() - timedelta(minutes=seeding.settings(store).session_minutes - 1)
    with store.begin() as conn:
        conn.execute(update(browser_session).values(active_at=before))
    bench.app.session_state["active_at"] = before
    bench.type("handelsetid", "09:4").act("draft")
    assert bench.app.session_state["active_at"] > before
    with store.read() as conn:
        assert conn.execute(select(browser_session.c.active_at)).scalar_one() > before


def test_a_press_that_came_with_other_news_is_shown(store: Store) -> None:
    """What leaves the browser in one moment runs only the part of the screen that asked first: the
    press is done, and the screen was as it was.
    """
    app = AppTest.from_function(_pressing, default_timeout=30)
    with store.begin() as conn:
        app.session_state["session_token"] = sessions.start_session(conn, NURSE.login, utc_now())
    app.run()
    assert not app.exception
    assert app.session_state["shown"] == ["before", "after"]


def _pressing() -> None:
    import streamlit as st

    from ui import session
    from ui.browser.activity import track_typing
    from ui.workspace import AppContext, open_app_context

    def act(_here: AppContext) -> None:
        st.session_state["done"] = "after"

    here = open_app_context()
    session.begin_session_run()
    st.session_state["shown"] = [
        *st.session_state.get("shown", []),
        st.session_state.get("done", "before"),
    ]
    if "done" not in st.session_state:
        session.requires_open_session(act)(here)
    track_typing(here)


def test_only_what_is_touched_is_a_draft(store: Store, open_screen: OpenScreen) -> None:
    """A save sends every field as it is: what is shown filled in would hide a later, better
    reading.
    """
    seeding.add_notes(store, 1)
    Bench(open_screen(NURSE, "review")).type("handelsetid", "09:4").save()
    assert kept(store) == {"handelsetid": Answer("09:4")}


def kept(store: Store) -> dict[str, Answer]:
    """The drafts of the only entry there is."""
    with store.read() as conn:
        return list_answer_drafts(
            conn, conn.execute(select(entry_table.c.id)).scalar_one(), NURSE.login
        )


def test_whoever_worked_all_day_is_not_told_that_nothing_happened(store: Store) -> None:
    app = AppTest.from_file(str(APP), default_timeout=30)
    now = utc_now()
    with store.begin() as conn:
        app.session_state["session_token"] = token = sessions.start_session(
            conn, NURSE.login, now - timedelta(hours=12, minutes=1)
        )
        sessions.touch_session(conn, token, now)
    app.session_state["login"], app.session_state["active_at"] = NURSE.login, now
    app.run()
    assert "inloggad i 12 timmar" in app.info[0].value
