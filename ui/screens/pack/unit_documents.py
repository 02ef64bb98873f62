"""The unit's own documents on the screen Reservpaket: what is in each slot and how old it is."""

from __future__ import annotations

from datetime import date

import streamlit as st

from pipeline.domain.dates import swedish_day, today_in_sweden
from pipeline.domain.errors import UsageError
from pipeline.domain.form.form import Area
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.preparation.outage_pack.unit_documents import (
    DocumentSlot,
    SlotContent,
    find_documents,
    list_slots,
    load_limits,
    remove_document,
    save_document,
    unit_folder,
)
from pipeline.store.registers.client_register import areas_by_unit
from pipeline.store.registers.packs import find_last_printing
from ui.i18n import current_language, format_day, t
from ui.markdown import md, plain
from ui.session import requires_open_session
from ui.widgets.messages import Message, errors_to
from ui.widgets.tables import show_table
from ui.workspace import AppContext

_MESSAGE = Message("pack_document_said", is_quiet=True)


def show_pack_age(context: AppContext, person: Person, unit: str) -> None:
    """Say when the unit's latest pack was printed, and warn if it is old."""
    printed_at = context.store.query(find_last_printing, person, [unit]).get(unit)
    if printed_at is None:
        st.caption(t("pack.age_none"))
        return
    day, limit = swedish_day(printed_at), load_limits().pack_days
    days = (today_in_sweden() - day).days
    if days > limit:
        st.warning(
            md("pack.age_old", day=format_day(day), days=days, limit=limit),
            icon=":material/history:",
        )
    elif days:
        st.caption(md("pack.age", day=format_day(day), count=days))
    else:
        st.caption(t("pack.age_today"))


def show_old_packs(context: AppContext, person: Person) -> None:
    """Name the units whose pack is old or missing, among those the person makes packs for."""
    units = sorted(permitted_units(person, Action.PACK))
    printed = context.store.query(find_last_printing, person, units)
    today, limit = today_in_sweden(), load_limits().pack_days
    old = [
        unit
        for unit in units
        if unit not in printed or (today - swedish_day(printed[unit])).days > limit
    ]
    if old:
        st.caption(md("pack.old_units", units=", ".join(old), limit=limit))


def unit_documents_section(context: AppContext, person: Person, unit: str) -> None:
    """Show the slots of the unit, and put a file into one or take it out."""
    area = Area(context.store.query(areas_by_unit)[unit])
    slots = list_slots(area)
    contents = find_documents(unit_folder(context.settings, unit), slots)
    st.header(t("pack.documents"), anchor=False)
    st.caption(t("pack.documents_what"))
    _MESSAGE.show()
    heads = ("pack.slot", "pack.slot_dated", "pack.slot_state")
    show_table(heads, [_slot_row(content) for content in contents])
    with st.form(f"pack_document-{unit}", border=True):
        slot = st.selectbox(
            t("pack.slot"),
            slots,
            format_func=lambda slot: plain(_title(slot)),
            key=f"pack_slot-{unit}",
        )
        file = st.file_uploader(t("pack.slot_file"), type=["pdf"], key=f"pack_slot_file-{unit}")
        dated = st.date_input(
            t("pack.slot_day"),
            value="today",
            # No latest day: the browser would put today in place of a later day without a word.
            format="YYYY-MM-DD",
            key=f"pack_slot_day-{unit}",
        )
        with st.container(horizontal=True):
            is_saved = st.form_submit_button(t("pack.slot_save"), key=f"pack_slot_save-{unit}")
            is_removed = st.form_submit_button(
                t("pack.slot_remove"), key=f"pack_slot_remove-{unit}"
            )
    if is_saved and isinstance(dated, date):
        _save(context, person, unit, slot, dated, file.getvalue() if file else b"")
    elif is_removed:
        _remove(context, person, unit, slot)


def _title(slot: DocumentSlot) -> str:
    return slot.title.get(current_language(), slot.title["sv"])


def _slot_row(content: SlotContent) -> tuple[str, str, str]:
    """Return the cells of a slot: title, date and state."""
    today = today_in_sweden()
    if content.dated is None:
        return _title(content.slot), "", t("pack.slot_empty")
    key = "pack.slot_old" if content.is_old(today) else "pack.slot_fresh"
    state = t(key, age=content.age(today), days=content.slot.days)
    return _title(content.slot), format_day(content.dated), state


@requires_open_session
def _save(
    context: AppContext,
    person: Person,
    unit: str,
    slot: DocumentSlot,
    dated: date,
    data: bytes,
) -> None:
    with errors_to(_MESSAGE.failed):
        if not data:
            raise UsageError("document_not_chosen")
        pages = save_document(context.store, context.settings, person, unit, slot.slot, dated, data)
        _MESSAGE.done(t("pack.slot_saved", title=_title(slot), count=pages))
    st.rerun()


@requires_open_session
def _remove(context: AppContext, person: Person, unit: str, slot: DocumentSlot) -> None:
    with errors_to(_MESSAGE.failed):
        remove_document(context.store, context.settings, person, unit, slot.slot)
        _MESSAGE.done(t("pack.slot_removed", title=_title(slot)))
    st.rerun()
