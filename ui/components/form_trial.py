"""A draft is tried on paper: a trial sheet is printed, filled in, scanned and uploaded; each field is judged; then the form can be published."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import cv2
import streamlit as st

from pipeline.errors import EfterskriftError
from pipeline.form_faults import Fault
from pipeline.making import acts
from pipeline.making.draft_form import checked
from pipeline.making.drafts import Draft
from pipeline.making.trial_judging import Judged, best_guess, is_serious
from pipeline.making.trial_sheet import trial_pdf
from pipeline.making.trials import Remark, tried
from pipeline.making.trying import TrialPage, try_out
from pipeline.model import Person
from pipeline.picture import decode
from pipeline.plane import PX_PER_MM
from pipeline.scan import JPEG
from pipeline.store import people
from pipeline.template import Form
from ui.components import form_desk
from ui.components.form_pictures import form_pictures
from ui.components.form_start import FILES
from ui.components.page_view import data_url
from ui.site import Site
from ui.text import language, moment, percent, t

_JUDGED = "forms_judged"
_MARGIN_MM = 3.0


def form_trial(here: Site, person: Person, draft: Draft) -> None:
    """The trial, and the way out to a form in use."""
    found = checked(draft)
    if found.form is None or found.faults:
        st.warning(t("forms.mend_first", count=len(found.faults)), icon=":material/error:")
        return
    left, right = st.columns([1, 1.15], gap="large")
    with left:
        _paper(here, person, draft, found.form)
        form_pictures(found.form, numbers=True)
    with right:
        _publishing(here, person, draft, found.form)
        _judgement(draft)


def _paper(here: Site, person: Person, draft: Draft, form: Form) -> None:
    st.subheader(t("forms.trial"), anchor=False)
    if form.printed_elsewhere:
        st.markdown(t("forms.trial_elsewhere"))
    else:
        st.markdown(t("forms.trial_how"))
        pdf = _sheet(form.model_dump_json(), form, here.settings.care_provider)
        st.download_button(t("forms.trial_fetch"), pdf, f"provblad-{draft.id}.pdf", "application/pdf", key="forms_trial_pdf", icon=":material/print:")
    file = st.file_uploader(t("forms.trial_file"), type=FILES, key=f"forms_trial-{draft.id}")
    if st.button(t("forms.trial_do"), key="forms_trial_do", disabled=file is None, icon=":material/fact_check:") and file is not None:
        try:
            with st.spinner(t("forms.trial_reading")):
                pages = try_out(here.store, person, draft, file.getvalue(), file.name)
        except EfterskriftError as error:
            st.error(form_desk.wrong(error), icon=":material/error:")
        else:
            st.session_state[_JUDGED] = (draft.id, draft.revision, [_shown(page) for page in pages])


@st.cache_data(max_entries=10, show_spinner=False)
def _sheet(key: str, _form: Form, organisation: str) -> bytes:
    del key
    return trial_pdf(_form, organisation)


def _publishing(here: Site, person: Person, draft: Draft, form: Form) -> None:
    shown = tried(draft, form)
    st.subheader(t("forms.publish"), anchor=False)
    if shown.at is None:
        st.info(t("forms.not_tried"), icon=":material/info:")
        return
    with here.store.read() as conn:
        name = people.names(conn).get(shown.by, shown.by)
    st.caption(t("forms.tried_at", at=moment(shown.at), by=name))
    if shown.missing:
        st.info(t("forms.pages_missing", pages=", ".join(map(str, shown.missing))), icon=":material/info:")
        return
    _remarks(shown.remarks)
    reason = ""
    if shown.serious:
        st.warning(t("forms.serious", count=shown.serious), icon=":material/error:")
        reason = st.text_area(t("forms.reason"), key=f"forms_reason-{draft.id}", max_chars=300, height=80, help=t("forms.reason_help"))
    else:
        st.success(t("forms.no_serious"), icon=":material/check:")
    st.caption(t("forms.publish_what"))
    if st.button(t("forms.publish_do"), key="forms_publish", type="primary", icon=":material/check:"):
        try:
            published = acts.publish(here.store, here.settings, person, draft, reason)
        except EfterskriftError as error:
            st.error(form_desk.wrong(error), icon=":material/error:")
        else:
            st.session_state.pop(_JUDGED, None)
            form_desk.tell("ok", t("forms.is_published", title=published.title, version=published.version))
            form_desk.go("form", published.id, published.version)
            st.rerun()


def _remarks(remarks: Sequence[Remark]) -> None:
    """Those that are serious first."""
    for remark in sorted(remarks, key=lambda one: not one.serious):
        (st.error if remark.serious else st.info)(_said(remark.label, remark.fault))


def _said(label: str, fault: Fault) -> str:
    return f"**{_capital(fault.what(language()))}** ({label})  \n{fault.remedy(language())}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _judgement(draft: Draft) -> None:
    """Every field of the sheet that was uploaded here, its picture beside what was read; gone when the screen is left."""
    made_for, revision, rows = st.session_state.get(_JUDGED, ("", 0, []))
    if (made_for, revision) != (draft.id, draft.revision):
        return
    st.subheader(t("forms.judged"), anchor=False)
    head = "".join(f"<th scope='col'>{escape(t(f'forms.column.{key}'))}</th>" for key in ("number", "picture", "read", "judgement"))
    body = "".join(row for page in rows for row in page)
    st.html(f"<div class='ef-wide' tabindex='0'><table class='ef-table'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>")


def _shown(page: TrialPage) -> list[str]:
    picture = decode(page.upright, JPEG)
    return [_row(one, _crop(picture, one)) for one in page.fields]


def _row(one: Judged, crop: bytes) -> str:
    read, p = "", ""
    if one.reading is not None:
        value = best_guess(one.reading)
        read = {True: t("forms.yes"), False: t("forms.no")}.get(value, "") if isinstance(value, bool) else str(value or "–")
        p = t("forms.certainty", share=percent(one.reading.p))
    said = [(is_serious(fault), _capital(fault.what(language()))) for fault in one.remarks]
    words = "".join(f"<div class='{'ef-said' if bad else 'ef-muted'}'>{escape(text)}</div>" for bad, text in said) or escape(t("forms.good"))
    alt = escape(t("forms.crop_of", label=one.spec.full_label), quote=True)
    img = f"<img class='ef-control' style='max-height:6rem;min-width:0' alt='{alt}' src='{data_url(crop)}'>"
    label = f"{one.number} {one.spec.full_label}"
    return f"<tr><td>{escape(label)}</td><td>{img}</td><td>{escape(read)}<br><small>{escape(p)}</small></td><td>{words}</td></tr>"


def _crop(picture: cv2.typing.MatLike, one: Judged) -> bytes:
    x, y, w, h = one.spec.box
    top, left = (max(0, round((side - _MARGIN_MM) * PX_PER_MM)) for side in (y, x))
    cut = picture[top : round((y + h + _MARGIN_MM) * PX_PER_MM), left : round((x + w + _MARGIN_MM) * PX_PER_MM)]
    return bytes(cv2.imencode(".jpg", cut, [int(cv2.IMWRITE_JPEG_QUALITY), 80])[1])
