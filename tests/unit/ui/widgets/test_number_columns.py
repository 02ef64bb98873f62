"""Numbers in tables are to the right, under each other, on every screen."""

from __future__ import annotations

import re

import pytest
from streamlit.testing.v1 import AppTest

from pipeline.store.database.store import Store
from tests.browser.support.make_screenshots import TYPED_AGAIN
from tests.support.screens.seeding import ADMINISTRATOR, LOG_REVIEWER, MANAGER, NURSE
from tests.support.screens.typed_again import add_typed_again
from tests.unit.ui.conftest import OpenScreen

_CELL = re.compile(r"<td([^>]*)>(.*?)</td>")
_NUMBER = re.compile(r"[\d\s,]+(?:%|s)?(?:<br><small>.*</small>)?")
_RIGHT = 'class="ef-number"'
TABLES = (
    (NURSE, "own_work"),
    (MANAGER, "quality"),
    (MANAGER, "progress"),
    (MANAGER, "paper_days"),
    (MANAGER, "backlog"),
    (ADMINISTRATOR, "archive"),
    (LOG_REVIEWER, "log"),
)


def bare_numbers(app: AppTest) -> list[str]:
    """Cells of tables that are numbers and are not at the right; Streamlit's own tables put
    there what is a number and no text.
    """
    cells = [cell for html in app.get("html") for cell in _CELL.findall(html.proto.body)]
    found = [text for kind, text in cells if _RIGHT not in kind and _NUMBER.fullmatch(text)]
    texts = [
        str(value)
        for frame in app.dataframe
        for _, column in frame.value.items()
        if column.dtype.kind not in "iuf"
        for value in column
    ]
    return found + [text for text in texts if _NUMBER.fullmatch(text)]


def right_numbers(app: AppTest) -> list[str]:
    """Cells that are to the right, in tables of the program."""
    return [
        text
        for html in app.get("html")
        for kind, text in _CELL.findall(html.proto.body)
        if _RIGHT in kind
    ]


@pytest.mark.parametrize("world", ["filled"], indirect=True)
def test_numbers_of_tables_and_their_heads_stand_to_the_right(
    store: Store, open_screen: OpenScreen
) -> None:
    add_typed_again(store, TYPED_AGAIN)
    for person, name in TABLES:
        app = open_screen(person, name)
        assert not app.exception, name
        assert bare_numbers(app) == [], name
        assert right_numbers(app) or app.dataframe or name == "archive", name
    for person, name, heads in ((NURSE, "own_work", 4), (MANAGER, "quality", 6)):
        shown = " ".join(html.proto.body for html in open_screen(person, name).get("html"))
        assert shown.count(f'<th scope="col" {_RIGHT}>') == heads
        assert "för få än" in " ".join(re.findall(rf"<td {_RIGHT}>(.*?)</td>", shown))


def test_the_fields_of_a_form_are_numbered_to_the_right(open_screen: OpenScreen) -> None:
    app = open_screen(ADMINISTRATOR, "forms")
    app.button(key="forms_show-larmatgard").click().run()
    assert bare_numbers(app) == []
    assert right_numbers(app)[:2] == ["1", "2"]


@pytest.mark.parametrize("world", ["filled"], indirect=True)
def test_a_stack_is_told_by_time_and_place_and_not_by_its_id(open_screen: OpenScreen) -> None:
    app = open_screen(ADMINISTRATOR, "scan")
    shown = [html.proto.body for html in app.get("html")]
    assert sum(body.count("ef-stack-where") for body in shown) > 2
    assert re.findall(r"\b\d{8}-[0-9a-f]{8}\b", " ".join(shown)) == []
    assert not app.dataframe  # which cuts off what its column has no room for
