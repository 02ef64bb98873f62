"""The descriptive metadata of a package: one ERMS record an entry, with its file, its secrecy, and how long it has to be kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lxml import etree

from pipeline.archive.sheets import SheetFiles, last_moment
from pipeline.export.erms import PROTECTED, control
from pipeline.export.erms_elements import NAMESPACE, add
from pipeline.export.erms_people import agents
from pipeline.export.late_entry import event_time, late_entry_text, local
from pipeline.record import Record, Run
from pipeline.retention import Retention
from pipeline.settings import Settings

SECRET = {
    "HSL": ("Uppgift om enskilds hälsotillstånd", "Offentlighets- och sekretesslagen (2009:400) 25 kap. 1 §"),
    "SoL": ("Uppgift om enskilds personliga förhållanden", "Offentlighets- och sekretesslagen (2009:400) 26 kap. 1 §"),
}
"""Which secrecy there has to be thought of by area of law; whether it holds is decided when somebody asks for the document."""
SECRET |= {"LSS": SECRET["SoL"], "IFO": SECRET["SoL"]}


def descriptive(sheets: Sequence[SheetFiles], folder: str, run: Run, settings: Settings) -> bytes:
    """The file. `folder` is where the PDFs lie, from the package's root."""
    root = etree.Element(etree.QName(NAMESPACE, "erms"), nsmap={"erms": NAMESPACE})
    control(add(root, "control"), run, settings)
    documents = add(root, "records")
    for sheet in sheets:
        for record in sheet.records:
            _document(documents, record, sheet, folder, settings)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _document(documents: etree._Element, record: Record, sheet: SheetFiles, folder: str, settings: Settings) -> None:
    document = add(documents, "record", systemIdentifier=record.entry_id, recordType=record.title, recordPhysicalOrDigital="physcical_and_digital")
    add(document, "objectId", record.entry_id)
    add(document, "extraId", sheet.sheet, extraIdType="blad")
    add(document, "title", f"{record.title}, {event_time(record)}")
    add(document, "status", value="obliterated" if record.voided is not None else "closed")
    for explanation, regulation in [*([SECRET[record.area]] if record.area in SECRET else []), *([PROTECTED] if record.client.protected else [])]:
        restriction = add(document, "restriction", restrictionType="confidential")
        add(restriction, "explanatoryText", explanation)
        add(restriction, "regulation", regulation)
    _disposal(document, sheet.kept, record)
    agents(add(document, "agents"), record, sender="", handler="")
    voided = f"\nMakulerad: {record.voided}" if record.voided is not None else ""
    add(document, "description", f"{late_entry_text(record, settings)}\nEnhet: {record.unit}.{voided}")
    dates = add(document, "dates")
    if moment := record.written_at or record.event_at:
        add(dates, "date", _time(moment), dateType="created")
    add(dates, "date", _time(record.scanned.at), dateType="captured")
    if record.place:
        add(add(add(document, "physicalLocations"), "physicalLocation"), "currentLocation", record.place)
    extra = add(document, "additionalInformation")
    add(extra, "appendix", name=sheet.pdf.name, path=f"{folder}/{sheet.pdf.name}", fileFormat="PDF/A-2u")


def _disposal(document: etree._Element, kept: Retention, record: Record) -> None:
    """The class, its law, and the earliest day; never a decision. `disposable` is false: that the law's time has run out is for a person to find."""
    disposal = add(document, "disposal", disposable="false")
    add(disposal, "disposalScheduleId", f"{kept.rule.rule}, version {kept.rule.version}")
    if kept.rule.years:
        add(disposal, "disposalPeriod", f"{kept.rule.years} år")
    add(disposal, "disposalMandate", f"{kept.rule.law} ({kept.rule.source})")
    add(disposal, "disposalDescription", f"Bevaras: {kept.kept}" if kept.kept else kept.rule.what)
    if kept.look:
        comments = add(disposal, "disposalComments")
        for what in kept.look:
            add(comments, "disposalComment", f"Kontrollera att handlingen inte hör till {what}")
    dates = add(disposal, "dates")
    start = last_moment(record) or record.scanned.at
    add(dates, "disposalDate", _time(start), dateType="retention_period_start")
    if kept.earliest:
        add(dates, "disposalDate", f"{kept.earliest:%Y-%m-%d}T00:00:00", dateType="retention_period_end")


def _time(moment: datetime) -> str:
    return f"{local(moment):%Y-%m-%dT%H:%M:%S}"
