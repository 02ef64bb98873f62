"""The control by which a user chooses what to stay with: nothing, one form, client or author."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from pipeline.domain.model import Person
from pipeline.store.accounts.queue_choice import (
    QueueGrouping,
    choose_queue_grouping,
    queue_choice,
)
from ui.i18n import t
from ui.session import requires_open_session
from ui.workspace import AppContext

_GROUPING_KEY = "queue_grouping"


def queue_grouping_control(
    context: AppContext,
    person: Person,
    current: Callable[[], str],
    on_choice: Callable[[], None],
) -> None:
    """Show the four ways of working, and keep the one that is chosen.

    Args:
        current: gives the id of the entry on the screen, which the user goes on from.
        on_choice: forgets what was claimed ahead in the order that held before.
    """
    with context.store.read() as conn:
        chosen = queue_choice(conn, person)
    st.segmented_control(
        t("grouping.title"),
        list(QueueGrouping),
        default=chosen,
        required=True,
        format_func=lambda grouping: t(f"grouping.{grouping.value}"),
        key=_GROUPING_KEY,
        label_visibility="collapsed",
        help=t("grouping.what"),
        on_change=partial(_choose, context, person, current, on_choice),
    )


@requires_open_session
def _choose(
    context: AppContext, person: Person, current: Callable[[], str], on_choice: Callable[[], None]
) -> None:
    grouping = QueueGrouping(st.session_state[_GROUPING_KEY])
    with context.store.begin() as conn:
        choose_queue_grouping(conn, person, grouping, current())
    on_choice()
