"""The library of published forms, the program's and the workspace's, reloaded when one is added.

Published versions are frozen: paper must be read with the geometry that it was printed with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.form.page import PageSpec
from pipeline.domain.settings import Settings
from pipeline.files.atomic import write_atomically
from pipeline.forms.problems import FormProblem, text_with_remedy
from pipeline.texts import Text

PUBLISHED_FILE = "published.json"
FileStamp = tuple[int, int]
"""Time of modification (ns) and size (bytes) of a file."""


def geometry_digest(form: Form) -> str:
    """Compute the SHA-256 of all that is needed to read the form.

    That is names, kinds, boxes, formats, cells and options of every page, in order; for a form
    printed elsewhere also the size of the page and the file of the blank page.

    Raises:
        FormError: that file cannot be read.
    """
    pages = [
        [*_external_geometry(page), *(_field_geometry(spec) for spec in page.all_fields)]
        for page in form.pages
    ]
    return hashlib.sha256(json.dumps(pages, sort_keys=True).encode()).hexdigest()


def _external_geometry(page: PageSpec) -> list[dict[str, Any]]:
    if page.blank is None:
        return []
    try:
        return [{"size": page.size, "blank": hashlib.sha256(page.blank.read_bytes()).hexdigest()}]
    except OSError as error:
        raise FormError("blank_unreadable", blank=page.blank, reason=error.strerror) from error


def _field_geometry(spec: FieldSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "kind": spec.kind,
        "box": spec.area.as_list(),
        "format": spec.format,
        "cells": spec.cell_count,
        "decimals": spec.decimals,
        "lines": spec.lines,
        "row": spec.row,
        # Rounded to 0.01 mm: binary rounding must not change the digest.
        "options": [(option.value, [round(v, 2) for v in option.box]) for option in spec.options],
    }


def load_published(folder: Path) -> dict[str, str]:
    """Load the digests of published forms by `<id>/<version>`, from `published.json`.

    It is empty if the folder of forms has no such file.

    Raises:
        FormError: the file is no JSON object.
    """
    path = folder / PUBLISHED_FILE
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise FormError("not_a_json_object", path=path) from error


def frozen_problem_texts(form: Form, digests: Mapping[str, str]) -> list[Text]:
    """Describe how a form differs from what was published, with remedies; empty if it does not."""
    return [
        text_with_remedy(f"form_problem.{problem.code}", problem.values)
        for problem in find_frozen_problems(form, digests)
    ]


def find_frozen_problems(form: Form, digests: Mapping[str, str]) -> list[FormProblem]:
    """Find whether a form is unpublished or differs from its published version."""
    key = f"{form.id}/{form.version}"
    # Unpublished forms have no geometry to compare with.
    if key not in digests:
        return [FormProblem("unpublished", {"key": key, "file": PUBLISHED_FILE}, ("version",))]
    if digests[key] != geometry_digest(form):
        return [FormProblem("frozen", {"key": key, "next": form.version + 1}, ("version",))]
    return []


def publish_forms(folder: Path) -> list[str]:
    """Add every form version that is not yet in `published.json`; return those that were added.

    Raises:
        FormError: a published version was changed. Nothing is written then.
    """
    digests = load_published(folder)
    forms = {f"{form.id}/{form.version}": form for form in Forms.load(folder).values()}
    # Check all published forms before anything is written.
    for key in forms.keys() & digests.keys():
        if problems := frozen_problem_texts(forms[key], digests):
            # The first problem is enough: nothing is published.
            raise FormError("form_frozen", problem=problems[0])
    added = sorted(forms.keys() - digests.keys())
    digests |= {key: geometry_digest(forms[key]) for key in added}
    write_atomically(folder / PUBLISHED_FILE, json.dumps(digests, indent=2, sort_keys=True) + "\n")
    return added


class FormLibrary:
    """The forms in use, loaded again only when one was published in the workspace."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stamp = self._read_stamp()
        self._forms = Forms.load(*settings.form_folders)

    def forms(self) -> Forms:
        """Return all forms; the same object as long as nothing was published.

        Raises:
            FormError: a form's file is wrong.
        """
        if (stamp := self._read_stamp()) != self._stamp:
            self._forms = Forms.load(*self._settings.form_folders)
            self._stamp = stamp
        return self._forms

    def _read_stamp(self) -> FileStamp:
        # A form of the workspace is in use once it is in its list of published forms.
        try:
            state = (self._settings.own_forms / PUBLISHED_FILE).stat()
        except OSError:
            return (0, 0)
        return state.st_mtime_ns, state.st_size
