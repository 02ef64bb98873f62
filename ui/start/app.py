"""Entry point of the web interface: open the workspace, identify the user, show their screens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path

import streamlit as st

from pipeline.domain.errors import EfterskriftError, SettingsError
from pipeline.domain.law.permissions import Action, is_allowed, require_permission
from pipeline.domain.model import Person
from pipeline.domain.settings import load_settings
from pipeline.store.review.author_questions import count_own_questions
from ui import session
from ui.access.upload_memory import release_unused_uploads
from ui.browser.assets import svg_data_url
from ui.browser.document import action_lock, document_settings
from ui.i18n import t
from ui.screens.admin import login, own_login
from ui.screens.admin.login import exchange_ticket
from ui.screens.menu import SCREENS, MenuScreen
from ui.widgets.activity import track_typing
from ui.widgets.banner import access_banner, emergency_banner
from ui.widgets.brand import header_logo
from ui.widgets.heading import (
    OWN_LOGIN_KEY,
    PRACTICE_STEP_KEY,
    SCREEN_KEY,
    screen_heading,
    show_guide,
)
from ui.widgets.messages import show_error
from ui.widgets.tables import table_sort
from ui.widgets.views import reset_views
from ui.workspace import AppContext, open_app_context

STATIC = Path(__file__).parents[1] / "static"


_START_SCREENS = ("review", "log", "progress", "accounts")
"""The first of these that a role has is its start screen."""


_TAB_NAMES = frozenset(screen.name for screen in SCREENS if screen.under)
"""The screens that are tabs of another one."""


_START_PATH = "in"
"""URL path of the start screen, whatever screen that is for the role.

The start screen's own name is an address too and leads to this one.
"""


def main() -> None:
    """Run the script once."""
    _set_default_language()
    st.set_page_config(
        page_title="Efterskrift",
        page_icon=svg_data_url(STATIC / "icon.svg"),
        layout="wide",
        initial_sidebar_state="collapsed",
    )
    # What every run sends first, in a fixed order.
    session.begin_session_run()
    release_unused_uploads()
    st.html(STATIC / "style.css")
    document_settings(session.left_owner())
    action_lock()
    # Without a workspace or a user there is only an error or the login.
    try:
        context = open_app_context()
        person = session.current_person(context)
    except EfterskriftError as error:
        show_error(error)
        return
    if person is None:
        _show_single_screen(partial(login.show, context), t("login.title"))
        return
    if (ticket := session.cookie_ticket()) is not None:
        _show_single_screen(
            partial(exchange_ticket, ticket, session.renew_ticket), t("login.title")
        )
        return
    if session.is_password_change_due():
        _show_single_screen(partial(login.choose_password, context, person), t("password.title"))
        return
    if own_login.is_second_factor_due(context, person):
        show = partial(own_login.show_required, context, person)
        _show_single_screen(show, t("own_login.add"))
        return
    if own_login.are_codes_shown() or st.session_state.get(OWN_LOGIN_KEY):
        _show_single_screen(partial(own_login.show, context, person), t("own_login.title"))
        session.watch_session(context)
        return
    page = st.navigation(_build_pages(context, person), position="top", expanded=True)
    header_logo(context.settings)
    table_sort()
    # Containers of their own: a banner or guide that comes or goes does not move the screen below.
    with st.container():
        emergency_banner(context, person)
        access_banner(context, person)
        if session.was_connection_lost():
            st.info(t("login.connection_back"), icon=":material/sync_problem:")
    with st.container():
        show_guide(context, person)
    page.run()
    session.watch_session(context)
    track_typing(context)


def _set_default_language() -> None:
    """Use the language of the settings until the user chooses one.

    Swedish if the settings are invalid; that error is shown elsewhere.
    """
    if "language" not in st.session_state:
        with suppress(SettingsError):
            st.session_state["language"] = load_settings().language


def _show_single_screen(show: Callable[[], None], title: str) -> None:
    """Show one screen at every address.

    A user who reloads a screen and logs in is then on that screen again.
    """
    pages = [
        st.Page(show, title=title, url_path=_START_PATH, default=True),
        *(st.Page(show, title=title, url_path=screen.name) for screen in SCREENS),
    ]
    st.navigation(pages, position="hidden").run()


def _build_pages(context: AppContext, person: Person) -> list[st.Page]:
    """Build the navigation pages of a role.

    Hiding a screen protects nothing: every function of `pipeline` checks the permission again.

    The addresses of the other screens lead to the start screen; Streamlit would otherwise say in
    English that there is no such page.
    """
    allowed = [screen for screen in SCREENS if is_allowed(person, screen.action)]
    names = [screen.name for screen in allowed]
    start_name = next((name for name in (*_START_SCREENS, *names) if name in names), "")
    pages: dict[str, st.Page] = {}
    asked = _count_questions(context, person)
    for screen in allowed:
        root = screen.under or screen.name
        tabs = [other.name for other in allowed if (other.under or other.name) == root]
        pages[screen.name] = st.Page(
            partial(_run_screen, screen, context, person, partial(_show_tabs, pages, tabs)),
            title=t("start.asked", title=t("follow_up.title"), number=asked)
            if asked and screen.name == "follow_up"
            else t(f"{screen.name}.title"),
            icon=screen.icon,
            url_path=_START_PATH if screen.name == start_name else screen.name,
            default=screen.name == start_name,
            visibility="hidden" if screen.under in names else "visible",
        )
    start = (
        pages[start_name]
        if pages
        else st.Page(
            partial(_show_no_screen, context, person),
            title=t("start.title"),
            url_path=_START_PATH,
            default=True,
        )
    )
    # Every other address redirects to the start screen.
    redirected = [
        screen.name for screen in SCREENS if screen.name == start_name or screen.name not in pages
    ]
    return [
        *(pages.values() or [start]),
        *(
            st.Page(partial(st.switch_page, start), title=name, url_path=name, visibility="hidden")
            for name in redirected
        ),
    ]


def _count_questions(context: AppContext, person: Person) -> int:
    """Return how many questions to this person wait for an answer, for the menu."""
    if not is_allowed(person, Action.FOLLOW_UP):
        return 0
    # A store that cannot be read is reported by the screen itself.
    with suppress(EfterskriftError), context.store.read() as conn:
        return count_own_questions(conn, person)
    return 0


def _show_tabs(pages: Mapping[str, st.Page], names: Sequence[str]) -> None:
    """Show the links between a screen of the menu and those under it, if there are any."""
    if len(names) > 1:
        with st.container(horizontal=True, key="tabs"):
            for name in names:
                is_root = name not in _TAB_NAMES
                st.page_link(page=pages[name], label=t("progress.overview") if is_root else None)


def _show_no_screen(context: AppContext, person: Person) -> None:
    """Tell a role that has no screen yet."""
    screen_heading(context, person, t("start.no_screens"), t("start.no_screens_what"))


def _run_screen(
    screen: MenuScreen, context: AppContext, person: Person, show_tabs: Callable[[], None]
) -> None:
    if st.session_state.get(SCREEN_KEY) != screen.name:
        reset_views()  # returning to a picture is another view of it
    st.session_state[SCREEN_KEY] = screen.name
    try:
        # A denied press is an event of the log too, so the permission is asked within it.
        with context.store.recording_denials():
            if PRACTICE_STEP_KEY in st.session_state:
                import_module("ui.screens.practice").show(context, person)
                return
            require_permission(person, screen.action)
            show_tabs()
            screen.show(context, person)
    except EfterskriftError as error:
        show_error(error)


main()
