"""Given doses and delegated measures as ProcessActivities 1.0 requests (RIVTA clinicalprocess:activity:actions), a contract for writing.

A request carries one activity, so a run is a ZIP archive of requests: one for each time that the sheet says something of, to be sent in the order of
their names. The contract's request has no place of its own for the patient and the performer (its domain's ActivityGroupType has), so they follow the
activity as elements of the domain, where the schema lets other namespaces in. That the time is the ordered one, and all that the contract has no
element for, stands in `description`. What was not given or declined has a status of its own, never that of what was given, and begins with
saying so. An amendment names the same ids: a time that the entry says nothing of any longer is nullified.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

from lxml import etree

from pipeline.export.exporter import MOVED, Item, Terms, with_withdrawals
from pipeline.export.group_mapping import ActivityMapping, Code, Outcome
from pipeline.export.late_entry import amendment_text, late_entry_text, local
from pipeline.export.outcomes import WORDS, Planned, doubt, planned, time_label
from pipeline.export.rivta_parts import EFTERSKRIFT, Elements, clock, open_to_patient, run_mark, tree_bytes, unfit_for_group, whole_day
from pipeline.export.values import shown, uncoded
from pipeline.record import Record, Run

RESPONDER = "urn:riv:clinicalprocess:activity:actions:ProcessActivitiesResponder:1"
DOMAIN = "urn:riv:clinicalprocess:activity:actions:1"
_core = Elements(DOMAIN)


class ActivitiesExporter:
    """Signing sheets to ProcessActivities 1.0."""

    title = "Signerade insatser (RIVTA ProcessActivities 1.0)"
    media_type = "application/zip"
    suffix = ".zip"
    mapping = ActivityMapping

    def unfit(self, record: Record, terms: Terms) -> str:
        """The schema asks for a time and a numbered patient with a day of birth; what was given must not be guessed."""
        mapping = terms.mapping(record.form, ActivityMapping)
        if reason := unfit_for_group(record) or doubt(record, mapping):
            return reason
        if record.revision == 1 and not any(time.outcome for time in planned(record, mapping, terms.staff)):
            return "Inget är signerat eller avvikelsemarkerat på raden. Skriv in den för hand om den betyder något."
        return ""

    def make(self, items: Sequence[Item], run: Run, terms: Terms) -> bytes:
        """A ZIP archive with one request a time, in the items' order."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for item in with_withdrawals(items):
                withdrawn = "0-makulering-" if item.record.voided == MOVED else ""  # sorts before the other's names
                for time in _told(item.record, terms):
                    name = f"{item.number:05d}-{withdrawn}{item.record.entry_id}-{time.number}.xml"
                    entry = zipfile.ZipInfo(name, local(run.made_at).timetuple()[:6])
                    entry.external_attr = 0o600 << 16
                    archive.writestr(entry, request(item, time, run, terms), zipfile.ZIP_DEFLATED)
        return out.getvalue()


def request(item: Item, time: Planned, run: Run, terms: Terms) -> bytes:
    """One request: the activity, whom it is about, who did it, who signed it, and where it comes from."""
    record, mapping = item.record, terms.mapping(item.record.form, ActivityMapping)
    root = etree.Element(etree.QName(RESPONDER, "ProcessActivities"), nsmap={"resp": RESPONDER, "core": DOMAIN, "ef": EFTERSKRIFT})
    _activity(Elements(RESPONDER).add(root, "activityType"), item, time, terms)
    _core.patient(root, record)
    _core.performer(root, time.signature.performer if time.signature else "", record, mapping, terms)
    _core.signer(root, record.signed)
    _core.source(root, terms)
    run_mark(root, run)
    return tree_bytes(root)


def _told(record: Record, terms: Terms) -> list[Planned]:
    """The times to tell of: those that the paper says something of, and of an amended entry every one."""
    every = planned(record, terms.mapping(record.form, ActivityMapping), terms.staff)
    return [time for time in every if time.outcome or record.revision > 1]


def _activity(activity: etree._Element, item: Item, time: Planned, terms: Terms) -> None:
    record, mapping = item.record, terms.mapping(item.record.form, ActivityMapping)
    _core.own_id(activity, terms, record.entry_id, str(time.number))
    status = time.outcome if time.outcome and record.voided is None else Outcome.NULLIFIED
    _core.code(activity, "status", mapping.status[status])
    _core.code(activity, "value", _kind(record, mapping))
    _time(_core.add(activity, "time"), time)
    _core.add(activity, "description", description(item, time, mapping, terms))
    _core.add(activity, "approvedForPatient", open_to_patient(record, approved=mapping.approved_for_patient))
    Elements(EFTERSKRIFT).add(activity, "outcome", status.value)


def _kind(record: Record, mapping: ActivityMapping) -> Code:
    return mapping.kind.codes.get(str(record.fields.get(mapping.kind.field)), mapping.kind.otherwise)


def _time(period: etree._Element, time: Planned) -> None:
    """The time, or the whole day where the paper has no time of day."""
    if time.at is not None:
        _core.add(period, "start", clock(time.at))
        return
    start, end = whole_day(time.day)
    _core.add(period, "start", clock(start))
    _core.add(period, "end", clock(end))


def description(item: Item, time: Planned, mapping: ActivityMapping, terms: Terms) -> str:
    """What became of it and who signed, what was ordered, the times of the row without a word, and where it comes from."""
    record = item.record
    parts = [
        _said(time, mapping),
        *(f"{record.labels.get(name, name)}: {words}" for name in mapping.what if (words := shown(record, name, terms.forms))),
        "" if mapping.kind.field in mapping.what else uncoded(record, mapping.kind.field, mapping.kind.codes, terms.forms),
        _silent(record, mapping, terms),
        f"Makulerad: {record.voided}." if record.voided else "",
        f"Enhet: {record.unit}.",
        late_entry_text(record, terms.settings),
        amendment_text(item),
    ]
    return "\n".join(part for part in parts if part)


def _said(time: Planned, mapping: ActivityMapping) -> str:
    if time.outcome is None:
        return "Tas bort: efter rättelse säger papperet inget om denna tid."
    ordered = "det ordinerade, papperet säger inte när det gjordes" if mapping.slots[time.number - 1].time else "papperets"
    clock_words = f"Klockslaget är {ordered}." if time.at else "Klockslag saknas på papperet."
    signed = time.signature.words if time.signature else "ingen signatur på papperet"
    return f"{WORDS[time.outcome]}, {signed}. {clock_words}"


def _silent(record: Record, mapping: ActivityMapping, terms: Terms) -> str:
    """The row's times with a time of day and nothing in their boxes: neither given nor not."""
    every = zip(mapping.slots, planned(record, mapping, terms.staff), strict=True)
    names = [time_label(record, slot, time.number, terms.forms) for slot, time in every if time.outcome is None and slot.time and time.at]
    return f"Inget skrivet på papperet samma dag för: {', '.join(names)}." if names else ""
