"""Where the parts of a YAML file stand, so that a mistake can be told with its line. Lines count
from 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

YamlPath = tuple[str | int, ...]


class YamlLines:
    """The lines of one text.

    Raises:
        yaml.YAMLError: it is not YAML.
    """

    def __init__(self, text: str, loader: type[Any] = yaml.SafeLoader) -> None:
        self._root: Node | None = yaml.compose(text, Loader=loader)

    def line(self, path: YamlPath) -> int:
        """The line of a part, or of the smallest part around it that there is. Names in a path that
        are no keys are passed over.
        """
        node, line = self._root, 1
        for part in path:
            found = _find_child(node, part)
            if found is not None:
                line, node = found
        return line

    def line_of_field(self, name: str) -> int | None:
        """The line on which a field of this name is written, `name: <name>`; None if there is none."""
        return next(
            (
                value.start_mark.line + 1
                for _, key, value in _iter_pairs(self._root)
                if key == "name" and _says(value, name)
            ),
            None,
        )

    def repeated_keys(self) -> list[tuple[str, int]]:
        """Keys that a mapping has twice, of which YAML would silently take the last, with the line
        of the second.
        """
        seen: set[tuple[int, str]] = set()
        twice = []
        for owner, key, value in _iter_pairs(self._root):
            if (owner, key) in seen:
                twice.append((key, value.start_mark.line + 1))
            seen.add((owner, key))
        return twice


def _find_child(node: Node | None, part: str | int) -> tuple[int, Node] | None:
    """Line and value of a part of a mapping or a list."""
    if isinstance(node, MappingNode):
        return next(
            (
                (key.start_mark.line + 1, value)
                for key, value in node.value
                if _says(key, str(part))
            ),
            None,
        )
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        value = node.value[part]
        return value.start_mark.line + 1, value
    return None


def _says(node: Node, text: str) -> bool:
    return isinstance(node, ScalarNode) and node.value == text


def _iter_pairs(node: Node | None, seen: set[int] | None = None) -> Iterator[tuple[int, str, Node]]:
    """Every key with its value, and which mapping it is of. What is written once and used again (an
    anchor) comes once.
    """
    seen = set() if seen is None else seen
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield id(node), str(key.value), value
            yield from _iter_pairs(value, seen)
    elif isinstance(node, SequenceNode):
        for value in node.value:
            yield from _iter_pairs(value, seen)
