"""Signing for an absent author: some of the notes at once, each read and ticked, for one reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from pipeline.domain.model import Person
from pipeline.forms.fiducials import format_serial, is_serial
from pipeline.review.signing import SIGNING_REASONS, Signing, author_of
from pipeline.store.entries.entry import Entry
from pipeline.store.entries.entry_view import EntryView, load_entry_view
from ui.browser.keyboard import keyboard
from ui.browser.page_view import data_url
from ui.i18n import code_text, format_day, t
from ui.markdown import md, plain
from ui.screens.lookup.settled_lines import settled_lines
from ui.screens.review.sheet_images import record_page_views
from ui.session import requires_open_session
from ui.widgets.images import page_image
from ui.workspace import AppContext

_AUTHOR_KEY, _REASON_KEY, _TEXT_KEY = "absent_author", "absent_why", "absent_text"
_SIGN_SECTION_KEY, _GIVEN_FOR_KEY = "absent_sign", "absent_given_for"
"""The latter: the author that the reason and the comment are about."""
_PICTURE_HEIGHT_PX = 420
"""Height of the picture of a note, which is scrolled."""
MAX_BATCH = 10
"""How many notes are shown at once: as many as one reads without a pause."""
RunAndReport = Callable[[str, Callable[[], object]], None]
"""Tells the text when what is done has succeeded, else what went wrong."""


def show_absent(
    context: AppContext, person: Person, others: Sequence[Entry], run: RunAndReport
) -> None:
    """Show the notes of one author at a time; `others` are all that others wrote."""
    names = _names(others)
    counts = Counter(map(author_of, others))
    st.caption(t("absent.what"))
    author = st.selectbox(
        t("absent.author"),
        sorted(counts, key=lambda key: (-counts[key], key)),
        format_func=lambda key: plain(f"{names[key] or t('people.unknown')} ({counts[key]})"),
        key=_AUTHOR_KEY,
        width=420,
    )
    # A reason for one author says nothing about the next.
    if st.session_state.get(_GIVEN_FOR_KEY) != author:
        st.session_state.update({_GIVEN_FOR_KEY: author, _REASON_KEY: None, _TEXT_KEY: ""})
    batch = [entry for entry in others if author_of(entry) == author][:MAX_BATCH]
    with context.store.begin() as conn:
        views = [load_entry_view(conn, context.forms, person, entry.id) for entry in batch]
        for view in views:
            record_page_views(person, conn, view)
    ticked = [
        (view.entry.id, view.entry.revision)
        for number, view in enumerate(views, 1)
        if _note(context, view, f"{number}/{len(views)}")
    ]
    _sign_section(context, person, ticked, run)
    # What is to be read next begins at the top of the screen.
    keyboard(f"absent-{batch[0].id}-{batch[0].revision}", [], read=_SIGN_SECTION_KEY)


def _names(entries: Sequence[Entry]) -> dict[str, str]:
    """Return each author's name as it is written on the first note."""
    names = dict[str, str]()
    for entry in entries:
        names.setdefault(author_of(entry), entry.author or "")
    return names


def _note(context: AppContext, view: EntryView, place: str) -> bool:
    """Show a note with its tick below the text; return whether it is ticked."""
    entry = view.entry
    parts = (
        view.form.title,
        format_day(entry.event_on) if entry.event_on else "",
        entry.unit,
        format_serial(entry.serial) if entry.serial and is_serial(entry.serial) else "",
        t("review.row", row=entry.row) if entry.row else "",
        place,
    )
    with st.container(border=True, key=f"absent-{entry.id}"):
        st.markdown(f"**{plain(' · '.join(filter(None, parts)))}**")
        if view.is_hidden:
            st.info(t("hidden.what"), icon=":material/visibility_off:")
            return False
        decided = [field for field in view.fields if field.first_answer is not None]
        picture, text = st.columns([1.15, 1], gap="medium")
        with text:
            settled_lines(view, decided, are_empty_folded=True)
            is_read = st.checkbox(t("absent.read"), key=f"read-{entry.id}-{entry.revision}")
            is_pictured = st.toggle(t("absent.picture"), value=True, key=f"picture-{entry.id}")
        if is_pictured:
            with picture, st.container(height=_PICTURE_HEIGHT_PX, border=False):
                _pictures(context, view)
    return is_read


def _pictures(context: AppContext, view: EntryView) -> None:
    for page in view.pages:
        if picture := page_image(context, page, view.covered.boxes.get(page.id, ())):
            st.html(f'<img class="ef-page" alt="{t("picture.alt")}" src="{data_url(picture)}">')


def _sign_section(
    context: AppContext, person: Person, ticked: list[tuple[str, int]], run: RunAndReport
) -> None:
    with st.container(border=True, key=_SIGN_SECTION_KEY):
        reason = st.radio(
            t("signing.why"),
            SIGNING_REASONS,
            index=None,
            format_func=lambda reason: plain(code_text("signing.reasons", reason)),
            key=_REASON_KEY,
        )
        st.text_input(t("signing.text"), key=_TEXT_KEY, max_chars=200, autocomplete="off")
        st.button(
            md("absent.sign", count=len(ticked)),
            key="absent_do",
            type="primary",
            disabled=not ticked or not reason,
            on_click=partial(_sign, context, person, ticked, run),
        )
        if not ticked:
            st.caption(t("absent.tick_first"))


@requires_open_session
def _sign(
    context: AppContext, person: Person, ticked: list[tuple[str, int]], run: RunAndReport
) -> None:
    reason = str(st.session_state.get(_REASON_KEY) or "")
    comment = str(st.session_state.get(_TEXT_KEY) or "")
    signing = context.work(Signing, person)
    run(t("absent.done"), partial(signing.sign_for_absent, ticked, reason=reason, text=comment))
