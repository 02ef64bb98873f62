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
from pipeline.export.exporter import Exporter, ExportOptions, Item, data_text
from pipeline.export.record_text import (
    amendment_text,
    find_record_form,
    format_field_value,
    labelled,
    late_entry_text,
)
from pipeline.export.rivta.elements import (
    EFTERSKRIFT_NS,
    ElementBuilder,
    add_run_comment,
    format_timestamp,
    missing_note_reasons,
    patient_access_flag,
    serialize_xml,
)
from pipeline.export.rivta.mapping import Alert, AlertKind, AlertMapping
from pipeline.export.rivta.run_archive import (
    MEDIA_TYPE,
    SUFFIX,
    ArchiveFile,
    document_name,
    group_by_patient,
    log_id,
    write_archive,
)
from pipeline.export.rivta.summary_header import (
    DOMAIN_NS,
    EXTENSION_NS,
    add_author,
    add_patient_id,
    add_result,
    add_signature,
)
from pipeline.texts import Text

CONTRACT = "GetAlertInformation 2.0"
RESPONDER_NS = "urn:riv:clinicalprocess:healthcond:description:GetAlertInformationResponder:2"
_NONE_KNOWN = re.compile(r"(ingen|inga|ej|nej)( (känd|kända|känt))?[.!]?")
"""All that is written where nothing is known that needs a warning: "ingen penicillin" warns."""
_elements = ElementBuilder(DOMAIN_NS)


class AlertsExporter(Exporter):
    """Warnings to GetAlertInformation 2.0."""

    media_type = MEDIA_TYPE
    suffix = SUFFIX
    mapping = AlertMapping
    needs_hsa_ids = True
    is_partial = True

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """Return what the contract misses: a time, a known kind of patient id, or a warning."""
        return next(self.unsupported_reasons(record, options), None)

    def unsupported_reasons(self, record: Record, options: ExportOptions) -> Iterator[Text]:
        """Yield all that is missing, not only the first."""
        mapping = options.mapping(record.form, AlertMapping)
        missing = tuple(missing_note_reasons(record, options, mapping.local_id_type))
        yield from missing
        # An amendment without any warning makes obsolete what was sent.
        is_warning = any(is_alerted(record, alert, options) for alert in mapping.alerts)
        if record.revision == 1 and not is_warning and not missing:
            yield Text("export_reason.no_warning")

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build an archive with one answer a patient, an `alertInformation` a warning."""
        files = [
            ArchiveFile(document_name(number), build_response(group, run, number, options), group)
            for number, group in enumerate(group_by_patient(items), 1)
        ]
        return write_archive(files, items, run, CONTRACT)


def build_response(items: Sequence[Item], run: Run, number: int, options: ExportOptions) -> bytes:
    """Build the answer about one patient: the items' warnings in their order."""
    root = etree.Element(
        etree.QName(RESPONDER_NS, "GetAlertInformationResponse"),
        nsmap={"resp": RESPONDER_NS, "core": DOMAIN_NS, "ext": EXTENSION_NS, "ef": EFTERSKRIFT_NS},
    )
    for item in items:
        record = item.record
        for alert in options.mapping(record.form, AlertMapping).alerts:
            # An amendment reports every warning, to end those that are gone.
            if is_alerted(record, alert, options) or record.revision > 1:
                element = ElementBuilder(RESPONDER_NS).add(root, "alertInformation")
                _add_alert(element, item, alert, run, options)
    add_result(root, log_id(run, number))
    return serialize_xml(root)


def is_alerted(record: Record, alert: Alert, options: ExportOptions) -> bool:
    """Return whether the paper warns: a mark that is set or illegible, or words beside it."""
    if record.fields.get(alert.mark) is True or alert.mark in record.illegible:
        return True
    words = format_field_value(record, alert.text, options.forms)
    return bool(words) and not _NONE_KNOWN.fullmatch(words.strip().casefold())


def _add_alert(
    element: etree._Element, item: Item, alert: Alert, run: Run, options: ExportOptions
) -> None:
    record, mapping = item.record, options.mapping(item.record.form, AlertMapping)
    header = _elements.add(element, "alertInformationHeader")
    _elements.add(header, "documentId", f"{record.entry_id}:{alert.mark}")
    _elements.add(header, "sourceSystemHSAId", options.settings.source_system_hsa_id)
    add_patient_id(header, record, mapping.local_id_type)
    add_author(header, record, mapping.units, options)
    add_signature(header, record.signed, options)
    approved = patient_access_flag(record, approved=mapping.approved_for_patient)
    _elements.add(header, "approvedForPatient", approved)
    body = _elements.add(element, "alertInformationBody")
    _elements.add_code(body, "typeOfAlertInformation", alert.type)
    known = record.event_at or record.written_at
    if known is None:
        raise ValueError("a record without any time is unsupported and must not come here")
    start = _elements.add(body, "validityTimePeriod")
    _elements.add(start, "start", format_timestamp(known))
    _elements.add(body, "alertInformationComment", describe_alert(item, alert, options))
    if record.voided is not None or not is_alerted(record, alert, options):
        _elements.add(body, "obsoleteTime", format_timestamp(run.made_at))
        _elements.add(
            body, "obsoleteComment", record.voided or data_text("rivta_text.alert_removed")
        )
    _add_content(body, alert, alert_words(record, alert, options))
    add_run_comment(element, run)


def alert_words(record: Record, alert: Alert, options: ExportOptions) -> str:
    """Return what is warned of: the words on paper, else the name of the box."""
    return format_field_value(record, alert.text, options.forms) or alert.name


def _add_content(body: etree._Element, alert: Alert, words: str) -> None:
    """Add the one element that says what is warned of."""
    content = _elements.add(body, alert.kind.value)
    match alert.kind:
        case AlertKind.HYPERSENSITIVITY:
            other = _elements.add(content, "otherHypersensitivity")
            _elements.add(other, "hypersensitivityAgent", words)
        case AlertKind.DISEASE:
            _elements.add(_elements.add(content, "disease"), "originalText", words)
        case AlertKind.TREATMENT:
            _elements.add(content, "treatmentDescription", words)
        case AlertKind.COMMUNICABLE:
            code = _elements.add(content, "communicableDiseaseCode")
            _elements.add(code, "originalText", words)
        case AlertKind.RESTRICTION:
            _elements.add(content, "restrictionOfCareComment", words)


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
