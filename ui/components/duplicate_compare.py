"""Side by side: what this sheet says, and what it may repeat: an entry of ours, a text copied from the care system, or a picture of its screen."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import streamlit as st

from pipeline.fiducials import as_printed
from pipeline.field_spec import Meaning
from pipeline.model import EntryState, Person
from pipeline.review import Answer
from pipeline.store import claims, duplicate_marks
from pipeline.store.duplicate_marks import Compared, in_text
from pipeline.store.entries import Entry
from pipeline.store.entry_views import EntryView, FieldView, look_at
from pipeline.told_labels import told_labels
from ui.components.answers import in_words
from ui.components.page_view import data_url
from ui.components.pictures import covered_for, page_picture
from ui.components.showing import LOOKED_AT
from ui.site import Site
from ui.text import day, t

KINDS = ("other", "text", "picture")
_LOOKED = f"{LOOKED_AT}other"
_PICTURES = ["png", "jpg", "jpeg"]


def compare(here: Site, person: Person, view: EntryView, done: Callable[[], None]) -> None:
    """Choose what it is compared with, look, and mark it."""
    st.header(t("returns.duplicate.title"), anchor=False)
    st.caption(t("returns.duplicate.what"))
    label = {kind: t(f"returns.duplicate.kind.{kind}") for kind in KINDS}
    kind = st.segmented_control(
        t("returns.duplicate.with"), KINDS, default="other", required=True, format_func=label.__getitem__, key=_key(view, "kind")
    )
    if kind == "text":
        text = st.text_area(t("returns.duplicate.text"), key=_key(view, "text"), height=180)
        if text.strip():
            _against_text(view, text)
    elif kind == "picture":
        file = st.file_uploader(t("returns.duplicate.picture"), type=_PICTURES, key=_key(view, "picture"))
        if file is not None:
            st.html(f'<img class="ef-page" alt="{escape(t("returns.duplicate.picture"))}" src="{data_url(file.getvalue(), file.type)}">')
        _against(view, {}, "")
    else:
        _against_entry(here, person, view)
    if kind != "other" or not st.session_state.get(_key(view, "other")):
        forget_compared()
    st.text_input(t("returns.duplicate.why"), key=_key(view, "why"), max_chars=200, autocomplete="off")
    st.button(t("returns.duplicate.do"), key=f"do-return-{view.entry.id}", type="primary", shortcut="Ctrl+Enter", on_click=done)


def compared_with(view: EntryView) -> tuple[Compared | None, str]:
    """What was chosen, and the person's own words; None while nothing is chosen."""
    held = st.session_state
    why, kind = str(held.get(_key(view, "why")) or ""), held.get(_key(view, "kind"), "other")
    if kind == "text":
        text = str(held.get(_key(view, "text")) or "")
        return (Compared(text=text) if text.strip() else None), why
    if kind == "picture":
        file = held.get(_key(view, "picture"))
        return (Compared(picture=file.getvalue()) if file is not None else None), why
    other = held.get(_key(view, "other"))
    return (Compared(other_entry=other) if other else None), why


def forget_compared() -> None:
    """No other entry is shown: the next look at its paper is another one."""
    st.session_state.pop(_LOOKED, None)


def ours(field: FieldView) -> Answer | None:
    """What we have of a field: decided, typed, or read where the reading may be shown."""
    if field.first is not None:
        return field.first
    if field.draft is not None:
        return field.draft
    return Answer(field.reading.value, field.reading.state) if field.reading is not None else None


def side_by_side(rows: list[tuple[str, str, str, str]], other: str, own: str = "") -> None:
    """A table: label, ours, theirs, and a class of the row. `other` and `own` head the columns."""
    body = "".join(
        f'<tr class="{mark}"><th scope="row">{escape(label)}</th><td>{escape(mine)}</td><td>{escape(theirs)}</td></tr>'
        for label, mine, theirs, mark in rows
    )
    head = f"<tr><th></th><th scope='col'>{escape(own or t('returns.duplicate.ours'))}</th><th scope='col'>{escape(other)}</th></tr>"
    st.html(f'<div class="ef-wide" tabindex="0"><table class="ef-versions"><thead>{head}</thead><tbody>{body}</tbody></table></div>')


