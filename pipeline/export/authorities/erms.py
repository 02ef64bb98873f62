"""Registered documents as ERMS 2.1.2, which Riksarkivet adopts as FGS Ärendehantering.

ERMS is at `https://citserms.dilcis.eu`. Files in use validate against version 2.1.2 and not
against version 3. The file is a list of records, not of cases: a diary number on the paper is the
record's parent, so that no case is made up. Who transcribed and verified has no place in ERMS;
they are agents of the kind `other` and, in words, in the description. The file carries no image,
so a record is `physical`, with the place of the paper. Times are Swedish wall-clock time without
zone. A form's mapping file is `forms/<id>/export.erms.yaml`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Literal

from lxml import etree

from pipeline.domain.errors import ExportError
from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.model import Client
from pipeline.domain.record import CareProvider, Record, Run
from pipeline.export.exporter import DATA_LANGUAGE, TEMPORARY_CLIENT, ExportOptions, Item
from pipeline.export.record_text import (
    amendment_text,
    care_provider,
    field_value,
    find_record_form,
    format_attachment,
    format_field_value,
    late_entry,
    late_entry_text,
    record_law,
    settings_provider,
    to_local_time,
)
from pipeline.export.tables.mapping import ExportMapping, NoteSection, StrictModel
from pipeline.files.text import make_printable
from pipeline.texts import Text, Topic

ERMS_NS = "https://DILCIS.eu/XML/ERMS"
Direction = Literal[
    "incoming",
    "outgoing",
    "internal_memo_for_follow-up",
    "internal_memo_without_follow-up",
    "case_draft",
]
"""Values of `directionDefinition` in ERMS 2.1.2, except `other`, which needs words of its own."""
NO_TITLE = Text("export_reason.no_document_title")
NO_DATE = Text("export_reason.no_document_date")
NO_REGULATION = Text("erms_text.no_regulation")
PROTECTED_IDENTITY = (
    "Skyddade personuppgifter",
    "Offentlighets- och sekretesslagen (2009:400) 22 kap. 1 §",
)
"""Explanation and section of law of a restriction because of a protected identity."""
AGENT_TYPES = ("skannade papperet", "skrev in", "kontrollerade", "signerade")
"""`otherAgentType` of those who scanned, entered, verified and signed an entry."""
DATE_TYPES = ("inskriven", "kontrollerad", "signerad")
"""`otherDateType` of when an entry was entered, verified and signed."""
_text = Topic("erms_text", DATA_LANGUAGE)


def add_erms_element(
    parent: etree._Element, name: str, text: str | None = None, /, **attributes: str
) -> etree._Element:
    """Add a child in the namespace of ERMS."""
    child = etree.SubElement(
        parent,
        etree.QName(ERMS_NS, name),
        {key: make_printable(value) for key, value in attributes.items()},
    )
    if text is not None:
        child.text = make_printable(text)
    return child


class Classification(StrictModel):
    """A place in the organisation's classification structure (klassificeringsstruktur)."""

    code: str
    name: str


class Secrecy(StrictModel):
    """The box and line of a form that say that a document is secret, and the words beside them.

    Offentlighets- och sekretesslagen 5 kap. 5 §.
    """

    mark: str = ""
    regulation: str = ""
    explanation: str = "Sekretess enligt anteckning på papperet"


class DocumentMapping(ExportMapping):
    """A form's entries as records of ERMS 2.1.2, by names of fields; empty ones are left out.

    `title` is what the document is about in short (OSL 5:2); without such a field it is the form's
    own title. `public_title` is a text, shown instead of the title where a document is secret.
    `case` is the diary number, `kind` and `dispatch` are choices whose labels are taken.
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
        """Return the form's fields that the mapping takes."""
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
    """Add author, sender, handler, the person concerned, and those who worked with the entry."""
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
    stamps = (record.scanned, record.entered, record.verified, record.signed)
    for stamp, agent_type in zip(stamps, AGENT_TYPES, strict=True):
        if stamp:
            _add_agent(parent, "other", stamp.by, otherAgentType=agent_type)


