"""What an export is made of, and what every kind of target can do.

How a confirmed value reads to a person: option labels, ja/nej, decimal comma, oläsligt.

Initials on paper and the person whom they mean: as a person chose in review, else by the staff
list (signaturförtydligande).

The words that say that an entry was written on paper and brought in afterwards
(efterregistrering).

Care systems know one author and no transcriber, so who wrote on paper, when, who brought it in
and where the paper is must stand in the text
itself: patientdatalagen 3 kap. 6 § (who wrote and when) and 14 § (a correction shows when it was
    made).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeVar

from pipeline.domain.dates import SWEDEN
from pipeline.domain.errors import ExportError
from pipeline.domain.form.field import FieldSpec, Format
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import StaffMember, Value
from pipeline.domain.record import PreviousExport, Record, Run, Stamp
from pipeline.domain.settings import Settings
from pipeline.export.tables.mapping import ExportMapping
from pipeline.registers.authors import is_on_behalf

TEMPORARY_CLIENT = (
    "Klienten har en tillfällig identitet. Enhetens granskare flyttar posten till klienten i registret under Uppföljning. "
    "Eller skriv in den för hand."
)
"""Why a file for a system cannot carry an entry about somebody whom the register lacks a number of."""
MOVED_TO_OTHER_CLIENT = "Posten är flyttad till en annan klient."
"""Why a target makes void what it has of an entry under the client that it was about before; it
never says who the other is.
"""
MappingType = TypeVar("MappingType", bound=ExportMapping)
ILLEGIBLE_TEXT = "[oläsligt]"
_NUMBER = re.compile(r"-?\d+\.\d+")
_CHOSEN_SIGNER = re.compile(r"(?P<initials>\S+) – (?P<name>.+)")


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a run. `number` counts from 1; `amends` is set when the entry corrects one that
    was exported before.
    """

    number: int
    record: Record
    amends: PreviousExport | None = None


def insert_withdrawals(items: Sequence[Item]) -> Iterator[Item]:
    """The items, each that has been moved to another client after a makulering of what the target
    has of it under the first.

    For targets that find an entry by its client; those that find it by its name alone put the
    new version in the place of the old.
    """
    for item in items:
        if item.amends is not None:
            still = replace(item.amends, exported_record=None, possible_records=())
            for then in filter(None, (item.amends.exported_record, *item.amends.possible_records)):
                yield Item(
                    item.number,
                    replace(then, voided=MOVED_TO_OTHER_CLIENT, revision=item.record.revision),
                    still,
                )
        yield item


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What an exporter needs besides the entries: settings, form definitions, the target's mapping
    files by form id, and the staff list.

    `picture` gives the bytes of a picture by its name in `Record.pages`, StoreError if it is
    missing; None: no pictures at hand, so none are put in.
    """

    settings: Settings
    forms: Forms
    mappings: Mapping[str, ExportMapping] = field(default_factory=dict)
    staff: Sequence[StaffMember] = ()
    load_image: Callable[[str], bytes] | None = None

    def mapping(self, form: str, kind: type[MappingType]) -> MappingType:
        """The form's mapping for this target.

        Raises:
            ExportError: the form has none, or one of another kind.
        """
        found = self.mappings.get(form)
        if not isinstance(found, kind):
            raise ExportError("form_no_mapping_target", form=form)
        return found


class Exporter(Protocol):
    """One kind of target: how confirmed entries become a file.

    `mapping` is the model of `forms/<id>/export.<target>.yaml`; None means that every form goes,
    without a file.
    """

    @property
    def title(self) -> str:
        """The target's name for people, Swedish."""

    @property
    def media_type(self) -> str:
        """Media type of the file."""

    @property
    def suffix(self) -> str:
        """File name ending with its dot."""

    @property
    def mapping(self) -> type[ExportMapping] | None:
        """Model of the mapping file, if the target needs one."""

    def unsupported_reason(self, record: Record, options: ExportOptions) -> str:
        """Why the target cannot carry this record, in Swedish and without any value from it; empty
        when it can.
        """

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """The file. The same arguments give the same bytes."""


