"""HSA-id: the ids of units and staff and the role codes, typed or pasted from a spreadsheet."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig as _Column

from pipeline.domain.identity_numbers import MAX_HSA_ID_LENGTH
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person, StaffMember
from pipeline.store.registers import hsa_ids as register
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.registers.staff import load_staff_list
from ui.i18n import t
from ui.markdown import md
from ui.widgets.heading import screen_heading
from ui.widgets.messages import Message, commit
from ui.workspace import AppContext

_MESSAGE = Message("hsa_ids_said", is_quiet=True)
_ROLE_CODE_LENGTH = 6


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    context.store.require_permission(person, Action.OFFICE)
    screen_heading(context, person, t("hsa_ids.title"), t("hsa_ids.what"))
    _MESSAGE.show()
    with context.store.read() as conn:
        known = register.hsa_ids_by_unit(conn)
        units = {unit: known.get(unit, "") for unit in areas_by_unit(conn)}
        members = load_staff_list(conn)
    if not units:
        st.info(t("hsa_ids.no_units"), icon=":material/info:")
        return
    with st.form("hsa_ids", border=False, enter_to_submit=False):
        st.caption(_missing_markdown("hsa_ids.units_missing", list(units.values())))
        edited_units = _units_table(units)
        st.caption(_missing_markdown("hsa_ids.staff_missing", [one.hsa_id for one in members]))
        edited_members = _staff_table(members) if members else []
        is_sent = st.form_submit_button(t("hsa_ids.save"), key="hsa_save", type="primary")
    if is_sent:
        commit(
            context,
            _MESSAGE,
            lambda conn: register.save_hsa_ids(conn, person, edited_units, edited_members),
            lambda count: t("hsa_ids.saved", count=count) if count else t("hsa_ids.nothing_new"),
        )
        # The tables above were drawn before the press: draw them as they are stored.
        st.rerun()


def _missing_markdown(key: str, ids: Sequence[str]) -> str:
    return md(key, missing=sum(not hsa_id for hsa_id in ids), all=len(ids))


def _units_table(units: dict[str, str]) -> dict[str, str]:
    """Show the units to be edited, and return their ids as edited."""
    columns = [t("office.unit"), t("office.hsa_id")]
    rows = list(units.items())
    edited = st.data_editor(
        pd.DataFrame(rows, columns=columns),
        key=_table_key("units", rows),
        hide_index=True,
        disabled=columns[:1],
        width="stretch",
        column_config={columns[1]: _id_column(columns[1], MAX_HSA_ID_LENGTH)},
    )
    return {str(unit): _cell_text(hsa_id).upper() for unit, hsa_id in edited.to_numpy().tolist()}


def _staff_table(members: Sequence[StaffMember]) -> list[StaffMember]:
    """Show the staff to be edited, and return them as edited."""
    names = (
        "hsa_ids.column.unit",
        "hsa_ids.column.name",
        "hsa_ids.column.signature",
        "hsa_ids.column.member_title",
        "hsa_ids.column.hsa_id",
        "hsa_ids.column.role_code",
    )
    columns = [t(name) for name in names]
    rows = [
        (one.unit, one.name, one.signature, one.title, one.hsa_id, one.role_code) for one in members
    ]
    edited = st.data_editor(
        pd.DataFrame(rows, columns=columns),
        key=_table_key("staff", rows),
        hide_index=True,
        disabled=columns[:4],
        width="stretch",
        column_config={
            columns[4]: _id_column(columns[4], MAX_HSA_ID_LENGTH),
            columns[5]: _id_column(columns[5], _ROLE_CODE_LENGTH),
        },
    )
    return [
        replace(member, hsa_id=_cell_text(row[4]).upper(), role_code=_cell_text(row[5]))
        for member, row in zip(members, edited.to_numpy().tolist(), strict=True)
    ]


def _table_key(name: str, rows: Sequence[tuple[str, ...]]) -> str:
    """Return the key of a table: new for other rows, since Streamlit keeps edits by row number."""
    return f"hsa_{name}-{hashlib.sha256(repr(rows).encode()).hexdigest()[:16]}"


def _id_column(title: str, length: int) -> _Column:
    return st.column_config.TextColumn(title, max_chars=length)


def _cell_text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