def _add_concerned_person(parent: etree._Element, client: Client) -> None:
    agent = _add_agent(
        parent, "other", client.name or _text("no_name"), otherAgentType="berörd person"
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
        """Return what a diary misses: what the document is about, or the day it came."""
        mapping = options.mapping(record.form, DocumentMapping)
        if is_temporary_pid(record.client.pid):
            return TEMPORARY_CLIENT
        if mapping.title and (
            not record.fields.get(mapping.title) or mapping.title in record.illegible
        ):
            return NO_TITLE
        return NO_DATE if record.event_at is None and record.written_at is None else None

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build one `record` an entry, in the items' order."""
        root = etree.Element(etree.QName(ERMS_NS, "erms"), nsmap={"erms": ERMS_NS})
        provider = _file_provider(items, options)
        add_control_section(add_erms_element(root, "control"), run, provider)
        documents = add_erms_element(root, "records")
        for item in items:
            _add_document(documents, item, run, options)
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _file_provider(items: Sequence[Item], options: ExportOptions) -> CareProvider:
    """Return whose documents a file has.

    Raises:
        ExportError: they are of several care providers, who keep a diary each.
    """
    providers = {care_provider(item.record, options.settings) for item in items} or {
        settings_provider(options.settings)
    }
    if len(providers) > 1:
        names = ", ".join(sorted(provider.name for provider in providers))
        raise ExportError("several_providers", providers=names)
    return providers.pop()


def add_control_section(head: etree._Element, run: Run, provider: CareProvider) -> None:
    """Add whose documents they are, and who made the file when."""
    add_erms_element(head, "identification", provider.name, identificationType="arkivbildare")
    if provider.organisation_number:
        add_erms_element(
            head,
            "identification",
            provider.organisation_number,
            identificationType="organisationsnummer",
        )
    add_erms_element(head, "identification", run.id, identificationType="körning")
    upkeep = add_erms_element(head, "maintenanceInformation")
    add_erms_element(upkeep, "maintenanceStatus", value="new")
    add_erms_element(add_erms_element(upkeep, "maintenanceAgency"), "agencyName", provider.name)
    event = add_erms_element(add_erms_element(upkeep, "maintenanceHistory"), "maintenanceEvent")
    add_erms_element(event, "eventType", value="created")
    add_erms_element(event, "eventDateTime", _format_time(run.made_at))
    agent = add_erms_element(event, "agent", agentType="deliverer")
    add_erms_element(agent, "name", run.made_by)
    add_erms_element(agent, "organisation", provider.name)
    add_erms_element(agent, "role", _text("exporter_role"))


def _add_document(documents: etree._Element, item: Item, run: Run, options: ExportOptions) -> None:
    record, mapping = item.record, options.mapping(item.record.form, DocumentMapping)
    field_text = partial(_field_text, record, options)
    record_type = {"recordType": kind} if (kind := field_text(mapping.kind)) else {}
    document = add_erms_element(
        documents,
        "record",
        systemIdentifier=record.entry_id,
        recordPhysicalOrDigital="physical",
        **record_type,
    )
    _add_identity(document, item, field_text(mapping.case), mapping)
    _add_titles(document, item, mapping, options)
    add_erms_element(document, "direction", directionDefinition=mapping.direction)
    add_agents(
        add_erms_element(document, "agents"),
        record,
        sender=field_text(mapping.sender),
        handler=field_text(mapping.handler),
    )
    add_erms_element(document, "description", _describe_item(item, options))
    _add_dates(add_erms_element(document, "dates"), record, run, mapping)
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
            _text(
                "replaces",
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
    voided = late_entry("void", reason=record.voided) if record.voided is not None else ""
    return "\n".join(
        part
        for part in (
            late_entry_text(record, options.settings),
            amendment_text(item),
            voided,
            late_entry("unit", unit=record.unit),
            record_law(record, options.forms),
        )
        if part
    )


def _add_dates(dates: etree._Element, record: Record, run: Run, mapping: DocumentMapping) -> None:
    if record.written_at:
        add_erms_element(dates, "date", _format_time(record.written_at), dateType="created")
    if record.event_at:
        add_erms_element(
            dates,
            "date",
            _format_time(record.event_at),
            dateType="received" if mapping.direction == "incoming" else "originated",
        )
    add_erms_element(dates, "date", _format_time(record.scanned.at), dateType="captured")
    # The three stamps have no ERMS date type of their own.
    stamps = (record.entered, record.verified, record.signed)
    for stamp, date_type in zip(stamps, DATE_TYPES, strict=True):
        if stamp:
            add_erms_element(
                dates, "date", _format_time(stamp.at), dateType="other", otherDateType=date_type
            )
    add_erms_element(dates, "date", _format_time(run.made_at), dateType="transferred")


def _add_notes(
    document: etree._Element, record: Record, mapping: DocumentMapping, options: ExportOptions
) -> None:
    """Add the other fields verbatim: first those that the mapping names, then all it leaves out.

    A box without a mark says nothing, not no.
    """
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
    if filled or record.attachments:
        notes = add_erms_element(document, "notes")
        for section, text in filled:
            heading = section.heading or record.labels.get(section.field, section.field)
            add_erms_element(notes, "note", text, noteType=heading)
        for attachment in record.attachments:
            kind = _text("attachment_note")
            add_erms_element(notes, "note", format_attachment(attachment), noteType=kind)


def _format_time(moment: datetime) -> str:
    return f"{to_local_time(moment):%Y-%m-%dT%H:%M:%S}"
