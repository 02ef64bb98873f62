"""A package for an archive (FGS Paketstruktur 2.0, E-ARK SIP): one folder in a ZIP file.

`representations/pdfa` holds each sheet as PDF/A with a text layer, `representations/skannat` the scans as they came. The metadata are an ERMS
file and PREMIS; METS.xml names every file with its SHA-256.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of

from pipeline.archive.descriptive import descriptive
from pipeline.archive.mets import Contents, Part, mets
from pipeline.archive.premis import premis
from pipeline.archive.sheets import File, SheetFiles
from pipeline.export.late_entry import local
from pipeline.record import Run
from pipeline.settings import Settings

PDF_FOLDER = "representations/pdfa/data"
SCAN_FOLDER = "representations/skannat/data"
READ_ME = """Paketet är gjort av Efterskrift: handlingar som skrevs på papper under ett IT-avbrott, skannade, kontrollerade och överförda i efterhand.

representations/pdfa     varje ark som PDF/A-2u; bilden av papperet med de bekräftade uppgifterna som osynlig, sökbar text
representations/skannat  samma ark som de kom från skannern, oförändrade
metadata/descriptive     en ERMS-post för varje uppgift på arken, med sekretess, personer, tider och gallringsklass
metadata/preservation    PREMIS: filformat, kontrollsummor och händelser

Gallringsklassen är uträknad efter lag och talar om den tidigaste dagen. Ingenting gallras av programmet. Papperets plats står i ERMS-posten.
"""

SCHEMAS = """METS 1.12.1 med E-ARK CSIP och SIP 2.1: https://earksip.dilcis.eu/
ERMS 2.1.2: https://citserms.dilcis.eu/schema/ERMS.xsd
PREMIS 3.0: https://www.loc.gov/standards/premis/premis.xsd
"""


def package(sheets: Sequence[SheetFiles], run: Run, settings: Settings) -> bytes:
    """The ZIP file; its folder and its identity are the run's id."""
    contents = Contents(
        descriptive=Part("metadata/descriptive/erms.xml", "application/xml", descriptive(sheets, PDF_FOLDER, run, settings)),
        preservation=Part("metadata/preservation/premis.xml", "application/xml", premis(sheets, (PDF_FOLDER, SCAN_FOLDER), run)),
        documentation=(Part("documentation/LÄS-MIG.txt", "text/plain", READ_ME.encode()),),
        schemas=_schemas(settings),
        representations={
            "pdfa": tuple(_part(PDF_FOLDER, sheet.pdf) for sheet in sheets),
            "skannat": tuple(_part(SCAN_FOLDER, scan) for sheet in sheets for scan in sheet.scans),
        },
    )
    root = Part("METS.xml", "application/xml", mets(run.id, contents, run.made_at, _version(), settings))
    return _zip(run, [root, *_parts(contents)])


def _schemas(settings: Settings) -> tuple[Part, ...]:
    """The schemas of the metadata: where they are published, and those files themselves that the organisation has put into its folder."""
    folder = settings.archive_schemas
    own = sorted(folder.glob("*.xsd")) if folder else []
    return (
        Part("schemas/SCHEMAN.txt", "text/plain", SCHEMAS.encode()),
        *(Part(f"schemas/{path.name}", "application/xml", path.read_bytes()) for path in own),
    )


def _part(folder: str, file: File) -> Part:
    return Part(f"{folder}/{file.name}", file.media_type, file.data)


def _parts(contents: Contents) -> Iterator[Part]:
    yield contents.descriptive
    yield contents.preservation
    yield from contents.documentation
    yield from contents.schemas
    for parts in contents.representations.values():
        yield from parts


def _zip(run: Run, parts: Sequence[Part]) -> bytes:
    out = io.BytesIO()
    stamp = local(run.made_at)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for part in parts:
            named = zipfile.ZipInfo(f"{run.id}/{part.path}", (stamp.year, stamp.month, stamp.day, stamp.hour, stamp.minute, stamp.second))
            named.external_attr = 0o600 << 16
            named.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(named, part.data)
    return out.getvalue()


def _version() -> str:
    try:
        return version_of("efterskrift")
    except PackageNotFoundError:
        return "0"
