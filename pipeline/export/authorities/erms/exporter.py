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
from dataclasses import dataclass
from functools import partial
from typing import Literal

from lxml import etree

from pipeline.domain.identity_numbers import is_temporary_pid
from pipeline.domain.record import CareProvider, Record, Run
from pipeline.export.authorities.erms.classification import (
    PLAN_FILE,
    ClassificationPlan,
    PlanClass,
    load_plan,
)
from pipeline.export.authorities.erms.elements import (
    PROTECTED_IDENTITY,
    DocumentParties,
    agents_element,
    control_section,
    date_elements,
    erms,
    erms_xml,
    format_erms_time,
    place_element,
    restriction_elements,
)
from pipeline.export.authorities.erms.files import (
    FILE_FORMAT,
    RecordFile,
    missing_files_note,
    record_files,
)
from pipeline.export.exporter import (
    DATA_LANGUAGE,
    TEMPORARY_CLIENT,
    Exporter,
    ExportOptions,
    Item,
    data_text,
)
from pipeline.export.mapping import ExportMapping, NoteSection, StrictModel
from pipeline.export.record_text import (
    amendment_text,
    care_provider,
    field_value,
    find_record_form,
    format_attachment,
    format_field_value,
    late_entry_text,
    record_law,
    settings_provider,
)
from pipeline.export.zip_archive import zip_files
from pipeline.texts import Text

# One document as a record of ERMS.
#
# The file is a list of records, not of cases: a diary number on the paper is the record's parent:
# no case is made up. Who transcribed and verified is in the description too, in words.

# How a form's entries become records of ERMS: `forms/<id>/export.erms.yaml`.

Direction = Literal[
    "incoming",
    "outgoing",
    "internal_memo_for_follow-up",
    "internal_memo_without_follow-up",
    "case_draft",
]
"""Values of `directionDefinition` in ERMS 2.1.2, except `other`, which needs words of its own."""


class Secrecy(StrictModel):
    """The box and line of a form that say that a document is secret, and the words beside them.

    Offentlighets- och sekretesslagen 5 kap. 5 §.
    """

    mark: str = ""
    regulation: str = ""
    explanation: str = "Sekretess enligt anteckning på papperet"


class DocumentMapping(ExportMapping):
    """A form's entries as records of ERMS 2.1.2, by names of fields; empty ones are left out.

    `title` is what the document is about in short (OSL 5:2); without such a field it is the form's
    own title. `public_title` is a text, shown instead of the title where a document is secret.
    `case` is the diary number, `dispatch` a choice whose label is taken. `kind` and
    `classification` take the place of the plan's type and class, where the plan has none.
    """

    title: str = ""
    public_title: str = ""
    case: str = ""
    sender: str = ""
    recipient: str = ""
    handler: str = ""
    kind: str = ""
    dispatch: str = ""
    direction: Direction = "incoming"
    classification: PlanClass | None = None
    secrecy: Secrecy = Secrecy()
    decisions: tuple[str, ...] = ()
    sections: tuple[NoteSection, ...] = ()

    def fields(self) -> set[str]:
        """Return the form's fields that the mapping takes."""
        single = {
            self.title,
            self.case,
            self.sender,
            self.recipient,
            self.handler,
            self.kind,
            self.dispatch,
            self.secrecy.mark,
            self.secrecy.regulation,
        }
        return (single | set(self.decisions) | {section.field for section in self.sections}) - {""}


NO_REGULATION = Text("erms_text.no_regulation")
DATE_TYPES = ("inskriven", "kontrollerad", "signerad")
"""`otherDateType` of when an entry was entered, verified and signed."""


@dataclass(frozen=True, slots=True)
class Document:
    """An item with what its record is made from: the plan of its class, and its files."""

    item: Item
    run: Run
    options: ExportOptions
    plan: ClassificationPlan | None
    files: Sequence[RecordFile]

    @property
    def mapping(self) -> DocumentMapping:
        """The mapping of the item's form."""
        return self.options.mapping(self.item.record.form, DocumentMapping)

    def classify(self) -> tuple[PlanClass | None, str]:
        """Return class and type of the document; None and empty where nobody has said them."""
        record, mapping = self.item.record, self.mapping
        planned = self.plan.classify(record) if self.plan else None
        if planned:
            return mapping.classification or planned[0], planned[1]
        return mapping.classification, _field_text(record, self.options, mapping.kind)


def record_element(source: Document) -> etree._Element:
    """Return a document as a record."""
    item, options, mapping = source.item, source.options, source.mapping
    record, field_text = item.record, partial(_field_text, item.record, options)
    place, kind = source.classify()
    parties = DocumentParties(
        *map(field_text, (mapping.sender, mapping.recipient, mapping.handler))
    )
    dispatch, notes = field_text(mapping.dispatch), _note_texts(source)
    return erms(
        "record",
        *_identity(record, place, field_text(mapping.case)),
        *_titles(item, mapping, options),
        erms("direction", directionDefinition=mapping.direction),
        agents_element(record, parties),
        erms("description", _describe_item(item, options)),
        _dates(record, source.run, mapping),
        *(
            erms("action", erms("actionText", decision), erms("actionType", "beslut"))
            for decision in filter(None, map(field_text, mapping.decisions))
        ),
        erms("dispatchMode", dispatch) if dispatch else None,
        place_element(record),
        erms("notes", *(erms("note", text, noteType=about) for about, text in notes))
        if notes
        else None,
        erms("additionalInformation", *map(_appendix, source.files)) if source.files else None,
        systemIdentifier=record.entry_id,
        # The second word is spelt as the schema has it.
        recordPhysicalOrDigital="physcical_and_digital" if source.files else "physical",
        recordType=kind or None,
    )


