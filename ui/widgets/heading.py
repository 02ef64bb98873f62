"""The top of a screen: its title, help, the user's menu, and the guide for the first day.

Help says what the screen is for and what to do there, and leads back to the guide and the practice.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Person
from pipeline.store.accounts import own_choices
from pipeline.store.schema.clock import utc_now
from pipeline.texts import LANGUAGES, catalogue
from ui import session
from ui.i18n import current_language, t
from ui.markdown import md, plain
from ui.session import requires_open_session
from ui.workspace import AppContext

_GUIDE_CLOSED_KEY = "guide_closed"
SCREEN_KEY = "screen"
"""Session-state key of the name of the screen that is drawn."""
OWN_LOGIN_KEY = "own_login"
"""Session-state key that is set while the user changes the own login."""
SEARCH_KEY = "search"
"""Session-state key that is set when the user asks for Slå upp, until Granska opens it."""
PRACTICE_STEP_KEY = "practice_step"
"""Session-state key of the step of the practice; set while the user practises."""


def show_guide(context: AppContext, person: Person) -> None:
    """Show the guide of the user's role, a few steps, until it is closed."""
    if _GUIDE_CLOSED_KEY not in st.session_state:
        st.session_state[_GUIDE_CLOSED_KEY] = context.store.query(
            own_choices.is_guide_closed, person.login
        )
    if st.session_state[_GUIDE_CLOSED_KEY]:
        return
    with st.container(border=True, key="guide"):
        for role in person.roles:
            st.markdown(t(f"guide.{role.name.lower()}"))
        with st.container(horizontal=True):
            st.button(
                t("guide.close"),
                key="guide_close",
                on_click=_close_guide,
                args=(context, person),
                icon=":material/close:",
            )
            if is_allowed(person, Action.REVIEW):
                st.button(
                    t("help.practice"),
                    key="guide_practice",
                    on_click=_start_practice,
                    icon=":material/school:",
                )


@requires_open_session
def show_guide_again(context: AppContext, person: Person) -> None:
    """Reopen the guide."""
    context.store.change(own_choices.reopen_guide, person.login)
    st.session_state[_GUIDE_CLOSED_KEY] = False


@requires_open_session
def _close_guide(context: AppContext, person: Person) -> None:
    context.store.change(own_choices.close_guide, person.login, utc_now())
    st.session_state[_GUIDE_CLOSED_KEY] = True


def _start_practice() -> None:
    st.session_state[PRACTICE_STEP_KEY] = 0


def screen_help_button(context: AppContext, person: Person) -> None:
    """Show the button "Hjälp" and the help that it opens."""
    with st.popover(t("help.title"), icon=":material/help:", key="screen_help"):
        text = f"help.{st.session_state.get(SCREEN_KEY, '')}"
        if text in catalogue(current_language()):
            st.markdown(md(text))
        st.caption(t("help.zoom"))
        st.button(
            t("help.guide"),
            key="guide_open",
            on_click=show_guide_again,
            args=(context, person),
            icon=":material/signpost:",
            width="stretch",
        )
        if is_allowed(person, Action.REVIEW):
            st.button(
                t("help.practice"),
                key="practice_open",
                on_click=_start_practice,
                icon=":material/school:",
                width="stretch",
            )


def screen_link(name: str, label_markdown: str, **query: str) -> None:
    """Show a link to another screen of the menu; `query` says what it opens with."""
    # A page is known by its address alone.
    page = st.Page(_show_nothing, title=name, url_path=name)
    icon = ":material/arrow_forward:"
    st.page_link(page=page, label=label_markdown, icon=icon, query_params=query or None)


def _show_nothing() -> None:
    """Take the place of a screen that the menu shows."""


def screen_heading(context: AppContext, person: Person, title: str, line: str = "") -> None:
    """Show the title on the left and the user's menu on the right."""
    with st.container(horizontal=True, vertical_alignment="center", key="screen_heading"):
        with st.container(gap=None, key="screen_title"):
            st.title(plain(title), anchor=False)
            if line:
                st.caption(plain(line))
        with st.container(horizontal=True, width="content", key="screen_menu"):
            person_menu(context, person)


@requires_open_session
def _open_lookup(_context: AppContext) -> None:
    st.session_state[SEARCH_KEY] = True


def person_menu(context: AppContext, person: Person) -> None:
    """Show the search, help for the screen, the user's name and role, the language, and log-out."""
    if is_allowed(person, Action.REVIEW):
        st.button(
            t("lookup.open"),
            key="lookup_open",
            shortcut="Alt+L",
            icon=":material/search:",
            on_click=partial(_open_lookup, context),
        )
    screen_help_button(context, person)
    with st.popover(plain(person.name), icon=":material/person:", key="person_menu"):
        st.caption(
            md(
                "menu.who",
                title=person.title,
                role=", ".join(t(f"role.{role.name.lower()}") for role in person.roles),
            )
        )
        st.caption(md("menu.units", units=", ".join(sorted(person.all_units))))
        st.caption(
            md("menu.areas", areas=", ".join(sorted(person.all_areas)) or t("menu.no_areas"))
        )
        language_choice()
        if not context.settings.oidc and not person.break_glass:
            st.button(
                t("own_login.title"),
                key="own_login_open",
                on_click=partial(st.session_state.__setitem__, OWN_LOGIN_KEY, True),
                icon=":material/manage_accounts:",
                width="stretch",
            )
        st.button(
            t("menu.log_out"),
            key="log_out",
            on_click=session.log_out,
            args=(context,),
            icon=":material/logout:",
            width="stretch",
        )


def translate_upload_button(text: str = "") -> None:
    """Translate the text of the uploader's button, which Streamlit has in English only."""
    st.html(f'<style>:root {{ --ef-choose: "{text or t("scan.choose")}"; }}</style>')


def language_choice() -> None:
    """Show the choice of Swedish or English, for this session."""

    def save_choice() -> None:
        # Streamlit also calls this for the choice of a screen that a login has just replaced.
        choice = st.session_state.get("language_choice")
        if choice is not None:
            st.session_state["language"] = choice

    st.segmented_control(
        t("menu.language"),
        list(LANGUAGES),
        default=current_language(),
        required=True,
        format_func=lambda value: plain(LANGUAGES[value]),
        key="language_choice",
        on_change=save_choice,
    )
