"""Photos that a phone takes of paper: several pages, each shown with its edges before it is sent.

The photo is taken by the phone's own camera at its full resolution; `document.js` asks for it.
"""

from __future__ import annotations

from functools import partial

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pipeline.domain.errors import EfterskriftError
from pipeline.operations.photo_check import PhotoCheck, PhotoProblem, check_photo
from ui.browser.page_view import data_url
from ui.i18n import t
from ui.markdown import md, plain_with_code
from ui.session import requires_open_session
from ui.widgets.errors import error_text
from ui.workspace import AppContext

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
