"""Read one page from image bytes to values: `read_page` names the stages in order.

No database and no clock: the same bytes, forms and registers always give the same result, as far
as further readers answer the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from pipeline import __version__
from pipeline.domain.errors import RegistrationError
from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.issues import Issue, IssueCode, Scope, Severity
from pipeline.domain.model import (
    Client,
    Image,
    Outcome,
    PageReading,
    PrintedWord,
    Reading,
    SheetCode,
    State,
    WordBox,
)
from pipeline.domain.settings import Settings
from pipeline.files.documents import TYPED_PNG, read_typed_page
from pipeline.files.images import decode_image
from pipeline.reading.field_readers import FIELD_READERS, calibrate_readings, make_field_image
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.marks.rules import paint_over_neighbours
from pipeline.reading.fields.printed_text import read_page_text
from pipeline.reading.fields.segmentation.lines import read_text_areas
from pipeline.reading.further_readers import (
    FurtherReader,
    find_differences,
    make_further_readers,
)
from pipeline.reading.identify.identify import Identification, identify_page
from pipeline.reading.imaging.geometry import PX_PER_MM
from pipeline.reading.language.language_model import NO_NAMES, Lexicon
from pipeline.reading.page_checks.checks import find_page_issues
from pipeline.reading.page_checks.image_quality import (
    cap_confidence,
    cap_marks,
    lower_confidence,
    shown_page,
)
from pipeline.reading.page_checks.page_context import PageContext
from pipeline.reading.page_checks.stray_writing import (
    drop_text_of_neighbours,
    drop_writing_of_neighbours,
)
from pipeline.reading.register.external_forms import LOOSE_RESIDUAL_MM, match_external_form
from pipeline.reading.register.register import (
    Registration,
    boxes_to_px,
    cut_box,
    find_shown,
    register_page,
)
from pipeline.reading.register.template_images import field_margin_mm, template_image
from pipeline.reading.resolve.known_names import NO_KNOWN_TEXTS, KnownTexts
from pipeline.reading.resolve.resolve import ReadingContext, resolve_page
from pipeline.reading.resolve.typed_page import (
    find_typed_sheet,
    read_typed_sheet,
    read_typed_text,
)
from pipeline.registers.clients import ClientRegister
from pipeline.registers.staff import StaffRegister

READER_VERSION = f"efterskrift {__version__}"
ALL_KINDS = frozenset(Kind)
DEFAULT_GATE_MM = 0.8
"""A page with a higher registration error (mm) is not read; it waits for a person."""
SINGLE_SHEET = 1
"""Sheet number of all fields that are read together: they are of one page."""
REGISTERED_JPEG_QUALITY = 85
NOTE_FIELD = "anteckning"
"""The field of the free note (`fri-anteckning`) that holds the text of the whole page."""
_MAX_SIDE_PX = 3000
"""Larger images of pages without a form are scaled down: A4 at 250 dpi shows all pen strokes."""


@dataclass(frozen=True, slots=True)
class PageResult:
    """The reading of a page, and its image registered to the form (JPEG, 8 px/mm), or None.

    The image is in colour where the scan has colours, on white paper.

    `words` are the printed words of a page of no known form.
    """

    reading: PageReading
    upright: bytes | None = None
    words: tuple[PrintedWord, ...] = ()


@dataclass(frozen=True, slots=True)
class PageReader:
    """All that a reading needs apart from the page, made once per process.

    `note_secret` is what the keys of forms without paper are made from; without it no note is
    known to be whole. `further` readers read handwriting again, blind.
    """

    forms: Forms
    context: ReadingContext
    gate_mm: float
    kinds: frozenset[Kind] = ALL_KINDS
    note_secret: str = ""
    further: tuple[FurtherReader, ...] = ()

    @classmethod
    def of(
        cls,
        settings: Settings,
        clients: Iterable[Client] | None,
        staff: StaffRegister | None = None,
    ) -> PageReader:
        """Make a reader from the settings, a client register and a staff list (None: unknown).

        The settings give the folders of forms, the outage and the highest registration error.
        """
        # Without a register or an outage the values are not weighed by them.
        register = ClientRegister(clients) if clients is not None else None
        start, end = settings.outage_start, settings.outage_end
        window = (start.date(), end.date()) if start and end else None
        return cls(
            Forms.load(*settings.form_folders),
            ReadingContext(register, window, staff),
            settings.residual_gate_mm,
            further=make_further_readers(settings),
        )

    @classmethod
    def of_forms(cls, forms: Forms, clients: Iterable[Client] | None = None) -> PageReader:
        """Make a reader that knows no outage and no staff."""
        register = ClientRegister(clients) if clients is not None else None
        return cls(forms, ReadingContext(register), DEFAULT_GATE_MM)

    def read(self, data: bytes, media_type: str, unit: str = "") -> PageResult:
        """Read one page, scanned by a unit; see `read_page`."""
        return read_page(data, media_type, self, unit)


def read_page(data: bytes, media_type: str, reader: PageReader, unit: str = "") -> PageResult:
    """Read one page: decode, identify, register, read fields, resolve values, check the page.

    Args:
        data: the page's file, as it was scanned.
        media_type: of `data`, for instance `image/jpeg`.
        reader: the forms, the registers and the outage, and the highest registration error.
        unit: the unit that scanned it, for its outages.

    Raises:
        BrokenFileError: `data` is no image.
    """
    # 0. What was typed is not read.
    if media_type == TYPED_PNG:
        return _read_typed(data, reader)

    # 1. Decode the file.
    image = decode_image(data, media_type)

    # 2. Identify the page by Efterskrift's codes and markers.
    identification = identify_page(image)
    if identification.is_blank:
        return PageResult(PageReading(Outcome.BLANK, rotation_deg=identification.rotation_deg))

    # 3. Register the image to its form, or stop here.
    located = _locate(image, identification, reader)
    if located.form is None:
        # Its lines help the person who keys it; by its printed words it can be found.
        names, kinds = expected_names(reader.context), reader.kinds
        fields = transcribe_page(image, names) if Kind.LINES in kinds else {}
        words = read_page_text(image) if Kind.PRINTED in kinds else ()
        return PageResult(replace(located.base_reading, fields=fields), words=words)
    if located.registration is None:
        return PageResult(located.base_reading)
    if located.registration.residual_mm > located.limit_mm(reader.gate_mm):
        return _rejected_result(image, located.base_reading, located.registration)
    context = PageContext.of(
        image, located.form, located.page_no, located.registration, reader.kinds
    )

    # 4. Read the fields, each kind by its reader.
    known = reader.context
    readings = read_fields(context, expected_names(known), known_texts(known))
    readings = drop_text_of_neighbours(context, readings)

    # 5. Resolve the values with registers, dates, sums and each other.
    known = known.of_page(context.form, unit)
    fields, unresolved = resolve_page(context.fields, context.form, readings, known)

    # 6. Let further readers read its handwriting blind.
    differences = find_differences(reader.further, context.fields, readings, fields)

    # 7. Check the page for what no field reader can see.
    is_loose = located.registration.residual_mm > reader.gate_mm
    misplaced = _find_misplaced(context, is_loose=is_loose)
    flagged = [*misplaced, *differences]
    return _checked_result(context, located.base_reading, fields, unresolved, flagged)


def _find_misplaced(context: PageContext, *, is_loose: bool) -> list[Issue]:
    """Return the issues of fields outside the picture, and of all if they lie but loosely."""
    shown = find_shown(context.registration, context.image, [spec.area for spec in context.fields])
    return [
        Issue(IssueCode.PLACE_UNSURE if is_shown else IssueCode.COVERED, spec.name)
        for spec, is_shown in zip(context.fields, shown, strict=True)
        if is_loose or not is_shown
    ]


# ------------------------------------------------------------------ 0. Typed


def _read_typed(data: bytes, reader: PageReader) -> PageResult:
    """Return what was typed; a text that is of no known form becomes a free note."""
    typed = read_typed_page(data)
    sheet, issues = find_typed_sheet(typed, reader.forms, reader.note_secret)
    form = reader.forms.get((sheet.code.form, sheet.code.version)) if sheet else None
    if sheet is None or form is None:
        return PageResult(read_typed_text(typed, issues, NOTE_FIELD))
    return PageResult(*read_typed_sheet(sheet, form, reader.context))


# ------------------------------------------------------------------ 3. Register


@dataclass(frozen=True, slots=True)
class _Located:
    """The form page that an image shows, and the reading of the page without its fields.

    `form` is None if the page is not identified, `registration` if the image could not be
    registered to the form.
    """

    base_reading: PageReading
    form: Form | None = None
    page_no: int = 1
    registration: Registration | None = None

    def limit_mm(self, gate_mm: float) -> float:
        """Return the registration error up to which the page is read, mm.

        Words were found at their places on a page that was located by its print.
        """
        elsewhere = self.form is not None and self.form.printed_elsewhere
        return max(gate_mm, LOOSE_RESIDUAL_MM) if elsewhere else gate_mm


def _locate(image: Image, identification: Identification, reader: PageReader) -> _Located:
    """Find the form of the page and register the image to it."""
    if identification.code is None and identification.is_unmarked:
        return _locate_by_print(image, identification, reader)
    return _locate_by_code(image, identification, reader)


def _locate_by_code(image: Image, identification: Identification, reader: PageReader) -> _Located:
    """Locate a page that has Efterskrift's codes or markers."""
    code, issues = identification.code, list(identification.issues)
    base = PageReading(Outcome.UNIDENTIFIED, code, identification.rotation_deg)

    # Without a code, or with the code of an unknown form, the page is not identified.
    form = reader.forms.get((code.form, code.version)) if code else None
    if code is None or form is None or code.page_no > len(form.pages):
        issues += [Issue(IssueCode.UNKNOWN_FORM)] if code else []
        return _Located(replace(base, issues=_issue_strings(issues)))

    try:
        registration = register_page(image, identification, template_image(form, code.page_no))
    except RegistrationError:
        issues.append(Issue(IssueCode.NOT_REGISTERED))
        return _Located(replace(base, issues=_issue_strings(issues)), form, code.page_no)

    issues += registration.issues
    base = replace(base, residual_mm=registration.residual_mm, issues=_issue_strings(issues))
    return _Located(base, form, code.page_no, registration)


