"""An outline becomes a form: sections one below the other on as many A4 pages as they need. Lengths
are mm from the top left of the page.

Forms that are placed from an outline: writing `form.yaml`, and whether it is still what its
outline gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form, Subject
from pipeline.domain.form.page import PageSpec
from pipeline.forms.fiducials import CONTENT_BOX
from pipeline.forms.form_yaml import dump_form
from pipeline.forms.layout.outline import CLIENT_SECTIONS, Outline, OutlineSection, load_outline
from pipeline.forms.layout.sections import (
    BOTTOM_PAD,
    INNER_EDGES,
    UNIT_FIELD,
    continuation_field,
    fills_page,
    place_section,
    registered_name_field,
)
from pipeline.forms.library import geometry_digest, load_published
from pipeline.forms.problems import FormProblem, LayoutError

_FIRST_TOP = 36.0
_SECTION_GAP = 2.0
_BOTTOM = CONTENT_BOX.y + CONTENT_BOX.h


_NEXT_TOP, _NEXT_TOP_BARE = 38.5, 29.0
"""Further pages, with and without a line that says which client they are about."""


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


def place_outline(outline: Outline) -> Form:
    """The form with every box in its place.

    Raises:
        LayoutError: something does not fit on a page; says what, by how much, and what to do.
            So does what is no form, such as two fields of the same name.
    """
    pages = [
        _place_page(outline, page, number)
        for number, page in enumerate(_paginate(outline), start=1)
    ]
    told = outline.model_dump(exclude={"sections"}) | {
        "law": outline.law,
        "deadline": outline.deadline,
    }
    # A form that is copied and changed may have lost a choice: its list goes with it.
    choices = {spec.column for page in pages for spec in page.all_fields if spec.options}
    told["codes"] = tuple(one for one in outline.codes if one.field in choices)
    try:
        return Form(**told, pages=tuple(pages))
    except ValidationError as error:
        first = error.errors()[0]
        raise LayoutError(
            FormProblem(
                first["type"],
                first.get("ctx", {}),
                field=str(first.get("ctx", {}).get("field", "")),
            )
        ) from error


def _paginate(outline: Outline) -> list[_Page]:
    """Sections on pages: a section that does not fit below the others begins a page, as does the
    one after a page break.
    """
    further = _NEXT_TOP if outline.subject is Subject.CLIENT else _NEXT_TOP_BARE
    pages = [_Page(_FIRST_TOP)]
    for number, section in enumerate(outline.sections):
        if section.page:
            pages.append(_Page(further))
            continue
        height = _measure_section(outline, number, section)
        if pages[-1].sections and pages[-1].end + height > _BOTTOM + 1e-6:
            pages.append(_Page(further))
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
        raise LayoutError(error.fault.within(("sections", number))) from error


def _place_page(outline: Outline, page: _Page, number: int) -> PageSpec:
    growing = [section for _, section, _ in page.sections if fills_page(section)]
    extra = max(0.0, page.spare) / len(growing) if growing else 0.0
    top, placed = page.top, []
    for _, section, _ in page.sections:
        placed.append(place_section(outline, section, top, extra if fills_page(section) else 0))
        top += placed[-1].height + _SECTION_GAP
    named = [
        registered_name_field(one.top, CONTENT_BOX.x + CONTENT_BOX.w - BOTTOM_PAD - 1)
        for one in placed
        if one.use in CLIENT_SECTIONS
    ]
    return PageSpec(
        fields=(
            *_header_fields(outline, number),
            *named,
            *(spec for one in placed for spec in one.fields),
        ),
        table=next((one.table for one in placed if one.table), None),
        sections=tuple(one.ground for one in placed),
        texts=tuple(text for one in placed for text in one.texts),
    )


def _header_fields(outline: Outline, number: int) -> Sequence[FieldSpec]:
    """What stands above the first section: the unit, on further pages the client."""
    if number == 1:
        return (UNIT_FIELD,)
    return (continuation_field(number, *INNER_EDGES),) if outline.subject is Subject.CLIENT else ()


OUTLINE_FILE, FORM_FILE = "outline.yaml", "form.yaml"


def write_form_yaml(folder: Path) -> Form:
    """Place the outline of a form's folder and write its `form.yaml`.

    Raises:
        FormError: the outline is wrong or does not fit (`LayoutError`), or this version was
        published with another geometry.
    """
    form = place_outline(load_outline(folder / OUTLINE_FILE))
    if form.id != folder.name:
        raise FormError("outline_says", folder=folder.name, form=form.id)
    frozen = load_published(folder.parent).get(f"{form.id}/{form.version}")
    if frozen not in (None, geometry_digest(form)):
        raise FormError(
            "version_published_another_geometry",
            form=form.id,
            version=form.version,
            version_2=form.version + 1,
        )
    (folder / FORM_FILE).write_text(dump_form(form), "utf-8")
    return form


def is_form_current(folder: Path) -> bool:
    """Whether the `form.yaml` of a folder is, word for word, what its outline gives."""
    return (folder / FORM_FILE).read_text("utf-8") == dump_form(
        place_outline(load_outline(folder / OUTLINE_FILE))
    )
