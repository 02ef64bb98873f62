"""Given doses and delegated measures as ProcessActivities 1.0 requests (RIVTA
clinicalprocess:activity:actions), a contract for writing.

A request carries one activity, so a run is a ZIP archive of requests: one for each time that the
sheet says something of, to be sent in the order of their names. The contract's request has no
place of its own for the patient and the performer (its domain's ActivityGroupType has), so they
follow the activity as elements of the domain, where the schema lets other namespaces in. That
the time is the ordered one, and all that the contract has no element for, stands in
`description`. What was not given or declined has a status of its own, never that of what was
given, and begins with saying so. An amendment names the same ids: a time that the entry says
nothing of any longer is nullified.

What a signing sheet says of one planned time: given, not given, declined, or nothing; and who
stands for it.

Nothing is read into an empty box: it says neither that the dose was given nor that it was not.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree

from pipeline.domain.form.form import Forms
from pipeline.domain.model import StaffMember
from pipeline.domain.record import Record, Run
from pipeline.export.exporter import ExportOptions, Item, insert_withdrawals
from pipeline.export.record_text import (
    Signature,
    amendment_text,
    find_signature,
    format_field_value,
    format_uncoded_choice,
    late_entry_text,
    to_local_time,
)
from pipeline.export.rivta.elements import (
    EFTERSKRIFT_NS,
    ElementBuilder,
    add_run_comment,
    day_bounds,
    format_timestamp,
    patient_access_flag,
    serialize_xml,
    unsupported_group_reason,
)
from pipeline.export.rivta.mapping import ActivityMapping, Code, Outcome, Slot
from pipeline.texts import Text

OUTCOME_WORDS = {
    Outcome.GIVEN: "Given",
    Outcome.NOT_GIVEN: "Ej given",
    Outcome.DECLINED: "Avböjd av den enskilde",
}
RESPONDER_NS = "urn:riv:clinicalprocess:activity:actions:ProcessActivitiesResponder:1"
DOMAIN_NS = "urn:riv:clinicalprocess:activity:actions:1"
_elements = ElementBuilder(DOMAIN_NS)


@dataclass(frozen=True, slots=True)
class PlannedSlot:
    """One time of an entry. `outcome` is None where the paper says nothing; `at` is None where no
    time of day is known.
    """

    number: int
    day: datetime
    at: datetime | None
    outcome: Outcome | None
    signature: Signature | None


def planned_slots(
    record: Record, mapping: ActivityMapping, staff: Sequence[StaffMember]
) -> list[PlannedSlot]:
    """The times of an entry in the mapping's order, counted from 1.

    Raises:
        ValueError: the entry has no day; such a one is unfit.
    """
    if record.event_at is None:
        raise ValueError("a record without any time is unfit and must not come here")
    day = datetime.combine(to_local_time(record.event_at).date(), datetime.min.time())
    own = None if "event_at" in record.clock_unknown else to_local_time(record.event_at)
    return [
        PlannedSlot(
            n,
            day,
            _slot_time(record, slot, day, own),
            _slot_outcome(record, slot, mapping),
            find_signature(record, slot.given, staff),
        )
        for n, slot in enumerate(mapping.slots, 1)
    ]


def find_unclear_slot(record: Record, mapping: ActivityMapping) -> Text | None:
    """Why no machine may say what became of one of the times; None when every box is clear."""
    for n, slot in enumerate(mapping.slots, 1):
        if slot.fields() & record.illegible:
            return Text("export_reason.slot_illegible", {"slot": n})
        if _is_marked(record, slot.not_given) and _is_marked(record, slot.declined):
            return Text("export_reason.slot_contradictory", {"slot": n})
        if (
            slot.amount
            and record.fields.get(slot.given)
            and not record.fields.get(slot.amount)
            and not _has_deviation(record, slot)
        ):
            return Text("export_reason.slot_without_dose", {"slot": n})
        if (
            _deviation_code(record, slot)
            and _deviation_code(record, slot) not in mapping.deviations
        ):
            return Text("export_reason.slot_deviation_unmapped", {"slot": n})
    return None


def slot_label(record: Record, slot: Slot, number: int, forms: Forms) -> str:
    """What a time is called: its time of day, else its number."""
    return format_field_value(record, slot.time, forms) or f"tid {number}"


def _slot_time(record: Record, slot: Slot, day: datetime, own: datetime | None) -> datetime | None:
    if not slot.time:
        return own
    clock = record.fields.get(slot.time)
    if not isinstance(clock, str) or not re.fullmatch(r"\d\d:\d\d", clock, re.ASCII):
        return None
    hour, minute = map(int, clock.split(":"))
    return day + timedelta(hours=hour, minutes=minute)  # 24:00 is the first moment of the next day


def _slot_outcome(record: Record, slot: Slot, mapping: ActivityMapping) -> Outcome | None:
    if chosen := _deviation_code(record, slot):
        return mapping.deviations.get(chosen)
    if _is_marked(record, slot.declined):
        return Outcome.DECLINED
    if _is_marked(record, slot.not_given):
        return Outcome.NOT_GIVEN
    return Outcome.GIVEN if record.fields.get(slot.given) else None


def _deviation_code(record: Record, slot: Slot) -> str:
    value = record.fields.get(slot.deviation) if slot.deviation else None
    return value if isinstance(value, str) else ""


def _has_deviation(record: Record, slot: Slot) -> bool:
    return (
        bool(_deviation_code(record, slot))
        or _is_marked(record, slot.not_given)
        or _is_marked(record, slot.declined)
    )


def _is_marked(record: Record, name: str) -> bool:
    return bool(name) and record.fields.get(name) is True


class ActivitiesExporter:
    """Signing sheets to ProcessActivities 1.0."""

    title = Text("target.aktiviteter")
    media_type = "application/zip"
    suffix = ".zip"
    mapping = ActivityMapping

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """The schema asks for a time and a numbered patient with a day of birth; what was given
        must not be guessed.
        """
        mapping = options.mapping(record.form, ActivityMapping)
        if reason := unsupported_group_reason(record) or find_unclear_slot(record, mapping):
            return reason
        if record.revision == 1 and not any(
            time.outcome for time in planned_slots(record, mapping, options.staff)
        ):
            return Text("export_reason.nothing_signed")
        return None

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """A ZIP archive with one request a time, in the items' order."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for item in insert_withdrawals(items):
                withdrawn = (
                    "0-makulering-" if item.is_withdrawal else ""
                )  # sorts before the other's names
                for time in _slots_to_report(item.record, options):
                    name = f"{item.number:05d}-{withdrawn}{item.record.entry_id}-{time.number}.xml"
                    entry = zipfile.ZipInfo(name, to_local_time(run.made_at).timetuple()[:6])
                    entry.external_attr = 0o600 << 16
                    archive.writestr(
                        entry, build_request(item, time, run, options), zipfile.ZIP_DEFLATED
                    )
        return out.getvalue()


