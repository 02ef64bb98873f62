"""Registered documents as ERMS 2.1.2, which Riksarkivet adopts as FGS Ärendehantering
(`https://citserms.dilcis.eu`).

Version 2.1.2 is chosen because files that are in use validate against it and not against version
3. The file is a list of records, not of
cases: a diary number that the paper names stands as the record's parent, so that no case is made
up here. What ERMS has no place for, who transcribed and verified, stands as agents of the kind
`other` and, in words, in the description. The paper stays where it is and its place is told.
Times are Swedish wall-clock time without zone. The value `physical` is used because the file
carries no picture.

Elements in the namespace of ERMS.

The mapping file `forms/<id>/export.erms.yaml`: a form's entries as registered documents.

The people of a registered document, as agents of ERMS.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Literal

from lxml import etree

from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.model import Client
from pipeline.domain.record import Record, Run
from pipeline.domain.settings import Settings
from pipeline.export.exporter import TEMPORARY_CLIENT, ExportOptions, Item
from pipeline.export.record_text import (
    amendment_text,
    field_value,
    find_record_form,
    format_field_value,
    late_entry_text,
    to_local_time,
)
from pipeline.export.tables.mapping import ExportMapping, NoteSection, StrictModel
from pipeline.files.text import make_printable
from pipeline.texts import Text

ERMS_NS = "https://DILCIS.eu/XML/ERMS"
Direction = Literal[
    "incoming",
    "outgoing",
    "internal_memo_for_follow-up",
    "internal_memo_without_follow-up",
    "case_draft",
]
"""What `directionDefinition` may be in ERMS 2.1.2, except `other`, which would need a word of its
own.
"""
NO_TITLE = Text("export_reason.no_document_title")
NO_DATE = Text("export_reason.no_document_date")
NO_REGULATION = "Lagrum framgår inte av papperet"
PROTECTED_IDENTITY = (
    "Skyddade personuppgifter",
    "Offentlighets- och sekretesslagen (2009:400) 22 kap. 1 §",
)


def add_erms_element(
    parent: etree._Element, name: str, text: str | None = None, /, **attributes: str
) -> etree._Element:
    """A child in the schema's namespace."""
    child = etree.SubElement(
        parent,
        etree.QName(ERMS_NS, name),
        {key: make_printable(value) for key, value in attributes.items()},
    )
    if text is not None:
        child.text = make_printable(text)
    return child


class Classification(StrictModel):
    """The place in the organisation's classification structure (klassificeringsstruktur)."""

    code: str
    name: str


class Secrecy(StrictModel):
    """Which box and line of the form say that a document is secret (offentlighets- och
    sekretesslagen 5 kap. 5 §), and the words beside it.
    """

    mark: str = ""
    regulation: str = ""
    explanation: str = "Sekretess enligt anteckning på papperet"


class DocumentMapping(ExportMapping):
    """A form's entries as records of ERMS 2.1.2. What is empty is left out; names are fields of the
    form unless a comment says otherwise.

    `title` is what the document is about in short (OSL 5:2); without such a field the form's own
    title stands. `public_title` is a text, shown instead of the title where a document is
    secret. `case` is the diary number, `kind` and `dispatch` are choices whose labels are taken.
    """

    title: str = ""
    public_title: str = ""
    case: str = ""
    sender: str = ""
    handler: str = ""
    kind: str = ""
    dispatch: str = ""
    direction: Direction = "incoming"
    classification: Classification | None = None
    secrecy: Secrecy = Secrecy()
    decisions: tuple[str, ...] = ()
    sections: tuple[NoteSection, ...] = ()

    def fields(self) -> set[str]:
        """The form's fields that the mapping takes."""
        single = {
            self.title,
            self.case,
            self.sender,
            self.handler,
            self.kind,
            self.dispatch,
            self.secrecy.mark,
            self.secrecy.regulation,
        }
        return (single | set(self.decisions) | {section.field for section in self.sections}) - {""}


def add_agents(parent: etree._Element, record: Record, *, sender: str, handler: str) -> None:
    """Author, sender, handler and the person concerned; then, as `other`, who scanned, entered,
    verified and signed.
    """
    if record.author:
        author = _add_agent(parent, "creator", record.author)
        if record.author_title:
            add_erms_element(author, "role", record.author_title)
    if sender:
        _add_agent(parent, "sender", sender)
    if handler:
        _add_agent(parent, "responsible_person", handler)
    if record.client.pid:
        _add_concerned_person(parent, record.client)
    stamps = (
        (record.scanned, "skannade papperet"),
        (record.entered, "skrev in"),
        (record.verified, "kontrollerade"),
        (record.signed, "signerade"),
    )
    for stamp, what in stamps:
        if stamp:
            _add_agent(parent, "other", stamp.by, otherAgentType=what)


