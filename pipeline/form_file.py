"""A form as a `form.yaml` that a person can read: one field a line where it fits, what is not said left out."""

from __future__ import annotations

from typing import Any

import yaml

from pipeline.field_spec import FieldSpec
from pipeline.page_spec import PageSpec, Table
from pipeline.template import Form

FIRST_LINE = "# Placed from outline.yaml by `efterskrift forms place {id}`: change that, not this."
DRAWN_LINE = "# Drawn on the blank of a form that is printed elsewhere."
_WIDTH = 160


class _Flow(dict[str, Any]):
    """Written on one line if it fits."""


class _Row(list[Any]):
    """Written on one line."""


class _Dumper(yaml.SafeDumper):
    """YAML as in the other forms: lists indented, blocks of fields in flow style."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML's signature
        super().increase_indent(flow, False)


_Dumper.add_representer(_Flow, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True))
_Dumper.add_representer(_Row, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True))


def form_yaml(form: Form) -> str:
    """The text of the form's `form.yaml`, from which the same form is read again."""
    told = form.model_dump(mode="json", exclude={"pages"}, exclude_defaults=True)
    order = ("id", "version", "title", "area", "criticality", "subject", "law", "codes", "entries", "deadline", "norm")
    head = {key: [_flow(one) for one in told[key]] if key == "codes" else told[key] for key in order if key in told}
    body = {"pages": [_page(page) for page in form.pages]}
    first = DRAWN_LINE if form.printed_elsewhere else FIRST_LINE
    return "\n".join((first.format(id=form.id), _text(head).rstrip(), "", _text(body)))


def _text(data: dict[str, Any], width: int = _WIDTH) -> str:
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=width)


def _page(page: PageSpec) -> dict[str, Any]:
    told: dict[str, Any] = {"blank": page.blank.name, "size": _Row(map(_plain, page.size))} if page.blank else {}
    if page.sections:
        told["sections"] = [_flow(section.model_dump(mode="json")) for section in page.sections]
    if page.texts:
        told["texts"] = [_flow(text.model_dump(mode="json", exclude_defaults=True)) for text in page.texts]
    told["fields"] = [_field(spec) for spec in page.fields]
    if page.table:
        told["table"] = _table(page.table)
    return told


def _table(table: Table) -> dict[str, Any]:
    told = table.model_dump(mode="json", exclude={"fields"})
    return {key: _plain(value) for key, value in told.items()} | {"fields": [_field(spec) for spec in table.fields]}


def _field(spec: FieldSpec) -> dict[str, Any]:
    """Name and label first, box last; a choice has its options below it."""
    told = {key: value for key, value in spec.model_dump(mode="json", exclude_defaults=True).items() if value is not None}
    box, options = _Row(map(_plain, told.pop("box"))), told.pop("options", [])
    ordered = {key: told.pop(key) for key in ("name", "label")} | told
    flow = {key: _Row(value) if isinstance(value, list) else _plain(value) for key, value in ordered.items()} | {"box": box}
    if not options:
        return _Flow(flow) if len(_text(_Flow(flow), 10**6)) < _WIDTH else flow
    return flow | {"options": [_flow(option) for option in options]}


def _flow(told: dict[str, Any]) -> _Flow:
    return _Flow({key: _Row(map(_plain, value)) if isinstance(value, list | tuple) else _plain(value) for key, value in told.items()})


def _plain(value: Any) -> Any:  # noqa: ANN401 - any scalar of YAML
    """A length without a needless decimal."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
