"""A package for an archive (FGS Paketstruktur 2.0, E-ARK SIP): one folder in a ZIP file.

`representations/pdfa` holds each sheet as PDF/A with a text layer, `representations/skannat` the
scans as they came. The metadata are an ERMS file and PREMIS; METS.xml names every file with its
SHA-256.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of

from pipeline.domain.record import Run
from pipeline.domain.settings import Settings
from pipeline.export.archive.metadata import (
    PackageContents,
    PackageFile,
    erms_metadata,
    mets_xml,
    premis_xml,
)
from pipeline.export.archive.sheets import SheetFile, SheetFiles
from pipeline.export.record_text import to_local_time

PDF_FOLDER = "representations/pdfa/data"
SCAN_FOLDER = "representations/skannat/data"
README_TEXT = """Paketet är gjort av Efterskrift: handlingar som skrevs på papper under ett IT-avbrott, skannade, kontrollerade och överförda i efterhand.

representations/pdfa     varje ark som PDF/A-2u; bilden av papperet med de bekräftade uppgifterna som osynlig, sökbar text
representations/skannat  samma ark som de kom från skannern, oförändrade
metadata/descriptive     en ERMS-post för varje uppgift på arken, med sekretess, personer, tider och gallringsklass
metadata/preservation    PREMIS: filformat, kontrollsummor och händelser

Gallringsklassen är uträknad efter lag och talar om den tidigaste dagen. Ingenting gallras av programmet. Papperets plats står i ERMS-posten.
"""

SCHEMA_SOURCES = """METS 1.12.1 med E-ARK CSIP och SIP 2.1: https://earksip.dilcis.eu/
ERMS 2.1.2: https://citserms.dilcis.eu/schema/ERMS.xsd
PREMIS 3.0: https://www.loc.gov/standards/premis/premis.xsd
"""


def build_package(sheets: Sequence[SheetFiles], run: Run, settings: Settings) -> bytes:
    """The ZIP file; its folder and its identity are the run's id."""
    contents = PackageContents(
        descriptive=PackageFile(
            "metadata/descriptive/erms.xml",
            "application/xml",
            erms_metadata(sheets, PDF_FOLDER, run, settings),
        ),
        preservation=PackageFile(
            "metadata/preservation/premis.xml",
            "application/xml",
            premis_xml(sheets, (PDF_FOLDER, SCAN_FOLDER), run),
        ),
        documentation=(
            PackageFile("documentation/LÄS-MIG.txt", "text/plain", README_TEXT.encode()),
        ),
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
    return _zip_files(run, [root, *_all_files(contents)])


def _schema_files(settings: Settings) -> tuple[PackageFile, ...]:
    """The schemas of the metadata: where they are published, and those files themselves that the
    organisation has put into its folder.
    """
    folder = settings.archive_schemas
    own = sorted(folder.glob("*.xsd")) if folder else []
    return (
        PackageFile("schemas/SCHEMAN.txt", "text/plain", SCHEMA_SOURCES.encode()),
        *(
            PackageFile(f"schemas/{path.name}", "application/xml", path.read_bytes())
            for path in own
        ),
    )


def _package_file(folder: str, file: SheetFile) -> PackageFile:
    return PackageFile(f"{folder}/{file.name}", file.media_type, file.data)


def _all_files(contents: PackageContents) -> Iterator[PackageFile]:
    yield contents.descriptive
    yield contents.preservation
    yield from contents.documentation
    yield from contents.schemas
    for parts in contents.representations.values():
        yield from parts


def _zip_files(run: Run, parts: Sequence[PackageFile]) -> bytes:
    out = io.BytesIO()
    stamp = to_local_time(run.made_at)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for part in parts:
            named = zipfile.ZipInfo(
                f"{run.id}/{part.path}",
                (stamp.year, stamp.month, stamp.day, stamp.hour, stamp.minute, stamp.second),
            )
            named.external_attr = 0o600 << 16
            named.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(named, part.data)
    return out.getvalue()


def _program_version() -> str:
    try:
        return version_of("efterskrift")
    except PackageNotFoundError:
        return "0"
