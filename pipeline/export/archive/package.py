"""A package for an archive (FGS Paketstruktur 2.0, E-ARK SIP): one folder in a ZIP file.

`representations/pdfa` holds each sheet as PDF/A with a text layer, `representations/skannat` the
scans as they came. The metadata are an ERMS file and PREMIS; METS.xml names every file with its
SHA-256.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of

from lxml import etree

from pipeline.domain.record import Run
from pipeline.domain.settings import Settings
from pipeline.export.archive.descriptive import erms_metadata, premis_xml
from pipeline.export.archive.sheets import PackageFile, SheetFiles
from pipeline.export.exporter import DATA_LANGUAGE, data_text
from pipeline.export.zip_archive import zip_files
from pipeline.files.xml_output import Namespace, serialize_xml
from pipeline.texts import Text

# METS.xml, a package's table of contents, by E-ARK CSIP and E-ARK SIP 2.1.
#
# Riksarkivet adopts both as FGS Paketstruktur 2.0. All paths are from the package's root;
# identifiers begin with a letter, as XML asks.

METS_NS = "http://www.loc.gov/METS/"
CSIP_NS = "https://DILCIS.eu/XML/METS/CSIPExtensionMETS"
SIP_NS = "https://DILCIS.eu/XML/METS/SIPExtensionMETS"
XLINK_NS = "http://www.w3.org/1999/xlink"
PROFILE = "https://earksip.dilcis.eu/profile/E-ARK-SIP.xml"
CONTENT = "Textual works – Print"
CONTENT_INFORMATION = "citserms_v2_1"
REPRESENTATIONS = "Representations"


@dataclass(frozen=True, slots=True)
class PackageContents:
    """The files of a package by their use; `representations` by the name of each."""

    descriptive: PackageFile
    preservation: PackageFile
    documentation: tuple[PackageFile, ...]
    schemas: tuple[PackageFile, ...]
    representations: Mapping[str, tuple[PackageFile, ...]]


_mets, _csip = Namespace(METS_NS), Namespace(CSIP_NS)


def mets_xml(
    package: str, contents: PackageContents, made_at: datetime, version: str, settings: Settings
) -> bytes:
    """Build METS.xml, the file in the package's root.

    Args:
        version: version of the program.
    """
    time = made_at.isoformat(timespec="seconds")
    # The files, a group a use; the structure map refers to the groups.
    groups = {"Documentation": contents.documentation, "Schemas": contents.schemas}
    groups |= {
        f"{REPRESENTATIONS}/{name}": parts for name, parts in contents.representations.items()
    }
    label = Text("archive_text.label", {"provider": settings.care_provider})
    root = _mets(
        "mets",
        {_csip.name("CONTENTINFORMATIONTYPE"): CONTENT_INFORMATION},
        _header(time, version, settings),
        # The metadata: descriptive (ERMS) and preservation (PREMIS).
        _mets(
            "dmdSec",
            _metadata_reference(contents.descriptive, time, "OTHER", "ERMS"),
            ID="dmd-1",
            CREATED=time,
            STATUS="CURRENT",
        ),
        _mets(
            "amdSec",
            _mets(
                "digiprovMD",
                _metadata_reference(contents.preservation, time, "PREMIS"),
                ID="amd-1",
                STATUS="CURRENT",
            ),
        ),
        _mets(
            "fileSec",
            *(
                _file_group(number, use, parts, time)
                for number, (use, parts) in enumerate(groups.items(), 1)
            ),
            ID="filesec-1",
        ),
        _structure_map(package, list(groups)),
        prefixes={"mets": METS_NS, "csip": CSIP_NS, "sip": SIP_NS, "xlink": XLINK_NS},
        OBJID=package,
        TYPE=CONTENT,
        LABEL=label.in_language(DATA_LANGUAGE),
        PROFILE=PROFILE,
    )
    return serialize_xml(root)


def _header(time: str, version: str, settings: Settings) -> etree._Element:
    number = settings.organisation_number
    return _mets(
        "metsHdr",
        {_csip.name("OAISPACKAGETYPE"): "SIP"},
        _mets(
            "agent",
            _mets("name", "Efterskrift"),
            _agent_note(version, "SOFTWARE VERSION"),
            ROLE="CREATOR",
            TYPE="OTHER",
            OTHERTYPE="SOFTWARE",
        ),
        _mets(
            "agent",
            _mets("name", settings.care_provider),
            _agent_note(number, "IDENTIFICATIONCODE") if number else None,
            ROLE="ARCHIVIST",
            TYPE="ORGANIZATION",
        ),
        CREATEDATE=time,
        LASTMODDATE=time,
        RECORDSTATUS="NEW",
    )


def _agent_note(text: str, kind: str) -> etree._Element:
    return _mets("note", text, {_csip.name("NOTETYPE"): kind})


def _metadata_reference(
    part: PackageFile, time: str, kind: str, other: str | None = None
) -> etree._Element:
    return _mets(
        "mdRef",
        _file_attributes(part, time),
        _location(part.name),
        LOCTYPE="URL",
        MDTYPE=kind,
        OTHERMDTYPE=other,
    )


def _file_group(number: int, use: str, parts: Sequence[PackageFile], time: str) -> etree._Element:
    return _mets(
        "fileGrp",
        {
            _csip.name("CONTENTINFORMATIONTYPE"): "OTHER",
            _csip.name("OTHERCONTENTINFORMATIONTYPE"): use,
        },
        *(
            _mets(
                "file",
                _file_attributes(part, time),
                _mets("FLocat", _location(part.name), LOCTYPE="URL"),
                ID=f"file-{number}-{count}",
            )
            for count, part in enumerate(parts, 1)
        ),
        ID=f"group-{number}",
        USE=use,
    )


def _structure_map(package: str, uses: Sequence[str]) -> etree._Element:
    """Return the structure of the package: the groups of files, by the first part of their use."""
    groups: dict[str, list[etree._Element]] = {}
    for number, use in enumerate(uses, 1):
        pointer = _mets("fptr", FILEID=f"group-{number}")
        groups.setdefault(use.partition("/")[0], []).append(pointer)
    return _mets(
        "structMap",
        _mets(
            "div",
            _mets("div", ID="div-metadata", LABEL="Metadata", DMDID="dmd-1", ADMID="amd-1"),
            *(
                _mets("div", *pointers, ID=f"div-{label.lower()}", LABEL=label)
                for label, pointers in groups.items()
            ),
            ID="div-0",
            LABEL=package,
        ),
        ID="structure-1",
        TYPE="PHYSICAL",
        LABEL="CSIP",
    )


def _file_attributes(part: PackageFile, time: str) -> Mapping[str, str]:
    return {
        "MIMETYPE": part.media_type,
        "SIZE": str(len(part.data)),
        "CREATED": time,
        "CHECKSUM": hashlib.sha256(part.data).hexdigest(),
        "CHECKSUMTYPE": "SHA-256",
    }


def _location(path: str) -> Mapping[etree.QName, str]:
    xlink = Namespace(XLINK_NS)
    return {xlink.name("type"): "simple", xlink.name("href"): path}


PDF_FOLDER = "representations/pdfa/data"
SCAN_FOLDER = "representations/skannat/data"


def build_package(
    sheets: Sequence[SheetFiles], run: Run, settings: Settings, decision: str
) -> bytes:
    """Build the ZIP file; its folder and its identity are the run's id.

    Args:
        decision: the number of the decision or plan that the sheets are archived by.
    """
    archived_by = data_text("archive_text.archived_by", number=decision)
    readme = f"{data_text('archive_text.readme')}\n{archived_by}\n"
    contents = PackageContents(
        descriptive=PackageFile(
            "metadata/descriptive/erms.xml",
            "application/xml",
            erms_metadata(sheets, PDF_FOLDER, run, settings, decision),
        ),
        preservation=PackageFile(
            "metadata/preservation/premis.xml",
            "application/xml",
            premis_xml(sheets, (PDF_FOLDER, SCAN_FOLDER), run),
        ),
        documentation=(PackageFile("documentation/LÄS-MIG.txt", "text/plain", readme.encode()),),
        schemas=_schema_files(settings),
        representations={
            "pdfa": tuple(_package_file(PDF_FOLDER, sheet.pdf) for sheet in sheets),
            "skannat": tuple(
                _package_file(SCAN_FOLDER, scan) for sheet in sheets for scan in sheet.scans
            ),
        },
    )
    root = PackageFile(
        "METS.xml",
        "application/xml",
        mets_xml(run.id, contents, run.made_at, _program_version(), settings),
    )
    files = [(f"{run.id}/{part.name}", part.data) for part in (root, *_all_files(contents))]
    return zip_files(files, run.made_at)


def _schema_files(settings: Settings) -> tuple[PackageFile, ...]:
    """Return where the schemas are published, and those in the organisation's own folder."""
    folder = settings.archive_schemas
    schemas = sorted(folder.glob("*.xsd")) if folder else []
    return (
        PackageFile(
            "schemas/SCHEMAN.txt", "text/plain", data_text("archive_text.schemas").encode()
        ),
        *(
            PackageFile(f"schemas/{path.name}", "application/xml", path.read_bytes())
            for path in schemas
        ),
    )


def _package_file(folder: str, file: PackageFile) -> PackageFile:
    return replace(file, name=f"{folder}/{file.name}")


def _all_files(contents: PackageContents) -> Iterator[PackageFile]:
    yield contents.descriptive
    yield contents.preservation
    yield from contents.documentation
    yield from contents.schemas
    for parts in contents.representations.values():
        yield from parts


def _program_version() -> str:
    try:
        return version_of("efterskrift")
    except PackageNotFoundError:
        return "0"
