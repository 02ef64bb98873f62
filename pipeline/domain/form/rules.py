"""The rules of a form that hold for all its versions (`forms/<id>/rules.yaml`).

Its keys are documented for form makers in `forms/README.md`. What is printed and read is in the
form's definition; this is what happens with what was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError
from yaml.nodes import MappingNode, Node, SequenceNode

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import StrictModel
from pipeline.domain.settings import ROOT

# Load YAML: forms, refused if aliases multiply their content, and rules of law.

MAX_PARTS = 200_000
"""Values and keys of a file with each alias replaced by what it stands for."""


class FormLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The safe loader, written in C where it was built.

    It makes the start of every program and screen, which loads all forms, six times as fast.
    """

    def get_single_node(self) -> Node | None:
        """Return the tree of the file.

        Raises:
            yaml.YAMLError: it is not YAML, or its aliases make it too large or endless.
        """
        node: Node | None = super().get_single_node()
        if node is not None and _count_parts(node, {}) > MAX_PARTS:
            raise yaml.constructor.ConstructorError(
                None, None, "too many repeated parts", node.start_mark
            )
        return node


def _count_parts(node: Node, known: dict[int, int]) -> int:
    """Count the parts of a node, also of what its aliases stand for; each node is visited once."""
    if id(node) in known:
        return known[id(node)]
    # A node within itself has no end.
    known[id(node)] = MAX_PARTS + 1
    children: list[Node] = []
    if isinstance(node, MappingNode):
        children = [part for pair in node.value for part in pair]
    elif isinstance(node, SequenceNode):
        children = node.value
    known[id(node)] = 1 + sum(_count_parts(child, known) for child in children)
    return known[id(node)]


# Load rules of law that are data: a YAML file in `data`, validated against its schema.

_T = TypeVar("_T")


def load_rules_file(file: Path, schema: TypeAdapter[_T]) -> _T:
    """Load and validate a file of rules.

    Raises:
        FormError: the file is missing, or does not match the schema.
    """
    try:
        return schema.validate_python(yaml.load(file.read_text("utf-8"), FormLoader))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        # Many files have the same name: the folder tells which
        raise FormError("file_unusable", file="/".join(file.parts[-2:]), name=error) from error


class Signers(StrictModel):
    """The professions (ids of data/professions.yaml) that may sign a note.

    Attributes:
        author: Those that may sign what they wrote themselves.
        absent: Those that may sign, with a reason, for an author who cannot.
    """

    author: frozenset[str]
    absent: frozenset[str]


class FormSigning(StrictModel):
    """How a form differs from its area of law, from a version of the rule of signing on.

    Attributes:
        required: Whether its entries have to be signed, whatever their area.
        by_unit, by_sheet, reserved, signers: As in `SigningRule`, for this form.
    """

    required: bool | None = None
    by_unit: bool = False
    by_sheet: bool = False
    reserved: bool = False
    signers: Signers | None = None


class DocumentType(StrictModel):
    """The type of a form's documents (handlingstyp), by the values of a field where it has one."""

    field: str = ""
    values: Mapping[str, str] = {}
    otherwise: str


class Classification(StrictModel):
    """The class and the type of the documents on one form."""

    classification: str
    document_type: DocumentType


class FormRules(StrictModel):
    """What happens with the entries of a form.

    Attributes:
        use: What is written on it, in the words of the instructions of an outage pack.
        every_area: Every unit uses it, whatever its area of law: the area of an entry is that of
            its unit until an answer chooses another.
        area_field: The field whose answer chooses an area of law, by `areas`: that of the entry,
            or where `every_area` is not set that of its record alone.
        double_check: Two people answer for every critical field that is not empty.
        signing: Exceptions to the rule of signing, by the first version that they belong to.
        classification: Its place in the plan of classes, unless the plan names forms itself.
    """

    use: str = ""
    every_area: bool = False
    area_field: str = ""
    areas: Mapping[str | bool | None, Literal["HSL", "SoL", "LSS", "IFO", "ADM"]] = {}
    double_check: bool = False
    signing: Mapping[int, FormSigning] = {}
    classification: Classification | None = None


_SCHEMA = TypeAdapter(FormRules)


def load_form_rules(*folders: Path) -> dict[str, FormRules]:
    """Load the rules of all forms under the folders that have any, by form id.

    Raises:
        FormError: a file is not as documented; the message names it.
    """
    paths = (path for folder in folders for path in folder.glob("*/rules.yaml"))
    return {path.parent.name: load_rules_file(path, _SCHEMA) for path in paths}


FREE_NOTE_FORM = ("fri-anteckning", 1)
"""The form of a page without a known code (okänd handling): a person keys what it says.

It is class A until a person has looked at it.
"""


ATTACHMENT_FORM = ("bilaga", 1)
"""The form of an attachment that belongs to no other sheet; also printed as a cover of several."""


@cache
def choice_forms() -> frozenset[str]:
    """Return the program's forms of every area of law whose answers choose the entry's area.

    It is that of the unit until a person has confirmed what is ticked.
    """
    rules = load_form_rules(ROOT / "forms").items()
    return frozenset(form_id for form_id, each in rules if each.every_area and each.areas)