def _add_concerned_person(parent: etree._Element, client: Client) -> None:
    agent = _add_agent(
        parent, "other", client.name or "namn saknas", otherAgentType="berörd person"
    )
    add_erms_element(agent, "idNumber", client.pid, idNumberType="personnummer eller motsvarande")
    if client.protected:
        add_erms_element(agent, "protectedIdentity", "true")


def _add_agent(parent: etree._Element, kind: str, name: str, **attributes: str) -> etree._Element:
    agent = add_erms_element(parent, "agent", agentType=kind, **attributes)
    add_erms_element(agent, "name", name)
    return agent


class ErmsExporter:
    """Documents to be registered, to ERMS 2.1.2."""

    title = Text("target.erms")
    media_type = "application/xml"
    suffix = ".xml"
    mapping = DocumentMapping

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """A diary asks what a document is about and which day it came."""
        mapping = options.mapping(record.form, DocumentMapping)
        if is_temporary_pid(record.client.pid):
            return TEMPORARY_CLIENT
        if mapping.title and (
            not record.fields.get(mapping.title) or mapping.title in record.illegible
        ):
            return NO_TITLE
        return NO_DATE if record.event_at is None and record.written_at is None else None

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """One `record` an entry, in the items' order."""
        root = etree.Element(etree.QName(ERMS_NS, "erms"), nsmap={"erms": ERMS_NS})
        add_control_section(add_erms_element(root, "control"), run, options.settings)
        documents = add_erms_element(root, "records")
        for item in items:
            _add_document(documents, item, run, options)
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def add_control_section(head: etree._Element, run: Run, settings: Settings) -> None:
    """Whose documents they are, and who made the file when."""
    add_erms_element(
        head, "identification", settings.care_provider, identificationType="arkivbildare"
    )
    if settings.organisation_number:
        add_erms_element(
            head,
            "identification",
            settings.organisation_number,
            identificationType="organisationsnummer",
        )
    add_erms_element(head, "identification", run.id, identificationType="körning")
    upkeep = add_erms_element(head, "maintenanceInformation")
    add_erms_element(upkeep, "maintenanceStatus", value="new")
    add_erms_element(
        add_erms_element(upkeep, "maintenanceAgency"), "agencyName", settings.care_provider
    )
    event = add_erms_element(add_erms_element(upkeep, "maintenanceHistory"), "maintenanceEvent")
    add_erms_element(event, "eventType", value="created")
    add_erms_element(event, "eventDateTime", _format_time(run.made_at))
    agent = add_erms_element(event, "agent", agentType="deliverer")
    add_erms_element(agent, "name", run.made_by)
    add_erms_element(agent, "organisation", settings.care_provider)
    add_erms_element(agent, "role", "exporterade ur Efterskrift")


def _add_document(documents: etree._Element, item: Item, run: Run, options: ExportOptions) -> None:
    record, mapping = item.record, options.mapping(item.record.form, DocumentMapping)
    words = partial(_field_text, record, options)
    about = {"recordType": kind} if (kind := words(mapping.kind)) else {}
    document = add_erms_element(
        documents,
        "record",
        systemIdentifier=record.entry_id,
        recordPhysicalOrDigital="physical",
        **about,
    )
    _add_identity(document, item, words(mapping.case), mapping)
    _add_titles(document, item, mapping, options)
    add_erms_element(document, "direction", directionDefinition=mapping.direction)
    add_agents(
        add_erms_element(document, "agents"),
        record,
        sender=words(mapping.sender),
        handler=words(mapping.handler),
    )
    add_erms_element(document, "description", _describe_item(item, options))
    _add_dates(add_erms_element(document, "dates"), record, run, mapping)
    for decision in filter(None, map(words, mapping.decisions)):
        action = add_erms_element(document, "action")
        add_erms_element(action, "actionText", decision)
        add_erms_element(action, "actionType", "beslut")
    if way := words(mapping.dispatch):
        add_erms_element(document, "dispatchMode", way)
    if record.place:
        add_erms_element(
            add_erms_element(add_erms_element(document, "physicalLocations"), "physicalLocation"),
            "currentLocation",
            record.place,
        )
    _add_notes(document, record, mapping, options)


