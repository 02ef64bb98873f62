"""METS.xml, a package's table of contents, by E-ARK CSIP and E-ARK SIP 2.1.

Riksarkivet adopts both as FGS Paketstruktur 2.0. All paths are from the package's root;
identifiers begin with a letter, as XML asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from pipeline.domain.settings import Settings
from pipeline.export.exporter import DATA_LANGUAGE
from pipeline.files.text import make_printable
from pipeline.texts import Text

METS_NS = "http://www.loc.gov/METS/"
CSIP_NS = "https://DILCIS.eu/XML/METS/CSIPExtensionMETS"
SIP_NS = "https://DILCIS.eu/XML/METS/SIPExtensionMETS"
XLINK_NS = "http://www.w3.org/1999/xlink"
PROFILE = "https://earksip.dilcis.eu/profile/E-ARK-SIP.xml"
CONTENT = "Textual works – Print"
CONTENT_INFORMATION = "citserms_v2_1"
REPRESENTATIONS = "Representations"


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A file of the package: its path from the root, and its bytes."""

    path: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class PackageContents:
    """The files of a package by their use; `representations` by the name of each."""

    descriptive: PackageFile
    preservation: PackageFile
    documentation: tuple[PackageFile, ...]
    schemas: tuple[PackageFile, ...]
    representations: Mapping[str, tuple[PackageFile, ...]]


def mets_xml(
    package: str, contents: PackageContents, made_at: datetime, version: str, settings: Settings
) -> bytes:
    """Build METS.xml, the file in the package's root.

    Args:
        version: version of the program.
    """
    root = etree.Element(
        etree.QName(METS_NS, "mets"),
        nsmap={"mets": METS_NS, "csip": CSIP_NS, "sip": SIP_NS, "xlink": XLINK_NS},
    )
    root.set("OBJID", package)
    root.set("TYPE", CONTENT)
    label = Text("archive_text.label", {"provider": settings.care_provider})
    root.set("LABEL", label.in_language(DATA_LANGUAGE))
    root.set("PROFILE", PROFILE)
    root.set(etree.QName(CSIP_NS, "CONTENTINFORMATIONTYPE"), CONTENT_INFORMATION)
    _add_header(root, made_at, version, settings)
    # The metadata: descriptive (ERMS) and preservation (PREMIS).
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
    # The files, a group a use; the structure map refers to the groups.
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
    """Add a group of files; return its id."""
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
