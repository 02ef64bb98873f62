"""Entry point of the web interface: open the workspace, identify the user, show their screens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from ui.browser.activity import track_typing
from ui.browser.assets import svg_data_url
from ui.browser.document import begin_document
from ui.i18n import t
from ui.markdown import plain
from ui.screens.admin import login, own_login
from ui.screens.admin.login import exchange_ticket
from ui.screens.menu import (
    PLACES,
    SCREENS,
    MenuScreen,
    allowed_screens,
    build_menu,
    first_screen,
    list_tabs,
)
from ui.widgets.banner import access_banner, emergency_banner
from ui.widgets.brand import header_logo
from ui.widgets.heading import OWN_LOGIN_KEY, PRACTICE_STEP_KEY, SCREEN_KEY, SEARCH_KEY, show_guide
from ui.widgets.messages import show_error
from ui.widgets.views import reset_views
from ui.workspace import AppContext, open_app_context

STATIC = Path(__file__).parents[1] / "static"


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
    begin_document(session.left_owner())
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
    pages = _build_pages(context, person)
    page = st.navigation([*pages.values(), *_redirects(pages)], position="hidden")
    if SEARCH_KEY in st.session_state and page is not pages["review"]:
        st.switch_page(pages["review"])
    header_logo(context.settings)
    _show_menu(context, person, pages, page)
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


def _build_pages(context: AppContext, person: Person) -> dict[str, st.Page]:
    """Build the pages of a person's screens by name.

    Hiding a screen protects nothing: every function of `pipeline` checks the permission again.
    """
    start = first_screen(person)
    pages: dict[str, st.Page] = {}
    for screen in allowed_screens(person):
        pages[screen.name] = st.Page(
            partial(_run_screen, screen, context, person, pages),
            title=t(f"{screen.name}.title"),
            icon=screen.icon,
            url_path=_START_PATH if screen == start else screen.name,
            default=screen == start,
        )
    return pages


def _redirects(pages: Mapping[str, st.Page]) -> list[st.Page]:
    """Let the addresses of all other screens lead to the start screen.

    Streamlit would otherwise say in English that there is no such page.
    """
    start = next(page for page in pages.values() if page.url_path == "")
    return [
        st.Page(partial(st.switch_page, start), title=screen.name, url_path=screen.name)
        for screen in SCREENS
        if pages.get(screen.name, start) is start
    ]


def _show_menu(
    context: AppContext, person: Person, pages: Mapping[str, st.Page], here: st.Page
) -> None:
    """Show the places side by side, and the rest with headings under "Mer".

    Streamlit's own menu would fold up where there is little room, and has no headings in a list.
    """
    menu, asked = build_menu(person), _count_questions(context, person)
    if len(menu.entries) + len(menu.more) < 2:
        return
    current = next((screen for screen in SCREENS if pages.get(screen.name) is here), None)
    with st.container(horizontal=True, key="places"):
        for screen in menu.entries:
            is_here = current is not None and current.entry == screen.entry
            with st.container(width="content", key="here" if is_here else f"to_{screen.entry}"):
                _menu_link(screen, pages, asked)
        if not menu.more:
            return
        is_here = current is not None and current.group in menu.more
        more = t("start.asked", title=t("menu.more"), number=asked) if asked else t("menu.more")
        with (
            st.container(width="content", key="here" if is_here else "to_more"),
            # Of another key on each screen, as a list that a link has left would stay open.
            st.popover(plain(more), key=f"more-{current.name if current else ''}"),
        ):
            for heading, screens in menu.more.items():
                st.caption(t(f"menu.more.{heading}"))
                for screen in screens:
                    _menu_link(screen, pages, asked)


def _menu_link(screen: MenuScreen, pages: Mapping[str, st.Page], asked: int) -> None:
    """Show the link of an entry, with the number of questions that wait there for the person."""
    label = t(screen.entry_title)
    if asked and screen.name == "follow_up":
        label = t("start.asked", title=label, number=asked)
    icon = PLACES.get(screen.entry, screen.icon)
    st.page_link(page=pages[screen.name], label=plain(label), icon=icon)


def _count_questions(context: AppContext, person: Person) -> int:
    """Return how many questions to this person wait for an answer, for the menu."""
    if not is_allowed(person, Action.FOLLOW_UP):
        return 0
    # A store that cannot be read is reported by the screen itself.
    with suppress(EfterskriftError), context.store.read() as conn:
        return count_own_questions(conn, person)
    return 0


def _show_tabs(person: Person, pages: Mapping[str, st.Page], group: str) -> None:
    """Show the links between the screens of a place, if there are several."""
    tabs = list_tabs(person, group) if group in PLACES else []
    if len(tabs) > 1:
        with st.container(horizontal=True, key="tabs"):
            for screen in tabs:
                is_root = screen.name == group
                st.page_link(
                    page=pages[screen.name], label=t("progress.overview") if is_root else None
                )


def _run_screen(
    screen: MenuScreen, context: AppContext, person: Person, pages: Mapping[str, st.Page]
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
            _show_tabs(person, pages, screen.group)
            screen.show(context, person)
    except EfterskriftError as error:
        show_error(error)


main()
