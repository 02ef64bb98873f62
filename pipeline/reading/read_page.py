"""One page from image to values: `digitize` names the stages in order. No database, no clock.

A page that no code and no print identifies, such as a note on plain paper or a photo of a
whiteboard: its lines are read as help for a person.

The names that handwriting may well hold: of the client register and the staff list, as words and
without who bears them.
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
    Reading,
    SheetCode,
    State,
    WordBox,
)
from pipeline.domain.settings import Settings
from pipeline.files.images import decode_image
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.lines import read_text_areas
from pipeline.reading.fields.registry import FIELD_READERS, calibrate_readings
from pipeline.reading.identify.external_forms import match_external_form
from pipeline.reading.identify.identify import Identification, identify_page
from pipeline.reading.imaging.geometry import PX_PER_MM
from pipeline.reading.imaging.timing import stage
from pipeline.reading.language.language_model import NO_NAMES, Lexicon
from pipeline.reading.page_checks.checks import find_page_issues
from pipeline.reading.page_checks.image_quality import cap_confidence, lower_confidence
from pipeline.reading.page_context import PageContext
from pipeline.reading.register.register import Registration, boxes_to_px, cut_box, register_page
from pipeline.reading.resolve.resolve import ReadingContext, resolve_page
from pipeline.reading.single_fields import make_field_image
from pipeline.reading.template_images import field_margin_mm, template_image
from pipeline.registers.clients import ClientRegister
from pipeline.registers.staff import StaffRegister

NOTE_FIELD = "anteckning"
"""The field of the free note (`fri-anteckning`) that holds what the whole page says."""
_MAX_SIDE_PX = 3000
"""Longer pictures are made smaller: A4 at 250 dpi shows all that a pen writes."""
READER_VERSION = f"efterskrift {__version__}"
DEFAULT_GATE_MM = 0.8
"""A page that lies worse than this on its form (mm) waits for a person."""
REGISTERED_JPEG_QUALITY = 85
ALL_KINDS = frozenset(Kind)
SINGLE_SHEET = 1
"""Fields that are read together are of one page."""


def transcribe_page(image: Image, names: Lexicon = NO_NAMES) -> dict[str, Reading]:
    """The lines of the page, (h, w) or (h, w, 3), as the reading of that one field; nothing where
    nothing is written.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    scale = _MAX_SIDE_PX / max(grey.shape)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    (reading,) = read_text_areas(
        [replace(make_field_image(grey.astype("uint8"), Kind.LINES, None), expected_names=names)]
    )
    return {} if reading.state is State.EMPTY else {NOTE_FIELD: replace(reading, words=())}


@lru_cache(maxsize=2)
def expected_names(context: ReadingContext) -> Lexicon:
    """Words of all names, units and addresses; made once for a context."""
    clients = context.register or ()
    staff = context.staff or ()
    texts = [part for client in clients for part in (client.name, client.address, client.unit)]
    texts += [part for member in staff for part in (member.name, member.unit)]
    return Lexicon.of_names(texts) if texts else NO_NAMES


@dataclass(frozen=True, slots=True)
class PageResult:
    """A page's reading, and its picture laid upright on the form (JPEG, 8 px/mm), if it could be
    laid.
    """

    reading: PageReading
    upright: bytes | None = None


@dataclass(frozen=True, slots=True)
class PageReader:
    """All that a reading needs besides the page, made once a process."""

    forms: Forms
    context: ReadingContext
    gate_mm: float
    kinds: frozenset[Kind] = ALL_KINDS

    @classmethod
    def of(
        cls,
        settings: Settings,
        clients: Iterable[Client] | None,
        staff: StaffRegister | None = None,
    ) -> PageReader:
        """A reader with the settings' forms, outage and tolerance, a client register and a staff
        list (None: nothing is known of them).
        """
        register = ClientRegister(clients) if clients is not None else None
        start, end = settings.outage_start, settings.outage_end
        window = (start.date(), end.date()) if start and end else None
        return cls(
            Forms.load(*settings.form_folders),
            ReadingContext(register, window, staff),
            settings.residual_gate_mm,
        )

    @classmethod
    def of_forms(cls, forms: Forms, clients: Iterable[Client] | None = None) -> PageReader:
        """A reader that knows no outage."""
        register = ClientRegister(clients) if clients is not None else None
        return cls(forms, ReadingContext(register), DEFAULT_GATE_MM)

    def read(self, data: bytes, media_type: str) -> PageResult:
        """Read one page; see `digitize`."""
        return read_page(data, media_type, self)


