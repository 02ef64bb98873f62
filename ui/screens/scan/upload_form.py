"""Handing in paper: files, a whole folder, or photos that a phone takes."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import StopException
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.law.permissions import Action, permitted_units
from pipeline.domain.model import Person
from pipeline.files.page_files import INTAKE_SUFFIXES, natural_sort_key
from pipeline.operations.intake import IntakeResult, import_uploads
from pipeline.operations.photo_check import PhotoCheck, PhotoProblem, check_photo
from pipeline.preparation.digital_forms.table_rows import TABLE_SUFFIXES
from pipeline.store.schema.clock import utc_now
from ui.access.upload_memory import release_uploads
from ui.browser.page_view import data_url
from ui.i18n import format_recent, t
from ui.markdown import md, plain, plain_with_code
from ui.screens.scan import upload_tables
from ui.screens.scan.stacks import INTAKE_RESULT_KEY
from ui.session import requires_open_session
from ui.widgets.heading import translate_upload_button
from ui.widgets.messages import error_text
from ui.widgets.run_once import RunOnce, run_once
from ui.workspace import AppContext

_FILE_TYPES = sorted(suffix.removeprefix(".") for suffix in INTAKE_SUFFIXES | TABLE_SUFFIXES)
_UPLOAD_COUNT_KEY, _UPLOADED_KEY = "uploads_sent", "uploaded"
_FILES, _FOLDER, _PHOTOS = _WAYS = ("files", "folder", "photos")


def upload_form(context: AppContext, person: Person) -> None:
    """Show the choice of the way, and what that way needs."""
    st.header(t("scan.upload"), anchor=False)
    if upload_tables.is_asking():
        answered = upload_tables.ask_for_forms(context, _forget_upload)
        if answered is not None:
            _import(context, person, answered)
        return
    way = st.segmented_control(
        t("scan.way"),
        _WAYS,
        default=_FILES,
        format_func=lambda way: plain(t(f"scan.way.{way}")),
        key="upload_way",
        required=True,
        label_visibility="collapsed",
    )
    translate_upload_button(t(f"scan.choose.{way}"))
    if way == _PHOTOS:
        photo_list(context)
    with st.form("upload", border=True):
        units = sorted(permitted_units(person, Action.SCAN))
        unit = st.selectbox(
            t("scan.unit"),
            units,
            index=0 if len(units) == 1 else None,  # no unit by chance
            placeholder=t("scan.unit_choose"),
            key="upload_unit",
        )
        place = st.text_input(
            t("scan.place"), key="upload_place", placeholder=t("scan.place_example"), max_chars=200
        )
        files = photo_files() if way == _PHOTOS else _uploader(way == _FOLDER)
        is_sent = st.form_submit_button(
            t("scan.take_in"), key="upload_submit", type="primary", width="stretch"
        )
    if not is_sent:
        _uploaded_line()
        return
    if not files or not unit:
        st.warning(t(f"scan.none.{way}"))
        return
    upload = upload_tables.Upload(unit, place.strip(), files)
    if way != _PHOTOS and upload_tables.begin(upload):
        return
    _import(context, person, upload)


def _uploader(is_folder: bool) -> list[UploadedFile]:
    count = st.session_state.get(_UPLOAD_COUNT_KEY, 0)
    if is_folder:
        files = st.file_uploader(
            t("scan.folder"),
            type=_FILE_TYPES,
            accept_multiple_files="directory",
            key=f"upload_folder_{count}",
        )
        # The browser names the files in no certain order.
        return sorted(files, key=lambda file: natural_sort_key(Path(file.name)))
    return st.file_uploader(
        t("scan.files"),
        type=_FILE_TYPES,
        accept_multiple_files=True,
        key=f"upload_files_{count}",
    )


def _import(context: AppContext, person: Person, upload: upload_tables.Upload) -> None:
    """Import the files to the last page, even if the user clicks something else meanwhile."""
    upload_count = st.session_state.get(_UPLOAD_COUNT_KEY, 0)
    bar = st.progress(0.0, md("scan.taking_in", count=0))
    contents = upload.contents or [(file.name, file.getvalue()) for file in upload.files]
    intake: RunOnce[IntakeResult] = run_once(INTAKE_RESULT_KEY)
    action = partial(
        import_uploads,
        context.store,
        context.settings,
        contents,
        person=person,
        unit=upload.unit,
        place=upload.place,
        on_page=partial(_show_import_progress, bar),
    )
    try:
        intake.run((upload_count, upload.unit, upload.place), action)
    except EfterskriftError:  # shown by `live_stacks`, also after the screen was left
        bar.empty()
        return
    if (result := intake.result()) is None:
        return
    # What was imported is told by the next run, whose uploader has another key and is empty.
    st.session_state[_UPLOADED_KEY] = (len(upload.files), result, utc_now())
    _forget_upload(upload.files)
    st.rerun()


def _forget_upload(files: list[UploadedFile]) -> None:
    """Begin with no files, once they are imported or not wanted any more."""
    release_uploads(files)
    forget_photos()
    upload_tables.forget()
    st.session_state[_UPLOAD_COUNT_KEY] = st.session_state.get(_UPLOAD_COUNT_KEY, 0) + 1


def _uploaded_line() -> None:
    """Say how many files the last upload took and which stack they became, or that none is new."""
    if _UPLOADED_KEY not in st.session_state:
        return
    count, result, at = st.session_state[_UPLOADED_KEY]
    said = {"count": count, "pages": result.pages}
    if not result.new:
        st.warning(md("scan.nothing_new", **said), icon=":material/content_copy:")
        return
    st.success(md("scan.taken", at=format_recent(at, utc_now()), **said), icon=":material/check:")
    if result.repeated and not result.is_resumed:
        st.warning(md("scan.some_known", count=result.repeated), icon=":material/content_copy:")


def _show_import_progress(bar: DeltaGenerator, count: int) -> None:
    """Show the progress of the import.

    The number of pages is not known during the import, so the bar only approaches its end. Nothing
    is shown any more once the screen is left.
    """
    with suppress(StopException):
        bar.progress(count / (count + 20), md("scan.taking_in", count=count))


# Photos that a phone takes of paper: several pages, each shown with its edges before it is sent.
#
# The photo is taken by the phone's own camera at its full resolution; `document.js` asks for it.

_TYPES = ["jpg", "jpeg", "png", "heic", "heif", "webp"]
_FILES_KEY, _CHECKS_KEY, _TAKEN_KEY = "photo_files", "photo_checks", "photos_taken"
_PLACE_KEY = "photo_place"
"""Session-state key of the place of the photo that is taken again."""
_MAX_PHOTOS = 40


def photo_files() -> list[UploadedFile]:
    """Return the photos in the order of the pages.

    They lie in the session's state, where the limit of held uploads counts them.
    """
    files: list[UploadedFile] = st.session_state.setdefault(_FILES_KEY, [])
    return files


def forget_photos() -> None:
    """Begin with no photo, once they are imported."""
    for key in (_FILES_KEY, _CHECKS_KEY, _PLACE_KEY):
        st.session_state.pop(key, None)


def photo_list(context: AppContext) -> None:
    """Show the button that takes a photo, and every photo with the edges that were found."""
    files, checks = photo_files(), _photo_checks()
    st.caption(t("scan.photo.how"))
    taken_count = st.session_state.get(_TAKEN_KEY, 0)
    if len(files) < _MAX_PHOTOS:
        photo = st.file_uploader(
            md("scan.photo.take", number=_next_place() + 1),
            type=_TYPES,
            # A number of its own for each photo, or the uploader would give the last one again.
            key=f"upload_photo_{taken_count}",
        )
        if photo is not None:
            _add_photo(photo, taken_count)
    for place, (file, check) in enumerate(zip(files, checks, strict=True)):
        _photo_line(context, place, file, check)


def _photo_checks() -> list[PhotoCheck]:
    checks: list[PhotoCheck] = st.session_state.setdefault(_CHECKS_KEY, [])
    return checks


def _next_place() -> int:
    place: int = st.session_state.get(_PLACE_KEY, len(photo_files()))
    return min(place, len(photo_files()))


def _add_photo(photo: UploadedFile, taken_count: int) -> None:
    try:
        with st.spinner(t("scan.photo.looking")):
            check = check_photo(photo.getvalue(), photo.name)
    except EfterskriftError as error:
        st.error(plain_with_code(error_text(error)), icon=":material/error:")
        return
    place = _next_place()
    photo_files().insert(place, photo)
    _photo_checks().insert(place, check)
    st.session_state.pop(_PLACE_KEY, None)
    st.session_state[_TAKEN_KEY] = taken_count + 1
    st.rerun()


def _photo_line(context: AppContext, place: int, file: UploadedFile, check: PhotoCheck) -> None:
    with st.container(border=True, key=f"photo-{place}"):
        if check.preview:
            alt = t("scan.photo.alt", number=place + 1)
            st.html(f'<img class="ef-photo" alt="{alt}" src="{data_url(check.preview)}">')
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(md(_verdict_key(check), number=place + 1), width="stretch")
            st.button(
                t("scan.photo.again"),
                key=f"photo_again-{file.file_id}",
                icon=":material/photo_camera:",
                on_click=partial(_take_again, context, place),
            )
        for problem in check.problems:
            st.warning(t(f"scan.photo.{problem.value}"), icon=":material/warning:")


def _verdict_key(check: PhotoCheck) -> str:
    if PhotoProblem.UNREADABLE in check.problems:
        return "scan.photo.page"
    if check.is_known:
        return "scan.photo.known"
    return "scan.photo.page" if check.problems else "scan.photo.edges"


@requires_open_session
def _take_again(context: AppContext, place: int) -> None:
    del context
    if place < len(photo_files()):
        photo_files().pop(place)
        _photo_checks().pop(place)
        st.session_state[_PLACE_KEY] = place
