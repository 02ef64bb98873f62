"""Övning: five minutes of reviewing an invented sheet.

The sheet is drawn in memory and nothing of it is written to the store, so that none of it can be
exported or counted.
"""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np
import streamlit as st

from pipeline.domain.form.form import Form
from pipeline.domain.model import Image, Person, Value
from pipeline.forms.printing import Sheet
from pipeline.preparation.practice.fill_sheet import fill_field, render_sheet_page
from pipeline.preparation.practice.synthetic_handwriting import make_writers
from ui.browser.page_view import data_url
from ui.i18n import t
from ui.markdown import md, plain
from ui.widgets.heading import PRACTICE_STEP_KEY
from ui.workspace import AppContext

_ANSWER_KEY, _WRONG_ANSWER_KEY = "practice_answer", "practice_wrong"
_PRACTICE_FORM = "hsl-anteckning"
_WRITTEN_VALUES: dict[str, Value] = {
    "handelsedatum": "2021-12-18",
    "handelsetid": "09:40",
    "kontakttyp": "besok",
    "anteckning": "Såret på vänster fot läker fint.",
    "skribent": "Vera Lind",
    "yrkestitel": "ssk",
}
_STEPS: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("date", "handelsedatum", frozenset({"2021-12-18", "20211218", "211218"})),
    ("time", "handelsetid", frozenset({"09:40", "9:40", "0940", "09.40", "9.40"})),
    ("empty", "tillfalligt_id", frozenset({"-"})),
    ("illegible", "namn", frozenset({"?"})),
)
"""Name of the step (also of its texts), the field, and the right answers."""
_MARGIN_PX, _PX_PER_MM, _WIDTH_PX = 40, 300 / 25.4, 1000


def show(context: AppContext, person: Person) -> None:
    """Show the current step, or the end of the practice."""
    del person
    step = int(st.session_state[PRACTICE_STEP_KEY])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(t("practice.title"), anchor=False)
        st.button(
            t("practice.leave"),
            key="practice_leave",
            on_click=_end_practice,
            icon=":material/logout:",
        )
    st.warning(t("practice.marked"), icon=":material/school:")
    if step >= len(_STEPS):
        st.success(t("practice.done"), icon=":material/check:")
        st.button(t("practice.again"), key="practice_again", on_click=_go_to_step, args=(0,))
        return
    _show_step(context.forms.latest(_PRACTICE_FORM), step)


def _show_step(form: Form, step: int) -> None:
    name, field, right_answers = _STEPS[step]
    label = form.by_name[field].full_label
    st.progress(step / len(_STEPS), md("practice.step", number=step + 1, of=len(_STEPS)))
    st.markdown(t(f"practice.{name}"))
    alt, source = t("picture.crop", label=label), data_url(_crop_field(form, field), "image/png")
    st.html(f'<img class="ef-control" alt="{alt}" src="{source}">')
    with st.form(f"practice-{step}", enter_to_submit=False, border=False):
        st.text_input(
            plain(label),
            key=f"{_ANSWER_KEY}-{step}",
            placeholder=t("review.type_what_you_see"),
            autocomplete="off",
        )
        st.form_submit_button(
            t("practice.check"),
            key="practice_check",
            type="primary",
            shortcut="Ctrl+Enter",
            on_click=partial(_check_answer, step, right_answers),
        )
    if st.session_state.get(_WRONG_ANSWER_KEY):
        st.error(t(f"practice.{name}_wrong"), icon=":material/info:")


def _check_answer(step: int, right_answers: frozenset[str]) -> None:
    """Go on if the answer is right; a double click meets the next step and does nothing."""
    if st.session_state.get(PRACTICE_STEP_KEY) != step:
        return
    if str(st.session_state.get(f"{_ANSWER_KEY}-{step}", "")).strip() in right_answers:
        _go_to_step(step + 1)
        st.toast(t("practice.right"), icon=":material/check:")
    else:
        st.session_state[_WRONG_ANSWER_KEY] = True


def _go_to_step(step: int) -> None:
    st.session_state[PRACTICE_STEP_KEY] = step
    st.session_state.pop(_WRONG_ANSWER_KEY, None)
    # Who comes back to a step does it again, and does not find the answer filled in.
    st.session_state.pop(f"{_ANSWER_KEY}-{step}", None)


def _end_practice() -> None:
    st.session_state.pop(PRACTICE_STEP_KEY, None)
    st.session_state.pop(_WRONG_ANSWER_KEY, None)


def _crop_field(form: Form, field: str) -> bytes:
    """Return the field's crop of the sheet, as PNG."""
    x, y, w, h = (round(side * _PX_PER_MM) for side in form.by_name[field].box)
    crop = _draw_sheet(form)[
        max(0, y - _MARGIN_PX) : y + h + _MARGIN_PX, max(0, x - _MARGIN_PX) : x + w + _MARGIN_PX
    ]
    scale = min(1.0, _WIDTH_PX / crop.shape[1])
    is_encoded, data = cv2.imencode(
        ".png", cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    )
    if not is_encoded:
        raise ValueError(f"A picture of {crop.shape} could not be encoded")
    return data.tobytes()


@st.cache_resource(show_spinner=False, hash_funcs={Form: lambda form: (form.id, form.version)})
def _draw_sheet(form: Form) -> Image:
    """Draw the form with the invented note, BGR at 300 dpi.

    The name field gets an illegible stroke.
    """
    page = render_sheet_page(form, Sheet("0" * 8, ""))
    filled = fill_field(
        page, form.pages[0], _WRITTEN_VALUES, make_writers(1, 3)[0], np.random.default_rng(3)
    )
    # A wavy stroke that slides down to the right through the name field.
    x, y, w, h = (round(side * _PX_PER_MM) for side in form.by_name["namn"].box)
    progress = np.linspace(0, 1, 160)
    pen = np.stack(
        [
            x + w * (0.05 + 0.5 * progress),
            y + h * (0.55 + 0.28 * np.sin(progress * 60) * np.cos(progress * 17)),
        ],
        axis=1,
    )
    return np.asarray(
        cv2.polylines(filled, [pen.astype(np.int32)], False, (115, 60, 30), 5, cv2.LINE_AA),
        np.uint8,
    )
