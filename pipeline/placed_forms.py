"""Forms that are placed from an outline: writing `form.yaml`, and whether it is still what its outline gives."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import FormError
from pipeline.form_file import form_yaml
from pipeline.form_layout import place
from pipeline.outline import load_outline
from pipeline.published import geometry_digest, published
from pipeline.template import Form

OUTLINE, FORM = "outline.yaml", "form.yaml"


def write_placed(folder: Path) -> Form:
    """Place the outline of a form's folder and write its `form.yaml`.

    Raises:
        FormError: the outline is wrong or does not fit (`LayoutError`), or this version was published with another geometry.
    """
    form = place(load_outline(folder / OUTLINE))
    if form.id != folder.name:
        raise FormError("outline_says", folder=folder.name, form=form.id)
    frozen = published(folder.parent).get(f"{form.id}/{form.version}")
    if frozen not in (None, geometry_digest(form)):
        raise FormError("version_published_another_geometry", form=form.id, version=form.version, version_2=form.version + 1)
    (folder / FORM).write_text(form_yaml(form), "utf-8")
    return form


def is_placed(folder: Path) -> bool:
    """Whether the `form.yaml` of a folder is, word for word, what its outline gives."""
    return (folder / FORM).read_text("utf-8") == form_yaml(place(load_outline(folder / OUTLINE)))
