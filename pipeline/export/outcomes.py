"""What a signing sheet says of one planned time: given, not given, declined, or nothing; and who stands for it.

Nothing is read into an empty box: it says neither that the dose was given nor that it was not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.export.group_mapping import ActivityMapping, Outcome, Slot
from pipeline.export.late_entry import local
from pipeline.export.signatures import Signature, signature_of
from pipeline.export.values import shown
from pipeline.model import StaffMember
from pipeline.record import Record
from pipeline.template import Forms

WORDS = {Outcome.GIVEN: "Given", Outcome.NOT_GIVEN: "Ej given", Outcome.DECLINED: "Avböjd av den enskilde"}


@dataclass(frozen=True, slots=True)
class Planned:
    """One time of an entry. `outcome` is None where the paper says nothing; `at` is None where no time of day is known."""

    number: int
    day: datetime
    at: datetime | None
    outcome: Outcome | None
    signature: Signature | None


def planned(record: Record, mapping: ActivityMapping, staff: Sequence[StaffMember]) -> list[Planned]:
    """The times of an entry in the mapping's order, counted from 1.

    Raises:
        ValueError: the entry has no day; such a one is unfit.
    """
    if record.event_at is None:
        raise ValueError("a record without any time is unfit and must not come here")
    day = datetime.combine(local(record.event_at).date(), datetime.min.time())
    own = None if "event_at" in record.clock_unknown else local(record.event_at)
    return [
        Planned(n, day, _at(record, slot, day, own), _outcome(record, slot, mapping), signature_of(record, slot.given, staff))
        for n, slot in enumerate(mapping.slots, 1)
    ]


def doubt(record: Record, mapping: ActivityMapping) -> str:
    """Why no machine may say what became of one of the times, in Swedish; empty when every box is clear."""
    for n, slot in enumerate(mapping.slots, 1):
        if slot.fields() & record.illegible:
            return f"En ruta för tid {n} är oläslig. Skriv in raden för hand."
        if _marked(record, slot.not_given) and _marked(record, slot.declined):
            return f"Tid {n} är märkt både som ej given och som avböjd. Skriv in raden för hand."
        if slot.amount and record.fields.get(slot.given) and not record.fields.get(slot.amount) and not _deviates(record, slot):
            return f"Tid {n} är signerad utan given dos. Skriv in raden för hand."
        if _chosen(record, slot) and _chosen(record, slot) not in mapping.deviations:
            return f"Avvikelsen för tid {n} saknas i målets översättning (deviations)."
    return ""


def time_label(record: Record, slot: Slot, number: int, forms: Forms) -> str:
    """What a time is called: its time of day, else its number."""
    return shown(record, slot.time, forms) or f"tid {number}"


def _at(record: Record, slot: Slot, day: datetime, own: datetime | None) -> datetime | None:
    if not slot.time:
        return own
    clock = record.fields.get(slot.time)
    if not isinstance(clock, str) or not re.fullmatch(r"\d\d:\d\d", clock, re.ASCII):
        return None
    hour, minute = map(int, clock.split(":"))
    return day + timedelta(hours=hour, minutes=minute)  # 24:00 is the first moment of the next day


def _outcome(record: Record, slot: Slot, mapping: ActivityMapping) -> Outcome | None:
    if chosen := _chosen(record, slot):
        return mapping.deviations.get(chosen)
    if _marked(record, slot.declined):
        return Outcome.DECLINED
    if _marked(record, slot.not_given):
        return Outcome.NOT_GIVEN
    return Outcome.GIVEN if record.fields.get(slot.given) else None


def _chosen(record: Record, slot: Slot) -> str:
    value = record.fields.get(slot.deviation) if slot.deviation else None
    return value if isinstance(value, str) else ""


def _deviates(record: Record, slot: Slot) -> bool:
    return bool(_chosen(record, slot)) or _marked(record, slot.not_given) or _marked(record, slot.declined)


def _marked(record: Record, name: str) -> bool:
    return bool(name) and record.fields.get(name) is True
