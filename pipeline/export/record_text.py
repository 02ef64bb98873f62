"""What an entry says to a person who reads the file: fields, signatures, times and its origin.

Care systems know one author and no transcriber. Who wrote on paper, when, who entered it and
where the paper is must therefore be in the text itself: patientdatalagen 3 kap. 6 § (who wrote
and when) and 14 § (a correction shows when it was made).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from pipeline.domain.dates import SWEDEN
from pipeline.domain.form.field import FieldSpec, Format
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.law.duties import law_refs
from pipeline.domain.model import StaffMember, Value
from pipeline.domain.record import (
    CareProvider,
    OutageKind,
    Record,
    RecordAttachment,
    Stamp,
    TypedPart,
)
from pipeline.domain.review.rules import has_digit
from pipeline.domain.settings import Settings
from pipeline.export.exporter import Item, data_text
from pipeline.registers.staff import find_member, is_on_behalf

ILLEGIBLE_TEXT = "[oläsligt]"
"""What every file has in place of a value that cannot be read."""
MARK_WORDS = {True: "ja", False: "nej"}
"""What files say of a mark; mapping files translate these words."""
_OUTAGE_KEYS = {
    (True, True): "late_entry.outage_between_read_only",
    (True, False): "late_entry.outage_between",
    (False, True): "late_entry.outage_since_read_only",
    (False, False): "late_entry.outage_since",
}
"""The text of the outage, by whether it has ended and whether the system could be read."""
_NUMBER = re.compile(r"-?\d+\.\d+")
_CHOSEN_SIGNER = re.compile(r"(?P<initials>\S+) – (?P<name>.+)")


def with_decimal_comma(text: str) -> str:
    """`37.5` → `37,5`; any other text as it is."""
    return text.replace(".", ",") if _NUMBER.fullmatch(text) else text


def find_field_spec(record: Record, name: str, forms: Forms) -> FieldSpec | None:
    """Return the definition of an entry's field, whose name lacks the row's prefix."""
    form = find_record_form(record, forms)
    return form.entry_field(record.row, name) if form else None


def find_record_form(record: Record, forms: Forms) -> Form | None:
    """Return the form an entry was written on, in its own version."""
    return forms.get((record.form, record.version))


def record_day(record: Record) -> date:
    """Return the Swedish day of an entry: of the event, else of writing, else of the scan."""
    moment = record.event_at or record.written_at or record.scanned.at
    return to_local_time(moment).date()


def record_law(record: Record, forms: Forms) -> str:
    """Return the law that an entry is based on, as in force on its day; empty without its form."""
    form = find_record_form(record, forms)
    refs = [law.ref for law in law_refs(form, record_day(record))] if form else []
    return data_text("late_entry.law", law="; ".join(refs)) if refs else ""


def field_value(record: Record, name: str, forms: Forms) -> Value:
    """Return a field's value. An empty box or place for a signature is False."""
    value = record.fields.get(name)
    if value is not None or name not in record.fields or name in record.illegible:
        return value
    spec = find_field_spec(record, name, forms)
    return False if spec and spec.traits.is_boolean else None


def legible_text(record: Record, name: str) -> str:
    """Return the value of a text field; empty where it is illegible or empty."""
    value = record.fields.get(name)
    return value.strip() if isinstance(value, str) and name not in record.illegible else ""


def format_field_value(record: Record, name: str, forms: Forms) -> str:
    """Return a field's value in words for a reader; empty when the field is empty.

    An empty place for a signature is missing only where one was planned or is required.
    """
    if name in record.illegible:
        return ILLEGIBLE_TEXT
    if name in record.boxes or name in record.meanings:
        return _explained_value(record, name)
    value, spec = field_value(record, name, forms), find_field_spec(record, name, forms)
    if value is None:
        return ""
    if isinstance(value, bool):
        if spec and spec.traits.is_signature:
            is_told = value or is_signature_missing(record, spec)
            return signature_presence(present=value) if is_told else ""
        return MARK_WORDS[value]
    if spec and spec.options:
        return next((option.label for option in spec.options if option.value == value), value)
    if spec and spec.format is Format.NUMBER:
        return " ".join(part for part in (with_decimal_comma(value), spec.measure) if part)
    return value


def _explained_value(record: Record, name: str) -> str:
    """Return a code with its meaning, initials, or that a box is not signed."""
    value = record.fields.get(name)
    if not value:
        return data_text("late_entry.not_signed")
    if value is True:
        return signature_presence(present=True)
    meaning = record.meanings.get(name)
    return f"{meaning} ({value})" if meaning else value


def _list_deviations(record: Record) -> list[str]:
    """Return the boxes of a grid that say something else than "as planned", a text each."""
    return [
        labelled(
            record,
            name,
            ILLEGIBLE_TEXT if name in record.illegible else _explained_value(record, name),
        )
        for name in record.boxes
        if not record.fields.get(name) or has_digit(record.fields[name])
    ]


