"""Infer the outline of a form whose boxes were placed by hand, from where its boxes are.

The result is verified: the outline is laid out again, and each field that then differs
or is missing is listed by its label. Places and widths are not kept, since the program lays out the
copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from pydantic import ValidationError

from pipeline.domain.form.field import FieldSpec, LabelSide, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.form.page import PageSpec, Section, Text
from pipeline.domain.model import Box
from pipeline.forms.layout.form import place_outline
from pipeline.forms.layout.outline import (
    Outline,
    OutlineField,
    OutlineSection,
    StandardSection,
    standard_rows,
    standard_title,
)
from pipeline.forms.problems import LayoutError
from pipeline.preparation.form_editor.drafts import YamlData

_PRINTED_MEANINGS = (Meaning.UNIT, Meaning.CLIENT_PRINTED)
"""Meanings of the fields that the layout adds by itself."""
_LAYOUT_KEYS = {
    "box",
    "row",
    "day",
    "day_label",
    "codes",
    "options",
    "lines",
    "label_at",
    "critical",
}
"""Attributes that may differ in a copy: places, and what the layout decides about labels.

`critical` follows from the form's class.
"""
_MIN_SHARED_HEIGHT = 0.5
"""Boxes are in one row if they share this part of the lower one's height."""
_MIN_TEXT_PT, _MAX_TEXT_PT = 6.0, 14.0
"""Sizes that printed words of an outline may have."""
_TEXT_MIDDLE_MM = 2.0
"""From the top of printed words to the middle of their first line."""


@dataclass(frozen=True, slots=True)
class InferenceLosses:
    """What a copy does not have as the form does, by labels and texts.

    Missing are fields and empty sections; changed are fields with other attributes. Shortened are
    fields with fewer lines and tables with fewer rows: label or title, number before and after.
    Moved texts are printed in another place. A layout error means that the copy does not fit on
    paper.
    """

    missing_fields: tuple[str, ...] = ()
    changed_fields: tuple[str, ...] = ()
    shortened_fields: tuple[tuple[str, int, int], ...] = ()
    moved_texts: tuple[str, ...] = ()
    extra_pages: int = 0
    has_layout_error: bool = False

    def __bool__(self) -> bool:
        return self != InferenceLosses()


@dataclass(slots=True)
class _InferredParts:
    """What was inferred so far: sections, texts that moved, and titles of empty sections."""

    sections: list[YamlData] = field(default_factory=list)
    moved_texts: list[str] = field(default_factory=list)
    empty_titles: list[str] = field(default_factory=list)


def can_infer_outline(form: Form) -> bool:
    """Return whether the form is printed by Efterskrift and has its boxes in sections, no grids."""
    return not form.printed_elsewhere and all(
        page.sections and not page.grids for page in form.pages
    )


def infer_outline(form: Form) -> tuple[YamlData, InferenceLosses]:
    """Return the outline of a form, and what a form that is laid out from it lacks.

    Rows of the layout are somewhat higher than rows that were placed by hand. Where a page
    overflows, its longest part is shortened to what is left of the page.
    """
    parts = _InferredParts()
    for number, page in enumerate(form.pages):
        if number:
            parts.sections.append({"page": "next"})
        # Sections are read page by page, with a page break between.
        _infer_page(form, page, parts)
    head = form.model_dump(mode="json", exclude={"pages"}, exclude_defaults=True)
    data = {"subject": form.subject.value} | head | {"sections": parts.sections}
    losses = _find_losses(form, data, parts)
    # If it overflows, try again with a part that fills its page.
    if losses.extra_pages or losses.has_layout_error:
        filled = data | {"sections": _fill_page(parts.sections)}
        filled_losses = _find_losses(form, filled, parts)
        if not (filled_losses.extra_pages or filled_losses.has_layout_error):
            return filled, filled_losses
    return data, losses


def _fill_page(sections: Sequence[YamlData]) -> list[YamlData]:
    """Let the table, or else the field of most lines, fill its page."""
    changed = deepcopy(list(sections))
    tables = [section["table"] for section in changed if "table" in section]
    # Candidates: the first table, else the field with the most lines.
    fields = [
        item
        for section in changed
        for row in section.get("rows", [])
        if isinstance(row, list)
        for item in row
        if item.get("lines")
    ]
    if tables:
        tables[0]["count"] = "fill"
    elif fields:
        max(fields, key=lambda item: item["lines"])["lines"] = "fill"
    return changed


