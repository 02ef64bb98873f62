"""Reservpaket: how many sheets of each form a unit needs in an outage, and its printed pack.

The pack is printed before the outage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.form import Form, Subject
from pipeline.domain.law.permissions import Action, is_allowed, permitted_units
from pipeline.domain.model import Person
from pipeline.forms.visit_lists import load_visit_plan
from pipeline.preparation.outage_pack.pack import (
    DEFAULT_PACK_DAYS,
    PackExtras,
    UnitNeeds,
    load_unit_needs,
    make_unit_pack,
    plain_name,
)
from pipeline.preparation.outage_pack.staff_pages import load_chain, load_schedule
from pipeline.registers.pack_quantities import (
    MAX_PER_CLIENT,
    MAX_SHEETS,
    SheetQuantity,
    quantities_csv,
)
from pipeline.store.registers.issued_sheets import IssuedFileResult, import_issued_file
from pipeline.store.registers.planning import save_pack_quantities
from ui.i18n import format_number, t
from ui.markdown import md, plain, plain_with_code
from ui.screens.pack.drill import show_drill
from ui.screens.pack.unit_documents import show_pack_age, unit_documents_section
from ui.session import requires_open_session
from ui.widgets.heading import screen_heading, translate_upload_button
from ui.widgets.messages import Message, error_text, errors_to
from ui.widgets.run_once import RunOnce, run_once
from ui.workspace import AppContext

_COLUMN_WIDTHS = (3, 1, 1)
_UNIT_KEY, _DAYS_KEY = "pack_unit", "pack_days"
_PARTS = ("pack", "drill")
_TABLE_TYPES = ["csv", "xlsx"]
_MESSAGE = Message("pack_said", is_quiet=True)
_PACK_KEY, _SAVE_COUNT_KEY = "pack_made", "pack_nth"


@dataclass(frozen=True, slots=True)
class _FinishedPack:
    """A pack that waits to be downloaded.

    `omitted_visits` counts planned visits that are not in it; `unregistered_visits_file` is that of
    the pack.
    """

    unit: str
    zip_data: bytes
    sheets: int
    omitted_visits: int
    unregistered_visits_file: str


def show(context: AppContext, person: Person) -> None:
    """Show the screen."""
    context.store.require_permission(person, Action.PACK)
    screen_heading(context, person, t("pack.title"), t("pack.what"))
    translate_upload_button()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        unit = st.selectbox(
            t("pack.unit"), sorted(permitted_units(person, Action.PACK)), key=_UNIT_KEY, width=360
        )
        days = int(
            st.number_input(t("pack.days"), 1, 60, DEFAULT_PACK_DAYS, key=_DAYS_KEY, width=160)
        )
    if not unit:
        st.info(t("pack.no_unit"), icon=":material/info:")
        return
    part = st.segmented_control(
        t("pack.part"),
        _PARTS,
        default=_PARTS[0],
        required=True,
        format_func=lambda part: t(f"pack.part.{part}"),
        key="pack_part",
        label_visibility="collapsed",
    )
    if part == _PARTS[1]:
        show_drill(context, person, unit)
        return
    age = st.container()
    unit_needs = load_unit_needs(context.store, context.forms, person, unit, days)
    _MESSAGE.show()
    left, right = st.columns([3, 2], gap="large")
    with left:
        _quantities_form(context, person, unit, days, unit_needs)
    with right:
        _make_section(context, person, unit, days, unit_needs)
        unit_documents_section(context, person, unit)
        if is_allowed(person, Action.PRINT):
            issued_upload(context, person)
    # A pack that this run has made is the unit's latest.
    with age:
        show_pack_age(context, person, unit)


def _quantities_form(
    context: AppContext, person: Person, unit: str, days: int, unit_needs: UnitNeeds
) -> None:
    """Show the table of quantities: the forms of the unit's area, the other forms below."""
    st.header(t("pack.numbers"), anchor=False)
    st.caption(
        md(
            "pack.own" if unit_needs.is_customized else "pack.reckoned",
            days=days,
            clients=format_number(unit_needs.clients),
        )
    )
    forms = _latest_forms(context)
    proposed = {need.form: need for need in unit_needs.needs if need.form in forms}
    others = [form_id for form_id in forms if form_id not in proposed]
    version = f"{unit}-{days}-{st.session_state.get(_SAVE_COUNT_KEY, 0)}"
    with st.form(f"pack_numbers-{version}", border=True):
        for column, key in zip(
            st.columns(_COLUMN_WIDTHS, vertical_alignment="bottom"),
            ("form", "blank", "named"),
            strict=True,
        ):
            column.caption(t(f"pack.column.{key}"))
        entered = [_quantity_row(forms[need.form], need, version) for need in proposed.values()]
        with st.expander(md("pack.others", count=len(others))):
            entered += [
                _quantity_row(forms[form_id], SheetQuantity(form_id, 0), version)
                for form_id in others
            ]
        is_saved = st.form_submit_button(t("pack.save"), key="pack_save")
    if is_saved:
        _save_quantities(
            context,
            person,
            unit,
            [need for need in entered if need.form in proposed or need.sheets or need.per_client],
        )
    with st.container(horizontal=True):
        file = quantities_csv(unit, unit_needs.needs)
        st.download_button(
            t("pack.numbers_file"),
            lambda: file,
            f"antal-{plain_name(unit)}.csv",
            "text/csv",
            key="pack_numbers_csv",
        )
        if unit_needs.is_customized:
            st.button(
                t("pack.reset"),
                key="pack_reset",
                on_click=_save_quantities,
                args=(context, person, unit, []),
                kwargs={"again": False},
            )


