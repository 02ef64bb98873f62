"""The library of published forms, the program's and the workspace's, reloaded when one is added.

Published versions are frozen: paper must be read with the geometry that it was printed with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.form.page import Grid, PageSpec, Table
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


# Write a form as a readable `form.yaml`: one field per line where it fits, without defaults.

PLACED_HEADER = (
    "# Placed from outline.yaml by `efterskrift forms place {id}`: change that, not this."
)
DRAWN_HEADER = "# Drawn on the blank of a form that is printed elsewhere."
_WIDTH = 160


class _FlowMapping(dict[str, Any]):
    """A mapping that is written on one line if it fits."""


class _FlowSequence(list[Any]):
    """A list that is written on one line."""


class _Dumper(yaml.SafeDumper):
    """Writes YAML with indented lists."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's signature
        super().increase_indent(flow, False)


_Dumper.add_representer(
    _FlowMapping,
    lambda dumper, data: dumper.represent_mapping(
        "tag:yaml.org,2002:map", data.items(), flow_style=True
    ),
)
_Dumper.add_representer(
    _FlowSequence,
    lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True),
)


def dump_form(form: Form) -> str:
    """Return the text of the form's `form.yaml`, from which the same form can be loaded."""
    # Default values are left out.
    values = form.model_dump(mode="json", exclude={"pages"}, exclude_defaults=True)
    head = {
        key: [_to_flow(code) for code in value] if key == "codes" else value
        for key, value in values.items()
    }
    body = {"pages": [_dump_page(page) for page in form.pages]}
    comment = (DRAWN_HEADER if form.printed_elsewhere else PLACED_HEADER).format(id=form.id)
    return "\n".join((comment, _dump_yaml(head).rstrip(), "", _dump_yaml(body)))


def _dump_yaml(data: dict[str, Any], width: int = _WIDTH) -> str:
    return yaml.dump(
        data,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=width,
    )


def _dump_page(page: PageSpec) -> dict[str, Any]:
    # A form printed elsewhere has the blank's file and size on each page.
    values: dict[str, Any] = (
        {"blank": page.blank.name, "size": _FlowSequence(map(_plain_number, page.size))}
        if page.blank
        else {}
    )
    if page.sections:
        values["sections"] = [
            _to_flow(section.model_dump(mode="json")) for section in page.sections
        ]
    if page.texts:
        values["texts"] = [
            _to_flow(text.model_dump(mode="json", exclude_defaults=True)) for text in page.texts
        ]
    values["fields"] = [_dump_field(spec) for spec in page.fields]
    if page.table:
        values["table"] = _dump_table(page.table)
    if page.grids:
        values["grids"] = [_dump_grid(grid) for grid in page.grids]
    return values


def _dump_grid(grid: Grid) -> dict[str, Any]:
    values = grid.model_dump(mode="json", exclude={"fields", "days"})
    days = grid.days.model_dump(mode="json", exclude={"field", "codes"})
    return {key: _plain_number(value) for key, value in values.items()} | {
        "fields": [_dump_field(spec) for spec in grid.fields],
        "days": {key: _plain_number(value) for key, value in days.items()}
        | {"codes": [_to_flow(code.model_dump()) for code in grid.days.codes]}
        | {"field": _dump_field(grid.days.field)},
    }


def _dump_table(table: Table) -> dict[str, Any]:
    values = table.model_dump(mode="json", exclude={"fields"})
    return {key: _plain_number(value) for key, value in values.items()} | {
        "fields": [_dump_field(spec) for spec in table.fields]
    }


def _dump_field(spec: FieldSpec) -> dict[str, Any]:
    """Return a field with name and label first and box last; a choice has its options below it."""
    values = {
        key: value
        for key, value in spec.model_dump(mode="json", exclude_defaults=True).items()
        if value is not None
    }
    box, options = _FlowSequence(map(_plain_number, values.pop("box"))), values.pop("options", [])
    ordered = {key: values.pop(key) for key in ("name", "label")} | values
    flow = {
        key: _FlowSequence(value) if isinstance(value, list) else _plain_number(value)
        for key, value in ordered.items()
    } | {"box": box}
    if options:
        return flow | {"options": [_to_flow(option) for option in options]}
    # One line if the whole mapping fits in the width; else one key per line.
    fits_line = len(_dump_yaml(_FlowMapping(flow), 10**6)) < _WIDTH
    return _FlowMapping(flow) if fits_line else flow


def _to_flow(values: dict[str, Any]) -> _FlowMapping:
    return _FlowMapping(
        {
            key: _FlowSequence(map(_plain_number, value))
            if isinstance(value, list | tuple)
            else _plain_number(value)
            for key, value in values.items()
        }
    )


def _plain_number(value: Any) -> Any:  # noqa: ANN401 - any scalar of YAML
    """Return a length without a needless decimal."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
