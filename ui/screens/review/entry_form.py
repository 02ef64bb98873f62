"""The form of one entry: every field beside its piece of paper, saved in one go.

What need not be typed on a sheet stands folded: what a group has confirmed, and what was surely
read in class B and C. One key opens it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from html import escape

import streamlit as st

from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.model import EntryState
from pipeline.domain.review.rules import Answer
from pipeline.domain.review.work_modes import is_routine
from pipeline.store.entries.entry_view import EntryView, FieldView
from ui.browser.image_cache import crop_html, image_id
from ui.browser.page_view import PageArea, relative_area
from ui.i18n import t
from ui.screens.review.client_check_form import client_check_fields
from ui.screens.review.field_input import (
    describe_answer,
    field_input,
    given_answer,
    initial_answer,
    is_choice_field,
    other_value_key,
    widget_key,
)
from ui.widgets.images import is_registered, page_image
from ui.workspace import AppContext

_EXPANDED_KEY = "unfolded"
_ALL_FIELDS = "*"
_MAX_NARROW_MM = 62.0
"""Fields this narrow on paper stand two abreast, as wide as on paper in proportion."""
_MIN_CROP_WIDTH_MM = 30.0


def collapsed_fields(view: EntryView) -> list[FieldView]:
    """The fields of an entry that stand folded now."""
    if view.entry.state is not EntryState.REVIEW or view.is_hidden:
        return []
    opened = _expanded_fields().get(view.entry.id, frozenset())
    return (
        []
        if _ALL_FIELDS in opened
        else [
            field
            for field in view.fields
            if field.spec.name not in opened and _can_collapse(view, field)
        ]
    )


def collapsed_answers(view: EntryView) -> dict[str, Answer]:
    """What the person confirms of the folded fields by saving. What a group has confirmed stands by
    itself.
    """
    return {
        field.spec.name: answer
        for field in collapsed_fields(view)
        if not field.is_batch_confirmed and (answer := initial_answer(field)) is not None
    }


def expand_fields(entry_id: str, names: Collection[str] = (_ALL_FIELDS,)) -> None:
    """Open all folded fields of an entry, or some."""
    _expanded_fields()[entry_id] = _expanded_fields().get(entry_id, frozenset()) | frozenset(names)


def reset_expanded(entry_id: str | None) -> None:
    """The entry is done with."""
    _expanded_fields().pop(entry_id or "", None)


def expand_button(view: EntryView) -> None:
    """The way to the folded fields."""
    if fields := collapsed_fields(view):
        st.button(
            t("fold.open", count=len(fields)),
            key=f"unfold-{view.entry.id}",
            shortcut="Alt+O",
            on_click=expand_fields,
            args=(view.entry.id,),
        )


def collapsed_lines(view: EntryView, crops: Mapping[str, str]) -> None:
    """The folded fields, each with its piece of paper (HTML by field) and what it is read as; those
    that a group has seen without.
    """
    fields, labels = collapsed_fields(view), accessible_names(view.form, view.entry.row)
    for grouped in (False, True):
        some = [field for field in fields if field.is_batch_confirmed is grouped]
        if some:
            tiles = "".join(
                _collapsed_field_html(
                    field,
                    labels[field.spec.name],
                    "" if grouped else crops.get(field.spec.name, ""),
                )
                for field in some
            )
            st.html(
                f'<div class="ef-folded"><p>{escape(t("fold.grouped" if grouped else "fold.sure"))}</p><ul>{tiles}</ul></div>'
            )


def _collapsed_field_html(field: FieldView, label: str, crop: str) -> str:
    answer = initial_answer(field)
    words = describe_answer(field.spec, answer) if answer is not None else ""
    return f"<li>{crop}<span>{escape(label)}</span> <b>{escape(words)}</b></li>"


def _can_collapse(view: EntryView, field: FieldView) -> bool:
    if not field.is_open or field.is_blind or field.is_hidden:
        return False
    return field.is_batch_confirmed or (
        field.draft is None and is_routine(view.form, field.spec, field.reading, view.problems)
    )


def _expanded_fields() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = st.session_state.setdefault(_EXPANDED_KEY, {})
    return found


def entry_form(
    context: AppContext,
    view: EntryView,
    complaints: Mapping[str, str],
    save: Callable[[], None],
    *,
    seen: bool = True,
) -> None:
    """Draw the form. Enter does nothing in it: with `enter_to_submit`, Ctrl+Enter would save twice,
    the second time unseen.

    A form that is not `seen` yet has no keys, so that they can only mean the one that is.
    """
    settled = [
        field for field in view.fields if not field.is_open and field.first_answer is not None
    ]
    with st.form(
        f"entry-{view.entry.id}-{view.entry.revision}", enter_to_submit=False, border=False
    ):
        client_check_fields(view)
        field_lines(context, view, complaints)
        st.form_submit_button(
            t("review.save"),
            key=save_button_key(view),
            type="primary",
            shortcut="Ctrl+Enter" if seen else None,
            on_click=save,
        )
    if settled:
        with st.expander(t("review.settled", count=len(settled))):
            settled_lines(view, settled)


def field_lines(context: AppContext, view: EntryView, complaints: Mapping[str, str]) -> None:
    """Every open field with its piece of paper, inside a form. Few elements: each costs the browser
    time at every entry.
    """
    named, labels = _image_ids(context, view), accessible_names(view.form, view.entry.row)
    crops = {
        field.spec.name: _field_crop_html(view, field, labels[field.spec.name], named)
        for field in view.fields
    }
    with st.container(key=f"fields-{view.entry.id}-{view.entry.revision}", gap="xxsmall"):
        for line in _group_in_lines(open_fields(view)):
            if len(line) == 1:
                field_input(
                    view, line[0], crops[line[0].spec.name], complaints.get(line[0].spec.name, "")
                )
                continue
            widths = [max(_MIN_CROP_WIDTH_MM, field.spec.box[2]) for field in line]
            for column, field in zip(
                st.columns(widths, vertical_alignment="bottom"), line, strict=True
            ):
                with column:
                    field_input(
                        view, field, crops[field.spec.name], complaints.get(field.spec.name, "")
                    )
        collapsed_lines(view, crops)


def settled_lines(view: EntryView, fields: list[FieldView]) -> None:
    """What is decided, to read."""
    if fields:
        labels = accessible_names(view.form, view.entry.row)
        st.html("".join(_settled_line(labels[field.spec.name], field) for field in fields))


def save_button_key(view: EntryView) -> str:
    """The key of the button "Spara och nästa"."""
    return f"save-{view.entry.id}-{view.entry.revision}"


def open_fields(view: EntryView) -> list[FieldView]:
    """The fields that an answer is expected for now, without those that stand folded."""
    done = {field.spec.name for field in collapsed_fields(view)}
    return [field for field in view.fields if field.is_open and field.spec.name not in done]


def widget_keys(view: EntryView) -> dict[str, FieldView]:
    """Every widget of the form in the order of the Tab key, with its field."""
    keys: dict[str, FieldView] = {}
    for field in open_fields(view):
        keys[widget_key(view, field)] = field
        if view.is_second_review and not is_choice_field(field.spec):
            keys[other_value_key(view, field)] = field
    return keys


def widget_areas(view: EntryView, page_ids: list[str]) -> dict[str, PageArea]:
    """Where each widget's field lies in the pictures; `shown` are the ids of the pages that have
    one, in order.
    """
    lying = {page.id for page in view.pages if is_registered(page)}
    return {
        key: relative_area(
            field.spec.box, page_ids.index(field.page), view.form.pages[field.page_no - 1].size
        )
        for key, field in widget_keys(view).items()
        if field.page is not None and field.page in lying and field.page in page_ids
    }


def form_answers(view: EntryView) -> dict[str, Answer]:
    """What has been answered, by field; a field without an answer is left out."""
    given = {field.spec.name: given_answer(view, field) for field in open_fields(view)}
    return collapsed_answers(view) | {
        name: answer for name, answer in given.items() if answer is not None
    }


def _image_ids(context: AppContext, view: EntryView) -> dict[str, str]:
    """The name in the browser of the picture of each page that lies on its form."""
    shown = {
        page.id: page_image(context, page, view.covered.boxes.get(page.id, ()))
        for page in view.pages
        if is_registered(page)
    }
    return {page: image_id(picture) for page, picture in shown.items() if picture is not None}


def _field_crop_html(
    view: EntryView, field: FieldView, label: str, named: Mapping[str, str]
) -> str:
    name = named.get(field.page or "")
    if name is None or field.is_hidden:
        return ""
    size = view.form.pages[field.page_no - 1].size
    return crop_html(
        name,
        field.spec.box,
        size,
        t("picture.crop", label=label),
        tall=field.spec.traits.is_multiline,
    )


def _group_in_lines(fields: list[FieldView]) -> list[list[FieldView]]:
    """Fields in their order, neighbours that are narrow on the same height of the paper side by
    side.
    """
    lines: list[list[FieldView]] = []
    for field in fields:
        before = lines[-1] if lines else []
        if before and len(before) < 2 and _is_narrow(field) and _is_narrow(before[-1]):
            before.append(field)
        else:
            lines.append([field])
    return lines


def _is_narrow(field: FieldView) -> bool:
    return field.spec.box[2] <= _MAX_NARROW_MM and not field.spec.traits.has_options


def _settled_line(label: str, field: FieldView) -> str:
    words = (
        describe_answer(field.spec, field.first_answer) if field.first_answer is not None else ""
    )
    return f'<div class="ef-settled"><span class="ef-muted">{escape(label)}</span> {escape(words)}</div>'
