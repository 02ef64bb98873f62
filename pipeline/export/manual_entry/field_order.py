"""The order of a form's fields in a receiving system, as an administrator has arranged it.

What is arranged goes before `forms/<id>/export.skriv-in.yaml`, whose words for the fields stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.domain.errors import ExportError
from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.form.form import INTERNAL_FORMS, Form
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person
from pipeline.export.context import ExportContext, load_export_options
from pipeline.export.manual_entry.block import HEADING_MEANINGS, OWN_MEANINGS
from pipeline.export.manual_entry.one_list import find_destination, with_field_orders
from pipeline.export.mapping import ManualEntryMapping
from pipeline.export.targets import find_target
from pipeline.store.exports import manual_entry
from pipeline.store.exports.manual_entry import FieldOrder


@dataclass(frozen=True, slots=True)
class ArrangedField:
    """A field as it is arranged: its name, the target's word for it, and whether it is `own`."""

    name: str
    label: str
    own: bool


def list_arrangeable_forms(context: ExportContext) -> dict[str, dict[str, str]]:
    """Return the titles of the forms that are keyed in, by receiving system and form id."""
    systems: dict[str, dict[str, str]] = {}
    for form in sorted(_latest_forms(context).values(), key=lambda form: form.title):
        system = find_destination(form.id, form.area.value).system
        systems.setdefault(system, {})[form.id] = form.title
    return dict(sorted(systems.items()))


def load_field_order(
    context: ExportContext, person: Person, system: str, form_id: str
) -> list[ArrangedField]:
    """Return the fields of a form in the order of a receiving system.

    Raises:
        NotAllowedError: the person does not keep the tables of the office.
        ExportError: there is no such form, or a mapping file is wrong.
    """
    require_permission(person, Action.OFFICE)
    form = _find_form(context, form_id)
    target = "skriv-in"
    with context.store.read() as conn:
        options = load_export_options(context, target, find_target(context.settings, target))
        mapping = with_field_orders(conn, options, system).mappings.get(form_id)
    return _list_fields(form, mapping if isinstance(mapping, ManualEntryMapping) else None)


def save_field_order(
    context: ExportContext,
    person: Person,
    where: tuple[str, str],
    fields: Sequence[tuple[str, bool]],
    now: datetime,
) -> None:
    """Set the order of a form's fields in a receiving system, and write that in the log.

    Args:
        where: the system and the form's id.
        fields: each field with whether the system has a field of its own for it, in order.

    Raises:
        NotAllowedError: the person does not keep the tables of the office.
        ExportError: there is no such form, or the fields are not its own, each once.
    """
    context.store.require_permission(person, Action.OFFICE)
    form = _find_form(context, where[1])
    if sorted(name for name, _ in fields) != sorted(_column_labels(form)):
        raise ExportError("key_in_order_other_fields", form=form.title)
    order = FieldOrder(
        tuple(name for name, is_own in fields if is_own),
        tuple(name for name, is_own in fields if not is_own),
    )
    context.store.change(manual_entry.save_order, person, where, order, now)


def _list_fields(form: Form, mapping: ManualEntryMapping | None) -> list[ArrangedField]:
    labels = _column_labels(form)
    titles = {entry.field: entry.title for entry in mapping.order} if mapping else {}
    own = mapping.own_fields() if mapping else None
    if own is None:
        specs = (form.meaning(means, form.rows()[0]) for means in OWN_MEANINGS)
        own = {spec.column for spec in specs if spec}
    # The mapping's order first, then the form's; what is own stands above the note.
    names = [name for name in dict.fromkeys((*titles, *labels)) if name in labels]
    names.sort(key=lambda name: name not in own)
    return [ArrangedField(name, titles.get(name) or labels[name], name in own) for name in names]


def _column_labels(form: Form) -> dict[str, str]:
    """Return the label of each field of an entry that is keyed in, in the form's order."""
    row = form.rows()[0]
    labels = accessible_names(form, row)
    return {
        spec.column: labels[spec.name]
        for spec in form.entry_fields(row)
        if spec.means not in HEADING_MEANINGS
    }


def _find_form(context: ExportContext, form_id: str) -> Form:
    try:
        return _latest_forms(context)[form_id]
    except KeyError as error:
        raise ExportError("form_without_mapping", form=form_id) from error


def _latest_forms(context: ExportContext) -> dict[str, Form]:
    return {
        form_id: context.forms.latest(form_id)
        for form_id, _ in context.forms
        if form_id not in INTERNAL_FORMS
    }
