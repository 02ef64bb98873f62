"""Uppföljning: what could not simply be entered.

Questions, transferred entries, matches in the care system, duplicates, clients outside the
register, rejected entries, and blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import Person
from pipeline.export.care_system_matches import erase_settled_lists, list_matches
from pipeline.export.runs import ExportContext
from pipeline.store.entries import temporary_identities
from pipeline.store.registers import blocks
from pipeline.store.reports import closed_entries
from pipeline.store.review import author_questions, duplicate_entries, transferred
from pipeline.store.schema.clock import utc_now
from ui.i18n import t
from ui.markdown import md, plain
from ui.screens.export.unproven import unproven_section
from ui.screens.follow_up import (
    blocks_section,
    care_system_matches,
    duplicates,
    identities,
    questions_section,
    transfers_section,
)
from ui.screens.follow_up.actions import MESSAGE
from ui.widgets.heading import screen_heading
from ui.workspace import AppContext

KINDS = ("questions", "identities", "forwarded", "clashes", "duplicates", "rejected", "blocks")
SECTIONS: dict[str, Callable[[AppContext, Person, Sequence[object]], None]] = {
    "questions": questions_section.show,
    "identities": identities.show,
    "forwarded": transfers_section.show,
    "clashes": care_system_matches.show,
    "duplicates": duplicates.show,
    "rejected": transfers_section.show_rejected,
    "blocks": blocks_section.show,
}


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    screen_heading(context, person, t("follow_up.title"), t("follow_up.what"))
    MESSAGE.show()
    if is_allowed(person, Action.EXPORT):
        export_context = ExportContext(context.store, context.settings, context.forms)
        unproven_section(export_context, person, leads_away=True)
    minutes = context.settings.clash_minutes
    with context.store.begin() as conn:
        erase_settled_lists(conn, context.forms, minutes, utc_now())
        matches = list_matches(conn, context.forms, person, minutes, utc_now())
        rows_by_kind: dict[str, Sequence[object]] = {
            "questions": author_questions.list_questions(conn, person),
            "identities": temporary_identities.list_temporary_identities(conn, person),
            "forwarded": transferred.list_transferred(conn, person),
            "clashes": matches.matches,
            "duplicates": duplicate_entries.list_duplicate_marks(conn, person),
            "rejected": closed_entries.list_rejected(conn, person),
            "blocks": blocks.list_blocks(conn, person),
        }
    labels = {kind: t(f"follow_up.kind.{kind}", count=len(rows_by_kind[kind])) for kind in KINDS}
    kind = st.segmented_control(
        t("follow_up.show"),
        KINDS,
        default=KINDS[0],
        required=True,
        format_func=lambda value: plain(labels[value]),
        key="follow_up_kind",
        label_visibility="collapsed",
    )
    chosen = str(kind or KINDS[0])
    st.caption(t(f"follow_up.about.{chosen}"))
    if chosen == "clashes" and matches.hidden:
        st.warning(md("clashes.hidden", count=matches.hidden), icon=":material/lock:")
    SECTIONS[chosen](context, person, rows_by_kind[chosen])
