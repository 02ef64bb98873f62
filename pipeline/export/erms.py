"""Registered documents as ERMS 2.1.2, which Riksarkivet adopts as FGS Ärendehantering (`https://citserms.dilcis.eu`).

Version 2.1.2 is chosen because files that are in use validate against it and not against version 3. The file is a list of records, not of
cases: a diary number that the paper names stands as the record's parent, so that no case is made up here. What ERMS has no place for, who
transcribed and verified, stands as agents of the kind `other` and, in words, in the description. The paper stays where it is and its place is told.
Times are Swedish wall-clock time without zone. The value `physical` is used because the file carries no picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from lxml import etree

from pipeline.export.erms_elements import NAMESPACE, add
from pipeline.export.erms_mapping import DocumentMapping
from pipeline.export.erms_people import agents
from pipeline.export.exporter import TEMPORARY_CLIENT, Item, Terms
from pipeline.export.late_entry import amendment_text, late_entry_text, local
from pipeline.export.mapping import NoteSection
from pipeline.export.values import form_of, said, shown
from pipeline.identity import is_temporary
from pipeline.record import Record, Run
from pipeline.settings import Settings

NO_TITLE = "Det står inte vad handlingen rör. Diariet kräver det i korthet (OSL 5 kap. 2 §)."
NO_DAY = "Dagen då handlingen kom in eller upprättades saknas (OSL 5 kap. 2 §)."
NO_REGULATION = "Lagrum framgår inte av papperet"
PROTECTED = ("Skyddade personuppgifter", "Offentlighets- och sekretesslagen (2009:400) 22 kap. 1 §")


class ErmsExporter:
    """Documents to be registered, to ERMS 2.1.2."""

    title = "Handlingar att diarieföra (ERMS 2.1.2, FGS Ärendehantering)"
    media_type = "application/xml"
    suffix = ".xml"
    mapping = DocumentMapping

    def unfit(self, record: Record, terms: Terms) -> str:
        """A diary asks what a document is about and which day it came."""
        mapping = terms.mapping(record.form, DocumentMapping)
        if is_temporary(record.client.pid):
            return TEMPORARY_CLIENT
        if mapping.title and (not record.fields.get(mapping.title) or mapping.title in record.illegible):
            return NO_TITLE
        return NO_DAY if record.event_at is None and record.written_at is None else ""

    def make(self, items: Sequence[Item], run: Run, terms: Terms) -> bytes:
        """One `record` an entry, in the items' order."""
        root = etree.Element(etree.QName(NAMESPACE, "erms"), nsmap={"erms": NAMESPACE})
        control(add(root, "control"), run, terms.settings)
        documents = add(root, "records")
        for item in items:
            _document(documents, item, run, terms)
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def control(head: etree._Element, run: Run, settings: Settings) -> None:
    """Whose documents they are, and who made the file when."""
    add(head, "identification", settings.care_provider, identificationType="arkivbildare")
    if settings.organisation_number:
        add(head, "identification", settings.organisation_number, identificationType="organisationsnummer")
    add(head, "identification", run.id, identificationType="körning")
    upkeep = add(head, "maintenanceInformation")
    add(upkeep, "maintenanceStatus", value="new")
    add(add(upkeep, "maintenanceAgency"), "agencyName", settings.care_provider)
    event = add(add(upkeep, "maintenanceHistory"), "maintenanceEvent")
    add(event, "eventType", value="created")
    add(event, "eventDateTime", _time(run.made_at))
    agent = add(event, "agent", agentType="deliverer")
    add(agent, "name", run.made_by)
    add(agent, "organisation", settings.care_provider)
    add(agent, "role", "exporterade ur Efterskrift")


def _document(documents: etree._Element, item: Item, run: Run, terms: Terms) -> None:
    record, mapping = item.record, terms.mapping(item.record.form, DocumentMapping)
    words = partial(_words, record, terms)
    about = {"recordType": kind} if (kind := words(mapping.kind)) else {}
    document = add(documents, "record", systemIdentifier=record.entry_id, recordPhysicalOrDigital="physical", **about)
    _identity(document, item, words(mapping.case), mapping)
    _titles(document, item, mapping, terms)
    add(document, "direction", directionDefinition=mapping.direction)
    agents(add(document, "agents"), record, sender=words(mapping.sender), handler=words(mapping.handler))
    add(document, "description", _description(item, terms))
    _dates(add(document, "dates"), record, run, mapping)
    for decision in filter(None, map(words, mapping.decisions)):
        action = add(document, "action")
        add(action, "actionText", decision)
        add(action, "actionType", "beslut")
    if way := words(mapping.dispatch):
        add(document, "dispatchMode", way)
    if record.place:
        add(add(add(document, "physicalLocations"), "physicalLocation"), "currentLocation", record.place)
    _notes(document, record, mapping, terms)