def read_page(data: bytes, media_type: str, reader: PageReader) -> PageResult:
    """Read one page: decode, identify, register, read the fields, resolve the values, check the
    page.

    Args:
        data: the page's file, as it was scanned.
        media_type: of `data`, for instance `image/jpeg`.
        reader: the forms, what is known apart from the page, and the gate.

    Raises:
        BrokenFileError: `data` is no picture.
    """
    # 1. Decode.
    with stage("decode"):
        image = decode_image(data, media_type)

    # 2. Identify: the form by the codes on the page, or by its print.
    with stage("identify"):
        found = identify_page(image)
    if found.is_blank:
        return PageResult(PageReading(Outcome.BLANK, rotation_deg=found.rotation_deg))

    # 3. Register to the form.
    unmarked = found.code is None and found.is_unmarked
    located = (_by_print if unmarked else _by_code)(image, found, reader)
    if located.form is None:
        return PageResult(_transcribe_lines(image, located.unread, reader))
    if located.registration is None:
        return PageResult(located.unread)
    if located.registration.residual_mm > reader.gate_mm:
        return PageResult(located.unread, _encode_jpeg(located.registration.upright))
    context = PageContext.of(
        image, located.form, located.page_no, located.registration, reader.kinds
    )

    # 4. Read the fields, each kind by its reader.
    readings = read_fields(context, expected_names(reader.context))

    # 5. Resolve: weigh the readings against registers, dates, sums and each other.
    with stage("resolve"):
        fields, unresolved = resolve_page(context.fields, context.form, readings, reader.context)

    # 6. Page checks: what no field reader can see. They look at the resolved values.
    checked = find_page_issues(context, fields)
    fields = _with_lower_confidence(fields, checked)
    problems = _stored(_in_order(fields, unresolved, checked))
    read = replace(located.unread, outcome=Outcome.READ, fields=fields)
    read = replace(read, issues=(*located.unread.issues, *problems))
    return PageResult(read, _encode_jpeg(context.upright))


@dataclass(frozen=True, slots=True)
class _Located:
    """The form page that an image shows, as far as it was found, and what is said of it if it is
    not read.

    `form` is None if the page is not identified, `registration` if the page could not be
    registered to the form.
    """

    unread: PageReading
    form: Form | None = None
    page_no: int = 1
    registration: Registration | None = None


def _by_code(image: Image, found: Identification, reader: PageReader) -> _Located:
    """A page with Efterskrift's codes or markers."""
    code, issues = found.code, list(found.issues)
    unread = PageReading(Outcome.UNIDENTIFIED, code, found.rotation_deg)
    form = reader.forms.get((code.form, code.version)) if code else None
    if code is None or form is None or code.page_no > len(form.pages):
        issues += [Issue(IssueCode.UNKNOWN_FORM)] if code else []
        return _Located(replace(unread, issues=_stored(issues)))
    try:
        with stage("register"):
            registration = register_page(image, found, template_image(form, code.page_no))
    except RegistrationError:
        issues.append(Issue(IssueCode.NOT_REGISTERED))
        return _Located(replace(unread, issues=_stored(issues)), form, code.page_no)
    issues += registration.issues
    if registration.residual_mm > reader.gate_mm:
        issues.append(Issue(IssueCode.RESIDUAL_OVER_GATE))
    unread = replace(unread, residual_mm=registration.residual_mm, issues=_stored(issues))
    return _Located(unread, form, code.page_no, registration)


def _by_print(image: Image, found: Identification, reader: PageReader) -> _Located:
    """A page without Efterskrift's marks: perhaps of a form that was printed elsewhere."""
    seen = match_external_form(image, reader.forms.values(), reader.gate_mm)
    residual = seen.registration.residual_mm if seen.registration else None
    unread = PageReading(Outcome.UNIDENTIFIED, None, seen.rotation_deg, residual)
    if seen.form is None or seen.registration is None:
        return _Located(replace(unread, issues=_stored((*found.issues, *seen.issues))))
    code = SheetCode(seen.form.id, seen.form.version, 1, 1, "")
    return _Located(
        replace(unread, code=code, issues=_stored(seen.issues)), seen.form, 1, seen.registration
    )


