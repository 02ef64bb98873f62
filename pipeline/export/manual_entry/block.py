"""An entry as a person keys it into another system: its fields in that system's order.

The order and the labels are those of `forms/<id>/export.skriv-in.yaml` where there is one, else
the form's own. A field that the file leaves out follows after the others: no value of the paper
is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.law.duties import duty_text
from pipeline.domain.record import Record
from pipeline.export.exporter import DATA_LANGUAGE, ExportOptions, Item, data_text
from pipeline.export.mapping import ManualEntryMapping
from pipeline.export.record_text import (
    amendment_text,
    field_value,
    find_record_form,
    format_attachment,
    format_event_time,
    format_field_value,
    late_entry_text,
    late_sheet_text,
)

HEADING_MEANINGS = {
    Meaning.CLIENT_PID,
    Meaning.CLIENT_CODE,
    Meaning.CLIENT_NAME,
    Meaning.CLIENT_PRINTED,
}
"""Fields that the heading of the client says."""
OWN_MEANINGS = (Meaning.EVENT_DATE, Meaning.EVENT_TIME)
"""What a note of any system has fields of its own for."""


@dataclass(frozen=True, slots=True)
class EntryBlock:
    """An entry as it is keyed in.

    It has filled fields as label and text, labels of unmarked boxes, and the text that says where
    it comes from. `own` are the places of the filled fields that the other
    system has a field of its own for; the rest is its note.
    """

    title: str
    notice: str
    rows: tuple[tuple[str, str], ...]
    unmarked: tuple[str, ...]
    late_entry_text: str
    own: frozenset[int] = frozenset()

    @property
    def own_rows(self) -> tuple[tuple[str, str], ...]:
        """The filled fields that have a field of their own."""
        return tuple(row for place, row in enumerate(self.rows) if place in self.own)

    @property
    def note_rows(self) -> tuple[tuple[str, str], ...]:
        """The filled fields that stand in the note."""
        return tuple(row for place, row in enumerate(self.rows) if place not in self.own)

    @property
    def note_text(self) -> str:
        """The note without what has a field of its own."""
        return "\n".join((self.title, *_join_rows(self.note_rows), self.late_entry_text))

    @property
    def footer_lines(self) -> tuple[str, ...]:
        """The lines below the fields."""
        unmarked = (
            (data_text("key_in_list.unmarked", labels="; ".join(self.unmarked)),)
            if self.unmarked
            else ()
        )
        return (*unmarked, self.late_entry_text)

    @property
    def whole_text(self) -> str:
        """The whole entry as one text, for a note of the other system: copied once."""
        return "\n".join((self.title, *_join_rows(self.rows), self.late_entry_text))


def _join_rows(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    return (f"{label}: {text}" for label, text in rows)


def build_block(
    item: Item, options: ExportOptions, left_out: Callable[[FieldSpec], bool] = lambda _: False
) -> EntryBlock:
    """Return what is printed for an entry, without fields that are `left_out`."""
    record = item.record
    labels = _field_labels(record, options)
    filled, unmarked = _sort_fields(record, options, left_out)
    texts = {name: format_field_value(record, name, options.forms) for name in filled}
    own = _own_fields(record, options)
    notices = [
        amendment_text(item),
        data_text("key_in_list.void", reason=record.voided) if record.voided else "",
    ]
    return EntryBlock(
        title=f"{record.title}, {format_event_time(record)}",
        notice=" ".join(part for part in notices if part),
        rows=(
            *((labels[name], text) for name, text in texts.items()),
            *_attachment_rows(record),
        ),
        unmarked=tuple(labels[name] for name in unmarked),
        late_entry_text=late_entry_text(record, options.settings),
        own=frozenset(place for place, name in enumerate(texts) if name in own),
    )


def duty_lines(record: Record, now: datetime) -> list[str]:
    """Return what has to be done by law for an entry and is not said to be met, nearest first."""
    times = sorted(record.duties.items(), key=lambda item: item[1])
    return [
        duty_text(rule, datetime.fromisoformat(time) if time else None, now, DATA_LANGUAGE)
        for rule, time in times
    ]


def _own_fields(record: Record, options: ExportOptions) -> frozenset[str]:
    """Return the fields that the target has a field of its own for: day and time unless set."""
    mapping = options.mappings.get(record.form)
    if isinstance(mapping, ManualEntryMapping) and (own := mapping.own_fields()) is not None:
        return frozenset(own)
    form = find_record_form(record, options.forms)
    specs = (form.meaning(means, record.row) for means in OWN_MEANINGS) if form else ()
    return frozenset(spec.column for spec in specs if spec)


def _attachment_rows(record: Record) -> list[tuple[str, str]]:
    """Return a row for each attachment: it is put in, not typed. None of a void entry."""
    return [
        (
            data_text("key_in_list.attachment_label", number=number),
            data_text("key_in_list.see_attachment", attachment=format_attachment(attachment)),
        )
        for number, attachment in enumerate(record.attachments, 1)
        if record.voided is None
    ]


def client_heading(item: Item, options: ExportOptions) -> str:
    """Return the client of an entry as a heading."""
    client = item.record.client
    if not has_client(item, options):
        return data_text("key_in_list.no_client", unit=item.record.unit)
    key = "key_in_list.temporary_client" if is_temporary_pid(client.pid) else "key_in_list.client"
    return data_text(key, pid=client.pid or data_text("key_in_list.no_pid"), name=client.name)


def has_client(item: Item, options: ExportOptions) -> bool:
    """Return whether the entry is about a client, also one whose number cannot be read."""
    form = find_record_form(item.record, options.forms)
    spec = form.meaning(Meaning.CLIENT_PID, item.record.row) if form else None
    if item.record.client.pid or form is None:
        return True
    return spec is not None and (
        spec.column not in item.record.fields or spec.column in item.record.illegible
    )


def _target_field_labels(record: Record, options: ExportOptions) -> dict[str, str]:
    """Return the fields that the target's own order names, with its labels for them."""
    mapping = options.mappings.get(record.form)
    if not isinstance(mapping, ManualEntryMapping):
        return {}
    return {entry.field: entry.title for entry in mapping.order}