def _infer_page(form: Form, page: PageSpec, parts: _InferredParts) -> None:
    """Add the sections of a page, from the top; each holds the fields and texts inside it."""
    sections = sorted(page.sections, key=lambda section: (section.box[1], section.box[0]))
    # The layout adds unit and printed name by itself.
    written = [spec for spec in page.fields if spec.means not in _PRINTED_MEANINGS]
    for section in sections:
        fields = [spec for spec in written if _find_section(spec.area, sections) is section]
        texts = [
            text for text in page.texts if _find_section(Box(*text.at, 1, 1), sections) is section
        ]
        # A table becomes a section by itself, with its texts as the section's text.
        table = page.table if _find_table_section(page, sections) is section else None
        if fields or (texts and not table):
            inferred = _infer_section(form, section, fields, [] if table else texts, parts)
            parts.sections.append(inferred)
        if table:
            rows = [_infer_row(row, in_table=True) for row in _group_into_rows(table.fields)]
            text = {"text": " ".join(text.text for text in texts)} if texts else {}
            parts.sections.append(
                {
                    "title": section.title,
                    **text,
                    "table": {"prefix": table.prefix, "count": table.count},
                    "rows": rows,
                }
            )
        if not (fields or texts or table):
            parts.empty_titles.append(section.title)


def _find_section(area: Box, sections: Sequence[Section]) -> Section:
    """Find the section around the middle of a box, else the nearest above it, else the first."""
    y = area.y + area.h / 2
    # Sections whose top is above the box's middle, nearest last.
    above = [section for section in sections if section.box[1] <= y]
    around = [
        section
        for section in above
        if y <= section.box[1] + section.box[3]
        and section.box[0] <= area.x <= section.box[0] + section.box[2]
    ]
    return (around or above or sections[:1])[-1]


def _find_table_section(page: PageSpec, sections: Sequence[Section]) -> Section | None:
    if page.table is None:
        return None
    table = Box(page.table.x, page.table.top, 1, page.table.height)
    return _find_section(table, sections)


def _infer_section(
    form: Form,
    section: Section,
    fields: Sequence[FieldSpec],
    texts: Sequence[Text],
    parts: _InferredParts,
) -> YamlData:
    """Return the outline of a section: a standard section where its rows are those of one."""
    rows = _group_into_rows(fields)
    use = _match_standard_section(form, rows)
    if use:
        # A standard section keeps only further rows and another title as its own.
        inferred = {"use": use.value}
        rows = rows[len(standard_rows(use, form.subject)) :]
        if section.title != standard_title(OutlineSection(use=use), form.area):
            inferred["title"] = section.title
    else:
        inferred = {"title": section.title}
    # Rows and texts from the top.
    items_by_y: list[tuple[float, object]] = [
        (min(spec.area.y for spec in row), _infer_row(row)) for row in rows
    ]
    items_by_y += [(text.at[1], _infer_text(text)) for text in texts]
    items = [item for _, item in sorted(items_by_y, key=lambda pair: pair[0])]
    # Words next to a field get a line of their own, so they move.
    parts.moved_texts += [
        text.text
        for text in texts
        if any(
            spec.area.y < text.at[1] + _TEXT_MIDDLE_MM < spec.area.y + spec.area.h
            for spec in fields
        )
    ]
    return inferred | ({"rows": items} if items else {})


def _infer_text(text: Text) -> YamlData:
    size = min(_MAX_TEXT_PT, max(_MIN_TEXT_PT, text.size))
    return {"text": text.text, "bold": text.bold, "size": size}


def _group_into_rows(fields: Iterable[FieldSpec]) -> list[list[FieldSpec]]:
    """Group fields whose boxes are next to each other into rows, from top left."""
    rows: list[list[FieldSpec]] = []
    # In order of vertical centres: a row is complete before the next begins.
    for spec in sorted(fields, key=lambda spec: spec.area.y + spec.area.h / 2):
        if rows and any(_are_in_one_row(spec.area, other.area) for other in rows[-1]):
            rows[-1].append(spec)
        else:
            rows.append([spec])
    return [sorted(row, key=lambda spec: spec.area.x) for row in rows]


def _are_in_one_row(box: Box, other: Box) -> bool:
    # Overlap of the two vertical intervals.
    shared = min(box.y + box.h, other.y + other.h) - max(box.y, other.y)
    return shared > _MIN_SHARED_HEIGHT * min(box.h, other.h)


def _infer_row(row: Sequence[FieldSpec], *, in_table: bool = False) -> list[YamlData]:
    """Return the outline of a row; its widest handwritten field takes what the others leave."""
    # The widest handwritten field stretches, all others keep their width.
    wide = [spec for spec in row if spec.traits.is_handwriting or spec.traits.is_signature]
    widest = max(wide, key=lambda spec: spec.area.w, default=None)
    return [
        _infer_field(spec, has_width=spec in wide and spec is not widest, in_table=in_table)
        for spec in row
    ]