def _transcribe_lines(image: Image, unread: PageReading, reader: PageReader) -> PageReading:
    """A page of no known form, with its lines as help for the person who keys it."""
    if Kind.LINES not in reader.kinds:
        return unread
    with stage("lines of a free page"):
        return replace(unread, fields=transcribe_page(image, expected_names(reader.context)))


def _with_lower_confidence(
    fields: Mapping[str, Reading], checked: Sequence[Issue]
) -> dict[str, Reading]:
    """The readings, with a lower p for those whose field has an issue, and for all if the page has
    one of its own.
    """
    in_fields = {issue.field for issue in checked if issue.code.scope is Scope.FIELD}
    of_page = [
        issue.code
        for issue in checked
        if issue.code.severity is Severity.LOW_CONFIDENCE and not issue.field
    ]
    return cap_confidence(lower_confidence(fields, in_fields), of_page)


def _in_order(
    fields: Mapping[str, Reading], unresolved: Sequence[Issue], checked: Sequence[Issue]
) -> list[Issue]:
    """All issues: of the page, of the resolution, of the field readers, of the fields by page
    checks; each of a field once.
    """
    of_page = [issue for issue in checked if not issue.field]
    of_readers = [Issue(code, name) for name, reading in fields.items() for code in reading.issues]
    of_fields = [issue for issue in checked if issue.field]
    return [*of_page, *unresolved, *dict.fromkeys((*of_readers, *of_fields))]


def read_fields(context: PageContext, names: Lexicon = NO_NAMES) -> dict[str, Reading]:
    """Each field read by the reader of its kind, all fields of a kind together; `names` are
    expected in handwriting.

    For calibration, the handwriting of a page is taken to be of one writer.
    """
    specs = context.fields
    by_kind: dict[Kind, list[FieldSpec]] = defaultdict(list)
    for spec in specs:
        by_kind[spec.kind].append(spec)
    places = dict(
        zip(
            [spec.name for spec in specs],
            boxes_to_px(context.registration, [spec.area for spec in specs]),
            strict=True,
        )
    )
    scored: dict[str, Reading] = {}
    for kind, group in by_kind.items():
        crops = [
            replace(
                _cut_field_image(spec, field_margin_mm(spec, specs), context),
                expected_names=names,
                sheet_number=SINGLE_SHEET,
            )
            for spec in group
        ]
        with stage(f"{kind} fields"):
            found = FIELD_READERS[kind](crops)
        for spec, reading in zip(group, found, strict=True):
            scored[spec.name] = replace(
                reading, box_px=places[spec.name], words=_to_page_boxes(spec, reading.words)
            )
    readings = calibrate_readings(specs, [scored[spec.name] for spec in specs], one_hand=True)
    return {spec.name: reading for spec, reading in zip(specs, readings, strict=True)}


def _to_page_boxes(spec: FieldSpec, words: tuple[WordBox, ...]) -> tuple[WordBox, ...]:
    """The boxes of words, which a reader gives from the field's top left, from the page's."""
    return tuple(
        replace(
            word,
            box=(
                round(word.box[0] + spec.box[0], 2),
                round(word.box[1] + spec.box[1], 2),
                *word.box[2:],
            ),
        )
        for word in words
    )


def _cut_field_image(spec: FieldSpec, margin: float, context: PageContext) -> FieldImage:
    """The image of a field with so much around it, and the same part of the template."""
    image, template = (
        cut_box(context.upright, spec.area, margin),
        cut_box(context.template, spec.area, margin),
    )
    return FieldImage(image, spec, template, PX_PER_MM, margin)


def _stored(issues: Iterable[Issue]) -> tuple[str, ...]:
    """Issues as `PageReading.problems` holds them: the form in which they are stored."""
    return tuple(map(str, issues))


def _encode_jpeg(image: Image) -> bytes:
    with stage("encode"):
        return np.asarray(
            cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, REGISTERED_JPEG_QUALITY])[1]
        ).tobytes()
