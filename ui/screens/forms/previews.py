"""The pages of a form as images, rendered once for each state of it."""

from __future__ import annotations

from html import escape

import streamlit as st

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.form import Form
from pipeline.preparation.form_editor.previews import render_page_images
from ui.browser.page_view import data_url
from ui.i18n import t


def form_images(form: Form, *, numbers: bool = False) -> None:
    """Show the pages below each other; the user may switch the field `numbers` on or off."""
    numbers = st.toggle(
        t("forms.numbers"), numbers, key="forms_numbers" if numbers else "forms_numbers_off"
    )
    try:
        images = _cached_page_images(form.model_dump_json(), form, numbers)
    except EfterskriftError:
        st.info(t("forms.no_picture"), icon=":material/info:")
        return
    for page_no, image in enumerate(images, start=1):
        alt = escape(
            t("forms.page_of", page=page_no, pages=len(images), title=form.title), quote=True
        )
        st.html(f'<img class="ef-page" alt="{alt}" src="{data_url(image, "image/png")}">')


@st.cache_data(max_entries=40, show_spinner=False)
def _cached_page_images(key: str, _form: Form, numbers: bool) -> list[bytes]:
    del key
    return render_page_images(_form, numbers=numbers)
