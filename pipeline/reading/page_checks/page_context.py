"""What every stage after registration knows about one page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.form.form import Form
from pipeline.domain.form.page import PageSpec
from pipeline.domain.model import Image
from pipeline.reading.imaging.grayscale import is_black_and_white
from pipeline.reading.imaging.print_contrast import PrintContrast, measure_print_contrast
from pipeline.reading.register.register import Registration
from pipeline.reading.register.template_images import template_image


@dataclass(frozen=True, slots=True)
class PageContext:
    """A page that is identified and registered to its form.

    `image` is the page as scanned; `registration.upright` is the page registered to the form, grey,
    at 8 px/mm; `template` is the unfilled form at the same scale. `contrast` is the visibility of
    the form's print on the page. Only fields of the given `kinds` are read. `is_black_and_white`:
    the scan has no shades of grey.
    """

    image: Image
    form: Form
    page_no: int
    registration: Registration
    template: Image
    contrast: PrintContrast
    kinds: frozenset[Kind]
    is_black_and_white: bool

    @classmethod
    def of(
        cls,
        image: Image,
        form: Form,
        page_no: int,
        registration: Registration,
        kinds: frozenset[Kind],
    ) -> Self:
        """Make the context of a page, with what follows from its registration."""
        template = template_image(form, page_no)
        contrast = measure_print_contrast(registration.upright, template)
        one_bit = is_black_and_white(image)
        return cls(image, form, page_no, registration, template, contrast, kinds, one_bit)

    @property
    def page(self) -> PageSpec:
        """The page of the form."""
        return self.form.pages[self.page_no - 1]

    @property
    def all_fields(self) -> tuple[FieldSpec, ...]:
        """All fields of the page, in the order of the form."""
        return tuple(self.page.all_fields)

    @property
    def fields(self) -> tuple[FieldSpec, ...]:
        """The fields that are read, in the order of the form."""
        return tuple(spec for spec in self.all_fields if spec.kind in self.kinds)

    @property
    def upright(self) -> Image:
        """The page registered to its form, grey, 8 px/mm."""
        return self.registration.upright
