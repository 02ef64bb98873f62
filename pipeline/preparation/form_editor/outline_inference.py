"""An outline of a form that has none, because its boxes were placed by hand: sections and rows are
told by where its boxes stand.

What of it is the same on paper is not promised but looked at: the outline is placed again, and
whatever then differs in what a field is, or is not there, is told by its label. Places and
widths are not kept: the program places the copy.
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
from pipeline.forms.layout.outline import Outline, OutlineField, OutlineSection, StandardSection
from pipeline.forms.layout.standard_sections import standard_rows, standard_title
from pipeline.forms.problems import LayoutError
from pipeline.preparation.form_editor.drafts import YamlData

_PRINTED_MEANINGS = (Meaning.UNIT, Meaning.CLIENT_PRINTED)
"""Fields that the layout puts in by itself."""
_LAYOUT_KEYS = {"box", "row", "options", "lines", "label_at", "critical"}
"""What a copy need not have alike: places, and what the layout says of labels; `critical` follows
from the form's class.
"""


@dataclass(frozen=True, slots=True)
class InferenceLosses:
    """What a copy does not have as the form does, by labels and words.

    Fields, and areas with nothing in, that are `gone`; fields that say something else
    (`changed`); a field with fewer lines, or a table with fewer rows (`shorter`: label or title,
    how many there were, how many there are); printed words that stand elsewhere; how many pages
    more it has, and whether it does not fit as it is.
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
    """What was told so far: sections, words that do not stand where they stood, and titles of areas
    in which there is nothing.
    """

    sections: list[YamlData] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)


def can_infer_outline(form: Form) -> bool:
    """Whether the form's boxes lie in sections of a page of ours."""
    return not form.printed_elsewhere and all(page.sections for page in form.pages)


def infer_outline(form: Form) -> tuple[YamlData, InferenceLosses]:
    """What an `outline.yaml` of the form would say, and what a form that is placed from it lacks.

    The program's rows are somewhat higher than those that a hand can place. Where a page
    overflows, its longest part takes what is left of it.
    """
    read = _InferredParts()
    for number, page in enumerate(form.pages):
        if number:
            read.sections.append({"page": "next"})
        _infer_page(form, page, read)
    head = form.model_dump(mode="json", exclude={"pages"}, exclude_defaults=True)
    data = {"subject": form.subject.value} | head | {"sections": read.sections}
    lost = _find_losses(form, data, read)
    if lost.extra_pages or lost.has_layout_error:
        fitted = data | {"sections": _fill_page(read.sections)}
        if not ((found := _find_losses(form, fitted, read)).extra_pages or found.has_layout_error):
            return fitted, found
    return data, lost


def _fill_page(sections: Sequence[YamlData]) -> list[YamlData]:
    """The sections with the table, or else the field of most lines, filling its page."""
    changed = deepcopy(list(sections))
    tables = [one["table"] for one in changed if "table" in one]
    fields = [
        one
        for section in changed
        for row in section.get("rows", [])
        if isinstance(row, list)
        for one in row
        if one.get("lines")
    ]
    if tables:
        tables[0]["count"] = "fill"
    elif fields:
        max(fields, key=lambda one: one["lines"])["lines"] = "fill"
    return changed


def _infer_page(form: Form, page: PageSpec, read: _InferredParts) -> None:
    grounds = sorted(page.sections, key=lambda one: (one.box[1], one.box[0]))
    own = [spec for spec in page.fields if spec.means not in _PRINTED_MEANINGS]
    for ground in grounds:
        fields = [spec for spec in own if _find_section(spec.area, grounds) is ground]
        texts = [
            text for text in page.texts if _find_section(Box(*text.at, 1, 1), grounds) is ground
        ]
        table = (
            page.table
            if page.table
            and _find_section(Box(page.table.x, page.table.top, 1, page.table.height), grounds)
            is ground
            else None
        )
        if fields or (texts and not table):
            read.sections.append(_infer_section(form, ground, fields, [] if table else texts, read))
        if table:
            rows = [_infer_row(row, in_table=True) for row in _group_into_rows(table.fields)]
            said = {"text": " ".join(text.text for text in texts)} if texts else {}
            read.sections.append(
                {
                    "title": ground.title,
                    **said,
                    "table": {"prefix": table.prefix, "count": table.count},
                    "rows": rows,
                }
            )
        if not (fields or texts or table):
            read.empty.append(ground.title)


def _find_section(area: Box, grounds: Sequence[Section]) -> Section:
    """The section that holds the middle of a box, else the nearest above it, else the first."""
    y = area.y + area.h / 2
    above = [one for one in grounds if one.box[1] <= y]
    holding = [
        one
        for one in above
        if y <= one.box[1] + one.box[3] and one.box[0] <= area.x <= one.box[0] + one.box[2]
    ]
    return (holding or above or grounds[:1])[-1]


def _infer_section(
    form: Form,
    ground: Section,
    fields: Sequence[FieldSpec],
    texts: Sequence[Text],
    read: _InferredParts,
) -> YamlData:
    rows = _group_into_rows(fields)
    use = _match_standard_section(form, rows)
    if use:
        usual = standard_title(OutlineSection(use=use), form.area)
        rows, told = rows[len(standard_rows(use, form.area, form.subject)) :], {"use": use.value}
        told |= {"title": ground.title} if ground.title != usual else {}
    else:
        told = {"title": ground.title}
    written: list[tuple[float, object]] = [
        (min(spec.area.y for spec in row), _infer_row(row)) for row in rows
    ]
    written += [
        (text.at[1], {"text": text.text, "bold": text.bold, "size": min(14.0, max(6.0, text.size))})
        for text in texts
    ]
    read.words += [
        text.text
        for text in texts
        if any(spec.area.y < text.at[1] + 2 < spec.area.y + spec.area.h for spec in fields)
    ]
    found = [one for _, one in sorted(written, key=lambda pair: pair[0])]
    return told | ({"rows": found} if found else {})


