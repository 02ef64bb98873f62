"""Inputs that say which columns of a list from the care system hold what."""

from __future__ import annotations

import streamlit as st

from pipeline.registers.care_system_list import (
    CareColumn,
    CareTable,
    ColumnMapping,
    propose_columns,
)
from ui.i18n import t
from ui.markdown import plain


def choose_columns(table: CareTable, upload_count: int = 0) -> ColumnMapping:
    """Return which columns hold what: as proposed, unless the user chooses otherwise.

    Another `upload_count` gives inputs without what was chosen before.
    """
    proposed = propose_columns(table.titles, table.rows[0][1])
    chosen: dict[CareColumn, tuple[int, ...]] = {}
    columns = list(range(len(table.titles)))

    def title(column: int) -> str:
        return table.titles[column] or t("clashes.column", number=column + 1)

    st.caption(t("clashes.columns"))
    layout = st.columns(3)
    for index, part in enumerate(CareColumn):
        key = f"care_part_{part.value}-{upload_count}-{hash(table.titles)}"
        label = t(f"clashes.part.{part.value}")
        with layout[index % 3]:
            # The text may be spread over several columns; all else is in one.
            if part is CareColumn.TEXT:
                chosen[part] = tuple(
                    st.multiselect(
                        plain(label),
                        columns,
                        default=proposed.get(part, ()),
                        format_func=title,
                        key=key,
                        placeholder=t("clashes.none"),
                    )
                )
                continue
            column = st.selectbox(
                plain(label),
                columns,
                index=proposed[part][0] if part in proposed else None,
                format_func=title,
                key=key,
                placeholder=t("clashes.none"),
            )
            chosen[part] = () if column is None else (column,)
    return chosen
