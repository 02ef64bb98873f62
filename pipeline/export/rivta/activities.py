"""Given doses and delegated measures as ProcessActivities 1.0 requests.

The contract (RIVTA clinicalprocess:activity:actions) is for writing. A request carries one
activity, so a run is a ZIP archive of requests, one for each time of a signing sheet with a
mark, to be sent in the order of their names. A request has no element for patient and performer
(its domain's ActivityGroupType has), so they follow the activity as elements of the domain, where
the schema lets other namespaces in. What else the contract has no element for is in
`description`. What was not given or declined has a status of its own, never that of what was
given, and the description begins with it. An amendment has the same ids: a time that the entry no
longer says anything of is nullified. An empty box says neither that the dose was given nor that it
was not. An ordered time is never said to be when it was done: without the time on paper the
activity's time is the whole day, and `actualTime` is `unknown`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lxml import etree

from pipeline.domain.model import StaffMember
from pipeline.domain.record import Record, Run
from pipeline.export.exporter import (
    ExportOptions,
    Item,
    data_text,
    insert_withdrawals,
)
from pipeline.export.record_text import (
    Signature,
    amendment_text,
    find_signature,
    format_field_value,
    format_uncoded_choice,
    known_time,
    labelled,
    late_entry_text,
    to_local_time,
)
from pipeline.export.rivta.elements import (
    EFTERSKRIFT_NS,
    Performer,
    RivtaNamespace,
    day_bounds,
    extension,
    format_timestamp,
    patient_access_flag,
    signature_performer,
    unsupported_group_reasons,
)
from pipeline.export.rivta.mapping import ActivityMapping, Outcome, Slot
from pipeline.export.rivta.run_archive import (
    ArchiveFile,
    RivtaExporter,
    write_archive,
)
from pipeline.files.xml_output import Namespace, serialize_xml
from pipeline.texts import Text

RESPONDER_NS = "urn:riv:clinicalprocess:activity:actions:ProcessActivitiesResponder:1"
DOMAIN_NS = "urn:riv:clinicalprocess:activity:actions:1"
_core = RivtaNamespace(DOMAIN_NS)
UNKNOWN_TIME = "unknown"


@dataclass(frozen=True, slots=True)
class PlannedSlot:
    """One time of an entry.

    `outcome` is None where the paper says nothing, `at` where it does not say when it was done,
    `ordered_at` where no time was ordered.
    """

    number: int
    day: datetime
    at: datetime | None
    ordered_at: datetime | None
    outcome: Outcome | None
    signature: Signature | None


def planned_slots(
    record: Record, mapping: ActivityMapping, staff: Sequence[StaffMember]
) -> list[PlannedSlot]:
    """Return the times of an entry in the mapping's order, counted from 1.

    Raises:
        ValueError: the entry has no day, so it is unsupported.
    """
    moment = to_local_time(known_time(record.event_at))
    day = datetime.combine(moment.date(), datetime.min.time())
    entry_time = None if "event_at" in record.clock_unknown else moment
    return [
        PlannedSlot(
            number,
            day,
            None if slot.time else entry_time,
            _ordered_time(record, slot, day),
            _slot_outcome(record, slot, mapping),
            find_signature(record, slot.given, staff),
        )
        for number, slot in enumerate(mapping.slots, 1)
    ]


def find_unclear_slot(record: Record, mapping: ActivityMapping) -> Text | None:
    """Return why the outcome of a time cannot be exported; None when every box is clear."""
    for number, slot in enumerate(mapping.slots, 1):
        # A mark that cannot be read, or two that contradict each other.
        if slot.fields() & record.illegible:
            return Text("export_reason.slot_illegible", {"slot": number})
        if _is_marked(record, slot.not_given) and _is_marked(record, slot.declined):
            return Text("export_reason.slot_contradictory", {"slot": number})
        # Initials without a dose may be beside what was only ordered, or refused.
        if (
            slot.amount
            and record.fields.get(slot.given)
            and not record.fields.get(slot.amount)
            and not _deviation_code(record, slot)
            and not _is_marked(record, slot.not_given)
            and not _is_marked(record, slot.declined)
        ):
            return Text("export_reason.slot_without_dose", {"slot": number})
        if (
            _deviation_code(record, slot)
            and _deviation_code(record, slot) not in mapping.deviations
        ):
            return Text("export_reason.slot_deviation_unmapped", {"slot": number})
    return None


def _ordered_time(record: Record, slot: Slot, day: datetime) -> datetime | None:
    clock = record.fields.get(slot.time) if slot.time else None
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


def _is_marked(record: Record, name: str) -> bool:
    return bool(name) and record.fields.get(name) is True


class ActivitiesExporter(RivtaExporter):
    """Signing sheets to ProcessActivities 1.0."""

    mapping = ActivityMapping
    contract = "ProcessActivities 1.0"

    def unsupported_reasons(self, record: Record, options: ExportOptions) -> Iterator[Text]:
        """Yield what the schema misses, and which outcome would have to be guessed."""
        mapping = options.mapping(record.form, ActivityMapping)
        yield from unsupported_group_reasons(record, options)
        if unclear := find_unclear_slot(record, mapping):
            yield unclear
            return
        # An amendment without any outcome nullifies what was sent; a first version is not sent.
        if (
            record.revision == 1
            and record.event_at is not None
            and not any(slot.outcome for slot in planned_slots(record, mapping, options.staff))
        ):
            yield Text("export_reason.nothing_signed")

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build a ZIP archive with one request a time, in the items' order."""
        files = []
        for item in insert_withdrawals(items):
            # A withdrawal is sent, and so sorted, before the entry's new version.
            prefix = f"{item.number:05d}-{'0-makulering-' if item.is_withdrawal else ''}"
            for slot in _slots_to_report(item.record, options):
                name = f"{prefix}{item.record.entry_id}-{slot.number}.xml"
                request = build_request(item, slot, run, options)
                files.append(ArchiveFile(name, request, (item,)))
        return write_archive(files, items, run, self.contract)