def _infer_field(spec: FieldSpec, *, has_width: bool, in_table: bool) -> YamlData:
    """Return the outline of a field, with its width if the layout should not choose it."""
    inferred = spec.model_dump(
        mode="json", exclude={"box", "row", "options"}, exclude_defaults=True
    )
    # Headings follow from the table, so they are not stated.
    if in_table and spec.label_at is LabelSide.HEADING:
        del inferred["label_at"]
    if has_width:
        inferred["width"] = spec.area.w
    if spec.options:
        inferred["options"] = [
            {"value": option.value, "label": option.label} for option in spec.options
        ]
        # Options at several heights are in as many columns as the fullest row has.
        tops = [option.box[1] for option in spec.options]
        if len(set(tops)) > 1:
            inferred["columns"] = max(tops.count(top) for top in tops)
    return inferred


def _match_standard_section(
    form: Form, rows: Sequence[Sequence[FieldSpec]]
) -> StandardSection | None:
    """Find the standard section that the rows begin with, the longest first.

    The fields must be the same in all but layout; of the section about the client it is enough
    that names and meanings are.
    """
    by_length = sorted(StandardSection, key=lambda use: -len(standard_rows(use, form.subject)))
    for use, loose in (*((use, False) for use in by_length), (StandardSection.CLIENT, True)):
        standard = standard_rows(use, form.subject)
        if len(rows) >= len(standard) and all(
            _rows_match(row, standard_row, loose=loose)
            for row, standard_row in zip(rows, standard, strict=False)
        ):
            return use
    return None


def _rows_match(row: Sequence[FieldSpec], standard: Sequence[OutlineField], *, loose: bool) -> bool:
    if len(row) != len(standard):
        return False
    pairs = zip(row, standard, strict=True)
    if loose:
        # Only what the field is about.
        return all((spec.name, spec.means) == (field.name, field.means) for spec, field in pairs)
    return all(_comparable_facts(spec) == _comparable_facts(field) for spec, field in pairs)


def _comparable_facts(spec: FieldSpec | OutlineField) -> YamlData:
    """Return the attributes of a field in which a copy must be the same."""
    facts = spec.model_dump(exclude={*_LAYOUT_KEYS, "width", "gap", "columns"})
    options = [(option.value, option.label) for option in spec.options]
    return facts | {"name": spec.name, "options": options}


def _find_losses(form: Form, data: YamlData, parts: _InferredParts) -> InferenceLosses:
    """Lay out the outline and compare the form that it gives with the original."""
    empty, moved = tuple(parts.empty_titles), tuple(parts.moved_texts)
    try:
        # Place the outline and compare by names.
        copy = place_outline(Outline.model_validate(data))
    except (ValidationError, LayoutError):
        return InferenceLosses(missing_fields=empty, moved_texts=moved, has_layout_error=True)
    originals, copies = _fields_by_name(form), _fields_by_name(copy)
    missing = [spec.full_label for name, spec in originals.items() if name not in copies]
    common = {name: spec for name, spec in originals.items() if name in copies}
    changed = [
        spec.full_label
        for name, spec in common.items()
        if _facts_without_layout(spec) != _facts_without_layout(copies[name])
    ]
    return InferenceLosses(
        missing_fields=tuple(dict.fromkeys([*empty, *missing])),
        changed_fields=tuple(dict.fromkeys(changed)),
        shortened_fields=(*_find_fewer_lines(common, copies), *_find_fewer_rows(form, copy)),
        moved_texts=moved,
        extra_pages=max(0, len(copy.pages) - len(form.pages)),
    )


def _fields_by_name(form: Form) -> dict[str, FieldSpec]:
    """Return the form's fields by name, each column of a table once."""
    return {
        spec.column if spec.row else spec.name: spec
        for page in form.pages
        for spec in page.all_fields
    }


def _find_fewer_lines(
    originals: Mapping[str, FieldSpec], copies: Mapping[str, FieldSpec]
) -> Iterator[tuple[str, int, int]]:
    for name, spec in originals.items():
        if spec.lines and (copies[name].lines or 0) < spec.lines:
            yield spec.full_label, spec.lines, copies[name].lines or 0


def _find_fewer_rows(form: Form, copy: Form) -> Iterator[tuple[str, int, int]]:
    """Yield the tables with fewer rows, by the titles of their sections."""
    # Tables in the order of their pages.
    counts = [[page.table.count for page in each.pages if page.table] for each in (form, copy)]
    sections = [
        section
        for page in form.pages
        if (section := _find_table_section(page, page.sections)) is not None
    ]
    for section, before, after in zip(sections, *counts, strict=False):
        if after < before:
            yield section.title, before, after


def _facts_without_layout(spec: FieldSpec) -> YamlData:
    """Return a field's attributes but its place and length."""
    return _comparable_facts(spec) | {"name": spec.column, "critical": spec.critical}
