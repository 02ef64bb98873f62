"""An entry as a person keys it into another system: what it is, its fields in that system's order,
and the text that tells where it comes from.

The order and the words are those of `forms/<id>/export.skriv-in.yaml` where there is one, else
the form's own. A field that the file leaves out follows after the others: nothing that the paper
says is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.record import Record
from pipeline.export.exporter import ExportOptions, Item
from pipeline.export.record_text import (
    amendment_text,
    field_value,
    find_record_form,
    format_event_time,
    format_field_value,
    late_entry_text,
)
from pipeline.export.tables.mapping import ManualEntryMapping

AUTHOR_LABEL = "Namn, den som skrev"
"""Most forms call it "Namn" where the author signs; away from the paper that would be taken for the
client's.
"""
_HEADING_MEANINGS = {Meaning.CLIENT_PID, Meaning.CLIENT_NAME, Meaning.CLIENT_PRINTED}


@dataclass(frozen=True, slots=True)
class EntryBlock:
    """An entry as it is set: filled fields as label and text, labels of unmarked boxes and of empty
    fields, and the text of the late entry.
    """

    title: str
    notice: str
    rows: tuple[tuple[str, str], ...]
    unmarked: tuple[str, ...]
    empty: tuple[str, ...]
    late_entry_text: str

    @property
    def footer_lines(self) -> tuple[str, ...]:
        """The lines below the fields."""
        listed = (("Inte kryssat: ", self.unmarked), ("Tomt: ", self.empty))
        return (
            *(start + "; ".join(labels) for start, labels in listed if labels),
            self.late_entry_text,
        )


def build_block(
    item: Item, options: ExportOptions, left_out: Callable[[FieldSpec], bool] = lambda _: False
) -> EntryBlock:
    """What is set for an entry, without fields that are `left_out`."""
    record = item.record
    words = _field_labels(record, options)
    filled, empty, unmarked = _sort_fields(record, options, left_out)
    notices = [
        amendment_text(item),
        f"Makulera posten om den finns i systemet. Skäl: {record.voided}" if record.voided else "",
    ]
    return EntryBlock(
        title=f"{record.title}, {format_event_time(record)}",
        notice=" ".join(part for part in notices if part),
        rows=tuple(
            (words[name], format_field_value(record, name, options.forms)) for name in filled
        ),
        unmarked=tuple(words[name] for name in unmarked),
        empty=tuple(words[name] for name in empty),
        late_entry_text=late_entry_text(record, options.settings),
    )


def client_heading(item: Item, options: ExportOptions) -> str:
    """Whom the entry is about, as a heading says it."""
    client = item.record.client
    if not has_client(item, options):
        return f"Gäller ingen klient   {item.record.unit}"
    kind = "Tillfällig identitet " if is_temporary_pid(client.pid) else ""
    return f"{kind}{client.pid or 'Personnummer saknas'}   {client.name}"


def has_client(item: Item, options: ExportOptions) -> bool:
    """Whether the entry is about a client: one whose number cannot be read is."""
    form = find_record_form(item.record, options.forms)
    spec = form.meaning(Meaning.CLIENT_PID, item.record.row) if form else None
    if item.record.client.pid or form is None:
        return True
    return spec is not None and (
        spec.column not in item.record.fields or spec.column in item.record.illegible
    )


def _target_field_labels(record: Record, options: ExportOptions) -> dict[str, str]:
    """The fields that the target's own order names, with its words for them."""
    mapping = options.mappings.get(record.form)
    return (
        {one.field: one.title for one in mapping.order}
        if isinstance(mapping, ManualEntryMapping)
        else {}
    )


def _field_labels(record: Record, options: ExportOptions) -> dict[str, str]:
    own = {name: title for name, title in _target_field_labels(record, options).items() if title}
    form = find_record_form(record, options.forms)
    author = form.meaning(Meaning.AUTHOR_NAME, record.row) if form else None
    of_author = {author.column: AUTHOR_LABEL} if author and author.column in record.fields else {}
    return {name: record.labels.get(name, name) for name in record.fields} | of_author | own


def _sort_fields(
    record: Record, options: ExportOptions, left_out: Callable[[FieldSpec], bool]
) -> tuple[list[str], list[str], list[str]]:
    """Names of the filled, the empty and the unmarked fields, in order, without those that the
    heading says.
    """
    form = find_record_form(record, options.forms)
    specs = {spec.column: spec for spec in form.entry_fields(record.row)} if form else {}
    names = [
        name
        for name in dict.fromkeys((*_target_field_labels(record, options), *specs, *record.fields))
        if name in record.fields
    ]
    names = [
        name
        for name in names
        if name not in specs
        or not (specs[name].means in _HEADING_MEANINGS or left_out(specs[name]))
    ]
    unmarked = [
        name
        for name in names
        if name in specs
        and specs[name].traits.is_check_box
        and field_value(record, name, options.forms) is False
    ]
    filled = [
        name
        for name in names
        if name not in unmarked and format_field_value(record, name, options.forms)
    ]
    return filled, [name for name in names if name not in unmarked and name not in filled], unmarked