def is_planned(record: Record, spec: FieldSpec) -> bool:
    """Return whether a field was to be filled in: the field that plans it is not empty.

    What plans it may not have been typed, where a line stands on two sides of the paper.
    """
    plan = spec.planned_by
    return (
        plan is None
        or plan not in record.fields
        or bool(record.fields[plan])
        or plan in record.illegible
    )


def is_signature_missing(record: Record, spec: FieldSpec) -> bool:
    """Return whether an empty place for a signature is one that lacks it.

    The form requires it, or what was planned is to be signed there.
    """
    return is_planned(record, spec) and (spec.required or spec.planned_by is not None)


def signature_presence(*, present: bool) -> str:
    """Return in words whether there is a signature on the paper."""
    return data_text("late_entry.on_paper" if present else "late_entry.not_on_paper")


def format_uncoded_choice(record: Record, name: str, codes: Collection[str], forms: Forms) -> str:
    """Return a choice with its label where the file's code for it says less than the paper.

    That is an option without a code, or a choice that cannot be read; else empty.
    """
    is_coded = (
        not name
        or str(record.fields.get(name)) in codes
        or field_value(record, name, forms) is False
    )
    words = "" if is_coded else format_field_value(record, name, forms)
    return labelled(record, name, words) if words else ""


def labelled(record: Record, name: str, words: str) -> str:
    """Return words after the label of their field."""
    return f"{record.labels.get(name, name)}: {words}"


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed a box: the initials on the paper, and the person if it is known who.

    `initials` is empty where they cannot be read. `member` is the person's row in the unit's staff
    list.
    """

    initials: str
    name: str = ""
    member: StaffMember | None = None

    @property
    def performer(self) -> str:
        """The person, else the initials as read."""
        return self.name or self.initials

    @property
    def as_text(self) -> str:
        """The signature in words."""
        if not self.initials:
            return data_text("late_entry.signed_illegibly")
        if not self.name:
            return data_text("late_entry.signed_by_unlisted", initials=self.initials)
        return data_text("late_entry.signed_by", initials=self.initials, name=self.name)


def find_signature(record: Record, field: str, staff: Sequence[StaffMember]) -> Signature | None:
    """Return who signed in a field of initials; None where it is empty.

    The person is the one chosen in review, else the one of the staff list (signaturförtydligande)
    of the entry's unit. Initials that the list gives to several people, or to none, stay initials.
    """
    value = record.fields.get(field)
    if not value:
        return None
    if not isinstance(value, str):
        return Signature("")
    member = find_member(staff, record.unit, value)
    if chosen := _CHOSEN_SIGNER.fullmatch(value.strip()):
        return Signature(chosen["initials"], chosen["name"], member)
    # Initials match case-insensitively within the unit; only one matching name is used.
    names = {
        one.name
        for one in staff
        if one.unit == record.unit and one.signature.casefold() == value.strip().casefold()
    }
    name = names.pop() if len(names) == 1 else ""
    return Signature(value.strip(), name, member if name else None)


def to_local_time(moment: datetime) -> datetime:
    """Return Swedish wall-clock time. A time without zone is from paper, and local already."""
    return moment if moment.tzinfo is None else moment.astimezone(SWEDEN).replace(tzinfo=None)


def known_time(*moments: datetime | None) -> datetime:
    """Return the first moment that is known.

    Raises:
        ValueError: none is; such an entry is unsupported.
    """
    known = next(filter(None, moments), None)
    if known is None:
        raise ValueError("a record without any time is unsupported and must not come here")
    return known


def format_minute(moment: datetime | None) -> str:
    """Return a time as `2021-12-17 08:15`, or the words for an unknown time."""
    return (
        f"{to_local_time(moment):%Y-%m-%d %H:%M}"
        if moment
        else data_text("late_entry.unknown_time")
    )


def format_event_time(record: Record) -> str:
    """Return when it happened, in words; a day alone where the paper has no time of day."""
    return _format_paper_time(record, record.event_at, "event_at")


def _format_paper_time(record: Record, moment: datetime | None, name: str) -> str:
    if moment is not None and name in record.clock_unknown:
        return data_text("late_entry.day_without_clock", day=f"{to_local_time(moment):%Y-%m-%d}")
    return format_minute(moment)


def late_entry_text(record: Record, settings: Settings) -> str:
    """Return one paragraph that says where an entry comes from (efterregistrering).

    It holds the outage, when it happened, the paper's author and time, who entered and verified
    the entry, the scan's id and where the paper is.
    """
    return late_sheet_text([record], settings)


def late_sheet_text(records: Sequence[Record], settings: Settings) -> str:
    """Return the same paragraph for entries of one sheet, which are written as one."""
    first = records[0]
    times = dict.fromkeys(map(format_event_time, records))
    return " ".join(
        (
            _outage_text(first, settings),
            data_text("late_entry.about", time=" – ".join([*times][:: max(1, len(times) - 1)])),
            _original_text(first),
            *dict.fromkeys(text for record in records for text in _people_texts(record)),
            data_text("late_entry.scan", entry=", ".join(record.entry_id for record in records)),
            *([data_text("late_entry.place", place=first.place)] if first.place else []),
            *dict.fromkeys(text for record in records for text in _untyped_texts(record)),
        )
    )


def format_attachment(attachment: RecordAttachment) -> str:
    """Return title and day of an attachment."""
    return ", ".join(part for part in (attachment.title, attachment.day) if part)


def _untyped_texts(record: Record) -> list[str]:
    """What of the paper is only in its images, a sentence each; nothing of a void entry."""
    if record.voided is not None:
        return []
    sentences = []
    if record.missing_pages:
        pages = ", ".join(map(str, record.missing_pages))
        sentences.append(data_text("late_entry.missing_pages", pages=pages))
    if record.typed is not TypedPart.WHOLE:
        if deviations := _list_deviations(record):
            sentences.append(data_text("late_entry.deviations", deviations="; ".join(deviations)))
        if record.missing_pages and record.typed is TypedPart.DEVIATIONS:
            sentences.append(data_text("late_entry.typed.deviations_on_pages"))
        else:
            sentences.append(data_text(f"late_entry.typed.{record.typed.value}"))
    if record.attachments:
        titles = "; ".join(map(format_attachment, record.attachments))
        sentences.append(data_text("late_entry.attachments", attachments=titles))
    return sentences


def amendment_text(item: Item) -> str:
    """Return what an item corrects of an earlier run, when and by whom; empty if nothing."""
    if item.amends is None:
        return ""
    record = item.record
    if record.voided:
        kind = "voided"
    else:
        has_moved = item.amends.exported_record and record.voided is None
        kind = "moved" if has_moved else "corrected"
    return data_text(
        f"late_entry.amendment.{kind}",
        run=item.amends.run,
        time=format_minute(item.amends.made_at),
        revision=record.revision,
        entered=format_minute(record.entered.at),
        person=record.entered.by,
    )


def _outage_text(record: Record, settings: Settings) -> str:
    """Return the outage of the unit and system, else that of the settings."""
    if outage := record.outage:
        start, end = outage.start, outage.end
    elif settings.outage_start:
        start, end = settings.outage_start, settings.outage_end
    else:
        return data_text("late_entry.outage")
    days = {"start": f"{to_local_time(start):%Y-%m-%d}"}
    days |= {"end": f"{to_local_time(end):%Y-%m-%d}"} if end else {}
    is_read_only = outage is not None and outage.kind is OutageKind.READ_ONLY
    text = data_text(_OUTAGE_KEYS[bool(end), is_read_only], **days)
    return (
        f"{text} {data_text('late_entry.system', system=outage.system)}"
        if outage and outage.system
        else text
    )


def care_provider(record: Record, settings: Settings) -> CareProvider:
    """Return who gave the care: the unit's own provider, else that of the settings."""
    return record.provider or settings_provider(settings)