def _locate_by_print(image: Image, identification: Identification, reader: PageReader) -> _Located:
    """Locate a page without codes and markers: perhaps of a form that was printed elsewhere."""
    match = match_external_form(image, reader.forms.values(), reader.gate_mm)
    residual = match.registration.residual_mm if match.registration else None
    base = PageReading(Outcome.UNIDENTIFIED, None, match.rotation_deg, residual)
    if match.form is None or match.registration is None:
        issues = _issue_strings((*identification.issues, *match.issues))
        return _Located(replace(base, issues=issues))
    code = SheetCode(match.form.id, match.form.version, 1, 1, "")
    base = replace(base, code=code, issues=_issue_strings(match.issues))
    return _Located(base, match.form, 1, match.registration)


def _rejected_result(image: Image, base: PageReading, registration: Registration) -> PageResult:
    """Return the result of a page whose registration error is over the gate."""
    issues = (*base.issues, *_issue_strings([Issue(IssueCode.RESIDUAL_OVER_GATE)]))
    return PageResult(replace(base, issues=issues), _encode_page(image, registration))


def transcribe_page(image: Image, names: Lexicon = NO_NAMES) -> dict[str, Reading]:
    """Read the lines of a page of no known form, (h, w) or (h, w, 3), as one field.

    Such a page may be a note on plain paper or a photo of a whiteboard. The result is empty if
    nothing is written on it.
    """
    # Scale large photos down.
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    scale = _MAX_SIDE_PX / max(grey.shape)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)

    # Read the whole page as one field of lines. Word boxes have no place on a form.
    whole_page = make_field_image(grey.astype("uint8"), Kind.LINES, None)
    (reading,) = read_text_areas([replace(whole_page, expected_names=names)])
    return (
        {} if reading.state is State.EMPTY else {NOTE_FIELD: replace(reading, words=(), lines=())}
    )


