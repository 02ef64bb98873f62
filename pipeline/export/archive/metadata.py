"""The package's table of contents: METS by the Common Specification for Information Packages and
E-ARK SIP 2.1.

Riksarkivet adopts both as FGS Paketstruktur 2.0. All paths are from the package's root;
identifiers begin with a letter, as XML asks.

The preservation metadata of a package, PREMIS 3: what each file is, its checksum, and what
happened to it.

The descriptive metadata of a package: one ERMS record an entry, with its file, its secrecy, and
how long it has to be kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from pipeline.domain.law.retention import Retention
from pipeline.domain.record import Record, Run
from pipeline.domain.settings import Settings
from pipeline.export.archive.sheets import SheetFile, SheetFiles, retention_start
from pipeline.export.authorities.erms import (
    ERMS_NS,
    PROTECTED_IDENTITY,
    add_agents,
    add_control_section,
    add_erms_element,
)
from pipeline.export.record_text import format_event_time, late_entry_text, to_local_time
from pipeline.files.text import make_printable

METS_NS = "http://www.loc.gov/METS/"
CSIP_NS = "https://DILCIS.eu/XML/METS/CSIPExtensionMETS"
SIP_NS = "https://DILCIS.eu/XML/METS/SIPExtensionMETS"
XLINK_NS = "http://www.w3.org/1999/xlink"
PROFILE = "https://earksip.dilcis.eu/profile/E-ARK-SIP.xml"
CONTENT = "Textual works – Print"
CONTENT_INFORMATION = "citserms_v2_1"
REPRESENTATIONS = "Representations"
PREMIS_NS = "http://www.loc.gov/premis/v3"
_XSI_NS = "http://www.w3.org/2001/XMLSchema-instance"
FORMATS = {
    "application/pdf": ("Acrobat PDF/A - Portable Document Format", "2u", "fmt/477"),
    "image/jpeg": ("JPEG File Interchange Format", "", ""),
    "image/png": ("Portable Network Graphics", "", ""),
    "image/tiff": ("Tagged Image File Format", "", "fmt/353"),
}
"""Name, version and, where one number of PRONOM fits every file of the kind, that number."""
SECRECY_BY_LAW = {
    "HSL": (
        "Uppgift om enskilds hälsotillstånd",
        "Offentlighets- och sekretesslagen (2009:400) 25 kap. 1 §",
    ),
    "SoL": (
        "Uppgift om enskilds personliga förhållanden",
        "Offentlighets- och sekretesslagen (2009:400) 26 kap. 1 §",
    ),
}
"""Which secrecy there has to be thought of by area of law; whether it holds is decided when
somebody asks for the document.
"""


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A file of the package: its path and its bytes."""

    path: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class PackageContents:
    """The files of a package by what they are. `representations` by the name of each."""

    descriptive: PackageFile
    preservation: PackageFile
    documentation: tuple[PackageFile, ...]
    schemas: tuple[PackageFile, ...]
    representations: Mapping[str, tuple[PackageFile, ...]]


def mets_xml(
    package: str, contents: PackageContents, made_at: datetime, version: str, settings: Settings
) -> bytes:
    """The file METS.xml of the package's root."""
    root = etree.Element(
        etree.QName(METS_NS, "mets"),
        nsmap={"mets": METS_NS, "csip": CSIP_NS, "sip": SIP_NS, "xlink": XLINK_NS},
    )
    root.set("OBJID", package)
    root.set("TYPE", CONTENT)
    root.set(
        "LABEL", f"Efterskrift, handlingar på papper från ett IT-avbrott, {settings.care_provider}"
    )
    root.set("PROFILE", PROFILE)
    root.set(etree.QName(CSIP_NS, "CONTENTINFORMATIONTYPE"), CONTENT_INFORMATION)
    _add_header(root, made_at, version, settings)
    _add_metadata_reference(
        _add_mets_element(
            root, "dmdSec", ID="dmd-1", CREATED=_format_mets_time(made_at), STATUS="CURRENT"
        ),
        contents.descriptive,
        made_at,
        "OTHER",
        "ERMS",
    )
    admin = _add_mets_element(root, "amdSec")
    _add_metadata_reference(
        _add_mets_element(admin, "digiprovMD", ID="amd-1", STATUS="CURRENT"),
        contents.preservation,
        made_at,
        "PREMIS",
        "",
    )
    groups = {"Documentation": contents.documentation, "Schemas": contents.schemas}
    groups |= {
        f"{REPRESENTATIONS}/{name}": parts for name, parts in contents.representations.items()
    }
    section = _add_mets_element(root, "fileSec", ID="filesec-1")
    ids = {
        use: _add_file_group(section, number, use, parts, made_at)
        for number, (use, parts) in enumerate(groups.items(), 1)
    }
    _add_structure_map(root, package, ids)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _add_header(root: etree._Element, made_at: datetime, version: str, settings: Settings) -> None:
    head = _add_mets_element(
        root,
        "metsHdr",
        CREATEDATE=_format_mets_time(made_at),
        LASTMODDATE=_format_mets_time(made_at),
        RECORDSTATUS="NEW",
    )
    head.set(etree.QName(CSIP_NS, "OAISPACKAGETYPE"), "SIP")
    program = _add_mets_element(head, "agent", ROLE="CREATOR", TYPE="OTHER", OTHERTYPE="SOFTWARE")
    _add_mets_element(program, "name", "Efterskrift")
    _add_agent_note(program, version, "SOFTWARE VERSION")
    archivist = _add_mets_element(head, "agent", ROLE="ARCHIVIST", TYPE="ORGANIZATION")
    _add_mets_element(archivist, "name", settings.care_provider)
    if settings.organisation_number:
        _add_agent_note(archivist, settings.organisation_number, "IDENTIFICATIONCODE")


