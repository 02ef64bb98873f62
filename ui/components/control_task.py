"""Kontrollskrivning between two entries: a confirmed field is typed again from its picture, or a third person says what two have read differently."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from html import escape

import streamlit as st

from pipeline.client_guard import OUTSIDE_REASONS, AboutClient
from pipeline.errors import EfterskriftError, InvalidAnswerError, MissingAnswerError, UnknownClientError
from pipeline.model import Person
from pipeline.review import Answer
from pipeline.store import claims, controls
from pipeline.store.clock import utc_now
from pipeline.store.controls import ControlTask, Outcome
from pipeline.store.third_looks import third_look
from pipeline.told_labels import told_label
from ui.components.answers import answer_of_code, answer_of_text, code_label, codes, in_words, is_chosen
from ui.components.entry_turn import nothing_to_undo
from ui.components.faults import fault_text
from ui.components.heading import heading
from ui.components.keyboard import keyboard
from ui.components.page_view import data_url
from ui.components.pictures import covered_for, crop_picture, page_picture
from ui.components.showing import LOOKED_AT
from ui.session import while_open
from ui.site import Site
from ui.text import known, t

KEY = "keyboard_control"
_DUE, _SEEN, _SAID, _OUTSIDE, _PASSED = "control_due", f"{LOOKED_AT}control", "control_said", "control_outside", "controls_passed"


def make_due() -> None:
    """An entry is done: a control may come before the next one, and so may one that was passed before."""
    st.session_state[_DUE] = True
    st.session_state.pop(_PASSED, None)


def comes(here: Site, person: Person) -> bool:
    """Whether a control has its turn now; it is then the person's, and the look at it is in the log."""
    return bool(st.session_state.get(_DUE)) and _taken(here, person) is not None


def control_turn(here: Site, person: Person, *, idle: bool = False) -> bool:
    """Show a control if it is its turn, or when there is nothing else to do (`idle`); answers whether something is shown."""
    if not (idle or st.session_state.get(_DUE)):
        return False
    task = _taken(here, person)
    if task is not None:
        _show(here, person, task)
    return task is not None


def _taken(here: Site, person: Person) -> ControlTask | None:
    """The person's control, the look at its page being in the log."""
    passed: set[int] = st.session_state.get(_PASSED, set())
    with here.store.begin() as conn:
        task = controls.next_control(conn, here.forms, person, utc_now(), here.settings.claim_minutes, passed)
        if task is not None and st.session_state.get(_SEEN) != task.id:
            claims.view_page(conn, person, task.page.id)
    if task is None:
        _done()
    else:
        st.session_state[_SEEN] = task.id
    return task


def put_away() -> None:
    """Something else is shown: the next look at a control is another one."""
    st.session_state.pop(_SEEN, None)


def _done() -> None:
    """None is shown any longer, and the next comes after an entry."""
    st.session_state[_DUE] = False
    put_away()


def _show(here: Site, person: Person, task: ControlTask) -> None:
    heading(here, person, t("control.title"), t("control.third_what") if task.third else t("control.what"))
    left, right = st.columns([1.15, 1], gap="medium")
    with left:
        st.html(_picture(here, person, task))
    with right:
        st.caption(f"{task.form.title} · {task.unit}")
        _form(here, person, task)


def _form(here: Site, person: Person, task: ControlTask) -> None:
    save, key = f"save-control-{task.id}", f"control-{task.id}"
    with st.form(f"form-control-{task.id}", enter_to_submit=False, border=False):
        hint = " ".join(filter(None, (task.spec.hint, task.spec.measure)))
        st.html(f'<div class="ef-label"><span>{escape(told_label(task.form, task.spec))}</span><small>{escape(hint)}</small></div>')
        keys = _widgets(task, key)
        if said := st.session_state.pop(_SAID, ""):
            st.html(f'<div class="ef-said" role="alert">{escape(said)}</div>')
        if st.session_state.get(_OUTSIDE) == task.id:
            st.selectbox(
                t("guard.outside"),
                OUTSIDE_REASONS,
                index=None,
                key=f"{key}-outside",
                placeholder=t("guard.outside_choose"),
                format_func=lambda reason: known("guard.outside_reasons", reason),
            )
        st.form_submit_button(t("control.save"), key=save, type="primary", shortcut="Ctrl+Enter", on_click=partial(_save, here, person, task, key))
    st.button(t("review.skip"), key=f"skip-{key}", shortcut="Alt+S", on_click=partial(_pass, here, person, task))
    keyboard(key, keys, save=save, key=KEY)


