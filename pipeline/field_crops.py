"""Fields cut out of a page that lies on its form."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.blanks import blank
from pipeline.field_spec import FieldSpec
from pipeline.margins import margin_mm
from pipeline.model import Image
from pipeline.plane import grey
from pipeline.recognize.crop import Crop
from pipeline.register import PX_PER_MM, crop
from pipeline.template import Form


def field_crops(upright: Image, form: Form, page_no: int, wanted: Iterable[FieldSpec]) -> list[Crop]:
    """The crops of fields of a page, as the readers get them when the page is read first."""
    flat, unfilled, others = grey(upright), blank(form, page_no), form.pages[page_no - 1].all_fields
    margins = [(spec, margin_mm(spec, others)) for spec in wanted]
    return [Crop(crop(flat, spec.area, m), spec, crop(unfilled, spec.area, m), PX_PER_MM, m) for spec, m in margins]
