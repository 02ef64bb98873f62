"""An entry as a person keys it into another system: what it is, its fields in that system's order, and the text that tells where it comes from.

The order and the words are those of `forms/<id>/export.skriv-in.yaml` where there is one, else the form's own. A field that the file leaves out
follows after the others: nothing that the paper says is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.export.exporter import Item, Terms
from pipeline.export.late_entry import amendment_text, event_time, late_entry_text
from pipeline.export.mapping import KeyInMapping
from pipeline.export.values import form_of, said, shown
from pipeline.field_spec import FieldSpec, Meaning
from pipeline.identity import is_temporary
from pipeline.record import Record

AUTHOR = "Namn, den som skrev"
"""Most forms call it "Namn" where the author signs; away from the paper that would be taken for the client's."""
_IN_HEADING = {Meaning.CLIENT_PID, Meaning.CLIENT_NAME, Meaning.CLIENT_PRINTED}


@dataclass(frozen=True, slots=True)
class Block:
    """An entry as it is set: filled fields as label and text, labels of unmarked boxes and of empty fields, and the text of the late entry."""

    title: str
    notice: str
    rows: tuple[tuple[str, str], ...]
    unmarked: tuple[str, ...]
    empty: tuple[str, ...]
    late: str

    @property
    def below(self) -> tuple[str, ...]:
        """The lines below the fields."""
        listed = (("Inte kryssat: ", self.unmarked), ("Tomt: ", self.empty))
        return (*(start + "; ".join(labels) for start, labels in listed if labels), self.late)


def block(item: Item, terms: Terms, left_out: Callable[[FieldSpec], bool] = lambda _: False) -> Block:
    """What is set for an entry, without fields that are `left_out`."""
    record = item.record
    words = _words(record, terms)
    filled, empty, unmarked = _sorted_fields(record, terms, left_out)
    notices = [amendment_text(item), f"Makulera posten om den finns i systemet. Skäl: {record.voided}" if record.voided else ""]
    return Block(
        title=f"{record.title}, {event_time(record)}",
        notice=" ".join(part for part in notices if part),
        rows=tuple((words[name], shown(record, name, terms.forms)) for name in filled),
        unmarked=tuple(words[name] for name in unmarked),
        empty=tuple(words[name] for name in empty),
        late=late_entry_text(record, terms.settings),
    )


def whom(item: Item, terms: Terms) -> str:
    """Whom the entry is about, as a heading says it."""
    client = item.record.client
    if not is_about_a_client(item, terms):
        return f"Gäller ingen klient   {item.record.unit}"
    kind = "Tillfällig identitet " if is_temporary(client.pid) else ""
    return f"{kind}{client.pid or 'Personnummer saknas'}   {client.name}"


def is_about_a_client(item: Item, terms: Terms) -> bool:
    """Whether the entry is about a client: one whose number cannot be read is."""
    form = form_of(item.record, terms.forms)
    spec = form.meaning(Meaning.CLIENT_PID, item.record.row) if form else None
    if item.record.client.pid or form is None:
        return True
    return spec is not None and (spec.column not in item.record.fields or spec.column in item.record.illegible)


def _order(record: Record, terms: Terms) -> dict[str, str]:
    """The fields that the target's own order names, with its words for them."""
    mapping = terms.mappings.get(record.form)
    return {one.field: one.title for one in mapping.order} if isinstance(mapping, KeyInMapping) else {}


def _words(record: Record, terms: Terms) -> dict[str, str]:
    own = {name: title for name, title in _order(record, terms).items() if title}
    form = form_of(record, terms.forms)
    author = form.meaning(Meaning.AUTHOR_NAME, record.row) if form else None
    of_author = {author.column: AUTHOR} if author and author.column in record.fields else {}
    return {name: record.labels.get(name, name) for name in record.fields} | of_author | own


def _sorted_fields(record: Record, terms: Terms, left_out: Callable[[FieldSpec], bool]) -> tuple[list[str], list[str], list[str]]:
    """Names of the filled, the empty and the unmarked fields, in order, without those that the heading says."""
    form = form_of(record, terms.forms)
    specs = {spec.column: spec for spec in form.entry_fields(record.row)} if form else {}
    names = [name for name in dict.fromkeys((*_order(record, terms), *specs, *record.fields)) if name in record.fields]
    names = [name for name in names if name not in specs or not (specs[name].means in _IN_HEADING or left_out(specs[name]))]
    unmarked = [name for name in names if name in specs and specs[name].traits.is_check_box and said(record, name, terms.forms) is False]
    filled = [name for name in names if name not in unmarked and shown(record, name, terms.forms)]
    return filled, [name for name in names if name not in unmarked and name not in filled], unmarked
