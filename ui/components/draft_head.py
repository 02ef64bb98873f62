"""What a draft says of the form as a whole, and its earlier savings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from pipeline.errors import EfterskriftError
from pipeline.making import acts
from pipeline.making.drafts import Data, Draft, revisions
from pipeline.model import Person
from pipeline.template import Area, Subject
from ui.components import form_desk
from ui.session import while_open
from ui.site import Site
from ui.text import t

_CLASSES = ("A", "B", "C")
_SHOWN = 30
"""So many earlier savings can be gone back to on the screen; all are kept."""


def draft_head(here: Site, person: Person, draft: Draft) -> None:
    """Title, area of law, whom it is about, class and law."""
    data, key = draft.data, f"forms_head-{draft.id}-{form_desk.turn()}"
    change = partial(form_desk.changed, here, person, draft.id, form_desk.turn())

    def put(name: str, turn: Callable[[Any], Any] = lambda value: value) -> Callable[[], None]:
        def kept() -> None:
            value = turn(st.session_state[f"{key}-{name}"])
            change(lambda now: dict(now) | {name: value})

        return kept

    with st.expander(t("forms.about_form"), expanded=False):
        st.text_input(t("forms.name"), draft.title, key=f"{key}-title", on_change=put("title"), max_chars=70)
        areas, about = [one.value for one in Area], [one.value for one in Subject]
        st.selectbox(
            t("forms.area"),
            areas,
            areas.index(str(data.get("area") or areas[0])),
            format_func=lambda one: t(f"forms.area.{one}"),
            key=f"{key}-area",
            on_change=put("area"),
        )
        st.selectbox(
            t("forms.about"),
            about,
            about.index(str(data.get("subject") or about[0])),
            format_func=lambda one: t(f"forms.about.{one}"),
            key=f"{key}-subject",
            on_change=put("subject"),
        )
        st.radio(
            t("forms.class"),
            _CLASSES,
            _CLASSES.index(str(data.get("criticality") or "A")),
            format_func=lambda one: t(f"forms.class.{one}"),
            key=f"{key}-criticality",
            on_change=put("criticality"),
        )
        known = {str(one.get("ref")): one for one in data.get("law") or []}
        said = "\n".join(known)
        st.text_area(t("forms.law"), said, key=f"{key}-law", on_change=put("law", partial(_laws, known)), help=t("forms.law_help"), height=90)
        _earlier(here, person, draft, key)


def _laws(known: dict[str, Data], text: str) -> list[Data]:
    lines = filter(None, (line.strip() for line in text.splitlines()))
    return [known.get(line) or {"ref": line, "source": t("forms.law_source")} for line in lines]


def _earlier(here: Site, person: Person, draft: Draft, key: str) -> None:
    numbers = [int(path.stem) for path in revisions(draft.folder.parent, draft.id)][:-1][::-1][:_SHOWN]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if numbers:
            chosen = st.selectbox(t("forms.earlier"), numbers, format_func=lambda one: t("forms.saving", number=one), key=f"{key}-earlier", width=220)
            st.button(t("forms.restore"), key=f"{key}-restore", on_click=_restore, args=(here, person, draft, chosen), icon=":material/history:")
        st.button(t("forms.discard"), key=f"{key}-discard", on_click=_discard, args=(here, person, draft), icon=":material/delete:")


@while_open
def _restore(here: Site, person: Person, draft: Draft, revision: int) -> None:
    try:
        form_desk.seen(acts.go_back(here.store, person, draft, revision))
    except EfterskriftError as error:
        form_desk.tell("fault", form_desk.wrong(error))
    form_desk.go("draft", draft.id)


@while_open
def _discard(here: Site, person: Person, draft: Draft) -> None:
    try:
        acts.discard(here.store, person, draft)
    except EfterskriftError as error:
        form_desk.tell("fault", form_desk.wrong(error))
    else:
        form_desk.tell("ok", t("forms.discarded", title=draft.title))
        form_desk.go("list")
