"""Write a form as a readable `form.yaml`: one field per line where it fits, without defaults."""

from __future__ import annotations

from typing import Any

import yaml

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form
from pipeline.domain.form.page import Grid, PageSpec, Table

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
