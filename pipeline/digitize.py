"""One page from picture to values: the composition of the reading functions. Pure: no database, no clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np

from pipeline import __version__
from pipeline.astray_marks import astray
from pipeline.blanks import blank
from pipeline.clearness import doubted, no_surer, unclear
from pipeline.clients import ClientRegister
from pipeline.encircled import encircled
from pipeline.errors import RegistrationError
from pipeline.fiducials import CODES, ORGANISATION, SERIALS
from pipeline.field_place import hidden_fields
from pipeline.field_spec import FieldSpec, Kind
from pipeline.free_page import transcribed
from pipeline.identify import Identification, identify
from pipeline.issues import Issue, IssueCode
from pipeline.known_names import known_names
from pipeline.long_lines import across
from pipeline.margins import margin_mm
from pipeline.model import Client, Image, Outcome, PageReading, Reading, SheetCode, WordPlace
from pipeline.more_paper import more_paper
from pipeline.numbers_beside import numbers_beside
from pipeline.page_spec import PageSpec
from pipeline.picture import decode
from pipeline.plane import page_of
from pipeline.print_contrast import Seen, seen_on
from pipeline.printed_elsewhere import sighted
from pipeline.recognize.crop import Crop
from pipeline.recognize.lexicon import NO_NAMES, Lexicon
from pipeline.recognize.registry import READERS, sure
from pipeline.red_ink import red_fields
from pipeline.register import PX_PER_MM, Registration, boxes_to_px, crop, register
from pipeline.resolve import Context, resolve
from pipeline.settings import Settings
from pipeline.staff import StaffRegister
from pipeline.stages import stage
from pipeline.stray_writing import stray_writing
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
        return digitize(data, media_type, self.forms, self.context, self.gate_mm, self.kinds)


def digitize(data: bytes, media_type: str, forms: Forms, context: Context, gate_mm: float, kinds: frozenset[Kind] = ALL_KINDS) -> Digitized:
    """Read one page.

    Args:
        data: the page's file, as it was scanned.
        media_type: of `data`, for instance `image/jpeg`.
        forms: the forms that a page may be of.
        context: what is known apart from the page.
        gate_mm: a page that lies worse than this on its form is not read.
        kinds: only fields of these kinds are read.

    Raises:
        BrokenFileError: `data` is no picture.
    """
    with stage("decode"):
        image = decode(data, media_type)
    with stage("identify"):
        found = identify(image)
    if found.blank:
        return Digitized(PageReading(Outcome.BLANK, rotation_deg=found.rotation_deg))
    if found.code is None and found.unmarked:
        return _read_unmarked(image, found, forms, context, gate_mm, kinds)
    form = forms.get((found.code.form, found.code.version)) if found.code else None
    if form is None or found.code is None or found.code.page_no > len(form.pages):
        problems = (*found.problems, Issue(IssueCode.UNKNOWN_FORM)) if found.code else found.problems
        unread = PageReading(Outcome.UNIDENTIFIED, found.code, found.rotation_deg, None, _stored(problems))
        return Digitized(_with_lines(image, unread, context, kinds))
    return _read_page(image, found, form, found.code.page_no, context, gate_mm, kinds)


def _read_page(image: Image, found: Identification, form: Form, page_no: int, context: Context, gate_mm: float, kinds: frozenset[Kind]) -> Digitized:
    unfilled = blank(form, page_no)
    unread = PageReading(Outcome.UNIDENTIFIED, found.code, found.rotation_deg, None, _stored(found.problems))
    try:
        with stage("register"):
            laid = register(image, found, unfilled)
    except RegistrationError:
        return Digitized(replace(unread, problems=_stored((*found.problems, Issue(IssueCode.NOT_REGISTERED)))))
    problems = (*found.problems, *laid.problems)
    unread = replace(unread, residual_mm=laid.residual_mm)
    if laid.residual_mm > gate_mm:
        return Digitized(replace(unread, problems=_stored((*problems, Issue(IssueCode.RESIDUAL_OVER_GATE)))), _jpeg(laid.upright))
    problems += _beside(image, laid, unfilled)
    return _values(image, laid, unfilled, replace(unread, problems=_stored(problems)), form, form.pages[page_no - 1], context, kinds)


def _read_unmarked(image: Image, found: Identification, forms: Forms, context: Context, gate_mm: float, kinds: frozenset[Kind]) -> Digitized:
    """A page without any mark of ours: perhaps of a form that was printed elsewhere."""
    seen = sighted(image, forms.values(), gate_mm)
    residual = seen.laid.residual_mm if seen.laid else None
    unread = PageReading(Outcome.UNIDENTIFIED, None, seen.rotation_deg, residual, _stored((*found.problems, *seen.problems)))
    if seen.form is None or seen.laid is None:
        return Digitized(_with_lines(image, unread, context, kinds))
    code = SheetCode(seen.form.id, seen.form.version, 1, 1, "")
    unfilled = blank(seen.form, 1)
    problems = (*seen.problems, *_beside(image, seen.laid, unfilled))
    return _values(image, seen.laid, unfilled, replace(unread, code=code, problems=_stored(problems)), seen.form, seen.form.pages[0], context, kinds)


def _beside(image: Image, laid: Registration, unfilled: Image) -> tuple[Issue, ...]:
    """The problem of a page beside which the picture shows writing on another sheet."""
    with stage("more paper"):
        return (Issue(IssueCode.MORE_PAPER),) * more_paper(image, np.linalg.inv(laid.to_mm), page_of(unfilled))


def _with_lines(image: Image, unread: PageReading, context: Context, kinds: frozenset[Kind]) -> PageReading:
    """A page of no known form, with its lines as help for the person who keys it."""
    if Kind.LINES not in kinds:
        return unread
    with stage("lines of a free page"):
        return replace(unread, fields=transcribed(image, known_names(context)))


def _values(
    image: Image, laid: Registration, unfilled: Image, unread: PageReading, form: Form, page: PageSpec, context: Context, kinds: frozenset[Kind]
) -> Digitized:
    """The reading of a page that is known and laid on its form."""
    specs = tuple(spec for spec in page.all_fields if spec.kind in kinds)
    readings = read_fields(specs, laid, unfilled, known_names(context))
    with stage("resolve"):
        fields, odd = resolve(specs, form, readings, context)
    seen = seen_on(laid.upright, unfilled)
    not_clear = unclear(page.all_fields, laid.upright, unfilled, seen)
    remarks = [Issue(remark, name) for name, reading in fields.items() for remark in reading.remarks]
    red = red_fields(specs, image, laid, seen)
    told = [*_told(page, specs, fields, laid.upright, unfilled, seen), *(Issue(IssueCode.RED_INK, spec.name) for spec in specs if spec.name in red)]
    about = dict.fromkeys((*remarks, *told))
    fields = no_surer(doubted(fields, {issue.field for issue in told}), not_clear)
    problems = (*unread.problems, *_stored((*map(Issue, not_clear), *odd, *about)))
    return Digitized(replace(unread, outcome=Outcome.READ, problems=problems, fields=fields), _jpeg(laid.upright))


def _told(page: PageSpec, specs: tuple[FieldSpec, ...], fields: Mapping[str, Reading], upright: Image, unfilled: Image, seen: Seen) -> list[Issue]:
    """What makes a field unsure that its reader cannot see: issues of fields."""
    hidden, ringed, loose = hidden_fields(specs, upright, unfilled, seen), encircled(specs, seen), astray(page.all_fields, fields, seen)
    lined = across(page.all_fields, fields, seen)
    beside = stray_writing(page.all_fields, fields, seen, () if page.blank else (*CODES, *SERIALS, ORGANISATION))
    return [
        *(Issue(why, name) for name, why in hidden.items()),
        *(Issue(IssueCode.STRAY_WRITING, spec.name) for spec in page.all_fields if spec.name in beside),
        *(Issue(IssueCode.ENCIRCLED, spec.name) for spec in specs if spec.name in ringed),
        *(Issue(IssueCode.OUTSIDE_BOXES, name) for name in sorted(numbers_beside(page.all_fields, fields, seen))),
        *(Issue(IssueCode.LINE_ACROSS, spec.name) for spec in specs if spec.name in lined),
        *(Issue(IssueCode.BESIDE_BOX, spec.name) for spec in specs if spec.name in loose - ringed),
    ]


def read_fields(specs: tuple[FieldSpec, ...], laid: Registration, unfilled: Image, names: Lexicon = NO_NAMES) -> dict[str, Reading]:
    """Each field read by the reader of its kind, all fields of a kind together; `names` are expected in handwriting.

    A page is taken to be in one hand when it comes to how far its handwriting can be trusted.
    """
    by_kind: dict[Kind, list[FieldSpec]] = defaultdict(list)
    for spec in specs:
        by_kind[spec.kind].append(spec)
    places = dict(zip([spec.name for spec in specs], boxes_to_px(laid, [spec.area for spec in specs]), strict=True))
    scored: dict[str, Reading] = {}
    for kind, group in by_kind.items():
        crops = [replace(_crop(spec, margin_mm(spec, specs), laid.upright, unfilled), names=names, sheet=ONE_SHEET) for spec in group]
        with stage(f"{kind} fields"):
            found = READERS[kind](crops)
        for spec, reading in zip(group, found, strict=True):
            scored[spec.name] = replace(reading, box_px=places[spec.name], words=_on_page(spec, reading.words))
    readings = sure(specs, [scored[spec.name] for spec in specs], one_hand=True)
    return {spec.name: reading for spec, reading in zip(specs, readings, strict=True)}


def _on_page(spec: FieldSpec, words: tuple[WordPlace, ...]) -> tuple[WordPlace, ...]:
    """The boxes of words, which a reader gives from the field's top left, from the page's."""
    return tuple(replace(word, box=(round(word.box[0] + spec.box[0], 2), round(word.box[1] + spec.box[1], 2), *word.box[2:])) for word in words)


def _crop(spec: FieldSpec, margin: float, upright: Image, unfilled: Image) -> Crop:
    return Crop(crop(upright, spec.area, margin), spec, crop(unfilled, spec.area, margin), PX_PER_MM, margin)


def _stored(issues: Iterable[Issue]) -> tuple[str, ...]:
    return tuple(map(str, issues))


def _jpeg(image: Image) -> bytes:
    with stage("encode"):
        return np.asarray(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, UPRIGHT_QUALITY])[1]).tobytes()