def _add_agent_note(agent: etree._Element, text: str, kind: str) -> None:
    _add_mets_element(agent, "note", text).set(etree.QName(CSIP_NS, "NOTETYPE"), kind)


def _add_metadata_reference(
    parent: etree._Element, part: PackageFile, made_at: datetime, kind: str, other: str
) -> None:
    reference = _add_mets_element(
        parent, "mdRef", LOCTYPE="URL", MDTYPE=kind, **({"OTHERMDTYPE": other} if other else {})
    )
    _add_file_attributes(reference, part, made_at)
    _add_location(reference, part.path)


def _add_file_group(
    section: etree._Element, number: int, use: str, parts: Sequence[PackageFile], made_at: datetime
) -> str:
    """A group of files; answers with its id."""
    group = _add_mets_element(section, "fileGrp", ID=f"group-{number}", USE=use)
    group.set(etree.QName(CSIP_NS, "CONTENTINFORMATIONTYPE"), "OTHER")
    group.set(etree.QName(CSIP_NS, "OTHERCONTENTINFORMATIONTYPE"), use)
    for count, part in enumerate(parts, 1):
        file = _add_mets_element(group, "file", ID=f"file-{number}-{count}")
        _add_file_attributes(file, part, made_at)
        _add_location(_add_mets_element(file, "FLocat", LOCTYPE="URL"), part.path)
    return f"group-{number}"


def _add_structure_map(root: etree._Element, package: str, ids: Mapping[str, str]) -> None:
    structure = _add_mets_element(
        root, "structMap", ID="structure-1", TYPE="PHYSICAL", LABEL="CSIP"
    )
    whole = _add_mets_element(structure, "div", ID="div-0", LABEL=package)
    _add_mets_element(
        whole, "div", ID="div-metadata", LABEL="Metadata", DMDID="dmd-1", ADMID="amd-1"
    )
    divisions: dict[str, etree._Element] = {}
    for use, group in ids.items():
        label = use.partition("/")[0]
        if label not in divisions:
            divisions[label] = _add_mets_element(
                whole, "div", ID=f"div-{label.lower()}", LABEL=label
            )
        _add_mets_element(divisions[label], "fptr", FILEID=group)


def _add_file_attributes(element: etree._Element, part: PackageFile, made_at: datetime) -> None:
    element.set("MIMETYPE", part.media_type)
    element.set("SIZE", str(len(part.data)))
    element.set("CREATED", _format_mets_time(made_at))
    element.set("CHECKSUM", hashlib.sha256(part.data).hexdigest())
    element.set("CHECKSUMTYPE", "SHA-256")


def _add_location(element: etree._Element, path: str) -> None:
    element.set(etree.QName(XLINK_NS, "type"), "simple")
    element.set(etree.QName(XLINK_NS, "href"), path)


def _add_mets_element(
    parent: etree._Element, name: str, text: str | None = None, /, **attributes: str
) -> etree._Element:
    child = etree.SubElement(
        parent,
        etree.QName(METS_NS, name),
        {key: make_printable(value) for key, value in attributes.items()},
    )
    if text is not None:
        child.text = make_printable(text)
    return child