def _group_into_rows(fields: Iterable[FieldSpec]) -> list[list[FieldSpec]]:
    """Fields whose boxes stand beside each other, from the left, row by row."""
    rows: list[list[FieldSpec]] = []
    for spec in sorted(fields, key=lambda one: one.area.y + one.area.h / 2):
        if rows and any(_are_in_one_row(spec.area, other.area) for other in rows[-1]):
            rows[-1].append(spec)
        else:
            rows.append([spec])
    return [sorted(row, key=lambda one: one.area.x) for row in rows]


def _are_in_one_row(one: Box, other: Box) -> bool:
    shared = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    return shared > 0.5 * min(one.h, other.h)


def _infer_row(row: Sequence[FieldSpec], *, in_table: bool = False) -> list[YamlData]:
    """The widest of the handwritten fields takes what the others leave."""
    wide = [spec for spec in row if spec.traits.is_handwriting or spec.traits.is_signature]
    widest = max(wide, key=lambda one: one.area.w, default=None)
    return [
        _infer_field(spec, spec in wide and spec is not widest, in_table=in_table) for spec in row
    ]


def _infer_field(spec: FieldSpec, wide: bool, *, in_table: bool) -> YamlData:
    told = spec.model_dump(mode="json", exclude={"box", "row", "options"}, exclude_defaults=True)
    if in_table and spec.label_at is LabelSide.HEADING:
        del told["label_at"]
    if wide:
        told["width"] = spec.area.w
    if spec.options:
        told["options"] = [{"value": one.value, "label": one.label} for one in spec.options]
        tops = [one.box[1] for one in spec.options]
        if len(set(tops)) > 1:
            told["columns"] = max(tops.count(top) for top in tops)
    return told


def _match_standard_section(
    form: Form, rows: Sequence[Sequence[FieldSpec]]
) -> StandardSection | None:
    """The standard section that the rows begin with, if they do so field for field; of whom it is
    about the parts are enough.
    """
    by_length = sorted(
        StandardSection, key=lambda one: -len(standard_rows(one, form.area, form.subject))
    )
    for use, loose in (*((one, False) for one in by_length), (StandardSection.CLIENT, True)):
        usual = standard_rows(use, form.area, form.subject)
        if len(rows) >= len(usual) and all(
            _rows_match(row, own, loose=loose) for row, own in zip(rows, usual, strict=False)
        ):
            return use
    return None


def _rows_match(row: Sequence[FieldSpec], usual: Sequence[OutlineField], *, loose: bool) -> bool:
    if len(row) != len(usual):
        return False
    if loose:
        return all(
            (one.name, one.means) == (own.name, own.means)
            for one, own in zip(row, usual, strict=True)
        )
    return all(
        _comparable_facts(one) == _comparable_facts(own)
        for one, own in zip(row, usual, strict=True)
    )


def _comparable_facts(spec: FieldSpec | OutlineField) -> YamlData:
    told = spec.model_dump(exclude={*_LAYOUT_KEYS, "width", "gap", "columns"})
    return told | {"name": spec.name, "options": [(one.value, one.label) for one in spec.options]}


def _find_losses(form: Form, data: YamlData, read: _InferredParts) -> InferenceLosses:
    empty, words = tuple(read.empty), tuple(read.words)
    try:
        copy = place_outline(Outline.model_validate(data))
    except (ValidationError, LayoutError):
        return InferenceLosses(missing_fields=empty, moved_texts=words, has_layout_error=True)
    theirs, ours = _fields_by_name(copy), _fields_by_name(form)
    kept = {name: spec for name, spec in ours.items() if name in theirs}
    return InferenceLosses(
        missing_fields=tuple(
            dict.fromkeys(
                [*empty, *(spec.full_label for name, spec in ours.items() if name not in theirs)]
            )
        ),
        changed_fields=tuple(
            dict.fromkeys(
                spec.full_label
                for name, spec in kept.items()
                if _facts_without_layout(spec) != _facts_without_layout(theirs[name])
            )
        ),
        shortened_fields=(*_find_fewer_lines(kept, theirs), *_find_fewer_rows(form, copy)),
        moved_texts=words,
        extra_pages=max(0, len(copy.pages) - len(form.pages)),
    )


def _fields_by_name(form: Form) -> dict[str, FieldSpec]:
    """The form's fields by name, each column of a table once."""
    return {
        spec.column if spec.row else spec.name: spec
        for page in form.pages
        for spec in page.all_fields
    }


def _find_fewer_lines(
    ours: Mapping[str, FieldSpec], theirs: Mapping[str, FieldSpec]
) -> Iterator[tuple[str, int, int]]:
    for name, spec in ours.items():
        if spec.lines and (theirs[name].lines or 0) < spec.lines:
            yield spec.full_label, spec.lines, theirs[name].lines or 0


def _find_fewer_rows(form: Form, copy: Form) -> Iterator[tuple[str, int, int]]:
    counts = [[page.table.count for page in one.pages if page.table] for one in (form, copy)]
    grounds = [
        _find_section(Box(page.table.x, page.table.top, 1, page.table.height), page.sections)
        for page in form.pages
        if page.table
    ]
    for ground, before, after in zip(grounds, *counts, strict=False):
        if after < before:
            yield ground.title, before, after


def _facts_without_layout(spec: FieldSpec) -> YamlData:
    """What is said of a field but its place and its length; whether it is critical too."""
    return _comparable_facts(spec) | {"name": spec.column, "critical": spec.critical}
