"""What the paper says and the columns of a table do not take.

An entry goes to one target: what its file leaves out is in no system at all.
"""

from __future__ import annotations

from collections.abc import Collection

from pipeline.export.exporter import ExportOptions, Item
from pipeline.export.mapping import TableMapping
from pipeline.export.record_text import (
    field_value,
    find_record_form,
    format_field_value,
    labelled,
)
from pipeline.texts import Text

REST_SOURCE = "rest.text"
"""The source of a column that holds all that the others leave out."""


def unmapped_fields_text(item: Item, options: ExportOptions) -> str:
    """Return each field that no column takes with its label, a line each.

    A box without a mark says nothing, not no. Who, when and by whom are left out here: mappings
    have other sources for them.
    """
    record, form = item.record, find_record_form(item.record, options.forms)
    mapping = options.mappings.get(record.form)
    mapped = mapping.fields() if mapping else set[str]()
    with_own_source = (
        {spec.column for spec in form.entry_fields(record.row) if spec.means is not None}
        if form
        else set[str]()
    )
    names = [
        name
        for name in record.fields
        if name not in mapped | with_own_source
        and field_value(record, name, options.forms) is not False
    ]
    return "\n".join(
        labelled(record, name, words)
        for name in names
        if (words := format_field_value(record, name, options.forms))
    )


def unmapped_fields_notices(
    options: ExportOptions, exported_forms: Collection[str]
) -> tuple[Text, ...]:
    """Return which fields of these forms the tables of a target leave out, a sentence a form."""
    notices = (
        _unmapped_fields_notice(form_id, mapping, options)
        for form_id, mapping in sorted(options.mappings.items())
        if form_id in exported_forms
    )
    return tuple(notice for notice in notices if notice)


def _unmapped_fields_notice(form_id: str, mapping: object, options: ExportOptions) -> Text | None:
    versions = [form for (known_id, _), form in options.forms.items() if known_id == form_id]
    if (
        not isinstance(mapping, TableMapping)
        or not versions
        or any(column.source == REST_SOURCE for column in mapping.columns)
    ):
        return None
    newest, mapped = max(versions, key=lambda form: form.version), mapping.fields()
    # A field that only an older version has is left out as well.
    labels = dict.fromkeys(
        spec.full_label
        for form in versions
        for spec in form.fields
        if spec.means is None and spec.column not in mapped
    )
    if not labels:
        return None
    return Text(
        "export_notice.unmapped_fields",
        {"form": newest.title, "labels": ", ".join(labels), "source": REST_SOURCE},
    )