def stamp_hsa_id(stamp: Stamp, settings: Settings) -> str:
    """Return the HSA-id of who did something, by the register, else the settings; or empty."""
    return stamp.hsa_id or settings.staff_hsa_ids.get(stamp.login, "")


def settings_provider(settings: Settings) -> CareProvider:
    """Return the organisation's own care provider."""
    return CareProvider(
        settings.care_provider, settings.care_provider_hsa_id, settings.organisation_number
    )


def _original_text(record: Record) -> str:
    author = ", ".join(part for part in (record.author, record.author_title) if part)
    author = author or data_text("late_entry.unknown_author")
    # An empty place for the time of writing says nothing: it is not when it happened.
    if record.written_at is None:
        return data_text("late_entry.original_undated", author=author)
    time = _format_paper_time(record, record.written_at, "written_at")
    return data_text("late_entry.original", author=author, time=time)


def _people_texts(record: Record) -> list[str]:
    """Who entered, verified and signed, a sentence each."""
    sentences = [data_text("late_entry.entered", person=_format_stamp(record.entered))]
    if record.verified:
        sentences.append(data_text("late_entry.verified", person=_format_stamp(record.verified)))
    if record.signed:
        person, reason = _format_stamp(record.signed), record.signed_why
        if is_on_behalf(reason):
            sentences.append(data_text("late_entry.signed_on_behalf", person=person, reason=reason))
        elif reason:
            sentences.append(
                data_text("late_entry.signed_with_reason", person=person, reason=reason)
            )
        else:
            sentences.append(data_text("late_entry.signed", person=person))
    return sentences


def _format_stamp(stamp: Stamp) -> str:
    return f"{stamp.by} {format_minute(stamp.at)}"