# --------------------------------------------------------------- 4. Read fields


@lru_cache(maxsize=2)
def expected_names(context: ReadingContext) -> Lexicon:
    """Return the words of all names, units and addresses in the client register and staff list.

    Handwriting may well hold them. They do not say whose they are. Computed once per context.
    """
    clients = context.register or ()
    staff = context.staff or ()
    texts = [part for client in clients for part in (client.name, client.address, client.unit)]
    texts += [part for member in staff for part in (member.name, member.unit)]
    return Lexicon.of_names(texts) if texts else NO_NAMES


@lru_cache(maxsize=2)
def known_texts(context: ReadingContext) -> KnownTexts:
    """Return the lists of names and titles that lines may be on. Collected once per context."""
    return KnownTexts.of(context.register, context.staff)


def read_fields(
    context: PageContext, names: Lexicon = NO_NAMES, texts: KnownTexts = NO_KNOWN_TEXTS
) -> dict[str, Reading]:
    """Read each field with the reader of its kind.

    `names` are expected in handwriting, and lines may be one of `texts`. For calibration, the
    handwriting of a page is taken to be of one writer.
    """
    specs, scored = context.fields, score_fields(context, names, texts)
    readings = calibrate_readings(specs, [scored[spec.name] for spec in specs], single_writer=True)
    return {spec.name: reading for spec, reading in zip(specs, readings, strict=True)}


