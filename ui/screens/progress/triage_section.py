"""The table of triage on the screen Kö: which entries of a unit come first, and why."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.domain.review.triage import FIRST_LEVEL, LAST_LEVEL, TriageRule, load_triage_table
from pipeline.store.entries import triage
from pipeline.store.entries.triage import UnitTriage
from pipeline.store.schema.clock import utc_now
from ui.i18n import format_moment, t
from ui.markdown import md
from ui.screens.progress.triage_rows import COLUMNS, TEXT_COLUMNS, rule_rows, rules_of_rows
from ui.session import requires_open_session
from ui.widgets.messages import Message, errors_to
from ui.workspace import AppContext

_MESSAGE = Message("triage_said", is_quiet=True)
_UNIT_KEY = "triage_unit"


def triage_section(context: AppContext, person: Person) -> None:
    """Show the table of one of the person's units, to change and to take back."""
    st.header(t("triage.title"), anchor=False)
    st.caption(t("triage.what"))
    _MESSAGE.show()
    unit = st.selectbox(
        t("queue.unit"), sorted(permitted_units(person, Action.PULL)), key=_UNIT_KEY
    )
    if unit is None:
        return
    with context.store.read() as conn:
        current = triage.load_unit_triage(conn, unit)
    st.caption(_origin_markdown(current))
    with st.form(f"triage-{unit}-{current.id}", border=False, enter_to_submit=False):
        table = pd.DataFrame(rule_rows(current.rules), columns=list(COLUMNS))
        for name in ("deadline_days", "most_words"):
            table[name] = table[name].astype("Int64")
        edited = st.data_editor(
            table,
            key=f"triage_table-{unit}-{current.id}",
            num_rows="dynamic",
            hide_index=True,
            width="stretch",
            column_config=_column_config(),
        )
        is_sent = st.form_submit_button(t("triage.save"), key="triage_save", type="primary")
    if is_sent:
        rows = [
            (int(place), {str(name): value for name, value in row.items()})
            for place, row in zip(edited.index, edited.to_dict("records"), strict=True)
        ]
        _save(context, person, unit, current, rows)
        st.rerun()
    if current.id is not None:
        with st.container(horizontal=True):
            st.button(
                t("triage.undo"),
                key="triage_undo",
                on_click=partial(_undo, context, person, unit, current.id),
            )
            st.button(
                t("triage.shipped"),
                key="triage_shipped",
                on_click=partial(_save_rules, context, person, unit, load_triage_table().rules),
            )


def _origin_markdown(current: UnitTriage) -> str:
    if current.id is None or current.at is None:
        return md("triage.of_program", version=current.version)
    return md(
        "triage.of_unit", by=current.by, at=format_moment(current.at), version=current.version
    )


def _column_config() -> dict[str, Any]:
    titles = {name: t(f"triage.column.{name}") for name in COLUMNS}
    config: dict[str, Any] = {
        name: st.column_config.TextColumn(titles[name], help=t(f"triage.help.{name}"))
        for name in (*TEXT_COLUMNS, "values")
    }
    return config | {
        "number": st.column_config.NumberColumn(titles["number"], step=1, width="small"),
        "on": st.column_config.CheckboxColumn(titles["on"], default=True, width="small"),
        "level": st.column_config.SelectboxColumn(
            titles["level"],
            options=list(range(FIRST_LEVEL, LAST_LEVEL + 1)),
            required=True,
            width="small",
        ),
        "reason": st.column_config.TextColumn(titles["reason"], required=True, max_chars=80),
        "deadline_days": st.column_config.NumberColumn(
            titles["deadline_days"], min_value=0, step=1, width="small"
        ),
        "most_words": st.column_config.NumberColumn(
            titles["most_words"], min_value=1, step=1, width="small"
        ),
    }


def _save(
    context: AppContext,
    person: Person,
    unit: str,
    current: UnitTriage,
    rows: list[tuple[int, dict[str, Any]]],
) -> None:
    with errors_to(_MESSAGE.failed):
        rules = rules_of_rows(rows, current.rules)
        _save_rules(context, person, unit, tuple(rules))


@requires_open_session
def _save_rules(
    context: AppContext, person: Person, unit: str, rules: tuple[TriageRule, ...]
) -> None:
    with errors_to(_MESSAGE.failed):
        with context.store.begin() as conn:
            moved = triage.save_unit_triage(conn, context.forms, person, unit, rules, utc_now())
        _MESSAGE.done(t("triage.sorted", count=moved))


@requires_open_session
def _undo(context: AppContext, person: Person, unit: str, table_id: int) -> None:
    with errors_to(_MESSAGE.failed):
        with context.store.begin() as conn:
            moved = triage.undo_unit_triage(conn, context.forms, person, unit, table_id, utc_now())
        _MESSAGE.done(t("triage.sorted", count=moved))
