"""An outline becomes a form: sections one below the other on as many A4 pages as they need. Lengths are mm from the top left of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from pipeline.fiducials import CONTENT
from pipeline.field_spec import FieldSpec
from pipeline.form_faults import Fault, LayoutError
from pipeline.outline import ABOUT_A_CLIENT, Outline, OutlineSection
from pipeline.page_spec import PageSpec
from pipeline.section_layout import BOTTOM_PAD, INNER, fills, place_section
from pipeline.standard_sections import UNIT, following_page, registered_name
from pipeline.template import Form, Subject

_FIRST_TOP = 36.0
_NEXT_TOP, _NEXT_TOP_BARE = 38.5, 29.0
"""Further pages, with and without a line that says which client they are about."""
_SECTION_GAP = 2.0
_BOTTOM = CONTENT.y + CONTENT.h


@dataclass(slots=True)
class _Page:
    """The sections of a page, each with its place in the outline and its least height."""

    top: float
    sections: list[tuple[int, OutlineSection, float]] = field(default_factory=list)

    @property
    def end(self) -> float:
        """Where the next section would begin."""
        return self.top + sum(height + _SECTION_GAP for _, _, height in self.sections)

    @property
    def spare(self) -> float:
        """What is left below the last section."""
        return _BOTTOM - (self.end - _SECTION_GAP)


def place(outline: Outline) -> Form:
    """The form with every box in its place.

    Raises:
        LayoutError: something does not fit on a page; says what, by how much, and what to do.
            So does what is no form, such as two fields of the same name.
    """
    pages = [_placed(outline, page, number) for number, page in enumerate(_paginated(outline), start=1)]
    told = outline.model_dump(exclude={"sections"}) | {"law": outline.law, "deadline": outline.deadline}
    # A form that is copied and changed may have lost a choice: its list goes with it.
    choices = {spec.column for page in pages for spec in page.all_fields if spec.options}
    told["codes"] = tuple(one for one in outline.codes if one.field in choices)
    try:
        return Form(**told, pages=tuple(pages))
    except ValidationError as error:
        first = error.errors()[0]
        raise LayoutError(Fault(first["type"], first.get("ctx", {}), field=str(first.get("ctx", {}).get("field", "")))) from error


def _paginated(outline: Outline) -> list[_Page]:
    """Sections on pages: a section that does not fit below the others begins a page, as does the one after a page break."""
    further = _NEXT_TOP if outline.subject is Subject.CLIENT else _NEXT_TOP_BARE
    pages = [_Page(_FIRST_TOP)]
    for number, section in enumerate(outline.sections):
        if section.page:
            pages.append(_Page(further))
            continue
        height = _measured(outline, number, section)
        if pages[-1].sections and pages[-1].end + height > _BOTTOM + 1e-6:
            pages.append(_Page(further))
        if height > _BOTTOM - pages[-1].top + 1e-6:
            values: dict[str, str | float] = {"title": section.title or str(section.use), "height": height, "room": _BOTTOM - pages[-1].top}
            raise LayoutError(Fault("section_too_high", values, ("sections", number)))
        pages[-1].sections.append((number, section, height))
    return [page for page in pages if page.sections]


def _measured(outline: Outline, number: int, section: OutlineSection) -> float:
    try:
        return place_section(outline, section, 0).height
    except LayoutError as error:
        raise LayoutError(error.fault.within(("sections", number))) from error


def _placed(outline: Outline, page: _Page, number: int) -> PageSpec:
    growing = [section for _, section, _ in page.sections if fills(section)]
    extra = max(0.0, page.spare) / len(growing) if growing else 0.0
    top, placed = page.top, []
    for _, section, _ in page.sections:
        placed.append(place_section(outline, section, top, extra if fills(section) else 0))
        top += placed[-1].height + _SECTION_GAP
    named = [registered_name(one.top, CONTENT.x + CONTENT.w - BOTTOM_PAD - 1) for one in placed if one.use in ABOUT_A_CLIENT]
    return PageSpec(
        fields=(*_above(outline, number), *named, *(spec for one in placed for spec in one.fields)),
        table=next((one.table for one in placed if one.table), None),
        sections=tuple(one.ground for one in placed),
        texts=tuple(text for one in placed for text in one.texts),
    )


def _above(outline: Outline, number: int) -> Sequence[FieldSpec]:
    """What stands above the first section: the unit, on further pages the client."""
    if number == 1:
        return (UNIT,)
    return (following_page(number, *INNER),) if outline.subject is Subject.CLIENT else ()
