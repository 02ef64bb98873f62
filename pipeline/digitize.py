"""One page from image to values: `digitize` names the stages in order. No database, no clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from pipeline import __version__
from pipeline.blanks import blank
from pipeline.clearness import doubted, no_surer
from pipeline.clients import ClientRegister
from pipeline.errors import RegistrationError
from pipeline.field_spec import FieldSpec, Kind
from pipeline.free_page import transcribed
from pipeline.identify import Identification, identify
from pipeline.issues import Issue, IssueCode, Scope, Severity
from pipeline.known_names import known_names
from pipeline.margins import margin_mm
from pipeline.model import Client, Image, Outcome, PageReading, Reading, SheetCode, WordPlace
from pipeline.page_checks_table import find_page_issues
from pipeline.page_context import PageContext
from pipeline.picture import decode
from pipeline.printed_elsewhere import sighted
from pipeline.recognize.crop import Crop
from pipeline.recognize.lexicon import NO_NAMES, Lexicon
from pipeline.recognize.registry import READERS, sure
from pipeline.register import PX_PER_MM, Registration, boxes_to_px, crop, register
from pipeline.resolve import Context, resolve
from pipeline.settings import Settings
from pipeline.staff import StaffRegister
from pipeline.stages import stage
from pipeline.template import Form, Forms

READER_VERSION = f"efterskrift {__version__}"
DEFAULT_GATE_MM = 0.8
"""A page that lies worse than this on its form (mm) waits for a person."""
UPRIGHT_QUALITY = 85
ALL_KINDS = frozenset(Kind)
ONE_SHEET = 1
"""Fields that are read together are of one page."""


@dataclass(frozen=True, slots=True)
class Digitized:
    """A page's reading, and its picture laid upright on the form (JPEG, 8 px/mm), if it could be laid."""

    reading: PageReading
    upright: bytes | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """All that a reading needs besides the page, made once a process."""

    forms: Forms
    context: Context
    gate_mm: float
    kinds: frozenset[Kind] = ALL_KINDS

    @classmethod
    def of(cls, settings: Settings, clients: Iterable[Client] | None, staff: StaffRegister | None = None) -> Reader:
        """A reader with the settings' forms, outage and tolerance, a client register and a staff list (None: nothing is known of them)."""
        register = ClientRegister(clients) if clients is not None else None
        start, end = settings.outage_start, settings.outage_end
        window = (start.date(), end.date()) if start and end else None
        return cls(Forms.load(*settings.form_folders), Context(register, window, staff), settings.residual_gate_mm)

    @classmethod
    def of_forms(cls, forms: Forms, clients: Iterable[Client] | None = None) -> Reader:
        """A reader that knows no outage."""
        register = ClientRegister(clients) if clients is not None else None
        return cls(forms, Context(register), DEFAULT_GATE_MM)

    def read(self, data: bytes, media_type: str) -> Digitized:
        """Read one page; see `digitize`."""
        return digitize(data, media_type, self)


def digitize(data: bytes, media_type: str, reader: Reader) -> Digitized:
    """Read one page: decode, identify, register, read the fields, resolve the values, check the page.

    Args:
        data: the page's file, as it was scanned.
        media_type: of `data`, for instance `image/jpeg`.
        reader: the forms, what is known apart from the page, and the gate.

    Raises:
        BrokenFileError: `data` is no picture.
    """
    # 1. Decode.
    with stage("decode"):
        image = decode(data, media_type)

    # 2. Identify: the form by the codes on the page, or by its print.
    with stage("identify"):
        found = identify(image)
    if found.blank:
        return Digitized(PageReading(Outcome.BLANK, rotation_deg=found.rotation_deg))

    # 3. Register to the form.
    unmarked = found.code is None and found.unmarked
    located = (_by_print if unmarked else _by_code)(image, found, reader)
    if located.form is None:
        return Digitized(_with_lines(image, located.unread, reader))
    if located.registration is None:
        return Digitized(located.unread)
    if located.registration.residual_mm > reader.gate_mm:
        return Digitized(located.unread, _jpeg(located.registration.upright))
    context = PageContext.of(image, located.form, located.page_no, located.registration, reader.kinds)

    # 4. Read the fields, each kind by its reader.
    readings = read_fields(context, known_names(reader.context))

    # 5. Resolve: weigh the readings against registers, dates, sums and each other.
    with stage("resolve"):
        fields, unresolved = resolve(context.fields, context.form, readings, reader.context)

    # 6. Page checks: what no field reader can see. They look at the resolved values.
    checked = find_page_issues(context, fields)
    fields = _with_lower_confidence(fields, checked)
    problems = _stored(_in_order(fields, unresolved, checked))
    read = replace(located.unread, outcome=Outcome.READ, fields=fields)
    read = replace(read, problems=(*located.unread.problems, *problems))
    return Digitized(read, _jpeg(context.upright))


@dataclass(frozen=True, slots=True)
class _Located:
    """The form page that an image shows, as far as it was found, and what is said of it if it is not read.

    `form` is None if the page is not identified, `registration` if the page could not be registered to the form.
    """

    unread: PageReading
    form: Form | None = None
    page_no: int = 1
    registration: Registration | None = None


