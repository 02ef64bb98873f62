"""Vägar: which form goes to which system, in which format, and who delivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.form import Form
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.domain.record import DEFAULT_ROUTE, Route
from pipeline.export.record_text import settings_provider
from pipeline.export.rivta.elements import find_missing_ids
from pipeline.export.runs import ExportContext, list_routable_forms, set_route
from pipeline.registers.outages import load_systems
from pipeline.store.exports.routes import find_route, list_routes
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.registers.hsa_ids import providers_by_unit
from pipeline.store.schema.clock import utc_now
from ui.i18n import show_text, t
from ui.markdown import md, plain_with_code
from ui.session import requires_open_session
from ui.widgets.heading import screen_heading
from ui.widgets.messages import Message, errors_to, show_error
from ui.widgets.tables import show_table
from ui.widgets.target_name import target_name
from ui.workspace import AppContext

_MESSAGE = Message("routes_said")
_CHOSEN_KEY, _NEW = "route_chosen", ""
_NEW_INPUTS = ("route_name-", "route_target-", "route_system-", "route_module-", "route_deliverer-")
_COLUMNS = (
    "routes.column.form",
    "routes.column.system",
    "routes.column.module",
    "routes.column.format",
    "routes.column.deliverer",
    "routes.column.route",
)


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    context.store.require_permission(person, Action.ROUTES)
    export_context = ExportContext(context.store, context.settings, context.forms)
    screen_heading(context, person, t("routes.title"), t("routes.what"))
    routes = context.store.query(list_routes)
    kind = _MESSAGE.show()
    if kind:
        # The form is below a long table.
        saved = next((one for one in routes if one.name == st.session_state.get(_CHOSEN_KEY)), None)
        _warn_of_ids(export_context, saved.target if saved is not None and kind == "ok" else "")
    _overview(export_context, routes)
    _route_form(export_context, person, routes, is_said=bool(kind))


def _overview(context: ExportContext, routes: list[Route]) -> None:
    """Show every form with each of its routes; those without one go to the key-in list."""
    st.header(t("routes.forms"), anchor=False)
    lines = [line for form in list_routable_forms(context) for line in _form_lines(form, routes)]
    without = sum(1 for line in lines if line[-1] == "")
    if without:
        st.caption(md("routes.without", count=without))
    with st.container(key="routes_list"):
        show_table(_COLUMNS, lines, tall=True)


def _form_lines(form: Form, routes: list[Route]) -> list[tuple[str, ...]]:
    taking = [route for route in routes if route.takes(form.id)]
    lines: list[tuple[str, ...]] = [
        (
            form.title,
            route.system,
            route.module,
            target_name(route.target),
            route.deliverer,
            route.name,
        )
        for route in taking
    ]
    default = (form.title, t("routes.no_route"), "", target_name(DEFAULT_ROUTE.target), "", "")
    return lines or [default]


def _route_form(
    context: ExportContext, person: Person, routes: list[Route], *, is_said: bool
) -> None:
    """Show the inputs of a new route, or of one that there is.

    `is_said`: what the route that was just saved lacks is shown above.
    """
    by_name = {route.name: route for route in routes}
    st.header(t("routes.set"), anchor=False)
    chosen = st.selectbox(
        t("routes.choose"),
        [_NEW, *by_name],
        format_func=lambda name: _route_text(by_name.get(name)),
        key=_CHOSEN_KEY,
    )
    route = by_name.get(str(chosen), Route("", ""))
    targets = sorted(context.targets, key=target_name)
    # The format comes first: it says which forms the route can take
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            t("routes.name"),
            route.name,
            max_chars=40,
            disabled=bool(route.name),
            help=t("routes.name_what"),
            key=f"route_name-{route.name}",
        )
        target = st.selectbox(
            t("routes.column.format"),
            targets,
            index=targets.index(route.target) if route.target in targets else None,
            format_func=target_name,
            placeholder=t("routes.choose_format"),
            key=f"route_target-{route.name}",
        )
    try:
        routable = list_routable_forms(context, target or "")
    except EfterskriftError as error:
        show_error(error)
        return
    titles = {form.id: form.title for form in routable}
    if target is None:
        st.caption(t("routes.format_first"))
        forms = []
    else:
        forms = st.multiselect(
            t("routes.takes"),
            list(titles),
            [form for form in route.forms if form in titles],
            format_func=titles.__getitem__,
            placeholder=t("routes.choose_forms"),
            key=f"route_forms-{route.name}-{target}",
        )
    _warn_of_areas([form for form in routable if form.id in forms], target)
    if not is_said:
        _warn_of_ids(context, target)
    systems = dict.fromkeys([*filter(None, [route.system]), *(one.name for one in load_systems())])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        system = st.selectbox(
            t("routes.column.system"),
            list(systems),
            index=0 if route.system else None,
            accept_new_options=True,
            placeholder=t("routes.choose_system"),
            key=f"route_system-{route.name}",
        )
        module = st.text_input(
            t("routes.column.module"), route.module, max_chars=80, key=f"route_module-{route.name}"
        )
        deliverer = st.text_input(
            t("routes.column.deliverer"),
            route.deliverer,
            max_chars=80,
            key=f"route_deliverer-{route.name}",
        )
    new = Route(
        name.strip(),
        target or "",
        tuple(forms),
        (system or "").strip(),
        module.strip(),
        deliverer.strip(),
    )
    if route.name:
        st.caption(t("routes.change_what"))
    with st.container(horizontal=True):
        st.button(
            t("routes.save"),
            key="route_save",
            type="primary",
            disabled=not (new.name and new.target and new.system),
            on_click=partial(_save, context, person, new, is_new=not route.name),
        )
        if route.name and route.is_active:
            st.button(
                t("routes.end"),
                key="route_end",
                help=t("routes.end_what"),
                on_click=partial(
                    _set_and_report,
                    context,
                    person,
                    replace(route, is_active=False, by=""),
                    "routes.ended",
                ),
            )


def _warn_of_areas(forms: Sequence[Form], target: str | None) -> None:
    """Say that a file would mix areas of law; lists to key in are split by themselves."""
    areas = sorted({form.area.value for form in forms})
    if len(areas) > 1 and target != DEFAULT_ROUTE.target:
        st.warning(md("routes.mixes_areas", areas=", ".join(areas)), icon=":material/gavel:")


def _warn_of_ids(context: ExportContext, target: str | None) -> None:
    """Say that the format takes nothing yet: HSA-ids that it needs are missing."""
    if target is None or not context.targets[target].needs_hsa_ids:
        return
    with context.store.read() as conn:
        units, own = areas_by_unit(conn), providers_by_unit(conn)
    organisation = settings_provider(context.settings)
    providers = {unit: own.get(unit, organisation) for unit in units}
    if missing := find_missing_ids(providers, context.settings):
        st.warning(plain_with_code(show_text(missing)), icon=":material/badge:")


def _route_text(route: Route | None) -> str:
    """Return a route as a choice; without one it is a new one."""
    if route is None:
        return t("routes.new")
    text = " · ".join(filter(None, (route.name, route.system, route.module)))
    return text if route.is_active else f"{text} ({t('routes.is_ended')})"


@requires_open_session
def _save(context: ExportContext, person: Person, route: Route, *, is_new: bool) -> None:
    with context.store.read() as conn:
        is_taken = is_new and find_route(conn, route.name) is not None
    if is_taken:
        _MESSAGE.failed(t("routes.name_taken", name=route.name))
        return
    _set_and_report(context, person, route, "routes.saved")


@requires_open_session
def _set_and_report(context: ExportContext, person: Person, route: Route, done: str) -> None:
    with errors_to(_MESSAGE.failed):
        set_route(context, person, route, utc_now())
        _MESSAGE.done(t(done, name=route.name))
        # Show the route as it is now, and leave nothing in the inputs of a new one
        st.session_state[_CHOSEN_KEY] = route.name
        for key in _NEW_INPUTS:
            st.session_state.pop(key, None)
