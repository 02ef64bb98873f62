"""Published versions are frozen: paper that is out there must be read with the geometry that it was printed with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import FormError
from pipeline.field_spec import FieldSpec
from pipeline.form_faults import Fault
from pipeline.page_spec import PageSpec
from pipeline.template import Form, Forms

FILE = "published.json"


def geometry_digest(form: Form) -> str:
    """SHA-256 of all that a machine needs for reading the form: names, kinds, boxes, formats, cells and options of every page, in order.

    Of a form printed elsewhere also the size of the page and the file that shows it unfilled.

    Raises:
        FormError: that file cannot be read.
    """
    pages = [[*_elsewhere(page), *(_geometry(spec) for spec in page.all_fields)] for page in form.pages]
    return hashlib.sha256(json.dumps(pages, sort_keys=True).encode()).hexdigest()


def _elsewhere(page: PageSpec) -> list[dict[str, Any]]:
    if page.blank is None:
        return []
    try:
        return [{"size": page.size, "blank": hashlib.sha256(page.blank.read_bytes()).hexdigest()}]
    except OSError as error:
        raise FormError("blank_unreadable", blank=page.blank, reason=error.strerror) from error


def _geometry(spec: FieldSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "kind": spec.kind,
        "box": spec.area.as_list(),
        "format": spec.format,
        "cells": spec.cell_count,
        "decimals": spec.decimals,
        "lines": spec.lines,
        "row": spec.row,
        "options": [(option.value, [round(v, 2) for v in option.box]) for option in spec.options],
    }


def published(folder: Path) -> dict[str, str]:
    """`<id>/<version>` → digest, as `published.json` in the folder of forms says; empty if there is none.

    Raises:
        FormError: the file is not what it should be.
    """
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except (ValueError, TypeError) as error:
        raise FormError("not_json_object", path=path) from error


def frozen_problems(form: Form, digests: Mapping[str, str]) -> list[str]:
    """Why a form differs from what was published, if it does."""
    return [f"{fault.what('en')} {fault.remedy('en')}" for fault in frozen_faults(form, digests)]


def frozen_faults(form: Form, digests: Mapping[str, str]) -> list[Fault]:
    """As `frozen_problems`, to be told in words."""
    key = f"{form.id}/{form.version}"
    if key not in digests:
        return [Fault("unpublished", {"key": key, "file": FILE}, ("version",))]
    if digests[key] != geometry_digest(form):
        return [Fault("frozen", {"key": key, "next": form.version + 1}, ("version",))]
    return []


def publish(folder: Path) -> list[str]:
    """Add every form version that is not yet in `published.json`; answers those that were added.

    Raises:
        FormError: a published version was changed. Nothing is written then.
    """
    digests = published(folder)
    forms = {f"{form.id}/{form.version}": form for form in Forms.load(folder).values()}
    for key in forms.keys() & digests.keys():
        if problems := frozen_problems(forms[key], digests):
            raise FormError("form_frozen", problem=problems[0])
    added = sorted(forms.keys() - digests.keys())
    digests |= {key: geometry_digest(forms[key]) for key in added}
    (folder / FILE).write_text(json.dumps(digests, indent=2, sort_keys=True) + "\n", "utf-8")
    return added
