"""The rows of one sheet as a person keys them in: one note instead of one for each row.

Rows about the same client always go together. Rows of several clients do so for a form whose
mapping says that the other system takes the sheet as a whole (`sheet: true`), such as the visits of
a person's day. Each row stays an entry with its own receipt.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.domain.record import Record
from pipeline.export.exporter import ExportOptions, Item, data_text
from pipeline.export.manual_entry.block import EntryBlock, build_block, client_heading
from pipeline.export.mapping import ManualEntryMapping
from pipeline.export.record_text import format_event_time, late_sheet_text


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
    # What stands above the rows and is the same for all of them is said once.
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
        label = _row_label(item.record, has_one_client=has_one_client)
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


def _row_label(record: Record, *, has_one_client: bool) -> str:
    return (
        format_event_time(record)
        if has_one_client
        else data_text("key_in_list.sheet_row", row=record.row)
    )
