"""Avbrott och utförare: when which system was away in which unit, and who gives the care there."""

from __future__ import annotations

from datetime import date, datetime, time
from functools import partial

import streamlit as st

from pipeline.domain.dates import SWEDEN
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.domain.record import CareProvider, OutageKind
from pipeline.registers.outages import ALL, OutagePeriod, load_systems, system_name
from pipeline.store.registers import hsa_ids, planning
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.schema.clock import utc_now
from ui.i18n import format_moment, t
from ui.markdown import md, plain
from ui.session import requires_open_session
from ui.widgets.heading import screen_heading
from ui.widgets.messages import Message, errors_to
from ui.workspace import AppContext

_END_KEY = "office_end"


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    context.store.require_permission(person, Action.OFFICE)
    screen_heading(context, person, t("office.title"), t("office.what"))
    with context.store.read() as conn:
        units = list(areas_by_unit(conn))
        periods = planning.list_outages(conn)
        by_unit = hsa_ids.providers_by_unit(conn)
    _outages_section(context, person, units, periods)
    _providers_section(context, person, units, by_unit)


def _message(place: str) -> Message:
    """Return the place of a message where its press was made: the page is longer than a screen."""
    return Message(f"office_said-{place}")


def _outages_section(
    context: AppContext, person: Person, units: list[str], periods: list[OutagePeriod]
) -> None:
    st.header(t("office.outages"), anchor=False)
    st.caption(_default_markdown(context))
    for period in periods:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(_period_markdown(period), width="stretch")
            if period.end is None:
                _moment_inputs(f"{_END_KEY}-{period.id}", t("office.end"))
                st.button(
                    t("office.back"),
                    key=f"back-{period.id}",
                    on_click=partial(_end, context, person, period.id),
                )
            st.button(
                t("office.undo"),
                key=f"outage_undo-{period.id}",
                on_click=partial(_undo, context, person, period.id),
            )
        _message(f"outage-{period.id}").show()
    with st.form("outage", border=True, enter_to_submit=False):
        st.markdown(f"**{t('office.new')}**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox(t("office.unit"), [ALL, *units], format_func=_unit_text, key="out_unit")
            st.selectbox(
                t("office.system"),
                [ALL, *(system.id for system in load_systems())],
                format_func=_system_text,
                key="out_system",
            )
            st.selectbox(t("office.kind"), list(OutageKind), format_func=_kind_text, key="out_kind")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            _moment_inputs("out_start", t("office.start"))
            _moment_inputs("out_end", t("office.end"))
        st.caption(t("office.open_end"))
        _message("outage").show()
        st.form_submit_button(
            t("office.add"), key="out_add", type="primary", on_click=partial(_add, context, person)
        )


def _moment_inputs(key: str, label_markdown: str) -> None:
    st.date_input(label_markdown, value=None, format="YYYY-MM-DD", key=f"{key}-day", width=170)
    st.time_input(t("office.clock"), value=None, key=f"{key}-clock", width=130, step=300)


def _moment(key: str) -> datetime | None:
    """Return the moment of two inputs; None without a day. Without a clock it is midnight."""
    day, clock = st.session_state.get(f"{key}-day"), st.session_state.get(f"{key}-clock")
    if not isinstance(day, date):
        return None
    at = clock if isinstance(clock, time) else time()
    return datetime.combine(day, at, SWEDEN)


def _default_markdown(context: AppContext) -> str:
    start, end = context.settings.outage_start, context.settings.outage_end
    if start is None:
        return md("office.no_default")
    until = f"{end:%Y-%m-%d %H:%M}" if end else t("office.still")
    return md("office.default", start=f"{start:%Y-%m-%d %H:%M}", end=until)


def _period_markdown(period: OutagePeriod) -> str:
    about = f"**{plain(_unit_text(period.unit))}** · {plain(_system_text(period.system))}"
    until = format_moment(period.end) if period.end else t("office.still")
    return f"{about}  \n{_kind_text(period.kind)}: {format_moment(period.start)} – {until}"


def _unit_text(unit: str) -> str:
    return unit or t("office.all_units")


def _system_text(system: str) -> str:
    return system_name(system) or t("office.all_systems")


def _kind_text(kind: OutageKind) -> str:
    return t(f"office.kinds.{kind.value}")


@requires_open_session
def _add(context: AppContext, person: Person) -> None:
    state, start = st.session_state, _moment("out_start")
    if start is None:
        _message("outage").failed(t("office.no_start"))
        return
    period = OutagePeriod(
        str(state["out_unit"]),
        str(state["out_system"]),
        OutageKind(state["out_kind"]),
        start,
        _moment("out_end"),
    )
    with errors_to(_message("outage").failed), context.store.begin() as conn:
        planning.save_outage(conn, person, period, utc_now())


@requires_open_session
def _end(context: AppContext, person: Person, outage_id: int) -> None:
    # Read before the transaction waits: the press says when the outage ended.
    now = utc_now()
    with errors_to(_message(f"outage-{outage_id}").failed), context.store.begin() as conn:
        end = _moment(f"{_END_KEY}-{outage_id}") or now
        planning.end_outage(conn, person, outage_id, end, now)


@requires_open_session
def _undo(context: AppContext, person: Person, outage_id: int) -> None:
    with errors_to(_message(f"outage-{outage_id}").failed), context.store.begin() as conn:
        planning.undo_outage(conn, person, outage_id, utc_now())


def _providers_section(
    context: AppContext, person: Person, units: list[str], by_unit: dict[str, CareProvider]
) -> None:
    st.header(t("office.providers"), anchor=False)
    settings = context.settings
    st.caption(md("office.providers_what", provider=settings.care_provider))
    if not settings.care_provider_hsa_id:
        st.warning(t("office.no_hsa_id"), icon=":material/warning:")
    for unit, provider in by_unit.items():
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            ids = " · ".join(filter(None, (provider.hsa_id, provider.organisation_number)))
            st.markdown(
                f"**{plain(unit)}**  \n{plain(provider.name)} · {plain(ids or t('office.no_id'))}",
                width="stretch",
            )
            st.button(
                t("office.undo"),
                key=f"provider_undo-{unit}",
                on_click=partial(_undo_provider, context, person, unit),
            )
        _message(f"provider-{unit}").show()
    with st.form("provider", border=True, enter_to_submit=False):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox(t("office.unit"), units, key="prov_unit")
            st.text_input(t("office.name"), key="prov_name", max_chars=120)
            st.text_input(t("office.hsa_id"), key="prov_hsa", max_chars=31)
            st.text_input(t("office.number"), key="prov_number", max_chars=11)
        _message("provider").show()
        st.form_submit_button(
            t("office.save"),
            key="prov_save",
            on_click=partial(_save_provider, context, person),
        )


@requires_open_session
def _save_provider(context: AppContext, person: Person) -> None:
    state = st.session_state
    provider = CareProvider(
        str(state["prov_name"]).strip(),
        str(state["prov_hsa"]).strip().upper(),
        str(state["prov_number"]).strip(),
    )
    with errors_to(_message("provider").failed), context.store.begin() as conn:
        hsa_ids.save_unit_provider(conn, person, str(state["prov_unit"]), provider, utc_now())


@requires_open_session
def _undo_provider(context: AppContext, person: Person, unit: str) -> None:
    with errors_to(_message(f"provider-{unit}").failed), context.store.begin() as conn:
        hsa_ids.undo_unit_provider(conn, person, unit, utc_now())
