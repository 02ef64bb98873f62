"""Place an outline as a form, section by section, on A4 pages, and write it as `form.yaml`.

Lengths are mm from the top left of the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form, FormHead, Subject
from pipeline.domain.form.page import PageSpec
from pipeline.forms.fiducials import CONTENT_BOX
from pipeline.forms.layout.outline import (
    CLIENT_SECTIONS,
    UNIT_FIELD,
    Outline,
    OutlineSection,
    continuation_field,
    continuation_label,
    load_outline,
    registered_name_field,
)
from pipeline.forms.layout.sections import BOTTOM_PAD, INNER_EDGES, fills_page, place_section
from pipeline.forms.library import dump_form, geometry_digest, load_published
from pipeline.forms.problems import FormProblem, LayoutError

OUTLINE_FILE, FORM_FILE = "outline.yaml", "form.yaml"
_FIRST_TOP = 36.0
"""Top of the first section of the first page."""
_NEXT_TOP, _NEXT_TOP_BARE = 38.5, 29.0
"""The same of further pages, with and without a line for the client."""
_SECTION_GAP = 2.0
_BOTTOM = CONTENT_BOX.y + CONTENT_BOX.h


@dataclass(slots=True)
class _Page:
    """The sections of a page, each with its index in the outline and its least height."""

    top: float
    sections: list[tuple[int, OutlineSection, float]] = field(default_factory=list)

    @property
    def end(self) -> float:
        """The top of the next section."""
        return self.top + sum(height + _SECTION_GAP for _, _, height in self.sections)

    @property
    def spare(self) -> float:
        """The height left below the last section."""
        return _BOTTOM - (self.end - _SECTION_GAP)


def place_outline(outline: Outline) -> Form:
    """Return the form with every box in its place.

    Raises:
        LayoutError: a part does not fit on a page, or the result is no valid form, for instance
            because two fields have the same name. The message explains the problem.
    """
    pages = [
        _place_page(outline, page, number)
        for number, page in enumerate(_paginate(outline), start=1)
    ]
    attributes = {name: getattr(outline, name) for name in FormHead.model_fields}
    # A form that was copied and changed may have lost a choice, and so its code list.
    choices = {spec.column for page in pages for spec in page.all_fields if spec.options}
    attributes["codes"] = tuple(code for code in outline.codes if code.field in choices)
    try:
        return Form(**attributes, pages=tuple(pages))
    except ValidationError as error:
        # Only the first error is reported.
        first = error.errors()[0]
        context = first.get("ctx", {})
        raise LayoutError(
            FormProblem(first["type"], context, field=str(context.get("field", "")))
        ) from error


def _paginate(outline: Outline) -> list[_Page]:
    """Divide the sections into pages."""
    next_top = _NEXT_TOP if outline.subject is Subject.CLIENT else _NEXT_TOP_BARE
    pages = [_Page(_FIRST_TOP)]
    for number, section in enumerate(outline.sections):
        if section.page:
            pages.append(_Page(next_top))
            continue
        # The height does not depend on the top, here 0.
        height = _measure_section(outline, number, section)
        # A section that does not fit below the others begins a page.
        if pages[-1].sections and pages[-1].end + height > _BOTTOM + 1e-6:
            pages.append(_Page(next_top))
        # Too high even for an empty page.
        if height > _BOTTOM - pages[-1].top + 1e-6:
            values: dict[str, str | float] = {
                "title": section.title or str(section.use),
                "height": height,
                "room": _BOTTOM - pages[-1].top,
            }
            raise LayoutError(FormProblem("section_too_high", values, ("sections", number)))
        pages[-1].sections.append((number, section, height))
    return [page for page in pages if page.sections]


def _measure_section(outline: Outline, number: int, section: OutlineSection) -> float:
    try:
        return place_section(outline, section, 0).height
    except LayoutError as error:
        raise LayoutError(error.problem.within(("sections", number))) from error


def _place_page(outline: Outline, page: _Page, number: int) -> PageSpec:
    # Sections that fill the page share the spare height.
    growing = [section for _, section, _ in page.sections if fills_page(section)]
    extra = max(0.0, page.spare) / len(growing) if growing else 0.0
    # Stack the sections downwards from the page's top.
    top, placed = page.top, []
    for _, section, _ in page.sections:
        placed.append(place_section(outline, section, top, extra if fills_page(section) else 0))
        top += placed[-1].height + _SECTION_GAP
    # Sections of the client have room for the registered name.
    name_fields = [
        registered_name_field(section.top, CONTENT_BOX.x + CONTENT_BOX.w - BOTTOM_PAD - 1)
        for section in placed
        if section.use in CLIENT_SECTIONS
    ]
    return PageSpec(
        fields=(
            *_header_fields(outline, number),
            *name_fields,
            *(spec for section in placed for spec in section.fields),
        ),
        table=next((section.table for section in placed if section.table), None),
        grids=tuple(section.grid for section in placed if section.grid),
        sections=tuple(section.background for section in placed),
        texts=tuple(text for section in placed for text in section.texts),
    )


def _header_fields(outline: Outline, number: int) -> Sequence[FieldSpec]:
    """Return the fields above the first section: the unit, on further pages the client."""
    if number == 1:
        return (UNIT_FIELD,)
    if outline.subject is not Subject.CLIENT:
        return ()
    label = outline.continuation or continuation_label(outline.area)
    return (continuation_field(number, label, *INNER_EDGES),)


def write_form_yaml(folder: Path) -> Form:
    """Place the outline of a form's folder and write its `form.yaml`.

    Raises:
        FormError: the outline is wrong or does not fit (`LayoutError`), or this version was
            published with another geometry.
    """
    form = place_outline(load_outline(folder / OUTLINE_FILE))
    if form.id != folder.name:
        raise FormError("outline_of_other_form", folder=folder.name, form=form.id)
    # Sheets that are already printed are read with the published geometry.
    published_digest = load_published(folder.parent).get(f"{form.id}/{form.version}")
    if published_digest not in (None, geometry_digest(form)):
        raise FormError(
            "version_published_with_other_geometry",
            form=form.id,
            version=form.version,
            version_2=form.version + 1,
        )
    (folder / FORM_FILE).write_text(dump_form(form), "utf-8")
    return form
