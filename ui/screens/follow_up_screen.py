"""Uppföljning: what could not simply be brought in: questions, sent on, keyed in already, duplicates, outside the register, put aside; blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from pipeline.export.clashes import clash_list, erase_done
from pipeline.model import Person
from pipeline.store import blocks, duplicate_marks, forwarding, questions, rejected, temporary_identities
from pipeline.store.clock import utc_now
from ui.components import follow_up_blocks, follow_up_clashes, follow_up_duplicates, follow_up_identities, follow_up_questions, follow_up_sent
from ui.components.follow_up_act import told
from ui.components.heading import heading
from ui.site import Site
from ui.text import t

KINDS = ("questions", "identities", "forwarded", "clashes", "duplicates", "rejected", "blocks")
LISTS: dict[str, Callable[[Site, Person, Sequence[object]], None]] = {
    "questions": follow_up_questions.show,
    "identities": follow_up_identities.show,
    "forwarded": follow_up_sent.show,
    "clashes": follow_up_clashes.show,
    "duplicates": follow_up_duplicates.show,
    "rejected": follow_up_sent.show_rejected,
    "blocks": follow_up_blocks.show,
}


def show(here: Site, person: Person) -> None:
    """The screen."""
    heading(here, person, t("follow_up.title"), t("follow_up.what"))
    told()
    minutes = here.settings.clash_minutes
    with here.store.begin() as conn:
        erase_done(conn, here.forms, minutes, utc_now())
        listed = clash_list(conn, here.forms, person, minutes, utc_now())
        found: dict[str, Sequence[object]] = {
            "questions": questions.questions(conn, person),
            "identities": temporary_identities.temporary_identities(conn, person),
            "forwarded": forwarding.forwarded(conn, person),
            "clashes": listed.clashes,
            "duplicates": duplicate_marks.duplicates(conn, person),
            "rejected": rejected.rejected(conn, person),
            "blocks": blocks.blocks(conn, person),
        }
    label = {kind: t(f"follow_up.kind.{kind}", count=len(found[kind])) for kind in KINDS}
    kind = st.segmented_control(
        t("follow_up.show"), KINDS, default=KINDS[0], required=True, format_func=label.__getitem__, key="follow_up_kind", label_visibility="collapsed"
    )
    chosen = str(kind or KINDS[0])
    st.caption(t(f"follow_up.about.{chosen}"))
    if chosen == "clashes" and listed.hidden:
        st.warning(t("clashes.hidden", count=listed.hidden), icon=":material/lock:")
    LISTS[chosen](here, person, found[chosen])
