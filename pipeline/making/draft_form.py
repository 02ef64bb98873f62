"""What a draft gives: the form with every box in its place, or what is wrong with it and where a person mends that."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from pipeline.errors import FormMakingError
from pipeline.form_faults import Fault, LayoutError
from pipeline.form_layout import place
from pipeline.form_rules import form_faults
from pipeline.form_schema_faults import schema_faults
from pipeline.making.drafts import Draft
from pipeline.making.drawn_boxes import drawn_form
from pipeline.making.outline_edits import items, sections
from pipeline.outline import Outline
from pipeline.template import Form


@dataclass(frozen=True, slots=True)
class Where:
    """A section of a draft, and the field in it; None where a fault is of the whole."""

    section: int | None = None
    item: int | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A draft's form, None as long as it gives none, and its faults."""

    form: Form | None
    faults: tuple[Fault, ...]


def checked(draft: Draft) -> Checked:
    """Place a draft and check it."""
    try:
        form = drawn_form(draft) if draft.drawn else place(Outline.model_validate(draft.data))
    except ValidationError as error:
        return Checked(None, tuple(schema_faults(Form if draft.drawn else Outline, error)))
    except LayoutError as error:
        return Checked(None, (error.fault,))
    return Checked(form, tuple(form_faults(form)))


def whole_form(draft: Draft) -> Form:
    """The form that a draft without faults gives.

    Raises:
        FormMakingError: it has faults.
    """
    found = checked(draft)
    if found.form is None or found.faults:
        raise FormMakingError("faults")
    return found.form


def where(draft: Draft, fault: Fault) -> Where:
    """Where in a draft of sections a fault is to be mended: by the field's name, else by its place in the file."""
    every = sections(draft.data)
    column = fault.field.rpartition(".")[2]
    for turn in filter(None, (column, column.partition("_")[2])):  # a repeated field is written without the prefix of its turn
        for number, section in enumerate(every):
            for place_, item in enumerate(items(section)):
                if item.what.get("name") == turn:
                    return Where(number, place_)
    at = [part for part in fault.at if not isinstance(part, str) or part in ("sections", "rows")]
    if len(at) < 2 or at[0] != "sections" or not isinstance(at[1], int) or at[1] >= len(every):
        return Where()
    if len(at) > 3 and at[2] == "rows" and isinstance(at[3], int):
        before = sum(1 if isinstance(row, dict) else len(row) for row in (every[at[1]].get("rows") or [])[: at[3]])
        own = at[4] if len(at) > 4 and isinstance(at[4], int) else 0
        return Where(at[1], before + own)
    return Where(at[1])
