"""Konton: who may log in, with which roles, and in which units and areas of law.

No paper and no clients are shown here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import streamlit as st
from sqlalchemy import Connection

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.form import Area
from pipeline.domain.law.permissions import Action, default_areas, is_allowed, permitted_units
from pipeline.domain.model import Assignment, Person, Role
from pipeline.login.accounts import close_account, save_account, seal_password
from pipeline.store.accounts import people
from pipeline.store.accounts.access_notices import ChangeKind
from pipeline.store.accounts.login import access_changes
from pipeline.store.accounts.login.access_changes import Account, OpenChange
from pipeline.store.registers import client_register
from pipeline.store.schema.clock import utc_now
from ui.browser.document import scroll_to
from ui.browser.keyboard import keyboard
from ui.i18n import format_moment, t
from ui.markdown import md, plain, plain_with_code
from ui.session import requires_open_session
from ui.widgets.heading import screen_heading
from ui.widgets.messages import Message, error_text, errors_to
from ui.workspace import AppContext

_CHOSEN_KEY, _SHOWN_KEY = "account_chosen", "account_shown"
_MESSAGE = Message("account_said")
_SHOWN_ONCE_KEY = "account_shown_once"
_SAID_KEY = "account_said_count"
_MANY_ACCOUNTS = 8
"""From how many accounts on the list can be searched."""
_ADDED_KEY = "account_added"
"""How many empty assignments the form shows."""
_NO_ROLE = ""
"""Chosen instead of a role: no assignment."""
_NEW_ASSIGNMENT = Assignment(Role.REVIEWER, "", frozenset(), frozenset())
_NEW_ACCOUNT = ""
"""Chosen instead of a login name: an account that does not exist yet."""
_ICONS = {
    "ask.password": ":material/key:",
    "ask.second_factor": ":material/no_encryption:",
    "ask.provider": ":material/link_off:",
    "seal": ":material/drafts:",
    "close": ":material/person_off:",
    "open": ":material/person:",
}


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    screen_heading(context, person, t("accounts.title"), t("accounts.what"))
    with context.store.read() as conn:
        accounts = access_changes.list_accounts(conn, person)
        units = list(client_register.areas_by_unit(conn))
        changes = access_changes.list_open_changes(conn, person, utc_now())
    _show_message()
    _open_changes(context, person, changes)
    chosen = st.session_state.get(_CHOSEN_KEY)
    left, right = (
        (st.container(), st.container()) if chosen is None else st.columns([1.3, 1], gap="large")
    )
    with left:
        st.button(
            t("accounts.add"),
            key="account_add",
            type="primary" if chosen is None else "secondary",
            icon=":material/person_add:",
            on_click=partial(_choose_account, _NEW_ACCOUNT),
        )
        if not any(account.person.login != person.login for account in accounts):
            st.info(t("accounts.empty"), icon=":material/info:")
        for account in _sought(accounts):
            _account_row(account, is_own=account.person.login == person.login)
    # The form is at the top, and what was done is shown there; the button may be far below.
    scroll_to(f"account {chosen} {st.session_state.get(_SAID_KEY, 0)}")
    if chosen is None:
        return
    open_account = next((account for account in accounts if account.person.login == chosen), None)
    with right:
        if not units:
            st.info(t("accounts.no_units"), icon=":material/info:")
        _account_form(context, person, open_account, units)
        if open_account is not None:
            _account_actions(context, person, open_account)


def _sought(accounts: list[Account]) -> list[Account]:
    """Return the accounts whose name, login, title or units hold what is sought."""
    if len(accounts) < _MANY_ACCOUNTS:
        return accounts
    words = st.text_input(t("accounts.seek"), key="account_seek", autocomplete="off").casefold()
    found = []
    for account in accounts:
        holder = account.person
        titles = [one.title for one in holder.assignments]
        told = " ".join((holder.name, holder.login, *titles, *holder.all_units)).casefold()
        if all(word in told for word in words.split()):
            found.append(account)
    if not found:
        st.caption(t("accounts.none_sought"))
    return found


def _show_message() -> None:
    """Show the result of the last action; a new code or password is shown once and then gone."""
    if _MESSAGE.show():
        st.session_state[_SAID_KEY] = st.session_state.get(_SAID_KEY, 0) + 1
    if shown_once := st.session_state.pop(_SHOWN_ONCE_KEY, None):
        holder, kind, text = shown_once
        with st.container(border=True, key="account_password_box"):
            st.markdown(md(f"accounts.{kind}_of", name=holder.name, login=holder.login))
            st.text(text)
            st.caption(t(f"accounts.{kind}_once"))


def _open_changes(context: AppContext, person: Person, changes: list[OpenChange]) -> None:
    """List what is asked for, with what another administrator has to approve first."""
    shown = [change for change in changes if change.kind is not ChangeKind.FIRST]
    if not shown:
        return
    st.header(t("accounts.changes"), anchor=False)
    for change in shown:
        with st.container(
            border=True, horizontal=True, vertical_alignment="center", key=f"change-{change.id}"
        ):
            with st.container(gap=None):
                st.markdown(
                    md(
                        f"accounts.change_asked.{change.kind.value}",
                        name=change.name,
                        login=change.login,
                        by=change.by,
                        at=format_moment(change.at),
                    )
                )
                st.caption(
                    t("accounts.waits" if change.waits_for_approval else "accounts.code_open")
                )
            if change.waits_for_approval and change.by != person.login:
                approve = partial(_decide_change, context, person, change, is_approved=True)
                st.button(
                    t("accounts.approve"), key=f"change_approve-{change.id}", on_click=approve
                )
            cancel = partial(_decide_change, context, person, change, is_approved=False)
            st.button(t("accounts.cancel"), key=f"change_cancel-{change.id}", on_click=cancel)


@requires_open_session
def _decide_change(
    context: AppContext, person: Person, change: OpenChange, *, is_approved: bool
) -> None:
    decide = access_changes.approve_change if is_approved else access_changes.cancel_change
    _run_action(
        context,
        "accounts.is_approved" if is_approved else "accounts.is_cancelled",
        change.login,
        lambda conn: decide(conn, person, change.id, utc_now()),
    )


def _account_row(account: Account, *, is_own: bool) -> None:
    holder = account.person
    flags = [
        text
        for text, holds in (
            (t("accounts.closed"), not account.active),
            (t("accounts.emergency"), holder.break_glass),
            (t("accounts.not_changed"), account.must_change and account.active),
            (t("accounts.has_code"), account.has_code),
            (t("accounts.is_linked"), account.is_linked),
            (t("accounts.logged_in"), account.sessions > 0),
            (t("accounts.you"), is_own),
        )
        if holds
    ]
    last_login = (
        t("accounts.last", at=format_moment(account.active_at))
        if account.active_at
        else t("accounts.never")
    )
    with st.container(border=True):
        row = st.container(horizontal=True, vertical_alignment="center")
        row.container().markdown(
            f"**{plain(holder.name)}** · {plain(holder.login)}  \n"
            + "".join(f"{plain(_assignment_text(one))}  \n" for one in holder.assignments)
            + f":gray[{' · '.join([*map(plain, flags), plain(last_login)])}]"
        )
        row.button(
            t("accounts.change"),
            key=f"account_change-{holder.login}",
            disabled=is_own,
            on_click=partial(_choose_account, holder.login, holder),
        )


def _assignment_text(assignment: Assignment) -> str:
    parts = (
        t(f"role.{assignment.role.name.lower()}"),
        assignment.title,
        ", ".join(sorted(assignment.units)) or t("accounts.no_unit"),
        ", ".join(sorted(assignment.areas)) or t("accounts.no_area"),
    )
    return " · ".join(dict.fromkeys(parts))  # a profession may be named as the role is


def _account_form(
    context: AppContext, person: Person, account: Account | None, units: list[str]
) -> None:
    holder = account.person if account else None
    key = f"account-{account.person.login}" if account else "account_new"
    with st.container(border=True):
        st.header(
            md("accounts.change_of", name=holder.name) if holder else t("accounts.new"),
            anchor=False,
        )
        role = _role_field(key, holder.role if holder else _NEW_ASSIGNMENT.role)
        with st.form(f"form-{key}", border=False):
            entered = _account_fields(key, holder, role, units)
            is_sent = st.form_submit_button(
                t("accounts.save"),
                key=f"{key}-save",
                type="primary",
                width="stretch",
                disabled=account is not None and not account.active,
            )
    if holder is None:
        keyboard("account_new", [f"{key}-login"])
    st.button(
        t("accounts.add_assignment"),
        key=f"{key}-add",
        icon=":material/add:",
        on_click=_add_assignment,
    )
    if is_sent:
        _check_and_save(context, person, holder, entered)


def _add_assignment() -> None:
    st.session_state[_ADDED_KEY] = st.session_state.get(_ADDED_KEY, 0) + 1


def _role_field(key: str, known: Role) -> Role:
    """Draw the choice of the main role, and say at once what the chosen one may do."""
    roles = list(Role)
    role = st.selectbox(
        t("accounts.role"), roles, roles.index(known), format_func=_role_text, key=f"{key}-role"
    )
    st.caption(t(f"accounts.may.{role.name.lower()}"))
    return role


def _account_fields(key: str, holder: Person | None, role: Role, units: list[str]) -> Person:
    """Draw the fields of an account, and return what they hold."""
    login = st.text_input(
        t("accounts.login"),
        holder.login if holder else "",
        key=f"{key}-login",
        disabled=holder is not None,
        max_chars=80,
    )
    name = st.text_input(
        t("accounts.name"), holder.name if holder else "", key=f"{key}-name", max_chars=120
    )
    main, *further = holder.assignments if holder else (_NEW_ASSIGNMENT,)
    chosen = _make_assignment(role, *_place_fields(key, main, units))
    person_key = st.text_input(
        t("accounts.key"),
        holder.key if holder else "",
        key=f"{key}-key",
        max_chars=80,
        help=t("accounts.key_help"),
    )
    emergency = st.checkbox(
        t("accounts.emergency_account"),
        holder.break_glass if holder else False,
        key=f"{key}-emergency",
        disabled=holder is not None,
    )
    others = _further_fields(key, further, units)
    return Person(
        holder.login if holder else login.strip(),
        name.strip(),
        chosen.title,
        chosen.role,
        chosen.units,
        chosen.areas,
        emergency,
        others,
        person_key.strip(),
    )


def _further_fields(
    key: str, further: Sequence[Assignment], units: list[str]
) -> tuple[Assignment, ...]:
    """Draw the fields of further assignments, empty ones last; return those that have a role."""
    count = len(further) + st.session_state.get(_ADDED_KEY, 0)
    if count:
        st.caption(t("accounts.further_what"))
    chosen = []
    for number in range(count):
        known = further[number] if number < len(further) else None
        st.subheader(md("accounts.further", number=number + 2), anchor=False)
        roles = [_NO_ROLE, *Role]
        role = st.selectbox(
            t("accounts.role"),
            roles,
            roles.index(known.role if known else _NO_ROLE),
            format_func=_role_text,
            key=f"{key}-{number + 2}-role",
        )
        fields = _place_fields(f"{key}-{number + 2}", known or _NEW_ASSIGNMENT, units)
        if role != _NO_ROLE:
            chosen.append(_make_assignment(Role(role), *fields))
    return tuple(chosen)


def _role_text(role: str) -> str:
    return t("accounts.no_role") if role == _NO_ROLE else t(f"role.{Role(role).name.lower()}")


def _place_fields(
    key: str, known: Assignment, units: list[str]
) -> tuple[str, Sequence[str], Sequence[str]]:
    """Draw title, units and areas of law of an assignment, and return what they hold."""
    title = st.text_input(
        t("accounts.profession"), known.title, key=f"{key}-profession", max_chars=80
    )
    own_units = st.multiselect(
        t("accounts.units"),
        units,
        sorted(known.units),
        key=f"{key}-units",
        placeholder=t("accounts.choose"),
    )
    areas = st.multiselect(
        t("accounts.areas"),
        [area.value for area in Area],
        sorted(known.areas),
        key=f"{key}-areas",
        placeholder=t("accounts.areas_default"),
        help=t("accounts.areas_help"),
    )
    return title.strip(), own_units, areas


def _make_assignment(
    role: Role, title: str, units: Iterable[str], areas: Iterable[str]
) -> Assignment:
    chosen_areas = frozenset(areas) or default_areas(role, title)
    return Assignment(role, title, frozenset(units), chosen_areas)


def _check_and_save(
    context: AppContext, person: Person, holder: Person | None, entered: Person
) -> None:
    """Save the account, unless its name is taken or it was changed meanwhile."""
    with context.store.read() as conn:
        meant = people.find_login(conn, entered.login)
        is_taken = holder is None and meant in people.people_by_login(conn)
    if is_taken:
        st.error(md("accounts.taken", login=meant))
        return
    if holder != st.session_state.get(_SHOWN_KEY):
        _MESSAGE.failed(t("accounts.changed_meanwhile", login=entered.login))
        # The form is drawn already: only another run shows the account as it is stored.
        st.session_state[_CHOSEN_KEY] = None
        st.rerun()
    _save_account(context, person, entered)


def _save_account(context: AppContext, person: Person, account: Person) -> None:
    try:
        with context.store.begin() as conn:
            before = people.people_by_login(conn).get(account.login)
            code = save_account(conn, person, account, utc_now())
        if code:
            st.session_state[_SHOWN_ONCE_KEY] = (account, "first", code)
        elif account.break_glass and (before is None or not before.break_glass):
            _show_sealed_password(context, person, account)
    except EfterskriftError as error:
        st.error(plain_with_code(error_text(error)))
        return
    saved = t("accounts.saved", login=account.login)
    # Who reviews sees nothing at all without a unit
    if is_allowed(account, Action.REVIEW) and not permitted_units(account, Action.REVIEW):
        saved = f"{saved} {t('accounts.saved_no_unit')}"
    _MESSAGE.done(saved)
    st.session_state[_CHOSEN_KEY] = None
    st.rerun()


def _account_actions(context: AppContext, person: Person, account: Account) -> None:
    login = account.person.login
    with st.container(horizontal=True):
        if account.active:
            for kind in _changes_of(account):
                _action_button(
                    f"accounts.ask.{kind.value}",
                    login,
                    partial(_ask_change, context, person, account.person, kind),
                )
            if account.person.break_glass:
                seal = partial(_seal_password, context, person, account.person)
                _action_button("accounts.seal", login, seal)
            with st.popover(t("accounts.close"), icon=_ICONS["close"], key=f"account_ends-{login}"):
                st.markdown(md("accounts.close_what", name=account.person.name, login=login))
                close = partial(close_account, person=person, login=login)
                _action_button(
                    "accounts.close",
                    login,
                    partial(_run_action, context, "accounts.is_closed", login, close),
                )
        else:
            reopen = partial(access_changes.reopen_account, person=person, login=login)
            _action_button(
                "accounts.open",
                login,
                partial(_run_action, context, "accounts.is_open", login, reopen),
            )


def _action_button(text_key: str, login: str, action: Callable[[], None]) -> None:
    name = text_key.removeprefix("accounts.")
    st.button(t(text_key), key=f"account_{name}-{login}", icon=_ICONS[name], on_click=action)


def _changes_of(account: Account) -> list[ChangeKind]:
    """Return the changes of the person's way in that make sense for the account."""
    if account.person.break_glass:
        return []
    return [
        ChangeKind.PASSWORD,
        *([ChangeKind.SECOND_FACTOR] if account.has_code else []),
        *([ChangeKind.PROVIDER] if account.is_linked else []),
    ]