class StatisticsExporter(Exporter, Protocol):
    """A target that is told of whole months and takes no entry: see `monthly.py`."""

    def month(self, record: Record, options: ExportOptions) -> str:
        """The month that an entry is told in, `ÅÅÅÅ-MM`; empty if it belongs in none."""

    def notice(self, options: ExportOptions) -> str:
        """What has to be done with the files before they are handed in, in Swedish; empty if
        nothing.
        """


def with_decimal_comma(text: str) -> str:
    """`37.5` → `37,5`; any other text as it is."""
    return text.replace(".", ",") if _NUMBER.fullmatch(text) else text


def find_field_spec(record: Record, name: str, forms: Forms) -> FieldSpec | None:
    """The definition of an entry's field, whose name lacks the row's prefix."""
    form = forms.get((record.form, record.version))
    return (
        next((spec for spec in form.entry_fields(record.row) if spec.column == name), None)
        if form
        else None
    )


def find_record_form(record: Record, forms: Forms) -> Form | None:
    """The form an entry was written on, in its own version."""
    return forms.get((record.form, record.version))


def field_value(record: Record, name: str, forms: Forms) -> Value:
    """What a field says. An empty box or place for a signature says False, though nothing was
    written there.
    """
    value = record.fields.get(name)
    spec = find_field_spec(record, name, forms)
    if (
        value is None
        and spec
        and spec.traits.is_boolean
        and name in record.fields
        and name not in record.illegible
    ):
        return False
    return value


def format_field_value(record: Record, name: str, forms: Forms) -> str:
    """A field's value in words for a reader; empty when the field is empty."""
    if name in record.illegible:
        return ILLEGIBLE_TEXT
    value, spec = field_value(record, name, forms), find_field_spec(record, name, forms)
    if value is None:
        return ""
    if isinstance(value, bool):
        return _format_mark(value, spec)
    if spec and spec.options:
        return next((option.label for option in spec.options if option.value == value), value)
    if spec and spec.format is Format.NUMBER:
        return " ".join(part for part in (with_decimal_comma(value), spec.measure) if part)
    return value


def format_uncoded_choice(record: Record, name: str, codes: Collection[str], forms: Forms) -> str:
    """With its label, what a choice says and the file's code for it does not: an option that has
    none, or that nobody can read it.
    """
    known = (
        not name
        or str(record.fields.get(name)) in codes
        or field_value(record, name, forms) is False
    )
    words = "" if known else format_field_value(record, name, forms)
    return f"{record.labels.get(name, name)}: {words}" if words else ""