def _quantity_row(form: Form, quantity: SheetQuantity, version: str) -> SheetQuantity:
    title, sheets, per_client = st.columns(_COLUMN_WIDTHS, vertical_alignment="center")
    title.markdown(plain(form.title))
    count = sheets.number_input(
        md("pack.sheets", form=form.title),
        0,
        MAX_SHEETS,
        quantity.sheets,
        key=f"n-{form.id}-{version}",
        label_visibility="collapsed",
    )
    per_client_count = 0
    if form.subject is Subject.CLIENT:
        label = t("pack.each", form=form.title)
        per_client_count = int(
            per_client.number_input(
                plain(label),
                0,
                MAX_PER_CLIENT,
                quantity.per_client,
                key=f"e-{form.id}-{version}",
                label_visibility="collapsed",
            )
        )
    return SheetQuantity(form.id, int(count), per_client_count)


@requires_open_session
def _save_quantities(
    context: AppContext,
    person: Person,
    unit: str,
    quantities: Sequence[SheetQuantity],
    *,
    again: bool = True,
) -> None:
    with errors_to(_MESSAGE.failed):
        context.store.change(save_pack_quantities, person, unit, quantities)
        _MESSAGE.done(t("pack.saved" if quantities else "pack.reset_done"))
        # Part of the table's key: it keeps its edits, and would lay them over what is stored now.
        st.session_state[_SAVE_COUNT_KEY] = st.session_state.get(_SAVE_COUNT_KEY, 0) + 1
    if again:
        st.rerun()


def _make_section(
    context: AppContext, person: Person, unit: str, days: int, unit_needs: UnitNeeds
) -> None:
    st.header(t("pack.make"), anchor=False)
    sheets = sum(need.sheets for need in unit_needs.needs)
    prefilled = sum(need.per_client for need in unit_needs.needs) * (
        unit_needs.clients - unit_needs.hidden
    )
    st.markdown(md("pack.total", sheets=format_number(sheets), named=format_number(prefilled)))
    if unit_needs.hidden:
        st.info(md("pack.hidden", count=unit_needs.hidden), icon=":material/visibility_off:")
    phones = st.file_uploader(
        t("pack.phones"), type=_TABLE_TYPES, key=f"pack_phones-{unit}", help=t("pack.phones_help")
    )
    shifts = st.file_uploader(
        t("pack.schedule"),
        type=_TABLE_TYPES,
        key=f"pack_schedule-{unit}",
        help=t("pack.schedule_help"),
    )
    plan = st.file_uploader(
        t("pack.plan"), type=_TABLE_TYPES, key="pack_plan", help=t("pack.plan_help")
    )
    first = st.date_input(
        t("pack.first_day"), value=None, format="YYYY-MM-DD", key="pack_first_day"
    )
    first_day = first if isinstance(first, date) else None
    pack_job: RunOnce[_FinishedPack] = run_once(_PACK_KEY)
    if st.button(t("pack.do"), key="pack_do", type="primary", icon=":material/print:"):
        with st.spinner(t("pack.doing")):
            load_extras = partial(_parse_extras, unit, phones, shifts, plan, first_day)
            file_ids = (file and file.file_id for file in (phones, shifts, plan))
            try:
                pack_job.run(
                    (unit, days, first, *file_ids),
                    partial(_make_pack, context, person, unit, days, load_extras),
                )
            except EfterskriftError as error:
                st.error(plain_with_code(error_text(error)))
    finished = pack_job.result()
    if finished and finished.unit == unit:
        _show_finished(finished)


