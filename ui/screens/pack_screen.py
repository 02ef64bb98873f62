"""Reservpaket: how many sheets of each form a unit needs in an outage, and the pack of them, to be printed before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pipeline.access import Action, allowed, require
from pipeline.errors import EfterskriftError
from pipeline.model import Person
from pipeline.pack.make import plain_name
from pipeline.pack.numbers import MOST_EACH, MOST_SHEETS, Need, needs_table
from pipeline.pack.schedule import schedule_of
from pipeline.pack.telephone_chain import chain_of
from pipeline.store.pack_numbers import save_pack_numbers
from pipeline.template import Form, Subject
from pipeline.unit_pack import DAYS, Extras, UnitNeeds, make_unit_pack, unit_needs
from pipeline.visit_plan import plan_of
from ui.components.faults import fault_text
from ui.components.heading import choose_files_in_words, heading
from ui.components.issued_upload import issued_upload
from ui.components.once import Once, once
from ui.session import while_open
from ui.site import Site
from ui.text import number, t

_WIDTHS = (3, 1, 1)
_UNIT, _DAYS, _MADE, _SAID, _NTH = "pack_unit", "pack_days", "pack_made", "pack_said", "pack_nth"


@dataclass(frozen=True, slots=True)
class _Made:
    """A pack that waits to be fetched; `left_out` counts planned visits that are not in it, `strangers` is `Pack.strangers`."""

    unit: str
    zipped: bytes
    sheets: int
    left_out: int
    strangers: str


def show(here: Site, person: Person) -> None:
    """The screen."""
    with here.store.noting_denials():
        require(person, Action.PACK)
    heading(here, person, t("pack.title"), t("pack.what"))
    choose_files_in_words()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit = st.selectbox(t("pack.unit"), sorted(person.units), key=_UNIT, width=360)
        days = int(st.number_input(t("pack.days"), 1, 60, DAYS, key=_DAYS, width=160))
    if not unit:
        st.info(t("pack.no_unit"), icon=":material/info:")
        return
    found = unit_needs(here.store, here.forms, person, unit, days)
    if said := st.session_state.pop(_SAID, None):
        st.info(said, icon=":material/info:")
    left, right = st.columns([3, 2], gap="large")
    with left:
        _numbers(here, person, unit, days, found)
    with right:
        _making(here, person, unit, days, found)
        if allowed(person, Action.PRINT):
            issued_upload(here, person)


def _numbers(here: Site, person: Person, unit: str, days: int, found: UnitNeeds) -> None:
    """The table of numbers: those of the unit's area, and the other forms below."""
    st.header(t("pack.numbers"), anchor=False)
    st.caption(t("pack.own" if found.own else "pack.reckoned", days=days, clients=number(found.clients)))
    forms = _latest(here)
    given = {need.form: need for need in found.needs if need.form in forms}
    others = [form_id for form_id in forms if form_id not in given]
    turn = f"{unit}-{days}-{st.session_state.get(_NTH, 0)}"
    with st.form(f"pack_numbers-{turn}", border=True):
        for column, key in zip(st.columns(_WIDTHS, vertical_alignment="bottom"), ("form", "blank", "named"), strict=True):
            column.caption(t(f"pack.column.{key}"))
        typed = [_line(forms[need.form], need, turn) for need in given.values()]
        with st.expander(t("pack.others", count=len(others))):
            typed += [_line(forms[form_id], Need(form_id, 0), turn) for form_id in others]
        saved = st.form_submit_button(t("pack.save"), key="pack_save")
    if saved:
        _save(here, person, unit, [need for need in typed if need.form in given or need.sheets or need.each_client])
    with st.container(horizontal=True):
        file = needs_table(unit, found.needs)
        st.download_button(t("pack.numbers_file"), file, f"antal-{plain_name(unit)}.csv", "text/csv", key="pack_numbers_csv")
        if found.own:
            st.button(t("pack.reset"), key="pack_reset", on_click=_save, args=(here, person, unit, []), kwargs={"again": False})


