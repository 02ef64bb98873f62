"""Export: receipts by a list from the care system, all confirmed by one press."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.law.permissions import Action, permitted_areas, permitted_units
from pipeline.domain.model import Person
from pipeline.export.care_system_check.receipt_proposals import (
    Doubt,
    ListScope,
    ReceiptProposals,
    confirm_proposals,
    propose_receipts,
)
from pipeline.export.runs import ExportContext
from pipeline.registers.care_system_list import (
    REQUIRED_COLUMNS,
    parse_care_table,
    read_care_list,
)
from pipeline.store.exports.runs import RunStatus
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.schema.clock import utc_now
from ui.i18n import t
from ui.markdown import md, plain, plain_with_code
from ui.session import requires_open_session
from ui.widgets.care_columns import choose_columns
from ui.widgets.heading import translate_upload_button
from ui.widgets.messages import error_text
from ui.widgets.tables import show_table
from ui.widgets.target_name import target_name

Report = Callable[[Callable[[], str]], None]
"""Runs an action and shows its text, or its error, on the next drawing."""
_PROPOSALS_KEY, _UPLOAD_COUNT_KEY = "list_receipts", "list_receipts_sent"


def receipts_by_list(
    context: ExportContext, person: Person, history: list[RunStatus], report: Report
) -> None:
    """Show the upload of a list, and then what it proves."""
    routes = sorted({status.run.route or status.run.target for status in history if status.waiting})
    proposals = st.session_state.get(_PROPOSALS_KEY)
    if not routes and proposals is None:
        return
    with st.expander(t("list_receipts.title"), icon=":material/fact_check:", key="list_receipts"):
        st.caption(t("list_receipts.what"))
        if proposals is None:
            _upload_form(context, person, routes)
        else:
            scope, found = proposals
            _show_proposals(context, person, scope, found, report)


def _upload_form(context: ExportContext, person: Person, routes: list[str]) -> None:
    translate_upload_button()
    route = st.selectbox(
        t("list_receipts.route"), routes, key="list_receipts_route", format_func=target_name
    )
    unit = st.selectbox(
        t("clashes.unit"), sorted(permitted_units(person, Action.RECEIPT)), key="list_receipts_unit"
    )
    own_area = context.store.query(areas_by_unit).get(unit or "", "")
    areas = sorted(permitted_areas(person, Action.RECEIPT, unit))
    area = st.selectbox(
        t("clashes.area"),
        areas,
        index=areas.index(own_area) if own_area in areas else 0,
        key=f"list_receipts_area-{unit}",
    )
    file = st.file_uploader(
        t("clashes.file"),
        type=["csv", "txt", "tsv", "xlsx"],
        key=f"list_receipts_{st.session_state.get(_UPLOAD_COUNT_KEY, 0)}",
    )
    if file is None or route is None or unit is None or area is None:
        return
    try:
        table = parse_care_table(file.getvalue(), file.name)
    except EfterskriftError as error:
        st.error(plain_with_code(error_text(error)))
        return
    columns = choose_columns(table)
    lacking = [part for part in REQUIRED_COLUMNS if not columns.get(part)]
    if lacking:
        parts = ", ".join(t(f"clashes.part.{part.value}") for part in lacking)
        st.warning(md("clashes.lacking", parts=parts))
    if st.button(
        t("clashes.compare"), key="list_receipts_do", type="primary", disabled=bool(lacking)
    ):
        scope = ListScope(unit, area, route)
        try:
            rows = read_care_list(table, columns).rows
            proposals = propose_receipts(context, person, scope, rows)
        except EfterskriftError as error:
            st.error(plain_with_code(error_text(error)))
            return
        st.session_state[_PROPOSALS_KEY] = (scope, proposals)
        # A new key empties the uploader, and its memory is given back.
        st.session_state[_UPLOAD_COUNT_KEY] = st.session_state.get(_UPLOAD_COUNT_KEY, 0) + 1
        st.rerun()


def _show_proposals(
    context: ExportContext,
    person: Person,
    scope: ListScope,
    proposals: ReceiptProposals,
    report: Report,
) -> None:
    st.markdown(
        f"**{md('list_receipts.found', count=len(proposals.proposed))}**  \n"
        f"{plain(target_name(scope.route))} · {plain(scope.unit)} · {plain(scope.area)}"
    )
    with st.container(horizontal=True):
        st.button(
            md("list_receipts.confirm", count=len(proposals.proposed)),
            key="list_receipts_confirm",
            type="primary",
            disabled=not proposals.proposed,
            on_click=partial(_confirm, context, person, scope, proposals, report),
        )
        st.button(
            t("list_receipts.again"),
            key="list_receipts_again",
            on_click=lambda: st.session_state.pop(_PROPOSALS_KEY, None),
        )
    if proposals.hidden:
        st.warning(md("list_receipts.hidden", count=proposals.hidden), icon=":material/lock:")
    if not proposals.doubtful:
        return
    st.caption(md("list_receipts.doubtful", count=len(proposals.doubtful)))
    # Reasons are whole sentences: over a table of the entries they are not cut.
    by_doubt: dict[Doubt | None, list[tuple[str, str]]] = {}
    for entry in proposals.doubtful:
        by_doubt.setdefault(entry.doubt, []).append((entry.item.entry_id, entry.run_id))
    for doubt, rows in by_doubt.items():
        st.markdown(f"**{md(f'list_receipts.doubt.{doubt}')}** ({plain(len(rows))})")
        show_table(("export.column.entry", "list_receipts.run"), rows)


@requires_open_session
def _confirm(
    context: ExportContext,
    person: Person,
    scope: ListScope,
    proposals: ReceiptProposals,
    report: Report,
) -> None:
    def confirm() -> str:
        result = confirm_proposals(context, person, scope, proposals.proposed, utc_now())
        return t("list_receipts.done", accepted=result.accepted, already=result.already)

    report(confirm)
    st.session_state.pop(_PROPOSALS_KEY, None)