def _format_mets_time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def premis_xml(sheets: Iterable[SheetFiles], folders: tuple[str, str], run: Run) -> bytes:
    """The file. `folders` hold the PDFs and the scans, from the package's root."""
    root = etree.Element(
        etree.QName(PREMIS_NS, "premis"),
        {"version": "3.0"},
        nsmap={"premis": PREMIS_NS, "xsi": _XSI_NS},
    )
    given = list(sheets)
    for sheet in given:
        _add_object(
            root,
            f"{folders[0]}/{sheet.pdf.name}",
            sheet.pdf,
            derived=[f"{folders[1]}/{scan.name}" for scan in sheet.scans],
        )
        for scan in sheet.scans:
            _add_object(root, f"{folders[1]}/{scan.name}", scan, derived=[])
    for sheet in given:
        first = sheet.records[0]
        scans = [f"{folders[1]}/{scan.name}" for scan in sheet.scans]
        _add_event(
            root,
            f"skanning-{sheet.sheet}",
            "capture",
            first.scanned.at.isoformat(),
            f"Skannad av {first.scanned.by}",
            scans,
        )
        made = f"PDF/A med textlager av bekräftade uppgifter. Inskriven av {first.entered.by}"
        _add_event(
            root,
            f"pdf-{sheet.sheet}",
            "creation",
            run.made_at.isoformat(),
            made,
            [f"{folders[0]}/{sheet.pdf.name}"],
        )
    agent = _add_premis_element(root, "agent")
    _add_identifier(agent, "agent", "Efterskrift")
    _add_premis_element(agent, "agentName", "Efterskrift")
    _add_premis_element(agent, "agentType", "software")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _add_object(root: etree._Element, path: str, file: SheetFile, derived: list[str]) -> None:
    thing = _add_premis_element(root, "object")
    thing.set(etree.QName(_XSI_NS, "type"), "premis:file")
    _add_identifier(thing, "object", path)
    about = _add_premis_element(thing, "objectCharacteristics")
    fixity = _add_premis_element(about, "fixity")
    _add_premis_element(fixity, "messageDigestAlgorithm", "SHA-256")
    _add_premis_element(fixity, "messageDigest", hashlib.sha256(file.data).hexdigest())
    _add_premis_element(about, "size", str(len(file.data)))
    name, version, number = FORMATS.get(file.media_type, (file.media_type, "", ""))
    kind = _add_premis_element(about, "format")
    designation = _add_premis_element(kind, "formatDesignation")
    _add_premis_element(designation, "formatName", name)
    if version:
        _add_premis_element(designation, "formatVersion", version)
    if number:
        registry = _add_premis_element(kind, "formatRegistry")
        _add_premis_element(registry, "formatRegistryName", "PRONOM")
        _add_premis_element(registry, "formatRegistryKey", number)
    for source in derived:
        relation = _add_premis_element(thing, "relationship")
        _add_premis_element(relation, "relationshipType", "derivation")
        _add_premis_element(relation, "relationshipSubType", "has source")
        related = _add_premis_element(relation, "relatedObjectIdentifier")
        _add_premis_element(related, "relatedObjectIdentifierType", "local")
        _add_premis_element(related, "relatedObjectIdentifierValue", source)


def _add_event(
    root: etree._Element, name: str, kind: str, at: str, detail: str, paths: list[str]
) -> None:
    event = _add_premis_element(root, "event")
    _add_identifier(event, "event", name)
    _add_premis_element(event, "eventType", kind)
    _add_premis_element(event, "eventDateTime", at)
    _add_premis_element(_add_premis_element(event, "eventDetailInformation"), "eventDetail", detail)
    _add_linking_object(event, "Agent", "Efterskrift")
    for path in paths:
        _add_linking_object(event, "Object", path)


def _add_linking_object(event: etree._Element, what: str, value: str) -> None:
    link = _add_premis_element(event, f"linking{what}Identifier")
    _add_premis_element(link, f"linking{what}IdentifierType", "local")
    _add_premis_element(link, f"linking{what}IdentifierValue", value)


def _add_identifier(parent: etree._Element, what: str, value: str) -> None:
    identifier = _add_premis_element(parent, f"{what}Identifier")
    _add_premis_element(identifier, f"{what}IdentifierType", "local")
    _add_premis_element(identifier, f"{what}IdentifierValue", value)


def _add_premis_element(
    parent: etree._Element, name: str, text: str | None = None
) -> etree._Element:
    child = etree.SubElement(parent, etree.QName(PREMIS_NS, name))
    if text is not None:
        child.text = make_printable(text)
    return child


