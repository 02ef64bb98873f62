"""Documents to be registered: a ZIP archive with `erms.xml`, the papers as files, and checksums.

Documents of several care providers, who keep a diary each, are apart: a folder for each provider,
which is a whole delivery of its own. Paths in `erms.xml` begin at its folder. `SHA256SUMS` has the
checksum of every file of the archive, as `sha256sum --check` reads it.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.record import CareProvider, Record, Run
from pipeline.export.authorities.erms.classification import PLAN_FILE, load_plan
from pipeline.export.authorities.erms.elements import control_section, erms_xml
from pipeline.export.authorities.erms.files import record_files
from pipeline.export.authorities.erms.record import Document, DocumentMapping, record_element
from pipeline.export.exporter import TEMPORARY_CLIENT, Exporter, ExportOptions, Item
from pipeline.export.record_text import care_provider, settings_provider
from pipeline.export.zip_archive import zip_files
from pipeline.texts import Text

NO_TITLE = Text("export_reason.no_document_title")
NO_DATE = Text("export_reason.no_document_date")
_NOT_IN_FOLDER_NAME = re.compile(r"[^\w-]+")


class ErmsExporter(Exporter):
    """Documents to be registered, to ERMS 2.1.2."""

    media_type = "application/zip"
    suffix = ".zip"
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

    def example_notice(self, options: ExportOptions) -> Text | None:
        """Return that the classification plan is an example, so that its classes are; else None.

        Raises:
            ExportError: the plan is wrong.
        """
        plan = load_plan(options.settings)
        if plan is None or not plan.example:
            return None
        return Text("export_notice.example_plan", {"plan": plan.name, "file": PLAN_FILE})

    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build one `record` an entry, in the items' order, in one `erms.xml` a care provider.

        Raises:
            ExportError: the plan is wrong, or an image cannot be read.
            StoreError: an image is missing.
        """
        by_provider: dict[CareProvider, list[Item]] = defaultdict(list)
        for item in items:
            by_provider[care_provider(item.record, options.settings)].append(item)
        if not by_provider:
            by_provider[settings_provider(options.settings)] = []
        folders = _folder_names(list(by_provider))
        files = {
            f"{folders[provider]}{name}": data
            for provider, provided in by_provider.items()
            for name, data in _provider_files(provider, provided, run, options)
        }
        sums = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()]
        return zip_files([*files.items(), ("SHA256SUMS", "".join(sums).encode())], run.made_at)


def _folder_names(providers: Sequence[CareProvider]) -> dict[CareProvider, str]:
    """Return the folder of each provider, with a slash; none where there is one provider."""
    if len(providers) == 1:
        return {providers[0]: ""}
    names = [_NOT_IN_FOLDER_NAME.sub("-", provider.name).strip("-") for provider in providers]
    # A number keeps apart providers whose names become the same.
    return {
        provider: f"{number}-{name}/"
        for number, (provider, name) in enumerate(zip(providers, names, strict=True), 1)
    }


def _provider_files(
    provider: CareProvider, items: Sequence[Item], run: Run, options: ExportOptions
) -> Iterator[tuple[str, bytes]]:
    """Yield the description of a provider's documents, then the documents."""
    plan = load_plan(options.settings)
    documents = [
        Document(item, run, options, plan, record_files(item.record, options)) for item in items
    ]
    described = (
        plan.describe(item.record) for item in items if plan and plan.classify(item.record)
    )
    schemes = list(dict.fromkeys(filter(None, described)))
    control = control_section(run, provider, schemes)
    yield "erms.xml", erms_xml(control, map(record_element, documents))
    for document in documents:
        for file in document.files:
            yield file.path, file.data
