"""Editor of a draft on the image of a blank form printed elsewhere.

What the paper seems to have is proposed in grey; a person accepts, changes or removes it, and draws
what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import streamlit as st

from pipeline.domain.form.field import Meaning
from pipeline.domain.model import Person
from pipeline.forms.field_types import FIELD_TYPE_TRAITS, FieldType
from pipeline.preparation.form_editor import drawn_boxes
from pipeline.preparation.form_editor.drafts import Draft, YamlData
from pipeline.preparation.form_editor.drawn_boxes import BLANK_IMAGE_FILE, list_boxes
from pipeline.preparation.form_editor.previews import render_blank_for_screen
from ui.browser.box_drawing import BoxAct, BoxEditing, EditedBox, box_editing
from ui.i18n import t
from ui.markdown import md, plain_with_code
from ui.screens.forms import state
from ui.screens.forms.draft_header import draft_header
from ui.screens.forms.field_editor import (
    Saver,
    cells_input,
    meaning_input,
    requirement_inputs,
    widget_saver,
)
from ui.screens.forms.problems import shown_problems
from ui.session import requires_open_session
from ui.workspace import AppContext

_CHOSEN_KEY = "forms_box"
_NEW_BOX_MM = (20.0, 40.0, 60.0, 8.0)
"""First place of a box that is added without drawing, mm."""


def drawn_editor(context: AppContext, person: Person, draft: Draft) -> None:
    """Show the editor: the page with its boxes on the left, the chosen box on the right."""
    boxes, version = list_boxes(draft.data), state.editor_version()
    change = partial(state.apply_draft_change, context, person, draft.id, version)
    chosen = _chosen_box(boxes)
    key = f"forms_box-{draft.id}-{version}-{chosen['id'] if chosen else 0}"
    left, right = st.columns([1.3, 1], gap="large")
    with left:
        _proposals_bar(boxes, change)
        box_editing(
            _page(draft, boxes, int(chosen["id"]) if chosen else 0, label_key(key)),
            partial(_handle_acts, context, person, draft.id),
        )
    with right:
        draft_header(context, person, draft)
        for text in shown_problems(draft):
            st.error(plain_with_code(text), icon=":material/error:")
        with st.container(horizontal=True):
            state.undo_button(context, person, draft)
            st.button(
                t("forms.add_box"),
                key="forms_add_box",
                on_click=_handle_acts,
                args=(context, person, draft.id, (BoxAct("draw", box=_NEW_BOX_MM),)),
                icon=":material/add:",
                help=t("forms.add_box_help"),
            )
        if any(box.get("each_row") for box in boxes):
            _rows_editor(f"forms_rows-{draft.id}-{version}", draft, change)
        if chosen:
            _chosen_box_editor(key, boxes, chosen, partial(_act, context, person, draft), change)


def _chosen_box(boxes: Sequence[YamlData]) -> YamlData | None:
    """Return the chosen box, else the first."""
    wanted = st.session_state.get(_CHOSEN_KEY)
    return next((box for box in boxes if box["id"] == wanted), boxes[0] if boxes else None)


def _page(draft: Draft, boxes: Sequence[YamlData], chosen: int, label: str) -> BoxEditing:
    shown = [
        EditedBox(int(box["id"]), box["box"], _box_text(box), bool(box.get("proposed")))
        for box in boxes
    ]
    shown += [
        EditedBox(int(box["id"]), box["box"], "", bool(box.get("proposed")), is_row=True)
        for box in drawn_boxes.list_row_boxes(draft.data)
    ]
    size = (float(draft.data["size"][0]), float(draft.data["size"][1]))
    picture = _screen_image(draft.id, str(draft.folder / BLANK_IMAGE_FILE))
    return BoxEditing(draft.id, picture, size, shown, chosen, label)


def _box_text(box: YamlData) -> str:
    """Return what a box is, in a few words."""
    kind = t(f"forms.sort.{box.get('sort') or FieldType.TEXT.value}")
    text = f"{box.get('label') or t('forms.no_label')} – {kind}"
    return t("forms.proposed", what=text) if box.get("proposed") else text


def _proposals_bar(boxes: Sequence[YamlData], change: Callable[..., None]) -> None:
    """Show how many proposals are left, with what can be done with all of them."""
    count = sum(bool(box.get("proposed")) for box in boxes)
    if not count:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(md("forms.proposals", count=count))
        st.button(
            t("forms.accept_all"),
            key="forms_accept_all",
            type="primary",
            on_click=partial(change, drawn_boxes.accept_proposals, moves=True),
            icon=":material/done_all:",
        )
        st.button(
            t("forms.remove_proposals"),
            key="forms_remove_proposals",
            on_click=partial(change, drawn_boxes.remove_proposals, moves=True),
            icon=":material/delete:",
        )


@requires_open_session
def _handle_acts(
    context: AppContext, person: Person, draft_id: str, acts: Sequence[BoxAct]
) -> None:
    """Do what the user did on the page, each act as a change that can be undone."""
    for act in acts:
        if act.act == "undo":
            state.undo(context, person, draft_id)
            continue
        if act.act != "choose":
            # Boxes keep their ids, so this is right whatever has changed meanwhile.
            state.apply_draft_change(
                context,
                person,
                draft_id,
                state.editor_version(),
                partial(_apply_act, act=act),
                moves=True,
            )
        if act.act in ("choose", "change"):
            st.session_state[_CHOSEN_KEY] = act.id


def _apply_act(data: YamlData, act: BoxAct) -> YamlData:
    if act.act == "draw" and act.box:
        added = drawn_boxes.add_box(data, act.box, t("forms.new_field"))
        st.session_state[_CHOSEN_KEY] = list_boxes(added)[-1]["id"]
        return added
    if act.act == "remove":
        return drawn_boxes.remove_box(data, act.id)
    changed = {"box": list(act.box)} if act.box else {}
    return drawn_boxes.replace_box(data, act.id, **changed)


@requires_open_session
def _act(context: AppContext, person: Person, draft: Draft, act: BoxAct) -> None:
    _handle_acts(context, person, draft.id, (act,))


def _chosen_box_editor(
    key: str,
    boxes: Sequence[YamlData],
    chosen: YamlData,
    act: Callable[[BoxAct], None],
    change: Callable[..., None],
) -> None:
    """Show the choice of a box, and the editor of the chosen one."""
    names = {int(box["id"]): _box_text(box) for box in boxes}
    # Streamlit knows a choice by its text: under other texts it is another choice, not a change.
    choice_key = f"{key}-which-{crc32(' '.join(names.values()).encode())}"
    st.selectbox(
        t("forms.box"),
        list(names),
        list(names).index(int(chosen["id"])),
        format_func=names.__getitem__,
        key=choice_key,
        on_change=lambda: act(BoxAct("choose", int(st.session_state[choice_key]))),
    )
    with st.container(border=True):
        if chosen.get("proposed"):
            st.button(
                t("forms.accept"),
                key=f"{key}-accept",
                on_click=act,
                args=(BoxAct("accept", int(chosen["id"])),),
                icon=":material/check:",
            )
        box_editor(key, chosen, change)
        st.button(
            t("forms.remove_box"),
            key=f"{key}-away",
            on_click=act,
            args=(BoxAct("remove", int(chosen["id"])),),
            icon=":material/delete:",
        )


def _rows_editor(key: str, draft: Draft, change: Callable[..., None]) -> None:
    """Show how many rows the table has, and how far they are from each other (mm)."""

    def save() -> None:
        count = int(st.session_state[f"{key}-count"])
        height = float(st.session_state[f"{key}-apart"])
        change(lambda data: drawn_boxes.set_rows(data, count, height))

    count, height = drawn_boxes.table_rows(draft.data)
    with st.container(horizontal=True):
        st.number_input(
            t("forms.rows_count"),
            2,
            60,
            max(2, min(60, count)),
            key=f"{key}-count",
            on_change=save,
            width=160,
        )
        st.number_input(
            t("forms.rows_height"),
            3.0,
            200.0,
            min(200.0, max(3.0, height)),
            0.1,
            format="%.2f",
            key=f"{key}-apart",
            on_change=save,
            width=200,
        )


@st.cache_data(max_entries=10, show_spinner=False)
def _screen_image(draft_id: str, path: str) -> bytes:
    del draft_id
    return render_blank_for_screen(Path(path).read_bytes())


# Editor of one box of a form printed elsewhere: its label, field type, place and meaning.

_FIELD_TYPES: list[FieldType] = [
    field_type
    for field_type in FieldType
    if field_type not in (FieldType.CHOICE, FieldType.WORDS, FieldType.PRINTED)
]
_MEANINGS = (
    "",
    *(
        meaning.value
        for meaning in Meaning
        if meaning not in (Meaning.CLIENT_PRINTED, Meaning.UNIT)
    ),
)
_BOX_SIDES = ("x", "y", "width", "height")


def label_key(key: str) -> str:
    """Return the widget key of the label in an editor of this key."""
    return f"{key}-label"


def box_editor(key: str, box: YamlData, change: Callable[..., None]) -> None:
    """Show what a box is: label, type and what that needs, place, meaning.

    Every change of a proposal accepts it.
    """
    box_id = int(box["id"])

    # A meaning brings other facts with it, which new widgets show.
    saver = widget_saver(
        key,
        lambda name, value: change(
            lambda data: drawn_boxes.replace_box(data, box_id, **{name: value}),
            moves=name == "means",
        ),
    )
    field_type = FieldType(box.get("sort") or FieldType.TEXT)
    st.text_input(
        t("forms.label"),
        box.get("label") or "",
        key=label_key(key),
        on_change=saver("label"),
        max_chars=80,
    )
    st.selectbox(
        t("forms.sort"),
        _FIELD_TYPES,
        _FIELD_TYPES.index(field_type),
        format_func=lambda option: t(f"forms.sort.{option.value}"),
        key=f"{key}-sort",
        on_change=saver("sort", lambda option: option.value),
    )
    _type_inputs(key, field_type, box, saver)
    _role_inputs(key, box, saver)
    with st.expander(t("forms.place"), key=f"{key}-place"):
        _place_inputs(key, box_id, box, change)


def _role_inputs(key: str, box: dict[str, Any], saver: Saver) -> None:
    """Show whether the box is in each row, required and critical, and its meaning."""
    st.checkbox(
        t("forms.each_row"),
        bool(box.get("each_row")),
        key=f"{key}-each_row",
        on_change=saver("each_row"),
        help=t("forms.each_row_help"),
    )
    requirement_inputs(key, box, saver)
    meaning_input(key, box, saver, _MEANINGS)


def _type_inputs(
    key: str,
    field_type: FieldType,
    box: dict[str, Any],
    saver: Saver,
) -> None:
    """Show what a field type needs."""
    if field_type is FieldType.MARK:
        st.text_input(
            t("forms.choice"),
            box.get("choice") or "",
            key=f"{key}-choice",
            on_change=saver("choice"),
            help=t("forms.choice_help"),
        )
    elif FIELD_TYPE_TRAITS[field_type].cells:
        cells_input(key, box, saver)
    elif field_type is FieldType.LINES:
        lines = int(box.get("lines") or max(1, round(box["box"][3] / drawn_boxes.LINE_HEIGHT_MM)))
        st.number_input(
            t("forms.lines"), 1, 40, lines, key=f"{key}-lines", on_change=saver("lines"), width=160
        )


def _place_inputs(key: str, box_id: int, box: dict[str, Any], change: Callable[..., None]) -> None:
    """Show the place and size of a box, mm."""

    def save() -> None:
        sides = [round(float(st.session_state[f"{key}-{side}"]), 1) for side in _BOX_SIDES]
        change(lambda data: drawn_boxes.replace_box(data, box_id, box=sides))

    with st.container(horizontal=True):
        for side, value in zip(_BOX_SIDES, box["box"], strict=True):
            st.number_input(
                t(f"forms.mm.{side}"),
                0.0,
                450.0,
                float(value),
                0.5,
                format="%.1f",
                key=f"{key}-{side}",
                on_change=save,
                width=120,
            )