def _appendix(file: RecordFile) -> etree._Element:
    """Return a file with its place and checksum."""
    return erms(
        "appendix",
        name=file.title,
        path=file.path,
        fileFormat=FILE_FORMAT,
        description=f"SHA-256 {file.sha256}",
    )


def _field_text(record: Record, options: ExportOptions, field: str) -> str:
    return format_field_value(record, field, options.forms) if field else ""


def _identity(record: Record, place: PlanClass | None, case: str) -> Iterator[etree._Element]:
    yield erms("objectId", record.entry_id)
    if record.serial:
        yield erms("extraId", record.serial, extraIdType="blankettens löpnummer")
    if place:
        yield erms("classification", place.name, classificationCode=place.code)
    if case:
        yield erms("parentAggregationId", case)


def _titles(
    item: Item, mapping: DocumentMapping, options: ExportOptions
) -> Iterator[etree._Element]:
    """Yield titles, state, what the record replaces, and its secrecy."""
    record, restrictions = item.record, _find_restrictions(item.record, mapping, options)
    yield erms("title", _field_text(record, options, mapping.title) or record.title)
    if restrictions:
        yield erms("otherTitle", mapping.public_title or record.title, titleType="public")
    state = "received" if mapping.direction == "incoming" else "closed"
    yield erms("status", value=state if record.voided is None else "obliterated")
    yield erms("runningNumber", str(item.number))
    if item.amends:
        replaced = data_text(
            "erms_text.replaces",
            entry=record.entry_id,
            revision=item.amends.revision,
            run=item.amends.run,
        )
        yield erms("relation", replaced, relationType="replaces")
    yield from restriction_elements(restrictions)


def _find_restrictions(
    record: Record, mapping: DocumentMapping, options: ExportOptions
) -> list[tuple[str, str]]:
    """Return why a document is secret, and by which law.

    A section of law without the tick, or the tick without one, is secrecy all the same.
    """
    secrecy = mapping.secrecy
    regulation = (
        format_field_value(record, secrecy.regulation, options.forms) if secrecy.regulation else ""
    )
    # An illegible tick counts as ticked: secrecy is the safe side.
    marked = bool(secrecy.mark) and (
        field_value(record, secrecy.mark, options.forms) is True or secrecy.mark in record.illegible
    )
    restrictions = []
    if marked or regulation:
        section = regulation or NO_REGULATION.in_language(DATA_LANGUAGE)
        restrictions.append((secrecy.explanation, section))
    if record.client.protected:
        restrictions.append(PROTECTED_IDENTITY)
    return restrictions


def _describe_item(item: Item, options: ExportOptions) -> str:
    record = item.record
    voided = data_text("late_entry.void", reason=record.voided) if record.voided is not None else ""
    return "\n".join(
        part
        for part in (
            late_entry_text(record, options.settings),
            amendment_text(item),
            voided,
            data_text("late_entry.unit", unit=record.unit),
            record_law(record, options.forms),
        )
        if part
    )


def _dates(record: Record, run: Run, mapping: DocumentMapping) -> etree._Element:
    event_type = "received" if mapping.direction == "incoming" else "originated"
    known = {
        "created": record.written_at,
        event_type: record.event_at,
        "captured": record.scanned.at,
    }
    # The three stamps have no ERMS date type of their own.
    stamps = (record.entered, record.verified, record.signed)
    return erms(
        "dates",
        *date_elements(known),
        *(
            erms("date", format_erms_time(stamp.at), dateType="other", otherDateType=kind)
            for stamp, kind in zip(stamps, DATE_TYPES, strict=True)
            if stamp
        ),
        *date_elements({"transferred": run.made_at}),
    )


def _note_texts(source: Document) -> list[tuple[str, str]]:
    """Return the other fields verbatim: first those the mapping names, then all it leaves out.

    A box without a mark says nothing, not no.
    """
    record, mapping, options = source.item.record, source.mapping, source.options
    form, mapped = find_record_form(record, options.forms), mapping.fields()
    candidates = (
        [spec.column for spec in form.entry_fields(record.row) if spec.means is None]
        if form
        else []
    )
    # Fields that no part of the mapping names.
    rest = [
        NoteSection(field=name)
        for name in candidates
        if name in record.fields and name not in mapped
    ]
    filled = [
        (section, text)
        for section in (*mapping.sections, *rest)
        if field_value(record, section.field, options.forms) is not False
        and (text := format_field_value(record, section.field, options.forms))
    ]
    attachments = [
        (data_text("erms_text.attachment_note"), format_attachment(each))
        for each in record.attachments
    ]
    paper = missing_files_note(record, options, source.files)
    return [
        *(
            (section.heading or record.labels.get(section.field, section.field), text)
            for section, text in filled
        ),
        *attachments,
        *([(data_text("erms_text.paper_note"), paper)] if paper else []),
    ]


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