def score_fields(
    context: PageContext, names: Lexicon = NO_NAMES, texts: KnownTexts = NO_KNOWN_TEXTS
) -> dict[str, Reading]:
    """Read each field as `read_fields` does, with its reader's own score as p."""
    specs = context.fields
    by_kind: dict[Kind, list[FieldSpec]] = defaultdict(list)
    for spec in specs:
        by_kind[spec.kind].append(spec)

    # Readers get all fields of their kind at once, so that networks run in batches.
    scored: dict[str, Reading] = {}
    for kind, group in by_kind.items():
        field_images = [
            replace(
                _cut_field_image(spec, field_margin_mm(spec, specs), context, names),
                listed=texts.expected_in(spec),
                one_bit=context.is_black_and_white,
            )
            for spec in group
        ]
        if kind is Kind.MARK:
            field_images = paint_over_neighbours(field_images, context.all_fields)
        kind_readings = FIELD_READERS[kind](field_images)
        scored.update((s.name, r) for s, r in zip(group, kind_readings, strict=True))

    # Add where each field and word is: in px of the scan, and in mm from the page's corner.
    boxes = boxes_to_px(context.registration, [spec.area for spec in specs])
    return {
        spec.name: replace(
            scored[spec.name],
            box_px=box,
            words=_to_page_boxes(spec, scored[spec.name].words),
        )
        for spec, box in zip(specs, boxes, strict=True)
    }


def _cut_field_image(
    spec: FieldSpec, margin: float, context: PageContext, names: Lexicon
) -> FieldImage:
    """Return the image of a field with so much margin (mm), and the same part of the template."""
    return FieldImage(
        cut_box(context.upright, spec.area, margin),
        spec,
        cut_box(context.template, spec.area, margin),
        PX_PER_MM,
        margin,
        names,
        SINGLE_SHEET,
    )


def _to_page_boxes(spec: FieldSpec, words: tuple[WordBox, ...]) -> tuple[WordBox, ...]:
    """Return words with boxes from the page's top left (mm); readers give the field's."""
    left, top = spec.box[0], spec.box[1]
    return tuple(
        replace(
            word,
            box=(round(word.box[0] + left, 2), round(word.box[1] + top, 2), *word.box[2:]),
        )
        for word in words
    )


# --------------------------------------------------------------- 7. Check the page


def _checked_result(
    context: PageContext,
    base: PageReading,
    fields: Mapping[str, Reading],
    unresolved: Sequence[Issue],
    flagged: Sequence[Issue],
) -> PageResult:
    """Return the result of a page that was read, with what is `flagged` and the page checks find.

    The checks look at the resolved values. They lower the confidence of the fields that they flag.
    """
    fields = drop_writing_of_neighbours(context, fields)
    page_issues = list(dict.fromkeys([*flagged, *find_page_issues(context, fields)]))
    fields = cap_marks(context, _with_lower_confidence(fields, page_issues))
    fields = {name: replace(reading, lines=()) for name, reading in fields.items()}
    issues = (*base.issues, *_issue_strings(_in_order(fields, unresolved, page_issues)))
    reading = replace(base, outcome=Outcome.READ, fields=fields, issues=issues)
    is_pale = any(issue.code is IssueCode.PALE_WRITING for issue in page_issues)
    return PageResult(reading, _encode_page(context.image, context.registration, is_pale=is_pale))


def _with_lower_confidence(
    fields: Mapping[str, Reading], page_issues: Sequence[Issue]
) -> dict[str, Reading]:
    """Return the readings with a lower p where the field, or the whole page, has an issue."""
    flagged_fields = {issue.field for issue in page_issues if issue.code.scope is Scope.FIELD}
    of_page = [
        issue.code
        for issue in page_issues
        if issue.code.severity is Severity.LOW_CONFIDENCE and not issue.field
    ]
    return cap_confidence(lower_confidence(fields, flagged_fields), of_page)


def _in_order(
    fields: Mapping[str, Reading], unresolved: Sequence[Issue], page_issues: Sequence[Issue]
) -> list[Issue]:
    """Return all issues, each of a field once.

    The order: of the page, of the resolution, of the field readers, of fields by page checks.
    """
    of_page = [issue for issue in page_issues if not issue.field]
    of_readers = [Issue(code, name) for name, reading in fields.items() for code in reading.issues]
    of_fields = [issue for issue in page_issues if issue.field]
    return [*of_page, *unresolved, *dict.fromkeys((*of_readers, *of_fields))]


def _issue_strings(issues: Iterable[Issue]) -> tuple[str, ...]:
    """Return issues as the strings that `PageReading.issues` holds and the database stores."""
    return tuple(map(str, issues))


def _encode_page(image: Image, registration: Registration, *, is_pale: bool = False) -> bytes:
    """Return the registered page as people see it, as JPEG; what is too pale to be read darker."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, REGISTERED_JPEG_QUALITY]
    page = shown_page(image, registration, is_pale=is_pale)
    return np.asarray(cv2.imencode(".jpg", page, quality)[1]).tobytes()
