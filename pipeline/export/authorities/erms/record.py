"""One document as a record of ERMS.

The file is a list of records, not of cases: a diary number on the paper is the record's parent, so
that no case is made up. Who transcribed and verified is in the description too, in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from lxml import etree

from pipeline.domain.record import Record, Run
from pipeline.export.authorities.erms.agents import DocumentParties, add_agents
from pipeline.export.authorities.erms.classification import ClassificationPlan, PlanClass
from pipeline.export.authorities.erms.elements import (
    PROTECTED_IDENTITY,
    add_erms_element,
    format_erms_time,
)
from pipeline.export.authorities.erms.files import FILE_FORMAT, RecordFile, missing_files_note
from pipeline.export.authorities.erms.mapping import DocumentMapping
from pipeline.export.exporter import DATA_LANGUAGE, ExportOptions, Item, data_text
from pipeline.export.mapping import NoteSection
from pipeline.export.record_text import (
    amendment_text,
    field_value,
    find_record_form,
    format_attachment,
    format_field_value,
    late_entry_text,
    record_law,
)
from pipeline.texts import Text

NO_REGULATION = Text("erms_text.no_regulation")
DATE_TYPES = ("inskriven", "kontrollerad", "signerad")
"""`otherDateType` of when an entry was entered, verified and signed."""


@dataclass(frozen=True, slots=True)
class Document:
    """An item with what its record is made from: the plan of its class, and its files."""

    item: Item
    run: Run
    options: ExportOptions
    plan: ClassificationPlan | None
    files: Sequence[RecordFile]

    @property
    def mapping(self) -> DocumentMapping:
        """The mapping of the item's form."""
        return self.options.mapping(self.item.record.form, DocumentMapping)

    def classify(self) -> tuple[PlanClass | None, str]:
        """Return class and type of the document; None and empty where nobody has said them."""
        record, mapping = self.item.record, self.mapping
        planned = self.plan.classify(record) if self.plan else None
        if planned:
            return mapping.classification or planned[0], planned[1]
        return mapping.classification, _field_text(record, self.options, mapping.kind)


def add_record(documents: etree._Element, source: Document) -> None:
    """Add the record of a document."""
    item, options, mapping = source.item, source.options, source.mapping
    record, field_text = item.record, partial(_field_text, item.record, options)
    place, kind = source.classify()
    document = add_erms_element(
        documents,
        "record",
        systemIdentifier=record.entry_id,
        # The second word is spelt as the schema has it.
        recordPhysicalOrDigital="physcical_and_digital" if source.files else "physical",
        **({"recordType": kind} if kind else {}),
    )
    _add_identity(document, record, place, field_text(mapping.case))
    _add_titles(document, item, mapping, options)
    add_erms_element(document, "direction", directionDefinition=mapping.direction)
    add_agents(
        add_erms_element(document, "agents"),
        record,
        DocumentParties(*map(field_text, (mapping.sender, mapping.recipient, mapping.handler))),
    )
    add_erms_element(document, "description", _describe_item(item, options))
    _add_dates(add_erms_element(document, "dates"), record, source.run, mapping)
    for decision in filter(None, map(field_text, mapping.decisions)):
        action = add_erms_element(document, "action")
        add_erms_element(action, "actionText", decision)
        add_erms_element(action, "actionType", "beslut")
    if dispatch := field_text(mapping.dispatch):
        add_erms_element(document, "dispatchMode", dispatch)
    if record.place:
        add_erms_element(
            add_erms_element(add_erms_element(document, "physicalLocations"), "physicalLocation"),
            "currentLocation",
            record.place,
        )
    _add_notes(document, source)
    _add_files(document, source.files)


def _add_files(document: etree._Element, files: Sequence[RecordFile]) -> None:
    """Add each file with its place and checksum."""
    if not files:
        return
    extra = add_erms_element(document, "additionalInformation")
    for file in files:
        add_erms_element(
            extra,
            "appendix",
            name=file.title,
            path=file.path,
            fileFormat=FILE_FORMAT,
            description=f"SHA-256 {file.sha256}",
        )


def _field_text(record: Record, options: ExportOptions, field: str) -> str:
    return format_field_value(record, field, options.forms) if field else ""


def _add_identity(
    document: etree._Element, record: Record, place: PlanClass | None, case: str
) -> None:
    add_erms_element(document, "objectId", record.entry_id)
    if record.serial:
        add_erms_element(document, "extraId", record.serial, extraIdType="blankettens löpnummer")
    if place:
        add_erms_element(document, "classification", place.name, classificationCode=place.code)
    if case:
        add_erms_element(document, "parentAggregationId", case)


