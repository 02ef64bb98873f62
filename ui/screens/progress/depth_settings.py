"""Hur mycket som skrivs in: a manager chooses, for a unit and a form, how deep it is entered."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.form import Depth, Form
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.store.entries.entry_depth import list_allowed_depths, list_unit_depths, set_unit_depth
from pipeline.store.schema.clock import utc_now
from ui.i18n import t
from ui.markdown import plain, plain_with_code
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.widgets.tables import html_table
from ui.workspace import AppContext

_UNIT_KEY, _FORM_KEY, _DEPTH_KEY = "depth_unit", "depth_form", "depth_depth"
_ERROR_KEY, _SAVED_KEY = "depth_wrong", "depth_saved"


def depth_section(context: AppContext, person: Person) -> None:
    """Show what the units have chosen, and let the user choose."""
    st.header(t("depth.title"), anchor=False)
    st.caption(t("depth.what"))
    with context.store.read() as conn:
        chosen = list_unit_depths(conn, person)
    if chosen:
        rows = [
            (unit, context.forms.latest(form).title, t(f"depth.name.{depth.value}"))
            for (unit, form), depth in sorted(chosen.items())
        ]
        st.html(html_table([t(name) for name in ("depth.unit", "depth.form", "depth.depth")], rows))
    if text := st.session_state.pop(_ERROR_KEY, None):
        st.error(plain_with_code(text))
    if text := st.session_state.pop(_SAVED_KEY, None):
        st.info(plain(text), icon=":material/check:")
    unit = st.selectbox(
        t("depth.unit"), sorted(permitted_units(person, Action.PULL)), key=_UNIT_KEY
    )
    forms = _forms_with_choice(context)
    form_id = st.selectbox(
        t("depth.form"),
        sorted(forms, key=lambda name: forms[name].title),
        index=None,
        key=_FORM_KEY,
        format_func=lambda name: forms[name].title,
        placeholder=t("depth.form_which"),
    )
    if unit is None or form_id is None:
        return
    form, current = forms[form_id], chosen.get((unit, form_id))
    options = [None, *list_allowed_depths(context.forms, form)]
    # The key changes with what is chosen, so that the choice in force is always the one shown.
    key = f"{_DEPTH_KEY}-{unit}-{form_id}-{current}"
    st.radio(
        t("depth.depth"),
        options,
        index=options.index(current) if current in options else 0,
        key=key,
        format_func=lambda depth: plain(_depth_name(form, depth)),
    )
    st.button(
        t("depth.save"),
        key="depth_save",
        on_click=partial(_save, context, person, unit, form_id, key),
    )


def _forms_with_choice(context: AppContext) -> dict[str, Form]:
    """Return the newest version of each form that can be typed in more than one depth."""
    latest = {form_id: context.forms.latest(form_id) for form_id, _ in context.forms}
    return {
        form_id: form
        for form_id, form in latest.items()
        if len(list_allowed_depths(context.forms, form)) > 1
    }


def _depth_name(form: Form, depth: Depth | None) -> str:
    if depth is None:
        return t("depth.as_form", depth=t(f"depth.name.{form.depth.value}"))
    return t(f"depth.name.{depth.value}")


@requires_open_session
def _save(context: AppContext, person: Person, unit: str, form_id: str, key: str) -> None:
    depth: Depth | None = st.session_state.get(key)
    try:
        with context.store.begin() as conn:
            set_unit_depth(conn, context.forms, person, unit, form_id, depth, utc_now())
    except EfterskriftError as error:
        st.session_state[_ERROR_KEY] = error_text(error)
    else:
        st.session_state[_SAVED_KEY] = t("depth.saved")
