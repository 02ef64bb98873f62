"""What a person may do is asked of `pipeline/domain/law/permissions.py`, which looks at role, unit
and area of law of one assignment together. Who reads `person.units` gets the units of a role that
may be another one.
"""

from __future__ import annotations

import ast
from pathlib import Path

from pipeline.domain.settings import ROOT

FIELDS = {"role", "units", "areas", "further", "assignments"}
MAY_READ = {
    "pipeline/domain/model.py",  # the assignments
    "pipeline/domain/law/permissions.py",  # asks
    "pipeline/store/accounts/people.py",  # stores accounts
    "pipeline/cli/registers.py",  # changes accounts
    "pipeline/operations/demo.py",  # makes accounts
}
PEOPLE = {"person", "viewer", "who"}


def reads(path: Path) -> set[str]:
    """The fields of an assignment that a file reads of a person."""
    return {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in PEOPLE
        and node.attr in FIELDS
    }


def test_nobody_reads_units_or_areas_of_a_person_but_by_the_action() -> None:
    files = [path for folder in ("pipeline", "ui") for path in (ROOT / folder).rglob("*.py")]
    found = {
        one for path in files if str(path.relative_to(ROOT)) not in MAY_READ for one in reads(path)
    }
    assert found == set()