def build_request(item: Item, time: PlannedSlot, run: Run, options: ExportOptions) -> bytes:
    """One request: the activity, whom it is about, who did it, who signed it, and where it comes
    from.
    """
    record, mapping = item.record, options.mapping(item.record.form, ActivityMapping)
    root = etree.Element(
        etree.QName(RESPONDER_NS, "ProcessActivities"),
        nsmap={"resp": RESPONDER_NS, "core": DOMAIN_NS, "ef": EFTERSKRIFT_NS},
    )
    _add_activity(ElementBuilder(RESPONDER_NS).add(root, "activityType"), item, time, options)
    _elements.add_patient(root, record)
    _elements.add_performer(
        root, time.signature.performer if time.signature else "", record, mapping, options
    )
    _elements.add_signer(root, record.signed)
    _elements.add_source_system(root, options)
    add_run_comment(root, run)
    return serialize_xml(root)


def _slots_to_report(record: Record, options: ExportOptions) -> list[PlannedSlot]:
    """The times to tell of: those that the paper says something of, and of an amended entry every
    one.
    """
    every = planned_slots(record, options.mapping(record.form, ActivityMapping), options.staff)
    return [time for time in every if time.outcome or record.revision > 1]


def _add_activity(
    activity: etree._Element, item: Item, time: PlannedSlot, options: ExportOptions
) -> None:
    record, mapping = item.record, options.mapping(item.record.form, ActivityMapping)
    _elements.add_source_id(activity, options, record.entry_id, str(time.number))
    status = time.outcome if time.outcome and record.voided is None else Outcome.NULLIFIED
    _elements.add_code(activity, "status", mapping.status[status])
    _elements.add_code(activity, "value", _activity_code(record, mapping))
    _add_time(_elements.add(activity, "time"), time)
    _elements.add(activity, "description", describe_activity(item, time, mapping, options))
    _elements.add(
        activity,
        "approvedForPatient",
        patient_access_flag(record, approved=mapping.approved_for_patient),
    )
    ElementBuilder(EFTERSKRIFT_NS).add(activity, "outcome", status.value)