def _words(record: Record, terms: Terms, field: str) -> str:
    return shown(record, field, terms.forms) if field else ""


def _identity(document: etree._Element, item: Item, case: str, mapping: DocumentMapping) -> None:
    add(document, "objectId", item.record.entry_id)
    if item.record.serial:
        add(document, "extraId", item.record.serial, extraIdType="blankettens löpnummer")
    if mapping.classification:
        add(document, "classification", mapping.classification.name, classificationCode=mapping.classification.code)
    if case:
        add(document, "parentAggregationId", case)


def _titles(document: etree._Element, item: Item, mapping: DocumentMapping, terms: Terms) -> None:
    """Titles, state, what the record replaces, and who may see it."""
    record, restrictions = item.record, _restrictions(item.record, mapping, terms)
    add(document, "title", _words(record, terms, mapping.title) or record.title)
    if restrictions:
        add(document, "otherTitle", mapping.public_title or record.title, titleType="public")
    state = "received" if mapping.direction == "incoming" else "closed"
    add(document, "status", value=state if record.voided is None else "obliterated")
    add(document, "runningNumber", str(item.number))
    if item.amends:
        add(document, "relation", f"{record.entry_id}, version {item.amends.revision}, körning {item.amends.run}", relationType="replaces")
    for explanation, regulation in restrictions:
        restriction = add(document, "restriction", restrictionType="confidential")
        add(restriction, "explanatoryText", explanation)
        add(restriction, "regulation", regulation)


def _restrictions(record: Record, mapping: DocumentMapping, terms: Terms) -> list[tuple[str, str]]:
    """What is secret and by which law. A regulation without the tick, or the tick without a regulation, is secrecy all the same."""
    secrecy = mapping.secrecy
    regulation = shown(record, secrecy.regulation, terms.forms) if secrecy.regulation else ""
    marked = bool(secrecy.mark) and (said(record, secrecy.mark, terms.forms) is True or secrecy.mark in record.illegible)
    found = [(secrecy.explanation, regulation or NO_REGULATION)] if marked or regulation else []
    return [*found, PROTECTED] if record.client.protected else found


def _description(item: Item, terms: Terms) -> str:
    record = item.record
    voided = f"Makulerad: {record.voided}" if record.voided is not None else ""
    return "\n".join(part for part in (late_entry_text(record, terms.settings), amendment_text(item), voided, f"Enhet: {record.unit}.") if part)


def _dates(dates: etree._Element, record: Record, run: Run, mapping: DocumentMapping) -> None:
    written, event = record.written_at or record.event_at, record.event_at
    if written:
        add(dates, "date", _time(written), dateType="created")
    if event:
        add(dates, "date", _time(event), dateType="received" if mapping.direction == "incoming" else "originated")
    add(dates, "date", _time(record.scanned.at), dateType="captured")
    for stamp, what in ((record.entered, "inskriven"), (record.verified, "kontrollerad"), (record.signed, "signerad")):
        if stamp:
            add(dates, "date", _time(stamp.at), dateType="other", otherDateType=what)
    add(dates, "date", _time(run.made_at), dateType="transferred")


def _notes(document: etree._Element, record: Record, mapping: DocumentMapping, terms: Terms) -> None:
    """What else the paper says, verbatim: first what the mapping names, then all that it leaves out. A box without a mark says nothing, not no."""
    form, taken = form_of(record, terms.forms), mapping.fields()
    others = [spec.column for spec in form.entry_fields(record.row) if spec.means is None] if form else []
    rest = [NoteSection(field=name) for name in others if name in record.fields and name not in taken]
    given = [section for section in (*mapping.sections, *rest) if said(record, section.field, terms.forms) is not False]
    if filled := [section for section in given if shown(record, section.field, terms.forms)]:
        notes = add(document, "notes")
        for section in filled:
            heading = section.heading or record.labels.get(section.field, section.field)
            add(notes, "note", shown(record, section.field, terms.forms), noteType=heading)


def _time(moment: datetime) -> str:
    return f"{local(moment):%Y-%m-%dT%H:%M:%S}"