SECRECY_BY_LAW |= {"LSS": SECRECY_BY_LAW["SoL"], "IFO": SECRECY_BY_LAW["SoL"]}


def erms_metadata(sheets: Sequence[SheetFiles], folder: str, run: Run, settings: Settings) -> bytes:
    """The file. `folder` is where the PDFs lie, from the package's root."""
    root = etree.Element(etree.QName(ERMS_NS, "erms"), nsmap={"erms": ERMS_NS})
    add_control_section(add_erms_element(root, "control"), run, settings)
    documents = add_erms_element(root, "records")
    for sheet in sheets:
        for record in sheet.records:
            _add_document(documents, record, sheet, folder, settings)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _add_document(
    documents: etree._Element, record: Record, sheet: SheetFiles, folder: str, settings: Settings
) -> None:
    document = add_erms_element(
        documents,
        "record",
        systemIdentifier=record.entry_id,
        recordType=record.title,
        recordPhysicalOrDigital="physcical_and_digital",
    )
    add_erms_element(document, "objectId", record.entry_id)
    add_erms_element(document, "extraId", sheet.sheet, extraIdType="blad")
    add_erms_element(document, "title", f"{record.title}, {format_event_time(record)}")
    add_erms_element(
        document, "status", value="obliterated" if record.voided is not None else "closed"
    )
    for explanation, regulation in [
        *([SECRECY_BY_LAW[record.area]] if record.area in SECRECY_BY_LAW else []),
        *([PROTECTED_IDENTITY] if record.client.protected else []),
    ]:
        restriction = add_erms_element(document, "restriction", restrictionType="confidential")
        add_erms_element(restriction, "explanatoryText", explanation)
        add_erms_element(restriction, "regulation", regulation)
    _add_disposal(document, sheet.retention, record)
    add_agents(add_erms_element(document, "agents"), record, sender="", handler="")
    voided = f"\nMakulerad: {record.voided}" if record.voided is not None else ""
    add_erms_element(
        document,
        "description",
        f"{late_entry_text(record, settings)}\nEnhet: {record.unit}.{voided}",
    )
    dates = add_erms_element(document, "dates")
    if moment := record.written_at or record.event_at:
        add_erms_element(dates, "date", _format_erms_time(moment), dateType="created")
    add_erms_element(dates, "date", _format_erms_time(record.scanned.at), dateType="captured")
    if record.place:
        add_erms_element(
            add_erms_element(add_erms_element(document, "physicalLocations"), "physicalLocation"),
            "currentLocation",
            record.place,
        )
    extra = add_erms_element(document, "additionalInformation")
    add_erms_element(
        extra,
        "appendix",
        name=sheet.pdf.name,
        path=f"{folder}/{sheet.pdf.name}",
        fileFormat="PDF/A-2u",
    )


def _add_disposal(document: etree._Element, retention: Retention, record: Record) -> None:
    """The class, its law, and the earliest day; never a decision. `disposable` is false: that the
    law's time has run out is for a person to find.
    """
    disposal = add_erms_element(document, "disposal", disposable="false")
    add_erms_element(
        disposal, "disposalScheduleId", f"{retention.rule.rule}, version {retention.rule.version}"
    )
    if retention.rule.years:
        add_erms_element(disposal, "disposalPeriod", f"{retention.rule.years} år")
    add_erms_element(disposal, "disposalMandate", f"{retention.rule.law} ({retention.rule.source})")
    add_erms_element(
        disposal,
        "disposalDescription",
        f"Bevaras: {retention.permanent_reason}"
        if retention.permanent_reason
        else retention.rule.what,
    )
    if retention.manual_checks:
        comments = add_erms_element(disposal, "disposalComments")
        for what in retention.manual_checks:
            add_erms_element(
                comments, "disposalComment", f"Kontrollera att handlingen inte hör till {what}"
            )
    dates = add_erms_element(disposal, "dates")
    start = retention_start(record) or record.scanned.at
    add_erms_element(
        dates, "disposalDate", _format_erms_time(start), dateType="retention_period_start"
    )
    if retention.earliest:
        add_erms_element(
            dates,
            "disposalDate",
            f"{retention.earliest:%Y-%m-%d}T00:00:00",
            dateType="retention_period_end",
        )


def _format_erms_time(moment: datetime) -> str:
    return f"{to_local_time(moment):%Y-%m-%dT%H:%M:%S}"
