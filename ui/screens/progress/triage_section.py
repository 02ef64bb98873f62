"""The table of triage on the screen Kö: which entries of a unit come first, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from pipeline.domain.errors import ReviewError
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.domain.review.triage import (
    FIRST_LEVEL,
    LAST_LEVEL,
    Limit,
    TriageRule,
    load_triage_table,
)
from pipeline.store.entries import triage
from pipeline.store.entries.triage import UnitTriage
from pipeline.store.schema.clock import utc_now
from ui.i18n import format_moment, t
from ui.markdown import md
from ui.session import requires_open_session
from ui.widgets.messages import Message, commit
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
    current = context.store.query(triage.load_unit_triage, unit)
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
        _save(context, person, unit, lambda: rules_of_rows(rows, current.rules))
        # The table keeps its edits until its rows change: draw it anew as it is stored.
        st.rerun()
    if (table_id := current.id) is not None:
        with st.container(horizontal=True):
            st.button(
                t("triage.undo"),
                key="triage_undo",
                on_click=partial(
                    commit,
                    context,
                    _MESSAGE,
                    lambda conn: triage.undo_unit_triage(
                        conn, context.forms, person, unit, table_id, utc_now()
                    ),
                    _sorted_text,
                ),
            )
            st.button(
                t("triage.shipped"),
                key="triage_shipped",
                on_click=partial(_save, context, person, unit, lambda: load_triage_table().rules),
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


@requires_open_session
def _save(
    context: AppContext, person: Person, unit: str, rules: Callable[[], Sequence[TriageRule]]
) -> None:
    commit(
        context,
        _MESSAGE,
        lambda conn: triage.save_unit_triage(
            conn, context.forms, person, unit, tuple(rules()), utc_now()
        ),
        _sorted_text,
    )


def _sorted_text(moved: int) -> str:
    return t("triage.sorted", count=moved)


# Rules of triage as rows of a table that a manager edits, and back.
#
# A list is text with commas; values are "field < low > high", with semicolons between them.

TEXT_COLUMNS = ("forms", "words", "fields", "classes")
COLUMNS = (
    "number",
    "on",
    "level",
    "reason",
    *TEXT_COLUMNS,
    "values",
    "deadline_days",
    "most_words",
)
"""The columns, by the names of their texts (`triage.column`)."""
_LIMIT = re.compile(
    r"(?P<field>\w+)\s*(?:<\s*(?P<below>-?[\d.,]+))?\s*(?:>\s*(?P<above>-?[\d.,]+))?"
)
_NUMBER_STEP = 10
"""Between the numbers of rows there is room for a row in between."""


def rule_rows(rules: Sequence[TriageRule]) -> list[dict[str, Any]]:
    """Return the rows of a table, in the order in which the rules are tried."""
    return [
        {
            "number": number * _NUMBER_STEP,
            "on": rule.on,
            "level": rule.level,
            "reason": rule.reason,
            **{name: ", ".join(getattr(rule, name)) for name in TEXT_COLUMNS},
            "values": "; ".join(map(_limit_text, rule.values)),
            "deadline_days": rule.deadline_days,
            "most_words": rule.most_words,
        }
        for number, rule in enumerate(rules, 1)
    ]


def rules_of_rows(
    rows: Sequence[tuple[int, Mapping[str, Any]]], before: Sequence[TriageRule]
) -> list[TriageRule]:
    """Return the rules that rows say, by their numbers.

    Args:
        rows: each with the place that it had in `before`; a higher one is a new row.
        before: the rules that the table was made from; what it does not show stays.

    Raises:
        ReviewError: a row has no condition, or a value that is none.
    """
    rules, ids = [], {rule.id for rule in before}
    for place, row in sorted(rows, key=lambda one: _number(one[1].get("number")) or 10**6):
        earlier = before[place] if place < len(before) else None
        rule_id = earlier.id if earlier else _new_id(ids)
        rules.append(_rule_of_row(row, rule_id, earlier))
    return rules


def _rule_of_row(row: Mapping[str, Any], rule_id: str, earlier: TriageRule | None) -> TriageRule:
    reason = str(row.get("reason") or "").strip()
    try:
        return TriageRule(
            id=rule_id,
            level=_number(row.get("level")) or 0,
            reason=reason,
            on=row.get("on") is not False,
            areas=earlier.areas if earlier else (),
            values=tuple(_limits(str(row.get("values") or ""))),
            deadline_days=_number(row.get("deadline_days")),
            most_words=_number(row.get("most_words")),
            **{name: _parts(row.get(name), ",") for name in TEXT_COLUMNS},
        )
    except (ValidationError, ValueError) as error:
        raise ReviewError("triage_rule_wrong", reason=reason or "–") from error


def _limits(text: str) -> list[Limit]:
    limits = []
    for part in _parts(text, ";"):
        found = _LIMIT.fullmatch(part)
        if found is None or (found["below"] is None and found["above"] is None):
            raise ValueError("no limit")
        below, above = (
            None if found[name] is None else float(found[name].replace(",", "."))
            for name in ("below", "above")
        )
        limits.append(Limit(field=found["field"], below=below, above=above))
    return limits


def _limit_text(limit: Limit) -> str:
    sides = (("<", limit.below), (">", limit.above))
    return " ".join(
        [limit.field, *(f"{sign} {number:g}" for sign, number in sides if number is not None)]
    )


def _parts(text: object, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in str(text or "").split(separator) if part.strip())


def _number(value: object) -> int | None:
    """Return a whole number; None for an empty cell, which a table gives as NaN."""
    if value is None or value != value or value == "":
        return None
    return int(float(str(value)))


def _new_id(ids: set[str]) -> str:
    number = next(n for n in range(1, len(ids) + 2) if f"egen-{n}" not in ids)
    ids.add(f"egen-{number}")
    return f"egen-{number}"
