"""docs/screens.md shows every screen that there is, and every picture that it shows is there and is
made.
"""

from __future__ import annotations

import re

import pytest

from pipeline.domain.model import Person
from pipeline.domain.settings import ROOT
from pipeline.store.database.store import Store
from pipeline.texts import catalogue
from tests.browser.support import make_screenshots
from tests.support.screens.seeding import MANAGER, NURSE
from tests.support.screens.typed_again import add_typed_again
from tests.unit.ui.conftest import OpenScreen

DOCS = ROOT / "docs"
LINKED = re.compile(r"\]\((?:docs/)?images/([\w-]+\.png)\)")
REVIEWED = "Granska"
"""Pictured by itself, in its many states."""


def titles() -> set[str]:
    from ui.screens.menu import SCREENS

    return {catalogue("sv")[f"{screen.name}.title"] for screen in SCREENS}


def test_every_screen_has_a_row_with_a_picture() -> None:
    rows = re.findall(
        r"^\| \*\*(.+?)\*\* \|.*?\| !\[.*?\]\(images/([\w-]+\.png)\)",
        (DOCS / "screens.md").read_text("utf-8"),
        re.MULTILINE,
    )
    named = {title.partition(",")[0] for title, _ in rows}
    assert titles() - named == set()
    for title, picture in rows:
        if title in titles():
            assert picture == f"{make_screenshots.file_name(title)}.png"


def test_the_pictures_are_made_of_every_screen() -> None:
    shown = [title for _, opened in make_screenshots.SHOWN for title in opened]
    assert sorted([*shown, REVIEWED]) == sorted(titles())


@pytest.mark.parametrize("document", sorted(path.name for path in DOCS.glob("*.md")))
def test_what_a_document_shows_is_there(document: str) -> None:
    shown = set(LINKED.findall((DOCS / document).read_text("utf-8")))
    assert shown - {path.name for path in (DOCS / "images").glob("*.png")} == set()


def test_no_picture_is_left_that_nothing_shows() -> None:
    said = "".join(
        path.read_text("utf-8")
        for path in [*ROOT.glob("*.md"), *DOCS.glob("*.md"), *(ROOT / "forms").glob("*.md")]
    )
    assert {
        path.name for path in (DOCS / "images").glob("*.png") if f"images/{path.name}" not in said
    } == set()


@pytest.mark.parametrize(
    ("person", "name"), [(MANAGER, "quality"), (NURSE, "own_work")], ids=["quality", "own_work"]
)
def test_the_pictures_have_figures_to_show(
    store: Store, open_screen: OpenScreen, person: Person, name: str
) -> None:
    add_typed_again(store, make_screenshots.TYPED_AGAIN)
    app = open_screen(person, name)
    assert not app.info
    assert any("0,0\xa0%" in html.proto.body for html in app.get("html"))