def _format_mark(value: bool, spec: FieldSpec | None) -> str:
    if spec and spec.traits.is_signature:
        return "finns på papperet" if value else "saknas på papperet"
    return "ja" if value else "nej"


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed a box: the initials as they stand on the paper, empty where nobody could read
    them, and the person, if it is known which.
    """

    initials: str
    name: str = ""

    @property
    def performer(self) -> str:
        """The person, else the initials as read."""
        return self.name or self.initials

    @property
    def as_text(self) -> str:
        """As it is told in a text."""
        if not self.initials:
            return "signerad på papperet, oklart av vem"
        return f"signerad {self.initials}" + (
            f" ({self.name})" if self.name else ", utan namn i signaturlistan"
        )


def find_signature(record: Record, field: str, staff: Sequence[StaffMember]) -> Signature | None:
    """What a field of initials says; None where nobody has signed.

    Initials that the list of the entry's unit gives to several persons, or to none, stay initials.
    """
    value = record.fields.get(field)
    if not value:
        return None
    if not isinstance(value, str):
        return Signature("")
    if chosen := _CHOSEN_SIGNER.fullmatch(value.strip()):
        return Signature(chosen["initials"], chosen["name"])
    names = {
        member.name
        for member in staff
        if member.unit == record.unit and member.signature.casefold() == value.strip().casefold()
    }
    return Signature(value.strip(), names.pop() if len(names) == 1 else "")


def to_local_time(moment: datetime) -> datetime:
    """Swedish wall-clock time. A time without zone was written on paper in Sweden and is local
    already.
    """
    return moment if moment.tzinfo is None else moment.astimezone(SWEDEN).replace(tzinfo=None)


def format_minute(moment: datetime | None) -> str:
    """`2021-12-17 08:15`, as the fields beside it say a time, or what is said when the paper does
    not tell.
    """
    return f"{to_local_time(moment):%Y-%m-%d %H:%M}" if moment else "okänd tid"


def late_entry_text(record: Record, settings: Settings) -> str:
    """One paragraph: the outage, when it happened, the paper's author and time, who entered and
    verified it, the scan's id and the paper's place.
    """
    return " ".join(
        (
            _outage_text(settings),
            f"Gäller {format_event_time(record)}.",
            _original_text(record),
            *_people_texts(record),
            _paper_location_text(record),
        )
    )


def format_event_time(record: Record) -> str:
    """When it happened, in words; a day whose time of day the paper does not tell stands alone."""
    return _format_time(record, record.event_at, "event_at")


def format_written_time(record: Record) -> str:
    """When the paper was written. The forms ask for it only if it is another time than the event's."""
    if record.written_at is None:
        return format_event_time(record)
    return _format_time(record, record.written_at, "written_at")


def amendment_text(item: Item) -> str:
    """That this corrects what an earlier run carried, when and by whom; empty for a first export."""
    if item.amends is None:
        return ""
    record = item.record
    kind = "Makulering" if record.voided else "Rättelse"
    kind = (
        "Flytt från en annan klient"
        if item.amends.exported_record and record.voided is None
        else kind
    )
    return (
        f"{kind} av tidigare överförd post (körning {item.amends.run}, {format_minute(item.amends.made_at)}). "
        f"Version {record.revision}, {format_minute(record.entered.at)} av {record.entered.by}."
    )


def _format_time(record: Record, moment: datetime | None, name: str) -> str:
    if moment is not None and name in record.clock_unknown:
        return f"{to_local_time(moment):%Y-%m-%d} (klockslag saknas)"
    return format_minute(moment)


def _outage_text(settings: Settings) -> str:
    start, end = settings.outage_start, settings.outage_end
    if start is None:
        return "Efterregistrering efter IT-avbrott."
    if end is None:
        return f"Efterregistrering efter IT-avbrott som började {to_local_time(start):%Y-%m-%d}."
    return f"Efterregistrering efter IT-avbrott {to_local_time(start):%Y-%m-%d}–{to_local_time(end):%Y-%m-%d}."


def _original_text(record: Record) -> str:
    author = (
        ", ".join(part for part in (record.author, record.author_title) if part)
        or "okänd (namnet framgår inte av papperet)"
    )
    return f"Originalanteckning på papper av {author}, skriven {format_written_time(record)}."


def _people_texts(record: Record) -> list[str]:
    sentences = [f"Inskriven av {_format_stamp(record.entered)}."]
    if record.verified:
        sentences.append(f"Kontrollerad av {_format_stamp(record.verified)}.")
    if record.signed:
        instead = " i stället för den som skrev" if is_on_behalf(record.signed_why) else ""
        why = f" ({record.signed_why})" if record.signed_why else ""
        sentences.append(f"Signerad av {_format_stamp(record.signed)}{instead}{why}.")
    return sentences


def _format_stamp(stamp: Stamp) -> str:
    return f"{stamp.by} {format_minute(stamp.at)}"


def _paper_location_text(record: Record) -> str:
    place = f" Papperet finns i {record.place}." if record.place else ""
    return f"Skan-id {record.entry_id}.{place}"
