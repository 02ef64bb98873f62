"""Load YAML: forms, refused if aliases multiply their content, and rules of law."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError
from yaml.nodes import MappingNode, Node, SequenceNode

from pipeline.domain.errors import FormError

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