def _field_text(record: Record, options: ExportOptions, field: str) -> str:
    return format_field_value(record, field, options.forms) if field else ""


def _add_identity(
    document: etree._Element, item: Item, case: str, mapping: DocumentMapping
) -> None:
    add_erms_element(document, "objectId", item.record.entry_id)
    if item.record.serial:
        add_erms_element(
            document, "extraId", item.record.serial, extraIdType="blankettens löpnummer"
        )
    if mapping.classification:
        add_erms_element(
            document,
            "classification",
            mapping.classification.name,
            classificationCode=mapping.classification.code,
        )
    if case:
        add_erms_element(document, "parentAggregationId", case)


def _add_titles(
    document: etree._Element, item: Item, mapping: DocumentMapping, options: ExportOptions
) -> None:
    """Titles, state, what the record replaces, and who may see it."""
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
            f"{record.entry_id}, version {item.amends.revision}, körning {item.amends.run}",
            relationType="replaces",
        )
    for explanation, regulation in restrictions:
        restriction = add_erms_element(document, "restriction", restrictionType="confidential")
        add_erms_element(restriction, "explanatoryText", explanation)
        add_erms_element(restriction, "regulation", regulation)


def _find_restrictions(
    record: Record, mapping: DocumentMapping, options: ExportOptions
) -> list[tuple[str, str]]:
    """What is secret and by which law. A regulation without the tick, or the tick without a
    regulation, is secrecy all the same.
    """
    secrecy = mapping.secrecy
    regulation = (
        format_field_value(record, secrecy.regulation, options.forms) if secrecy.regulation else ""
    )
    marked = bool(secrecy.mark) and (
        field_value(record, secrecy.mark, options.forms) is True or secrecy.mark in record.illegible
    )
    found = [(secrecy.explanation, regulation or NO_REGULATION)] if marked or regulation else []
    return [*found, PROTECTED_IDENTITY] if record.client.protected else found


def _describe_item(item: Item, options: ExportOptions) -> str:
    record = item.record
    voided = f"Makulerad: {record.voided}" if record.voided is not None else ""
    return "\n".join(
        part
        for part in (
            late_entry_text(record, options.settings),
            amendment_text(item),
            voided,
            f"Enhet: {record.unit}.",
        )
        if part
    )


def _add_dates(dates: etree._Element, record: Record, run: Run, mapping: DocumentMapping) -> None:
    written, event = record.written_at or record.event_at, record.event_at
    if written:
        add_erms_element(dates, "date", _format_time(written), dateType="created")
    if event:
        add_erms_element(
            dates,
            "date",
            _format_time(event),
            dateType="received" if mapping.direction == "incoming" else "originated",
        )
    add_erms_element(dates, "date", _format_time(record.scanned.at), dateType="captured")
    for stamp, what in (
        (record.entered, "inskriven"),
        (record.verified, "kontrollerad"),
        (record.signed, "signerad"),
    ):
        if stamp:
            add_erms_element(
                dates, "date", _format_time(stamp.at), dateType="other", otherDateType=what
            )
    add_erms_element(dates, "date", _format_time(run.made_at), dateType="transferred")


def _add_notes(
    document: etree._Element, record: Record, mapping: DocumentMapping, options: ExportOptions
) -> None:
    """What else the paper says, verbatim: first what the mapping names, then all that it leaves
    out. A box without a mark says nothing, not no.
    """
    form, taken = find_record_form(record, options.forms), mapping.fields()
    others = (
        [spec.column for spec in form.entry_fields(record.row) if spec.means is None]
        if form
        else []
    )
    rest = [
        NoteSection(field=name) for name in others if name in record.fields and name not in taken
    ]
    given = [
        section
        for section in (*mapping.sections, *rest)
        if field_value(record, section.field, options.forms) is not False
    ]
    if filled := [
        section for section in given if format_field_value(record, section.field, options.forms)
    ]:
        notes = add_erms_element(document, "notes")
        for section in filled:
            heading = section.heading or record.labels.get(section.field, section.field)
            add_erms_element(
                notes,
                "note",
                format_field_value(record, section.field, options.forms),
                noteType=heading,
            )


def _format_time(moment: datetime) -> str:
    return f"{to_local_time(moment):%Y-%m-%dT%H:%M:%S}"
