"""What was sent and has no receipt: counts by route, and the way to its runs."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.model import Person
from pipeline.export import runs
from pipeline.export.runs import ExportContext
from pipeline.store.schema.clock import utc_now
from ui.i18n import format_moment, t
from ui.markdown import md, plain

UNPROVEN_ROUTE_KEY = "export_unproven_route"
"""The route whose runs without a receipt are shown, if not all are."""
_SCREEN = "export"


def unproven_section(context: ExportContext, person: Person, *, leads_away: bool = False) -> None:
    """Show how many entries of each route have no receipt after some days, if any.

    Args:
        leads_away: whether the buttons open the screen Export.
    """
    unproven = runs.count_unproven(context, person, utc_now())
    if not unproven:
        return
    total = sum(each.entries for each in unproven)
    days = context.settings.proof_days
    with st.expander(
        md("unproven.title", count=total, days=days), icon=":material/pending:", expanded=True
    ):
        st.caption(t("unproven.what"))
        for each in unproven:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(
                    f"**{plain(each.route)}**  \n"
                    + md("unproven.line", count=each.entries, at=format_moment(each.oldest)),
                    width="stretch",
                )
                is_clicked = st.button(
                    t("unproven.show"),
                    key=f"unproven-{each.route}",
                    on_click=partial(show_runs_of, each.route),
                )
            if is_clicked and leads_away:
                # A page is known by its address alone
                st.switch_page(st.Page(_show_nothing, title=_SCREEN, url_path=_SCREEN))


def show_runs_of(route: str | None) -> None:
    """Let the screen Export show the runs of a route without a receipt; None: all runs."""
    st.session_state[UNPROVEN_ROUTE_KEY] = route


def _show_nothing() -> None:
    """Take the place of the screen Export, which the menu shows."""