@requires_open_session
def _ask_change(context: AppContext, person: Person, holder: Person, kind: ChangeKind) -> None:
    def ask(conn: Connection) -> None:
        change = access_changes.request_change(conn, person, holder.login, kind, utc_now())
        if change.code:
            shown = "code_waits" if change.needs_approval else "code"
            st.session_state[_SHOWN_ONCE_KEY] = (holder, shown, change.code)

    _run_action(context, f"accounts.asked.{kind.value}", holder.login, ask)


@requires_open_session
def _seal_password(context: AppContext, person: Person, holder: Person) -> None:
    with errors_to(_MESSAGE.failed):
        _show_sealed_password(context, person, holder)
        _MESSAGE.done(t("accounts.is_sealed", login=holder.login))


def _show_sealed_password(context: AppContext, person: Person, holder: Person) -> None:
    password = seal_password(context.store, person, holder.login, utc_now())
    st.session_state[_SHOWN_ONCE_KEY] = (holder, "password", password)


@requires_open_session
def _run_action(
    context: AppContext, success_key: str, login: str, action: Callable[[Connection], object]
) -> None:
    try:
        context.store.change(action)
    except EfterskriftError as error:
        st.session_state.pop(_SHOWN_ONCE_KEY, None)
        _MESSAGE.failed(error_text(error))
    else:
        _MESSAGE.done(t(success_key, login=login))


def _choose_account(login: str, shown: Person | None = None) -> None:
    st.session_state[_CHOSEN_KEY], st.session_state[_SHOWN_KEY] = login, shown
    st.session_state[_ADDED_KEY] = 0