def _widgets(task: ControlTask, key: str) -> list[str]:
    """Where the answer is given: an empty field, an empty choice, or two values in the order of the alphabet."""
    label = told_label(task.form, task.spec)
    if task.third:
        st.radio(label, list(_sides(task)), index=None, key=key, label_visibility="collapsed")
    elif is_chosen(task.spec):
        words = partial(code_label, task.spec)
        st.radio(label, codes(task.spec), index=None, format_func=words, horizontal=True, key=key, label_visibility="collapsed")
    if is_chosen(task.spec):
        return [key]
    typed = f"{key}-typed" if task.third else key
    placeholder = t("review.other_value") if task.third else t("review.type_what_you_see")
    st.text_input(label, key=typed, placeholder=placeholder, label_visibility="collapsed", autocomplete="off")
    return [key, typed] if task.third else [key]


def _given(task: ControlTask, key: str) -> Answer | None:
    held = st.session_state.get(key)
    if task.third:
        typed = str(st.session_state.get(f"{key}-typed") or "")
        return answer_of_text(typed, must_say=True) or (_sides(task).get(str(held)) if held else None)
    return answer_of_code(task.spec, held) if is_chosen(task.spec) else answer_of_text(str(held or ""), must_say=True)


def _sides(task: ControlTask) -> Mapping[str, Answer]:
    """The values that differ in the order of the alphabet, so that nobody sees whose is which, and what else can be chosen."""
    both = {in_words(task.spec, side): side for side in task.sides}
    states = [answer for code in codes(task.spec) if (answer := answer_of_code(task.spec, code)) is not None]
    others = {in_words(task.spec, answer): answer for answer in (states if is_chosen(task.spec) else states[-2:])}
    return dict(sorted(both.items())) | {word: answer for word, answer in others.items() if word not in both}


@while_open
def _save(here: Site, person: Person, task: ControlTask, key: str) -> None:
    answer, now = _given(task, key), utc_now()
    if answer is None:
        st.session_state[_SAID] = t("review.missing_answer")
        return
    try:
        with here.store.begin() as conn:
            if task.third:
                outcome = third_look(conn, person, task, answer, now, about=AboutClient(outside=st.session_state.get(f"{key}-outside") or ""))
            else:
                outcome = controls.type_control(conn, person, task, answer, now)
    except UnknownClientError:
        st.session_state[_OUTSIDE], st.session_state[_SAID] = task.id, t("review.unknown_client")
    except MissingAnswerError:
        st.session_state[_SAID] = t("review.missing_answer")
    except InvalidAnswerError:
        st.session_state[_SAID] = t("review.invalid_answer")
    except EfterskriftError as error:
        _done()
        st.toast(fault_text(error), icon=":material/info:")
    else:
        if outcome is Outcome.WRONG:
            nothing_to_undo()
        _done()
        st.toast(t("control.saved"), icon=":material/check:")


@while_open
def _pass(here: Site, person: Person, task: ControlTask) -> None:
    with here.store.begin() as conn:
        controls.pass_control(conn, person, task)
    _done()
    st.session_state[_PASSED] = st.session_state.get(_PASSED, set()) | {task.id}


def _picture(here: Site, person: Person, task: ControlTask) -> str:
    """The field alone, large; the whole page where it lies on no form."""
    covered = covered_for(here, person, task.page)
    crop, kind = crop_picture(here, task.page, task.spec.box, covered), "image/png"
    if crop is None:
        crop, kind = page_picture(here, task.page, covered), "image/jpeg"
    if crop is None:
        return ""
    alt = escape(t("picture.crop", label=told_label(task.form, task.spec)))
    return f'<img class="ef-control" alt="{alt}" src="{data_url(crop, kind)}">'