def build_request(item: Item, slot: PlannedSlot, run: Run, options: ExportOptions) -> bytes:
    """Build one request: activity, patient, performer, signer and source."""
    record, mapping = item.record, options.mapping(item.record.form, ActivityMapping)
    performer = signature_performer(slot.signature) if slot.signature else Performer()
    responder = Namespace(RESPONDER_NS)
    root = responder(
        "ProcessActivities",
        responder("activityType", *_activity_parts(item, slot, mapping, options)),
        _core.patient(record),
        _core.performer(performer, record, mapping, options),
        _core.signer(record.signed, options),
        _core.source_system(options),
        extension("run", run.id),
        prefixes={"resp": RESPONDER_NS, "core": DOMAIN_NS, "ef": EFTERSKRIFT_NS},
    )
    return serialize_xml(root)


def _slots_to_report(record: Record, options: ExportOptions) -> list[PlannedSlot]:
    """Return the times with an outcome; all times of an amended entry."""
    slots = planned_slots(record, options.mapping(record.form, ActivityMapping), options.staff)
    return [slot for slot in slots if slot.outcome or record.revision > 1]


def _activity_parts(
    item: Item, slot: PlannedSlot, mapping: ActivityMapping, options: ExportOptions
) -> list[etree._Element | None]:
    record, kind = item.record, mapping.kind
    status = slot.outcome if slot.outcome and record.voided is None else Outcome.NULLIFIED
    approved = mapping.approved_for_patient
    # When it was done: the whole day where the paper does not say at what time.
    times = zip(("start", "end"), (slot.at,) if slot.at else day_bounds(slot.day), strict=False)
    return [
        _core.source_id(options, record.entry_id, str(slot.number)),
        _core.code("status", mapping.status[status]),
        _core.code("value", kind.codes.get(str(record.fields.get(kind.field)), kind.otherwise)),
        _core("time", *(_core(tag, format_timestamp(moment)) for tag, moment in times)),
        _core("description", describe_activity(item, slot, mapping, options)),
        _core("approvedForPatient", patient_access_flag(record, approved=approved)),
        extension("outcome", status.value),
        extension("actualTime", format_timestamp(slot.at) if slot.at else UNKNOWN_TIME),
        extension("orderedTime", format_timestamp(slot.ordered_at)) if slot.ordered_at else None,
    ]


def describe_activity(
    item: Item, slot: PlannedSlot, mapping: ActivityMapping, options: ExportOptions
) -> str:
    """Return outcome and signature, what was ordered, empty times of the row, and the origin."""
    record = item.record
    parts = [
        _outcome_text(slot),
        *(
            labelled(record, name, words)
            for name in mapping.what
            if (words := format_field_value(record, name, options.forms))
        ),
        ""
        if mapping.kind.field in mapping.what
        else format_uncoded_choice(record, mapping.kind.field, mapping.kind.codes, options.forms),
        _unanswered_slots_text(record, mapping, options),
        data_text("rivta_text.void", reason=record.voided) if record.voided else "",
        data_text("late_entry.unit", unit=record.unit),
        late_entry_text(record, options.settings),
        amendment_text(item),
    ]
    return "\n".join(part for part in parts if part)


def _outcome_text(slot: PlannedSlot) -> str:
    if slot.outcome is None:
        return data_text("rivta_text.slot_removed")
    outcome = data_text(f"rivta_text.outcome.{slot.outcome.value}")
    signature = slot.signature.as_text if slot.signature else data_text("rivta_text.no_signature")
    words = {"outcome": outcome, "signature": signature}
    if slot.at:
        return data_text("rivta_text.outcome_with_clock", **words)
    if slot.ordered_at:
        return data_text(
            "rivta_text.outcome_ordered", **words, ordered=f"{slot.ordered_at:%Y-%m-%d %H:%M}"
        )
    return data_text("rivta_text.outcome_without_clock", **words)


def _unanswered_slots_text(record: Record, mapping: ActivityMapping, options: ExportOptions) -> str:
    """Return the row's times of day with empty boxes: neither given nor not given."""
    slots = zip(mapping.slots, planned_slots(record, mapping, options.staff), strict=True)
    names = [
        format_field_value(record, mapped.time, options.forms)
        or data_text("rivta_text.slot_number", number=slot.number)
        for mapped, slot in slots
        if slot.outcome is None and slot.ordered_at
    ]
    return data_text("rivta_text.slots_unanswered", slots=", ".join(names)) if names else ""
