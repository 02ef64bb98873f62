"""The order in which another system asks for a form's fields, arranged by an administrator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.model import Person
from pipeline.export.manual_entry import field_order
from pipeline.export.manual_entry.field_order import ArrangedField
from pipeline.export.runs import ExportContext
from pipeline.store.schema.clock import utc_now
from ui.browser.assets import read_script, read_style
from ui.i18n import t
from ui.session import requires_open_session
from ui.widgets.errors import show_error

_KEY, _SYSTEM_KEY, _FORM_KEY = "key_in_order", "key_in_order_system", "key_in_order_form"
_TEXTS = (
    "key_in.order.line",
    "key_in.order.keys",
    "key_in.order.up",
    "key_in.order.down",
    "key_in.order.save",
    "key_in.order.moved",
)


@cache
def _order_component() -> Any:  # noqa: ANN401 - the renderer's type is not public
    return st.components.v2.component(
        "efterskrift_field_order",
        html='<div class="order"></div>',
        css=read_style("field_order"),
        js=read_script("key_in/field_order"),
    )


def field_order_section(context: ExportContext, person: Person) -> None:
    """Show the order of a form's fields in a system, to be arranged and saved."""
    with st.expander(t("key_in.order.title"), icon=":material/swap_vert:", key="key_in_orders"):
        st.caption(t("key_in.order.what"))
        left, right = st.columns(2)
        systems = field_order.list_arrangeable_forms(context)
        system = left.selectbox(t("key_in.order.system"), list(systems), key=_SYSTEM_KEY)
        forms = systems[system]
        form = right.selectbox(
            t("key_in.order.form"),
            list(forms),
            format_func=forms.__getitem__,
            key=f"{_FORM_KEY}-{system}",
        )
        try:
            fields = field_order.load_field_order(context, person, system, form)
        except EfterskriftError as error:
            show_error(error)
            return
        _draw_order((system, form), fields, partial(_save, context, person))


def _draw_order(
    place: tuple[str, str], fields: Sequence[ArrangedField], save: Callable[[dict[str, Any]], None]
) -> None:
    def handle_order() -> None:
        # The state is gone if the list has left the screen.
        if order := (st.session_state.get(_KEY) or {}).get("order"):
            save(order)

    data = {
        "place": list(place),
        "fields": [
            {"name": field.name, "label": field.label, "own": field.own} for field in fields
        ],
        "texts": {
            key.rpartition(".")[2]: t(key, label="{label}", place="{place}") for key in _TEXTS
        },
    }
    _order_component()(key=_KEY, data=data, on_order_change=handle_order)


@requires_open_session
def _save(context: ExportContext, person: Person, order: dict[str, Any]) -> None:
    system, form = order["place"]
    fields = [(str(each["name"]), bool(each["own"])) for each in order["fields"]]
    try:
        field_order.save_field_order(context, person, (system, form), fields, utc_now())
    except EfterskriftError as error:
        show_error(error)
        return
    st.toast(t("key_in.order.saved"), icon=":material/check:")