def _add_titles(
    document: etree._Element, item: Item, mapping: DocumentMapping, options: ExportOptions
) -> None:
    """Add titles, state, what the record replaces, and its secrecy."""
    record, restrictions = item.record, _find_restrictions(item.record, mapping, options)
    add_erms_element(document, "title", _field_text(record, options, mapping.title) or record.title)
    if restrictions:
        add_erms_element(
            document, "otherTitle", mapping.public_title or record.title, titleType="public"
        )
    state = "received" if mapping.direction == "incoming" else "closed"
    add_erms_element(document, "status", value=state if record.voided is None else "obliterated")
    add_erms_element(document, "runningNumber", str(item.number))
    if item.amends:
        add_erms_element(
            document,
            "relation",
            data_text(
                "erms_text.replaces",
                entry=record.entry_id,
                revision=item.amends.revision,
                run=item.amends.run,
            ),
            relationType="replaces",
        )
    for explanation, regulation in restrictions:
        restriction = add_erms_element(document, "restriction", restrictionType="confidential")
        add_erms_element(restriction, "explanatoryText", explanation)
        add_erms_element(restriction, "regulation", regulation)


def _find_restrictions(
    record: Record, mapping: DocumentMapping, options: ExportOptions
) -> list[tuple[str, str]]:
    """Return why a document is secret, and by which law.

    A section of law without the tick, or the tick without one, is secrecy all the same.
    """
    secrecy = mapping.secrecy
    regulation = (
        format_field_value(record, secrecy.regulation, options.forms) if secrecy.regulation else ""
    )
    # An illegible tick counts as ticked: secrecy is the safe side.
    marked = bool(secrecy.mark) and (
        field_value(record, secrecy.mark, options.forms) is True or secrecy.mark in record.illegible
    )
    restrictions = []
    if marked or regulation:
        section = regulation or NO_REGULATION.in_language(DATA_LANGUAGE)
        restrictions.append((secrecy.explanation, section))
    if record.client.protected:
        restrictions.append(PROTECTED_IDENTITY)
    return restrictions


def _describe_item(item: Item, options: ExportOptions) -> str:
    record = item.record
    voided = data_text("late_entry.void", reason=record.voided) if record.voided is not None else ""
    return "\n".join(
        part
        for part in (
            late_entry_text(record, options.settings),
            amendment_text(item),
            voided,
            data_text("late_entry.unit", unit=record.unit),
            record_law(record, options.forms),
        )
        if part
    )


def _add_dates(dates: etree._Element, record: Record, run: Run, mapping: DocumentMapping) -> None:
    if record.written_at:
        add_erms_element(dates, "date", format_erms_time(record.written_at), dateType="created")
    if record.event_at:
        add_erms_element(
            dates,
            "date",
            format_erms_time(record.event_at),
            dateType="received" if mapping.direction == "incoming" else "originated",
        )
    add_erms_element(dates, "date", format_erms_time(record.scanned.at), dateType="captured")
    # The three stamps have no ERMS date type of their own.
    stamps = (record.entered, record.verified, record.signed)
    for stamp, date_type in zip(stamps, DATE_TYPES, strict=True):
        if stamp:
            add_erms_element(
                dates, "date", format_erms_time(stamp.at), dateType="other", otherDateType=date_type
            )
    add_erms_element(dates, "date", format_erms_time(run.made_at), dateType="transferred")


def _add_notes(document: etree._Element, source: Document) -> None:
    """Add the other fields verbatim: first those that the mapping names, then all it leaves out.

    A box without a mark says nothing, not no.
    """
    record, mapping, options = source.item.record, source.mapping, source.options
    form, mapped = find_record_form(record, options.forms), mapping.fields()
    candidates = (
        [spec.column for spec in form.entry_fields(record.row) if spec.means is None]
        if form
        else []
    )
    # Fields that no part of the mapping names.
    rest = [
        NoteSection(field=name)
        for name in candidates
        if name in record.fields and name not in mapped
    ]
    filled = [
        (section, text)
        for section in (*mapping.sections, *rest)
        if field_value(record, section.field, options.forms) is not False
        and (text := format_field_value(record, section.field, options.forms))
    ]
    attachments = [
        (data_text("erms_text.attachment_note"), format_attachment(each))
        for each in record.attachments
    ]
    paper = missing_files_note(record, options, source.files)
    words = [
        *(
            (section.heading or record.labels.get(section.field, section.field), text)
            for section, text in filled
        ),
        *attachments,
        *([(data_text("erms_text.paper_note"), paper)] if paper else []),
    ]
    if words:
        notes = add_erms_element(document, "notes")
        for kind, text in words:
            add_erms_element(notes, "note", text, noteType=kind)
