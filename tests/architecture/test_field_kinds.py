"""A new field kind is a row of traits, a drawing, a reader and its input on the screen: nothing
else asks which kind a field has.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pipeline.domain.form.field import KIND_TRAITS, Editor, Kind
from pipeline.domain.settings import ROOT
from pipeline.forms.field_drawing import FIELD_DRAWERS
from pipeline.forms.field_types import FIELD_TYPE_TRAITS
from pipeline.reading.field_readers import FIELD_READERS, NETWORK_FINGERPRINTS

RESEARCH = ("research/evaluation/", "research/training/")
"""What draws, simulates and measures single kinds; no part of the program that an office runs."""
MAY_NAME_KINDS = {
    "pipeline/domain/form/field.py",  # the kinds and their traits
    "pipeline/forms/field_drawing.py",  # one drawing each
    "pipeline/forms/field_types.py",  # what the form editor offers
    "pipeline/forms/layout/outline.py",  # makes the fields that every form has
    "pipeline/reading/field_readers.py",  # one reader each
    "pipeline/reading/fields/digits/reader.py",  # makes the field of a loose row of digits
    "pipeline/reading/fields/digits/letters.py",  # makes the field of a loose row of letters
    "pipeline/reading/fields/segmentation/lines.py",  # reads a page of no form as lines
    "pipeline/reading/read_page.py",  # selects the reader of lines for a page of no form
    "pipeline/preparation/form_editor/trial_judging.py",  # makes a field as large as the page
    "pipeline/preparation/practice/fill_sheet.py",  # writes on each kind for practice
    "pipeline/preparation/drill/sheets.py",  # says what to write on each kind in a drill
    "pipeline/domain/form/confidence.py",  # from which p each kind is prefilled
}


def _names_kinds(path: Path) -> bool:
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    members = set(Kind.__members__)
    return any(
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Kind"
        and node.attr in members
        for node in nodes
    )


def test_only_these_modules_name_a_kind() -> None:
    files = [
        path for folder in ("pipeline", "ui") for path in sorted((ROOT / folder).rglob("*.py"))
    ]
    named = {path.relative_to(ROOT).as_posix() for path in files if _names_kinds(path)}
    assert {name for name in named if not name.startswith(RESEARCH)} == MAY_NAME_KINDS


def test_every_kind_has_traits_a_drawing_a_reader_and_a_place_in_the_editor() -> None:
    kinds = set(Kind)
    assert (
        set(KIND_TRAITS)
        == set(FIELD_DRAWERS)
        == set(FIELD_READERS)
        == set(NETWORK_FINGERPRINTS)
        == kinds
    )
    assert {made.kind for made in FIELD_TYPE_TRAITS.values()} == kinds


@pytest.mark.parametrize("kind", Kind)
def test_traits_belong_together(kind: Kind) -> None:
    traits = kind.traits
    assert traits.has_check_boxes == (traits.is_check_box or traits.has_options)
    assert traits.has_cells or not traits.digits_only
    assert traits.is_handwriting or not traits.is_multiline
    assert traits.is_signature or not traits.names_signer
    assert (traits.editor is Editor.TEXT_AREA) == traits.is_multiline
    assert (traits.editor is Editor.BUTTONS) == (traits.has_check_boxes or traits.is_signature)
