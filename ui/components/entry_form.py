"""The form of one entry: every field beside its piece of paper, saved in one go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

import streamlit as st

from pipeline.review import Answer
from pipeline.store.entry_views import EntryView, FieldView
from pipeline.told_labels import told_labels
from ui.components.answers import in_words, is_chosen
from ui.components.client_guard_form import guard_fields
from ui.components.field_input import field_input, given_answer, other_key, widget_key
from ui.components.folding import folded, folded_answers, folded_lines
from ui.components.page_view import Place, place_of
from ui.components.picture_shelf import cut_out, picture_id
from ui.components.pictures import lies_on_form, page_picture
from ui.site import Site
from ui.text import t

_NARROW_MM = 62.0
"""Fields this narrow on paper stand two abreast, as wide as on paper in proportion."""
_LEAST_MM = 30.0


def entry_form(here: Site, view: EntryView, complaints: Mapping[str, str], save: Callable[[], None], *, seen: bool = True) -> None:
    """Draw the form. Enter does nothing in it: with `enter_to_submit`, Ctrl+Enter would save twice, the second time unseen.

    A form that is not `seen` yet has no keys, so that they can only mean the one that is.
    """
    settled = [field for field in view.fields if not field.open and field.first is not None]
    with st.form(f"entry-{view.entry.id}-{view.entry.revision}", enter_to_submit=False, border=False):
        guard_fields(view)
        field_lines(here, view, complaints)
        st.form_submit_button(t("review.save"), key=save_key(view), type="primary", shortcut="Ctrl+Enter" if seen else None, on_click=save)
    if settled:
        with st.expander(t("review.settled", count=len(settled))):
            settled_lines(view, settled)


def field_lines(here: Site, view: EntryView, complaints: Mapping[str, str]) -> None:
    """Every open field with its piece of paper, inside a form. Few elements: each costs the browser time at every entry."""
    named, labels = _named_pictures(here, view), told_labels(view.form, view.entry.row)
    crops = {field.spec.name: _crop(view, field, labels[field.spec.name], named) for field in view.fields}
    with st.container(key=f"fields-{view.entry.id}-{view.entry.revision}", gap="xxsmall"):
        for line in _lines(open_fields(view)):
            if len(line) == 1:
                field_input(view, line[0], crops[line[0].spec.name], complaints.get(line[0].spec.name, ""))
                continue
            widths = [max(_LEAST_MM, field.spec.box[2]) for field in line]
            for column, field in zip(st.columns(widths, vertical_alignment="bottom"), line, strict=True):
                with column:
                    field_input(view, field, crops[field.spec.name], complaints.get(field.spec.name, ""))
        folded_lines(view, crops)


def settled_lines(view: EntryView, fields: list[FieldView]) -> None:
    """What is decided, to read."""
    if fields:
        labels = told_labels(view.form, view.entry.row)
        st.html("".join(_settled_line(labels[field.spec.name], field) for field in fields))


def save_key(view: EntryView) -> str:
    """The key of the button "Spara och nästa"."""
    return f"save-{view.entry.id}-{view.entry.revision}"


def open_fields(view: EntryView) -> list[FieldView]:
    """The fields that an answer is expected for now, without those that stand folded."""
    done = {field.spec.name for field in folded(view)}
    return [field for field in view.fields if field.open and field.spec.name not in done]


def widget_keys(view: EntryView) -> dict[str, FieldView]:
    """Every widget of the form in the order of the Tab key, with its field."""
    keys: dict[str, FieldView] = {}
    for field in open_fields(view):
        keys[widget_key(view, field)] = field
        if view.second and not is_chosen(field.spec):
            keys[other_key(view, field)] = field
    return keys


def places(view: EntryView, shown: list[str]) -> dict[str, Place]:
    """Where each widget's field lies in the pictures; `shown` are the ids of the pages that have one, in order."""
    lying = {page.id for page in view.pages if lies_on_form(page)}
    return {
        key: place_of(field.spec.box, shown.index(field.page), view.form.pages[field.page_no - 1].size)
        for key, field in widget_keys(view).items()
        if field.page is not None and field.page in lying and field.page in shown
    }


def answers(view: EntryView) -> dict[str, Answer]:
    """What has been answered, by field; a field without an answer is left out."""
    given = {field.spec.name: given_answer(view, field) for field in open_fields(view)}
    return folded_answers(view) | {name: answer for name, answer in given.items() if answer is not None}


def _named_pictures(here: Site, view: EntryView) -> dict[str, str]:
    """The name in the browser of the picture of each page that lies on its form."""
    shown = {page.id: page_picture(here, page, view.covered.boxes.get(page.id, ())) for page in view.pages if lies_on_form(page)}
    return {page: picture_id(picture) for page, picture in shown.items() if picture is not None}


def _crop(view: EntryView, field: FieldView, label: str, named: Mapping[str, str]) -> str:
    name = named.get(field.page or "")
    if name is None or field.hidden:
        return ""
    size = view.form.pages[field.page_no - 1].size
    return cut_out(name, field.spec.box, size, t("picture.crop", label=label), tall=field.spec.traits.is_multiline)


def _lines(fields: list[FieldView]) -> list[list[FieldView]]:
    """Fields in their order, neighbours that are narrow on the same height of the paper side by side."""
    lines: list[list[FieldView]] = []
    for field in fields:
        before = lines[-1] if lines else []
        if before and len(before) < 2 and _narrow(field) and _narrow(before[-1]):
            before.append(field)
        else:
            lines.append([field])
    return lines


def _narrow(field: FieldView) -> bool:
    return field.spec.box[2] <= _NARROW_MM and not field.spec.traits.has_options


def _settled_line(label: str, field: FieldView) -> str:
    words = in_words(field.spec, field.first) if field.first is not None else ""
    return f'<div class="ef-settled"><span class="ef-muted">{escape(label)}</span> {escape(words)}</div>'
