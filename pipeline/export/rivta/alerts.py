"""Warnings as GetAlertInformation 2.0 responses, one a patient.

The contract (RIVTA clinicalprocess:healthcond:description) is for reading, as GetCareDocumentation
is: a run is an archive of answers. Only what the paper says becomes an alert: a ticked box, or
words beside it. An empty box says nothing, and what is known not to be there is no alert. What is
warned of is text: nobody has coded it. The contract knows no nullified alert; one that is void, or
that a correction removed, is obsolete under its old id from the moment of the run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lxml import etree

from pipeline.domain.record import Record, Run
from pipeline.export.exporter import ExportOptions, Item, data_text
from pipeline.export.record_text import (
    amendment_text,
    find_record_form,
    format_field_value,
    known_time,
    labelled,
    late_entry_text,
)
from pipeline.export.rivta.elements import (
    DOMAIN_NS,
    RivtaNamespace,
    answer_xml,
    extension,
    format_timestamp,
    header_parts,
    missing_note_reasons,
)
from pipeline.export.rivta.mapping import Alert, AlertKind, AlertMapping
from pipeline.export.rivta.run_archive import (
    AnswersExporter,
    log_id,
)
from pipeline.files.xml_output import Namespace
from pipeline.texts import Text

RESPONDER_NS = "urn:riv:clinicalprocess:healthcond:description:GetAlertInformationResponder:2"
_NONE_KNOWN = re.compile(r"(ingen|inga|ej|nej)( (känd|kända|känt))?[.!]?")
"""All that is written where nothing is known that needs a warning: "ingen penicillin" warns."""
_core, _responder = RivtaNamespace(DOMAIN_NS), Namespace(RESPONDER_NS)
_CONTENT = {
    AlertKind.HYPERSENSITIVITY: ("otherHypersensitivity", "hypersensitivityAgent"),
    AlertKind.DISEASE: ("disease", "originalText"),
    AlertKind.TREATMENT: ("treatmentDescription",),
    AlertKind.COMMUNICABLE: ("communicableDiseaseCode", "originalText"),
    AlertKind.RESTRICTION: ("restrictionOfCareComment",),
}
"""The elements, each in the one before, in which each kind of alert says what is warned of."""


class AlertsExporter(AnswersExporter):
    """Warnings to GetAlertInformation 2.0."""

    mapping = AlertMapping
    contract = "GetAlertInformation 2.0"
    is_partial = True

    def unsupported_reasons(self, record: Record, options: ExportOptions) -> Iterator[Text]:
        """Yield what the contract misses: a time, a known kind of patient id, or a warning."""
        mapping = options.mapping(record.form, AlertMapping)
        missing = tuple(missing_note_reasons(record, options, mapping.local_id_type))
        yield from missing
        # An amendment without any warning makes obsolete what was sent.
        is_warning = any(is_alerted(record, alert, options) for alert in mapping.alerts)
        if record.revision == 1 and not is_warning and not missing:
            yield Text("export_reason.no_warning")

    def answer(self, items: Sequence[Item], run: Run, number: int, options: ExportOptions) -> bytes:
        """Return the answer about one patient, an `alertInformation` a warning."""
        alerts = [
            _alert(item, alert, run, options)
            for item in items
            for alert in options.mapping(item.record.form, AlertMapping).alerts
            # An amendment reports every warning, to end those that are gone.
            if is_alerted(item.record, alert, options) or item.record.revision > 1
        ]
        return answer_xml("GetAlertInformationResponse", RESPONDER_NS, alerts, log_id(run, number))


def is_alerted(record: Record, alert: Alert, options: ExportOptions) -> bool:
    """Return whether the paper warns: a mark that is set or illegible, or words beside it."""
    if record.fields.get(alert.mark) is True or alert.mark in record.illegible:
        return True
    words = format_field_value(record, alert.text, options.forms)
    return bool(words) and not _NONE_KNOWN.fullmatch(words.strip().casefold())


def _alert(item: Item, alert: Alert, run: Run, options: ExportOptions) -> etree._Element:
    record, mapping = item.record, options.mapping(item.record.form, AlertMapping)
    start = known_time(record.event_at, record.written_at)
    is_over = record.voided is not None or not is_alerted(record, alert, options)
    removed = record.voided or data_text("rivta_text.alert_removed")
    return _responder(
        "alertInformation",
        _core(
            "alertInformationHeader",
            _core("documentId", f"{record.entry_id}:{alert.mark}"),
            _core("sourceSystemHSAId", options.settings.source_system_hsa_id),
            *header_parts(record, mapping, options),
        ),
        _core(
            "alertInformationBody",
            _core.code("typeOfAlertInformation", alert.type),
            _core("validityTimePeriod", _core("start", format_timestamp(start))),
            _core("alertInformationComment", describe_alert(item, alert, options)),
            _core("obsoleteTime", format_timestamp(run.made_at)) if is_over else None,
            _core("obsoleteComment", removed) if is_over else None,
            _content(alert, alert_words(record, alert, options)),
        ),
        extension("run", run.id),
    )


def alert_words(record: Record, alert: Alert, options: ExportOptions) -> str:
    """Return what is warned of: the words on paper, else the name of the box."""
    return format_field_value(record, alert.text, options.forms) or alert.name


def _content(alert: Alert, words: str) -> etree._Element:
    """Return the one element that says what is warned of."""
    *outer, innermost = (alert.kind.value, *_CONTENT[alert.kind])
    element = _core(innermost, words)
    for tag in reversed(outer):
        element = _core(tag, element)
    return element


def describe_alert(item: Item, alert: Alert, options: ExportOptions) -> str:
    """Return what the paper says beside it, where it comes from, and what is not carried."""
    record, mapping = item.record, options.mapping(item.record.form, AlertMapping)
    day_only = record.event_at is None or "event_at" in record.clock_unknown
    none_known = [each.text for each in mapping.alerts if not is_alerted(record, each, options)]
    left = [record.labels.get(name, name) for name in _fields_left(record, mapping, options)]
    parts = [
        *(
            labelled(record, name, words)
            for name in (*alert.more, *none_known)
            if (words := format_field_value(record, name, options.forms))
        ),
        data_text("rivta_text.alert_start") if day_only else "",
        data_text("rivta_text.void", reason=record.voided) if record.voided else "",
        data_text("late_entry.unit", unit=record.unit),
        late_entry_text(record, options.settings),
        amendment_text(item),
        data_text("rivta_text.left_on_paper", labels=", ".join(left)) if left else "",
    ]
    return "\n".join(part for part in parts if part)


def _fields_left(record: Record, mapping: AlertMapping, options: ExportOptions) -> list[str]:
    """Return the filled in fields that no alert carries, without those of client and author."""
    form = find_record_form(record, options.forms)
    said = {spec.column for spec in form.entry_fields(record.row) if spec.means} if form else set()
    return [
        name
        for name, value in record.fields.items()
        if (value or name in record.illegible) and name not in said | mapping.fields()
    ]
