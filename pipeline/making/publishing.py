"""From draft to a form in use: laid into the workspace's folder of forms and frozen. Its checksum in `published.json` is what puts it in use."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from pipeline.errors import FormError, FormMakingError
from pipeline.form_file import form_yaml
from pipeline.making.drafts import BOXES, FORM, OUTLINE, Draft, retire
from pipeline.making.drawn_boxes import BLANK
from pipeline.published import FILE, geometry_digest, published
from pipeline.template import Form, load_form


def lay_out(draft: Draft, form: Form, folder: Path) -> None:
    """Make a draft's form the present version in a folder of forms; the version before it goes into a folder of its own.

    Raises:
        FormError: this version was published before, or an older version is missing.
    """
    key, digests = f"{form.id}/{form.version}", published(folder)
    if key in digests:
        raise FormMakingError("published")
    place = folder / form.id
    _keep_older(place, form)
    place.mkdir(parents=True, exist_ok=True)
    for name in (OUTLINE, BOXES, BLANK):
        if (draft.folder / name).exists():
            shutil.copyfile(draft.folder / name, place / name)
    (place / FORM).write_text(form_yaml(form), "utf-8")
    laid = load_form(place / FORM)
    if geometry_digest(laid) != geometry_digest(form):
        raise FormError("read_file_otherwise_than_tried", form=form.id)
    fresh = folder / f".{FILE}.new"
    fresh.write_text(json.dumps(digests | {key: geometry_digest(laid)}, indent=2, sort_keys=True) + "\n", "utf-8")
    fresh.replace(folder / FILE)
    retire(draft)


def _keep_older(place: Path, form: Form) -> None:
    """Move the present version, with all that belongs to it, to `v<N>`. What a publication that was cut short left is written over."""
    if not (place / FORM).exists():
        return
    present = load_form(place / FORM)
    if present.version >= form.version:
        return
    old = place / f"v{present.version}"
    old.mkdir(exist_ok=True)
    for name in (OUTLINE, BOXES, BLANK, FORM):  # the form last: until then the version is found where it was
        if (place / name).exists():
            (place / name).replace(old / name)
