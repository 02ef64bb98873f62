"""The package's table of contents: METS by the Common Specification for Information Packages and E-ARK SIP 2.1.

Riksarkivet adopts both as FGS Paketstruktur 2.0. All paths are from the package's root; identifiers begin with a letter, as XML asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from pipeline.plain_text import printable
from pipeline.settings import Settings

METS = "http://www.loc.gov/METS/"
CSIP = "https://DILCIS.eu/XML/METS/CSIPExtensionMETS"
SIP = "https://DILCIS.eu/XML/METS/SIPExtensionMETS"
XLINK = "http://www.w3.org/1999/xlink"
PROFILE = "https://earksip.dilcis.eu/profile/E-ARK-SIP.xml"
CONTENT = "Textual works – Print"
CONTENT_INFORMATION = "citserms_v2_1"
REPRESENTATIONS = "Representations"


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the package: its path and its bytes."""

    path: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of a package by what they are. `representations` by the name of each."""

    descriptive: Part
    preservation: Part
    documentation: tuple[Part, ...]
    schemas: tuple[Part, ...]
    representations: Mapping[str, tuple[Part, ...]]


def mets(package: str, contents: Contents, made_at: datetime, version: str, settings: Settings) -> bytes:
    """The file METS.xml of the package's root."""
    root = etree.Element(etree.QName(METS, "mets"), nsmap={"mets": METS, "csip": CSIP, "sip": SIP, "xlink": XLINK})
    root.set("OBJID", package)
    root.set("TYPE", CONTENT)
    root.set("LABEL", f"Efterskrift, handlingar på papper från ett IT-avbrott, {settings.care_provider}")
    root.set("PROFILE", PROFILE)
    root.set(etree.QName(CSIP, "CONTENTINFORMATIONTYPE"), CONTENT_INFORMATION)
    _header(root, made_at, version, settings)
    _reference(_add(root, "dmdSec", ID="dmd-1", CREATED=_time(made_at), STATUS="CURRENT"), contents.descriptive, made_at, "OTHER", "ERMS")
    admin = _add(root, "amdSec")
    _reference(_add(admin, "digiprovMD", ID="amd-1", STATUS="CURRENT"), contents.preservation, made_at, "PREMIS", "")
    groups = {"Documentation": contents.documentation, "Schemas": contents.schemas}
    groups |= {f"{REPRESENTATIONS}/{name}": parts for name, parts in contents.representations.items()}
    section = _add(root, "fileSec", ID="filesec-1")
    ids = {use: _group(section, number, use, parts, made_at) for number, (use, parts) in enumerate(groups.items(), 1)}
    _structure(root, package, ids)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _header(root: etree._Element, made_at: datetime, version: str, settings: Settings) -> None:
    head = _add(root, "metsHdr", CREATEDATE=_time(made_at), LASTMODDATE=_time(made_at), RECORDSTATUS="NEW")
    head.set(etree.QName(CSIP, "OAISPACKAGETYPE"), "SIP")
    program = _add(head, "agent", ROLE="CREATOR", TYPE="OTHER", OTHERTYPE="SOFTWARE")
    _add(program, "name", "Efterskrift")
    _note(program, version, "SOFTWARE VERSION")
    archivist = _add(head, "agent", ROLE="ARCHIVIST", TYPE="ORGANIZATION")
    _add(archivist, "name", settings.care_provider)
    if settings.organisation_number:
        _note(archivist, settings.organisation_number, "IDENTIFICATIONCODE")


def _note(agent: etree._Element, text: str, kind: str) -> None:
    _add(agent, "note", text).set(etree.QName(CSIP, "NOTETYPE"), kind)


def _reference(parent: etree._Element, part: Part, made_at: datetime, kind: str, other: str) -> None:
    reference = _add(parent, "mdRef", LOCTYPE="URL", MDTYPE=kind, **({"OTHERMDTYPE": other} if other else {}))
    _describe(reference, part, made_at)
    _link(reference, part.path)


def _group(section: etree._Element, number: int, use: str, parts: Sequence[Part], made_at: datetime) -> str:
    """A group of files; answers with its id."""
    group = _add(section, "fileGrp", ID=f"group-{number}", USE=use)
    group.set(etree.QName(CSIP, "CONTENTINFORMATIONTYPE"), "OTHER")
    group.set(etree.QName(CSIP, "OTHERCONTENTINFORMATIONTYPE"), use)
    for count, part in enumerate(parts, 1):
        file = _add(group, "file", ID=f"file-{number}-{count}")
        _describe(file, part, made_at)
        _link(_add(file, "FLocat", LOCTYPE="URL"), part.path)
    return f"group-{number}"


def _structure(root: etree._Element, package: str, ids: Mapping[str, str]) -> None:
    structure = _add(root, "structMap", ID="structure-1", TYPE="PHYSICAL", LABEL="CSIP")
    whole = _add(structure, "div", ID="div-0", LABEL=package)
    _add(whole, "div", ID="div-metadata", LABEL="Metadata", DMDID="dmd-1", ADMID="amd-1")
    divisions: dict[str, etree._Element] = {}
    for use, group in ids.items():
        label = use.partition("/")[0]
        if label not in divisions:
            divisions[label] = _add(whole, "div", ID=f"div-{label.lower()}", LABEL=label)
        _add(divisions[label], "fptr", FILEID=group)


def _describe(element: etree._Element, part: Part, made_at: datetime) -> None:
    element.set("MIMETYPE", part.media_type)
    element.set("SIZE", str(len(part.data)))
    element.set("CREATED", _time(made_at))
    element.set("CHECKSUM", hashlib.sha256(part.data).hexdigest())
    element.set("CHECKSUMTYPE", "SHA-256")


def _link(element: etree._Element, path: str) -> None:
    element.set(etree.QName(XLINK, "type"), "simple")
    element.set(etree.QName(XLINK, "href"), path)


def _add(parent: etree._Element, name: str, text: str | None = None, /, **attributes: str) -> etree._Element:
    child = etree.SubElement(parent, etree.QName(METS, name), {key: printable(value) for key, value in attributes.items()})
    if text is not None:
        child.text = printable(text)
    return child


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
