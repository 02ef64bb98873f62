"""Trying a draft on paper, and publishing it.

A trial sheet is printed, filled in, scanned and uploaded; each field is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import cv2
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.form import Form
from pipeline.domain.model import Person
from pipeline.files.images import decode_image
from pipeline.files.page_files import JPEG
from pipeline.forms.problems import FormProblem
from pipeline.preparation.form_editor import actions
from pipeline.preparation.form_editor.draft_form import check_draft
from pipeline.preparation.form_editor.drafts import Draft
from pipeline.preparation.form_editor.trial import (
    TrialPage,
    TrialRemark,
    load_trial_results,
    print_trial_sheet,
    run_trial,
)
from pipeline.preparation.form_editor.trial_judging import (
    TrialFieldResult,
    is_serious,
    most_likely_value,
)
from pipeline.reading.imaging.geometry import PX_PER_MM
from pipeline.store.accounts import people
from ui.browser.page_view import data_url
from ui.i18n import current_language, format_moment, format_percentage, t
from ui.markdown import md, plain, plain_with_code
from ui.screens.forms import state
from ui.screens.forms.new_form import ACCEPTED_SUFFIXES
from ui.screens.forms.previews import form_images
from ui.screens.forms.problems import problem_text
from ui.workspace import AppContext

_RESULTS_KEY = "forms_judged"
_CROP_MARGIN_MM = 3.0


def trial_section(context: AppContext, person: Person, draft: Draft) -> None:
    """Show the trial, and the way to a form in use."""
    draft_check = check_draft(draft)
    if draft_check.form is None or draft_check.problems:
        state.note_tried(draft.id)
        st.warning(md("forms.mend_first", count=len(draft_check.problems)), icon=":material/error:")
        for problem in draft_check.problems:
            st.markdown(f"- {plain_with_code(problem_text(draft, problem))}")
        return
    left, right = st.columns([1, 1.15], gap="large")
    with left:
        _trial_sheet_section(context, person, draft, draft_check.form)
        form_images(draft_check.form, numbers=True)
    with right:
        _publish_section(context, person, draft, draft_check.form)
        _results_section(draft)


def _trial_sheet_section(context: AppContext, person: Person, draft: Draft, form: Form) -> None:
    st.subheader(t("forms.trial"), anchor=False)
    if form.printed_elsewhere:
        st.markdown(t("forms.trial_elsewhere"))
    else:
        st.markdown(t("forms.trial_how"))
        pdf = _cached_trial_pdf(form.model_dump_json(), form, context.settings.care_provider)
        st.download_button(
            t("forms.trial_fetch"),
            lambda: pdf,
            f"provblad-{draft.id}.pdf",
            "application/pdf",
            key="forms_trial_pdf",
            icon=":material/print:",
        )
    file = st.file_uploader(
        t("forms.trial_file"), type=ACCEPTED_SUFFIXES, key=f"forms_trial-{draft.id}"
    )
    is_clicked = st.button(
        t("forms.trial_do"),
        key="forms_trial_do",
        disabled=file is None,
        icon=":material/fact_check:",
    )
    if is_clicked and file is not None:
        _run_trial(context, person, draft, file)


def _run_trial(context: AppContext, person: Person, draft: Draft, file: UploadedFile) -> None:
    """Read the sheet; the rows of the results stay in the session while the screen is open."""
    try:
        with st.spinner(t("forms.trial_reading")):
            pages = run_trial(context.store, person, draft, file.getvalue(), file.name)
    except EfterskriftError as error:
        st.error(plain_with_code(state.describe_error(error)), icon=":material/error:")
    else:
        rows = [_result_rows(page) for page in pages]
        st.session_state[_RESULTS_KEY] = (draft.id, draft.revision, rows)


@st.cache_data(max_entries=10, show_spinner=False)
def _cached_trial_pdf(key: str, _form: Form, organisation: str) -> bytes:
    del key
    return print_trial_sheet(_form, organisation)


def _publish_section(context: AppContext, person: Person, draft: Draft, form: Form) -> None:
    results = load_trial_results(draft, form)
    st.subheader(t("forms.publish"), anchor=False)
    if results.at is None:
        st.info(t("forms.not_tried"), icon=":material/info:")
        return
    name = context.store.query(people.names_by_login).get(results.by, results.by)
    st.caption(md("forms.tried_at", at=format_moment(results.at), by=name))
    # All pages must have been tried.
    if results.missing_pages:
        st.info(
            md("forms.pages_missing", pages=", ".join(map(str, results.missing_pages))),
            icon=":material/info:",
        )
        return
    _remarks_list(results.remarks)
    reason = ""
    if results.serious_count:
        st.warning(md("forms.serious", count=results.serious_count), icon=":material/error:")
        reason = st.text_area(
            t("forms.reason"),
            key=f"forms_reason-{draft.id}",
            max_chars=300,
            height=80,
            help=t("forms.reason_help"),
        )
    else:
        st.success(t("forms.no_serious"), icon=":material/check:")
    st.caption(t("forms.publish_what"))
    if st.button(
        t("forms.publish_do"), key="forms_publish", type="primary", icon=":material/check:"
    ):
        _publish(context, person, draft, reason)


def _publish(context: AppContext, person: Person, draft: Draft, reason: str) -> None:
    try:
        published = actions.publish_draft(context.store, context.settings, person, draft, reason)
    except EfterskriftError as error:
        st.error(plain_with_code(state.describe_error(error)), icon=":material/error:")
    else:
        st.session_state.pop(_RESULTS_KEY, None)
        state.MESSAGE.done(
            t("forms.is_published", title=published.title, version=published.version)
        )
        state.go_to("form", published.id, published.version)
        st.rerun()


def _remarks_list(remarks: Sequence[TrialRemark]) -> None:
    """Show the remarks, the serious ones first."""
    for remark in sorted(remarks, key=lambda item: not item.is_serious):
        (st.error if remark.is_serious else st.info)(_remark_markdown(remark.label, remark.problem))


def _remark_markdown(label: str, problem: FormProblem) -> str:
    what = _capitalize(problem.what(current_language()))
    remedy = plain_with_code(problem.remedy(current_language()))
    return f"**{plain_with_code(what)}** ({plain(label)})  \n{remedy}"


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]


def _results_section(draft: Draft) -> None:
    """Show every field of the uploaded sheet, its image next to what was read.

    Gone when the screen is left.
    """
    draft_id, revision, pages = st.session_state.get(_RESULTS_KEY, ("", 0, []))
    if (draft_id, revision) != (draft.id, draft.revision):
        return
    st.subheader(t("forms.judged"), anchor=False)
    head = "".join(
        f"<th scope='col'>{escape(t(key))}</th>"
        for key in (
            "forms.column.number",
            "forms.column.picture",
            "forms.column.read",
            "forms.column.judgement",
        )
    )
    body = "".join(row for rows in pages for row in rows)
    table = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    st.html(f"<div class='ef-wide' tabindex='0'><table class='ef-table'>{table}</table></div>")


def _result_rows(page: TrialPage) -> list[str]:
    image = decode_image(page.upright, JPEG)
    return [_result_row(result, _crop_field(image, result)) for result in page.fields]


def _result_row(result: TrialFieldResult, crop: bytes) -> str:
    read, p = "", ""
    if result.reading is not None:
        value = most_likely_value(result.reading)
        read = (
            {True: t("forms.yes"), False: t("forms.no")}.get(value, "")
            if isinstance(value, bool)
            else str(value or "–")
        )
        p = t("forms.certainty", share=format_percentage(result.reading.p))
    remarks = [
        (is_serious(problem), _capitalize(problem.what(current_language())))
        for problem in result.remarks
    ]
    judgement = "".join(
        f"<div class='{'ef-said' if serious else 'ef-muted'}'>{escape(text)}</div>"
        for serious, text in remarks
    ) or escape(t("forms.good"))
    alt = escape(t("forms.crop_of", label=result.spec.full_label), quote=True)
    image = (
        "<img class='ef-control' style='max-height:6rem;min-width:0' "
        f"alt='{alt}' src='{data_url(crop)}'>"
    )
    label = f"{result.number} {result.spec.full_label}"
    return (
        f"<tr><td>{escape(label)}</td><td>{image}</td>"
        f"<td>{escape(read)}<br><small>{escape(p)}</small></td><td>{judgement}</td></tr>"
    )


def _crop_field(image: cv2.typing.MatLike, result: TrialFieldResult) -> bytes:
    x, y, w, h = result.spec.box
    top, left = (max(0, round((side - _CROP_MARGIN_MM) * PX_PER_MM)) for side in (y, x))
    crop = image[
        top : round((y + h + _CROP_MARGIN_MM) * PX_PER_MM),
        left : round((x + w + _CROP_MARGIN_MM) * PX_PER_MM),
    ]
    return bytes(cv2.imencode(".jpg", crop, [int(cv2.IMWRITE_JPEG_QUALITY), 80])[1])
