"""A form is data: the program names only the few forms that it makes use of itself."""

from __future__ import annotations

import ast
from pathlib import Path

from pipeline.domain.settings import ROOT

FORMS = {path.parent.name for path in (ROOT / "forms").glob("*/form.yaml")}
NAMED = {
    "pipeline/domain/form/form.py": {"signaturfortydligande", "forsattsblad"},  # its own lists
    "pipeline/forms/visit_lists.py": {"korlista"},  # what a plan is printed on by default
    "pipeline/domain/form/rules.py": {"bilaga", "fri-anteckning"},  # attached and unknown pages
    "ui/screens/practice.py": {"hsl-anteckning"},  # the sheet of the practice
}
"""Why each file may name these forms."""
SAMPLES = {
    "pipeline/operations/demo.py",  # the invented municipality
    # A revision is history
    "pipeline/store/database/migrations/versions/0023_duties_and_evidence.py",
}
OTHER_MEANING = {"pipeline/export/targets.py": {"matvarden"}}
"""A target that has the name of a form."""


def _names(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return FORMS & {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_the_program_names_no_other_forms() -> None:
    files = [*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "ui").rglob("*.py")]
    named = {str(path.relative_to(ROOT)): _names(path) for path in files}
    assert {
        file: names
        for file, names in named.items()
        if names and file not in SAMPLES and names != OTHER_MEANING.get(file)
    } == NAMED