def _against_entry(here: Site, person: Person, view: EntryView) -> None:
    numbers = [
        said.value for field in view.fields if field.spec.means is Meaning.CLIENT_PID and (said := ours(field)) and isinstance(said.value, str)
    ]
    days = [said.value for field in view.fields if field.spec.means is Meaning.EVENT_DATE and (said := ours(field)) and isinstance(said.value, str)]
    with here.store.read() as conn:
        found = duplicate_marks.alike(conn, person, view.entry, numbers, days)
    if not found:
        st.caption(t("returns.duplicate.none"))
        return
    by_id = {one.id: one for one in found}
    chosen = st.selectbox(
        t("returns.duplicate.which"),
        list(by_id),
        index=None,
        format_func=lambda entry_id: entry_title(here, by_id[entry_id]),
        key=_key(view, "other"),
    )
    if chosen:
        show_both(here, person, view, chosen)


def show_both(here: Site, person: Person, view: EntryView, other_id: str) -> None:
    """This entry and another in a table, with the other's paper below. Looking at the paper is recorded, once for each showing."""
    with here.store.begin() as conn:
        other = look_at(conn, here.forms, person, other_id)
        if st.session_state.get(_LOOKED) != other_id:
            for page in other.pages:
                claims.view_page(conn, person, page.id)
    st.session_state[_LOOKED] = other_id
    theirs = {field.spec.column: in_words(field.spec, said) for field in other.fields if not field.hidden and (said := ours(field))}
    _against(view, theirs, t("returns.duplicate.other"))
    for page in other.pages:
        picture = page_picture(here, page, covered_for(here, person, page))
        if picture is not None:
            st.html(f'<img class="ef-page" alt="{escape(t("picture.alt"))}" src="{data_url(picture)}">')


def entry_title(here: Site, one: Entry) -> str:
    """What an entry is called in a list: its name, and where it is."""
    state = t("lookup.void") if one.voided else t(f"entry_state.{EntryState(one.state).name.lower()}")
    return f"{entry_name(here, one)} · {state}"


def entry_name(here: Site, one: Entry) -> str:
    """Form, day, row and number of the sheet."""
    form = here.forms.get((one.form, one.version))
    row = t("review.row", row=one.row) if one.row else ""
    return " · ".join(filter(None, (form.title if form else one.form, day(one.event_on) if one.event_on else "", row, as_printed(one.serial))))


def _against_text(view: EntryView, text: str) -> None:
    rows, labels = [], told_labels(view.form, view.entry.row)
    for field in view.fields:
        said = ours(field)
        if said is None or field.hidden or not field.spec.traits.filled_by_hand:
            continue
        found = in_text(field.spec, said, text)
        words = "" if found is None else t("returns.duplicate.found" if found else "returns.duplicate.not_found")
        rows.append((labels[field.spec.name], in_words(field.spec, said), words, "ef-same" if found else "ef-differs" if found is False else ""))
    side_by_side(rows, t("returns.duplicate.in_text"))


def _against(view: EntryView, theirs: dict[str, str], title: str) -> None:
    rows, labels = [], told_labels(view.form, view.entry.row)
    for field in view.fields:
        said = ours(field)
        if not field.spec.traits.filled_by_hand or field.hidden or (said is None and field.spec.column not in theirs):
            continue
        mine = in_words(field.spec, said) if said is not None else t("returns.duplicate.not_typed")
        other = theirs.get(field.spec.column, "")
        same = bool(other) and said is not None and mine == other
        rows.append((labels[field.spec.name], mine, other, "ef-same" if same else "ef-differs" if other and said is not None else ""))
    side_by_side(rows, title)


def _key(view: EntryView, name: str) -> str:
    return f"duplicate_{name}-{view.entry.id}-{view.entry.revision}"