def _field_labels(record: Record, options: ExportOptions) -> dict[str, str]:
    """Return a label for each field: the target's, else the form's."""
    labels = {name: record.labels.get(name, name) for name in record.fields}
    # Most forms call it "Namn" where the author signs; off the paper that reads as the client's.
    form = find_record_form(record, options.forms)
    author = form.meaning(Meaning.AUTHOR_NAME, record.row) if form else None
    if author and author.column in record.fields:
        labels[author.column] = data_text("key_in_list.author_label")
    target_labels = _target_field_labels(record, options)
    return labels | {name: title for name, title in target_labels.items() if title}


def _sort_fields(
    record: Record, options: ExportOptions, left_out: Callable[[FieldSpec], bool]
) -> tuple[list[str], list[str]]:
    """Return the names of filled and of unmarked fields, in order, without the heading's."""
    form = find_record_form(record, options.forms)
    specs = {spec.column: spec for spec in form.entry_fields(record.row)} if form else {}
    # First the target's order, then the form's, then what neither names.
    names = [
        name
        for name in dict.fromkeys((*_target_field_labels(record, options), *specs, *record.fields))
        if name in record.fields
    ]
    names = [
        name
        for name in names
        if name not in specs or not (specs[name].means in HEADING_MEANINGS or left_out(specs[name]))
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
    return filled, unmarked


# The rows of one sheet as a person keys them in: one note instead of one for each row.
#
# Rows about the same client always go together. Rows of several clients do so for a form whose
# mapping says that the other system takes the sheet as a whole (`sheet: true`), such as the visits
# of a person's day. Each row stays an entry with its own receipt.


def is_keyed_with(first: Item, other: Item, options: ExportOptions) -> bool:
    """Return whether a row is keyed in together with the first one of its sheet.

    What corrects an earlier export, is void, or is about a protected client stands alone.
    """
    one, two = first.record, other.record
    return (
        one.row is not None
        and (one.serial, one.form, one.version) == (two.serial, two.form, two.version)
        and all(_is_plain(item) for item in (first, other))
        and (
            _takes_sheet(one, options)
            or (bool(one.client.pid) and one.client.pid == two.client.pid)
        )
    )


def is_sheet_of_several(item: Item, options: ExportOptions) -> bool:
    """Return whether an entry is a row of a sheet that is one note, whoever its clients are."""
    return item.record.row is not None and _is_plain(item) and _takes_sheet(item.record, options)


def _takes_sheet(record: Record, options: ExportOptions) -> bool:
    mapping = options.mappings.get(record.form)
    return isinstance(mapping, ManualEntryMapping) and mapping.sheet


def build_sheet_block(items: Sequence[Item], options: ExportOptions) -> EntryBlock:
    """Return the rows of a sheet as one block, with a line for each; one item as its own block."""
    if len(items) == 1:
        return build_block(items[0], options)
    blocks = [build_block(item, options) for item in items]
    # What is above the rows and the same for all of them is written once.
    head = build_block(items[0], options, left_out=lambda spec: spec.row is not None)
    common = [
        place for place, row in enumerate(head.rows) if all(row in block.rows for block in blocks)
    ]
    shared = [head.rows[place] for place in common]
    has_one_client = len({item.record.client.pid for item in items}) == 1
    lines = []
    for item, block in zip(items, blocks, strict=True):
        parts = [f"{label} {text}" for label, text in block.rows if (label, text) not in shared]
        if not has_one_client:
            parts.insert(0, client_heading(item, options))
            label = data_text("key_in_list.sheet_row", row=item.record.row)
        else:
            label = format_event_time(item.record)
        lines.append((label, "; ".join(parts)))
    records = [item.record for item in items]
    return EntryBlock(
        title=data_text("key_in_list.sheet_title", title=records[0].title, rows=len(items)),
        notice="",
        rows=(*shared, *lines),
        unmarked=(),
        late_entry_text=late_sheet_text(records, options.settings),
        own=frozenset(number for number, place in enumerate(common) if place in head.own),
    )


def _is_plain(item: Item) -> bool:
    return item.amends is None and item.record.voided is None and not item.record.client.protected
