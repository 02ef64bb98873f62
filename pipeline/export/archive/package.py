"""A package for an archive (FGS Paketstruktur 2.0, E-ARK SIP): one folder in a ZIP file.

`representations/pdfa` holds each sheet as PDF/A with a text layer, `representations/skannat` the
scans as they came. The metadata are an ERMS file and PREMIS; METS.xml names every file with its
SHA-256.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of

from pipeline.domain.record import Run
from pipeline.domain.settings import Settings
from pipeline.export.archive.descriptive import erms_metadata
from pipeline.export.archive.mets import PackageContents, PackageFile, mets_xml
from pipeline.export.archive.premis import premis_xml
from pipeline.export.archive.sheets import SheetFile, SheetFiles
from pipeline.export.exporter import data_text
from pipeline.export.zip_archive import zip_files

PDF_FOLDER = "representations/pdfa/data"
SCAN_FOLDER = "representations/skannat/data"


def build_package(
    sheets: Sequence[SheetFiles], run: Run, settings: Settings, decision: str
) -> bytes:
    """Build the ZIP file; its folder and its identity are the run's id.

    Args:
        decision: the number of the decision or plan that the sheets are archived by.
    """
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
        documentation=(
            PackageFile("documentation/LÄS-MIG.txt", "text/plain", _readme(decision).encode()),
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
    files = [(f"{run.id}/{part.path}", part.data) for part in (root, *_all_files(contents))]
    return zip_files(files, run.made_at)


def _readme(decision: str) -> str:
    return "\n".join(
        (
            data_text("archive_text.readme"),
            data_text("archive_text.archived_by", number=decision),
            "",
        )
    )


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


def _package_file(folder: str, file: SheetFile) -> PackageFile:
    return PackageFile(f"{folder}/{file.name}", file.media_type, file.data)


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