def _show_finished(pack: _FinishedPack) -> None:
    """Show warnings about the pack, and its download."""
    if pack.omitted_visits:
        st.warning(
            md("pack.plan_hidden", count=pack.omitted_visits), icon=":material/visibility_off:"
        )
    if pack.unregistered_visits_file:
        st.warning(md("pack.strangers", file=pack.unregistered_visits_file), icon=":material/lock:")
    st.success(md("pack.made", count=pack.sheets), icon=":material/check:")
    st.download_button(
        t("pack.fetch"),
        lambda: pack.zip_data,
        f"reservpaket-{plain_name(pack.unit)}.zip",
        "application/zip",
        key="pack_zip",
        icon=":material/download:",
    )


def _parse_extras(
    unit: str,
    phones: UploadedFile | None,
    shifts: UploadedFile | None,
    plan: UploadedFile | None,
    first: date | None,
) -> PackExtras:
    return PackExtras(
        load_chain(phones.name, phones.getvalue()) if phones else (),
        load_schedule(shifts.name, shifts.getvalue()) if shifts else (),
        load_visit_plan(plan.name, unit, plan.getvalue()) if plan else (),
        first,
    )


def _make_pack(
    context: AppContext, person: Person, unit: str, days: int, load_extras: Callable[[], PackExtras]
) -> _FinishedPack:
    extras = load_extras()
    pack = make_unit_pack(
        context.store, context.settings, context.forms, person, unit, days, extras
    )
    omitted_visits = len(extras.visits) - sum(len(sheet.rows) for sheet in pack.sheets)
    return _FinishedPack(
        unit, pack.as_zip, len(pack.sheets), omitted_visits, pack.unregistered_visits_file
    )


def _latest_forms(context: AppContext) -> dict[str, Form]:
    """Return the newest version of each form that is printed here, by id."""
    newest = {form_id: context.forms.latest(form_id) for form_id, _ in context.forms}
    return {form_id: form for form_id, form in sorted(newest.items()) if not form.printed_elsewhere}


# Importing the register of a pack that was printed on a computer without a network.

_ISSUED_MESSAGE = Message("issued_said", is_quiet=True)
_UPLOAD_COUNT_KEY = "issued_sent"


def issued_upload(context: AppContext, person: Person) -> None:
    """Show the form, and the result of the last file."""
    st.header(t("pack.take_in"), anchor=False)
    st.caption(t("pack.take_in_what"))
    _ISSUED_MESSAGE.show()
    file = st.file_uploader(
        t("pack.take_in_file"),
        type=["csv"],
        key=f"issued_{st.session_state.get(_UPLOAD_COUNT_KEY, 0)}",
    )
    if st.button(t("pack.take_in_do"), key="issued_do", disabled=file is None) and file is not None:
        _import_file(context, person, file.getvalue())


def _import_file(context: AppContext, person: Person, data: bytes) -> None:
    try:
        result = context.store.change(import_issued_file, context.forms, person, data)
    except EfterskriftError as error:
        st.error(plain_with_code(error_text(error)))
        return
    _ISSUED_MESSAGE.done(_import_result_text(result))
    # The same file must not be imported again by the next run: a new key empties the uploader.
    st.session_state[_UPLOAD_COUNT_KEY] = st.session_state.get(_UPLOAD_COUNT_KEY, 0) + 1
    st.rerun()


def _import_result_text(result: IssuedFileResult) -> str:
    parts = [t("pack.taken", new=result.new, known=result.known)]
    if result.scanned_before:
        parts.append(t("pack.scanned_before", count=result.scanned_before))
    if result.unknown_forms:
        parts.append(t("pack.unknown_forms", forms=", ".join(result.unknown_forms)))
    if result.unissued:
        parts.append(t("pack.unissued", count=result.unissued))
    return " ".join(parts)
