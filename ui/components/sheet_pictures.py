"""The pictures of an entry's sheet. Each look is recorded before anything is shown."""

from __future__ import annotations

import streamlit as st
from sqlalchemy import Connection

from pipeline.model import Person
from pipeline.store import claims
from pipeline.store.entry_views import EntryView
from pipeline.store.pages import Page
from pipeline.ways import Way
from ui.components.entry_form import places
from ui.components.note_way import way, words_on
from ui.components.page_view import Place, Sheet, page_view, place_of
from ui.components.picture_shelf import shelve
from ui.components.pictures import lies_on_form, page_picture
from ui.components.showing import LOOKED_AT
from ui.site import Site
from ui.text import t

SEEN = f"{LOOKED_AT}pages"
"""The pages that this showing of an entry has recorded a look at."""


def note_looks(conn: Connection, person: Person, view: EntryView) -> None:
    """Record that the person looks at the pages of an entry: once for each showing, and before anything is shown."""
    seen: set[str] = st.session_state.setdefault(SEEN, set())
    for page in view.pages:
        if page.id not in seen:
            claims.view_page(conn, person, page.id)
            seen.add(page.id)


def prefetch(here: Site, view: EntryView) -> Sheet:
    """Send the pictures of an entry that comes next; answers with what will be shown. A look is recorded when it is."""
    sheet = _sheet(here, view)
    shelve("ahead", sheet.pictures)
    return sheet


def sheet_pictures(here: Site, view: EntryView) -> None:
    """Show the pages of the entry's sheet, once the looks are recorded: the field that has the focus is marked, and in a table the entry's row."""
    page_view(_sheet(here, view))


def _sheet(here: Site, view: EntryView) -> Sheet:
    shown = _pictures(here, view)
    ids = [page.id for page, _ in shown]
    return Sheet(
        turn=f"{view.entry.id}-{view.entry.revision}",
        pictures=[picture for _, picture in shown],
        captions=[t("picture.caption", place=page.source_name, number=page.source_page) for page, _ in shown],
        places=places(view, ids),
        size_mm=view.form.pages[0].size,
        row=row_place(view, ids),
        above=way(view) is Way.NOTE,
        words=words_on(view, ids),
    )


def _pictures(here: Site, view: EntryView) -> list[tuple[Page, bytes]]:
    """Each page that has a picture, with what this person may not see covered."""
    shown = ((page, page_picture(here, page, view.covered.boxes.get(page.id, ()))) for page in view.pages)
    return [(page, picture) for page, picture in shown if picture is not None]


def row_place(view: EntryView, shown: list[str]) -> Place | None:
    """The rectangle around the fields of the entry's row, across the paper's table."""
    lying = {page.id for page in view.pages if lies_on_form(page)}
    row = [field for field in view.fields if field.spec.row is not None and field.page in lying and field.page in shown]
    if not row:
        return None
    left, top = (min(field.spec.box[side] for field in row) for side in (0, 1))
    right, bottom = (max(field.spec.box[side] + field.spec.box[side + 2] for field in row) for side in (0, 1))
    return place_of((left, top, right - left, bottom - top), shown.index(str(row[0].page)), view.form.pages[row[0].page_no - 1].size, margin_mm=2.5)
