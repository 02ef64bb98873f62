"""The image of each field as HTML, for the rows of a sheet."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.domain.form.field_labels import accessible_names
from pipeline.store.entries.entry_view import EntryView, FieldView
from ui.browser.image_cache import crop_html, image_id
from ui.i18n import t
from ui.widgets.images import is_registered, page_image
from ui.workspace import AppContext


def field_crops(context: AppContext, view: EntryView) -> dict[str, str]:
    """Return HTML that shows the image of each field, empty where there is none."""
    image_ids, labels = _image_ids(context, view), accessible_names(view.form, view.entry.row)
    return {
        field.spec.name: _field_crop_html(view, field, labels[field.spec.name], image_ids)
        for field in view.fields
    }


def _image_ids(context: AppContext, view: EntryView) -> dict[str, str]:
    """Return the id in the browser of the image of each registered page."""
    images = {
        page.id: page_image(context, page, view.covered.boxes.get(page.id, ()))
        for page in view.pages
        if is_registered(page)
    }
    return {page: image_id(image) for page, image in images.items() if image is not None}


def _field_crop_html(
    view: EntryView, field: FieldView, label: str, image_ids: Mapping[str, str]
) -> str:
    name = image_ids.get(field.page or "")
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