def _line(form: Form, need: Need, turn: str) -> Need:
    title, sheets, each = st.columns(_WIDTHS, vertical_alignment="center")
    title.markdown(form.title)
    count = sheets.number_input(
        t("pack.sheets", form=form.title), 0, MOST_SHEETS, need.sheets, key=f"n-{form.id}-{turn}", label_visibility="collapsed"
    )
    prefilled = 0
    if form.subject is Subject.CLIENT:
        label = t("pack.each", form=form.title)
        prefilled = int(each.number_input(label, 0, MOST_EACH, need.each_client, key=f"e-{form.id}-{turn}", label_visibility="collapsed"))
    return Need(form.id, int(count), prefilled)


@while_open
def _save(here: Site, person: Person, unit: str, needs: Sequence[Need], *, again: bool = True) -> None:
    try:
        with here.store.begin() as conn:
            save_pack_numbers(conn, person, unit, needs)
    except EfterskriftError as error:
        st.session_state[_SAID] = fault_text(error)
    else:
        st.session_state[_SAID] = t("pack.saved" if needs else "pack.reset_done")
        st.session_state[_NTH] = st.session_state.get(_NTH, 0) + 1
    if again:
        st.rerun()


def _making(here: Site, person: Person, unit: str, days: int, found: UnitNeeds) -> None:
    st.header(t("pack.make"), anchor=False)
    sheets = sum(need.sheets for need in found.needs)
    named = sum(need.each_client for need in found.needs) * (found.clients - found.hidden)
    st.markdown(t("pack.total", sheets=number(sheets), named=number(named)))
    if found.hidden:
        st.info(t("pack.hidden", count=found.hidden), icon=":material/visibility_off:")
    phones = st.file_uploader(t("pack.phones"), type=["csv"], key=f"pack_phones-{unit}", help=t("pack.phones_help"))
    shifts = st.file_uploader(t("pack.schedule"), type=["csv"], key=f"pack_schedule-{unit}", help=t("pack.schedule_help"))
    plan = st.file_uploader(t("pack.plan"), type=["csv"], key="pack_plan", help=t("pack.plan_help"))
    first = st.date_input(t("pack.first_day"), value=None, format="YYYY-MM-DD", key="pack_first_day")
    made: Once[_Made] = once(_MADE)
    if st.button(t("pack.do"), key="pack_do", type="primary", icon=":material/print:"):
        with st.spinner(t("pack.doing")):
            extras = partial(_extras, unit, phones, shifts, plan, first if isinstance(first, date) else None)
            try:
                wish = (unit, days, first, *(each and each.file_id for each in (phones, shifts, plan)))
                made.do(wish, partial(_make, here, person, unit, days, extras))
            except EfterskriftError as error:
                st.error(fault_text(error))
    found_pack = made.result()
    if found_pack and found_pack.unit == unit:
        if found_pack.left_out:
            st.warning(t("pack.plan_hidden", count=found_pack.left_out), icon=":material/visibility_off:")
        if found_pack.strangers:
            st.warning(t("pack.strangers", file=found_pack.strangers), icon=":material/lock:")
        st.success(t("pack.made", count=found_pack.sheets), icon=":material/check:")
        name = f"reservpaket-{plain_name(unit)}.zip"
        st.download_button(t("pack.fetch"), found_pack.zipped, name, "application/zip", key="pack_zip", icon=":material/download:")


def _extras(unit: str, phones: UploadedFile | None, shifts: UploadedFile | None, plan: UploadedFile | None, first: date | None) -> Extras:
    return Extras(
        chain_of(phones.getvalue(), phones.name) if phones else (),
        schedule_of(shifts.getvalue(), shifts.name) if shifts else (),
        plan_of(plan.getvalue(), plan.name, unit) if plan else (),
        first,
    )


def _make(here: Site, person: Person, unit: str, days: int, wanted: Callable[[], Extras]) -> _Made:
    extras = wanted()
    pack = make_unit_pack(here.store, here.settings, here.forms, person, unit, days, extras)
    left_out = len(extras.visits) - sum(len(sheet.rows) for sheet in pack.sheets)
    return _Made(unit, pack.zipped, len(pack.sheets), left_out, pack.strangers)


def _latest(here: Site) -> dict[str, Form]:
    """The newest version of each form that we print, by id."""
    newest = {form_id: here.forms.latest(form_id) for form_id, _ in here.forms}
    return {form_id: form for form_id, form in sorted(newest.items()) if not form.printed_elsewhere}