def _activity_code(record: Record, mapping: ActivityMapping) -> Code:
    return mapping.kind.codes.get(
        str(record.fields.get(mapping.kind.field)), mapping.kind.otherwise
    )


def _add_time(period: etree._Element, time: PlannedSlot) -> None:
    """The time, or the whole day where the paper has no time of day."""
    if time.at is not None:
        _elements.add(period, "start", format_timestamp(time.at))
        return
    start, end = day_bounds(time.day)
    _elements.add(period, "start", format_timestamp(start))
    _elements.add(period, "end", format_timestamp(end))


def describe_activity(
    item: Item, time: PlannedSlot, mapping: ActivityMapping, options: ExportOptions
) -> str:
    """What became of it and who signed, what was ordered, the times of the row without a word, and
    where it comes from.
    """
    record = item.record
    parts = [
        _outcome_text(time, mapping),
        *(
            f"{record.labels.get(name, name)}: {words}"
            for name in mapping.what
            if (words := format_field_value(record, name, options.forms))
        ),
        ""
        if mapping.kind.field in mapping.what
        else format_uncoded_choice(record, mapping.kind.field, mapping.kind.codes, options.forms),
        _unanswered_slots_text(record, mapping, options),
        f"Makulerad: {record.voided}." if record.voided else "",
        f"Enhet: {record.unit}.",
        late_entry_text(record, options.settings),
        amendment_text(item),
    ]
    return "\n".join(part for part in parts if part)


def _outcome_text(time: PlannedSlot, mapping: ActivityMapping) -> str:
    if time.outcome is None:
        return "Tas bort: efter rättelse säger papperet inget om denna tid."
    ordered = (
        "det ordinerade, papperet säger inte när det gjordes"
        if mapping.slots[time.number - 1].time
        else "papperets"
    )
    clock_words = f"Klockslaget är {ordered}." if time.at else "Klockslag saknas på papperet."
    signed = time.signature.as_text if time.signature else "ingen signatur på papperet"
    return f"{OUTCOME_WORDS[time.outcome]}, {signed}. {clock_words}"


def _unanswered_slots_text(record: Record, mapping: ActivityMapping, options: ExportOptions) -> str:
    """The row's times with a time of day and nothing in their boxes: neither given nor not."""
    every = zip(mapping.slots, planned_slots(record, mapping, options.staff), strict=True)
    names = [
        slot_label(record, slot, time.number, options.forms)
        for slot, time in every
        if time.outcome is None and slot.time and time.at
    ]
    return f"Inget skrivet på papperet samma dag för: {', '.join(names)}." if names else ""