def _by_code(image: Image, found: Identification, reader: Reader) -> _Located:
    """A page with Efterskrift's codes or markers."""
    code, issues = found.code, list(found.problems)
    unread = PageReading(Outcome.UNIDENTIFIED, code, found.rotation_deg)
    form = reader.forms.get((code.form, code.version)) if code else None
    if code is None or form is None or code.page_no > len(form.pages):
        issues += [Issue(IssueCode.UNKNOWN_FORM)] if code else []
        return _Located(replace(unread, problems=_stored(issues)))
    try:
        with stage("register"):
            registration = register(image, found, blank(form, code.page_no))
    except RegistrationError:
        issues.append(Issue(IssueCode.NOT_REGISTERED))
        return _Located(replace(unread, problems=_stored(issues)), form, code.page_no)
    issues += registration.problems
    if registration.residual_mm > reader.gate_mm:
        issues.append(Issue(IssueCode.RESIDUAL_OVER_GATE))
    unread = replace(unread, residual_mm=registration.residual_mm, problems=_stored(issues))
    return _Located(unread, form, code.page_no, registration)


def _by_print(image: Image, found: Identification, reader: Reader) -> _Located:
    """A page without Efterskrift's marks: perhaps of a form that was printed elsewhere."""
    seen = sighted(image, reader.forms.values(), reader.gate_mm)
    residual = seen.laid.residual_mm if seen.laid else None
    unread = PageReading(Outcome.UNIDENTIFIED, None, seen.rotation_deg, residual)
    if seen.form is None or seen.laid is None:
        return _Located(replace(unread, problems=_stored((*found.problems, *seen.problems))))
    code = SheetCode(seen.form.id, seen.form.version, 1, 1, "")
    return _Located(replace(unread, code=code, problems=_stored(seen.problems)), seen.form, 1, seen.laid)


def _with_lines(image: Image, unread: PageReading, reader: Reader) -> PageReading:
    """A page of no known form, with its lines as help for the person who keys it."""
    if Kind.LINES not in reader.kinds:
        return unread
    with stage("lines of a free page"):
        return replace(unread, fields=transcribed(image, known_names(reader.context)))


def _with_lower_confidence(fields: Mapping[str, Reading], checked: Sequence[Issue]) -> dict[str, Reading]:
    """The readings, with a lower p for those whose field has an issue, and for all if the page has one of its own."""
    in_fields = {issue.field for issue in checked if issue.code.scope is Scope.FIELD}
    of_page = [issue.code for issue in checked if issue.code.severity is Severity.LOW_CONFIDENCE and not issue.field]
    return no_surer(doubted(fields, in_fields), of_page)


def _in_order(fields: Mapping[str, Reading], unresolved: Sequence[Issue], checked: Sequence[Issue]) -> list[Issue]:
    """All issues: of the page, of the resolution, of the field readers, of the fields by page checks; each of a field once."""
    of_page = [issue for issue in checked if not issue.field]
    of_readers = [Issue(code, name) for name, reading in fields.items() for code in reading.remarks]
    of_fields = [issue for issue in checked if issue.field]
    return [*of_page, *unresolved, *dict.fromkeys((*of_readers, *of_fields))]


def read_fields(context: PageContext, names: Lexicon = NO_NAMES) -> dict[str, Reading]:
    """Each field read by the reader of its kind, all fields of a kind together; `names` are expected in handwriting.

    For calibration, the handwriting of a page is taken to be of one writer.
    """
    specs = context.fields
    by_kind: dict[Kind, list[FieldSpec]] = defaultdict(list)
    for spec in specs:
        by_kind[spec.kind].append(spec)
    places = dict(zip([spec.name for spec in specs], boxes_to_px(context.registration, [spec.area for spec in specs]), strict=True))
    scored: dict[str, Reading] = {}
    for kind, group in by_kind.items():
        crops = [replace(_crop(spec, margin_mm(spec, specs), context), names=names, sheet=ONE_SHEET) for spec in group]
        with stage(f"{kind} fields"):
            found = READERS[kind](crops)
        for spec, reading in zip(group, found, strict=True):
            scored[spec.name] = replace(reading, box_px=places[spec.name], words=_on_page(spec, reading.words))
    readings = sure(specs, [scored[spec.name] for spec in specs], one_hand=True)
    return {spec.name: reading for spec, reading in zip(specs, readings, strict=True)}


def _on_page(spec: FieldSpec, words: tuple[WordPlace, ...]) -> tuple[WordPlace, ...]:
    """The boxes of words, which a reader gives from the field's top left, from the page's."""
    return tuple(replace(word, box=(round(word.box[0] + spec.box[0], 2), round(word.box[1] + spec.box[1], 2), *word.box[2:])) for word in words)


def _crop(spec: FieldSpec, margin: float, context: PageContext) -> Crop:
    """The image of a field with so much around it, and the same part of the template."""
    image, template = crop(context.upright, spec.area, margin), crop(context.template, spec.area, margin)
    return Crop(image, spec, template, PX_PER_MM, margin)


def _stored(issues: Iterable[Issue]) -> tuple[str, ...]:
    """Issues as `PageReading.problems` holds them: the form in which they are stored."""
    return tuple(map(str, issues))


def _jpeg(image: Image) -> bytes:
    with stage("encode"):
        return np.asarray(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, UPRIGHT_QUALITY])[1]).tobytes()
