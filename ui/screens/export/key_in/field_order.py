"""What a receiving system has fields of its own for, and in which order it asks for them.

Arranged by an administrator for each form; the rest becomes the text of the note.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.model import Person
from pipeline.export.manual_entry import field_order
from pipeline.export.runs import ExportContext
from pipeline.store.schema.clock import utc_now
from ui.i18n import t
from ui.session import requires_open_session
from ui.widgets.messages import show_error


def field_order_section(context: ExportContext, person: Person) -> None:
    """Show the fields of a form that a system asks for, to be chosen in order and saved."""
    with st.expander(t("key_in.order.title"), icon=":material/swap_vert:", key="key_in_orders"):
        st.caption(t("key_in.order.what"))
        left, right = st.columns(2)
        systems = field_order.list_arrangeable_forms(context)
        system = left.selectbox(t("key_in.order.system"), list(systems), key="key_in_order_system")
        form = right.selectbox(
            t("key_in.order.form"),
            list(systems[system]),
            format_func=systems[system].__getitem__,
            key=f"key_in_order_form-{system}",
        )
        try:
            fields = field_order.load_field_order(context, person, system, form)
        except EfterskriftError as error:
            show_error(error)
            return
        labels = {field.name: field.label for field in fields}
        key = f"key_in_order-{system}-{form}"
        st.multiselect(
            t("key_in.order.own"),
            list(labels),
            [field.name for field in fields if field.own],
            format_func=labels.__getitem__,
            key=key,
        )
        st.button(
            t("key_in.order.save"),
            key="key_in_order_save",
            on_click=partial(_save, context, person, (system, form), key, list(labels)),
        )


@requires_open_session
def _save(
    context: ExportContext, person: Person, place: tuple[str, str], key: str, names: list[str]
) -> None:
    own: list[str] = st.session_state[key]
    fields = [(name, True) for name in own] + [(name, False) for name in names if name not in own]
    try:
        field_order.save_field_order(context, person, place, fields, utc_now())
    except EfterskriftError as error:
        show_error(error)
        return
    st.toast(t("key_in.order.saved"), icon=":material/check:")
