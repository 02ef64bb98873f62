"""A form as a `form.yaml` that a person can read: one field a line where it fits, what is not said
left out.
"""

from __future__ import annotations

from typing import Any

import yaml

from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form
from pipeline.domain.form.page import PageSpec, Table

PLACED_HEADER = (
    "# Placed from outline.yaml by `efterskrift forms place {id}`: change that, not this."
)
DRAWN_HEADER = "# Drawn on the blank of a form that is printed elsewhere."
_WIDTH = 160


class _FlowMapping(dict[str, Any]):
    """Written on one line if it fits."""


class _FlowSequence(list[Any]):
    """Written on one line."""


class _Dumper(yaml.SafeDumper):
    """YAML as in the other forms: lists indented, blocks of fields in flow style."""

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
    """The text of the form's `form.yaml`, from which the same form is read again."""
    told = form.model_dump(mode="json", exclude={"pages"}, exclude_defaults=True)
    order = (
        "id",
        "version",
        "title",
        "area",
        "criticality",
        "subject",
        "law",
        "codes",
        "entries",
        "deadline",
        "norm",
    )
    head = {
        key: [_to_flow(one) for one in told[key]] if key == "codes" else told[key]
        for key in order
        if key in told
    }
    body = {"pages": [_dump_page(page) for page in form.pages]}
    first = DRAWN_HEADER if form.printed_elsewhere else PLACED_HEADER
    return "\n".join((first.format(id=form.id), _dump_yaml(head).rstrip(), "", _dump_yaml(body)))


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
    told: dict[str, Any] = (
        {"blank": page.blank.name, "size": _FlowSequence(map(_plain_number, page.size))}
        if page.blank
        else {}
    )
    if page.sections:
        told["sections"] = [_to_flow(section.model_dump(mode="json")) for section in page.sections]
    if page.texts:
        told["texts"] = [
            _to_flow(text.model_dump(mode="json", exclude_defaults=True)) for text in page.texts
        ]
    told["fields"] = [_dump_field(spec) for spec in page.fields]
    if page.table:
        told["table"] = _dump_table(page.table)
    return told


def _dump_table(table: Table) -> dict[str, Any]:
    told = table.model_dump(mode="json", exclude={"fields"})
    return {key: _plain_number(value) for key, value in told.items()} | {
        "fields": [_dump_field(spec) for spec in table.fields]
    }


def _dump_field(spec: FieldSpec) -> dict[str, Any]:
    """Name and label first, box last; a choice has its options below it."""
    told = {
        key: value
        for key, value in spec.model_dump(mode="json", exclude_defaults=True).items()
        if value is not None
    }
    box, options = _FlowSequence(map(_plain_number, told.pop("box"))), told.pop("options", [])
    ordered = {key: told.pop(key) for key in ("name", "label")} | told
    flow = {
        key: _FlowSequence(value) if isinstance(value, list) else _plain_number(value)
        for key, value in ordered.items()
    } | {"box": box}
    if not options:
        return _FlowMapping(flow) if len(_dump_yaml(_FlowMapping(flow), 10**6)) < _WIDTH else flow
    return flow | {"options": [_to_flow(option) for option in options]}


def _to_flow(told: dict[str, Any]) -> _FlowMapping:
    return _FlowMapping(
        {
            key: _FlowSequence(map(_plain_number, value))
            if isinstance(value, list | tuple)
            else _plain_number(value)
            for key, value in told.items()
        }
    )


def _plain_number(value: Any) -> Any:  # noqa: ANN401 - any scalar of YAML
    """A length without a needless decimal."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
