"""Find the lines of parts of a YAML file, so that a mistake is reported with its line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

YamlPath = tuple[str | int, ...]
"""Keys and list indices that lead to a part of a file."""


class YamlLines:
    """The lines of one text, counted from 1.

    Raises:
        yaml.YAMLError: it is not YAML.
    """

    def __init__(self, text: str, loader: type[Any] = yaml.SafeLoader) -> None:
        self._root: Node | None = yaml.compose(text, Loader=loader)

    def line(self, path: YamlPath) -> int:
        """Return the line of a part, or of the smallest part around it that exists.

        Names in a path that are no keys are skipped.
        """
        node, line = self._root, 1
        for part in path:
            child = _find_child(node, part)
            if child is not None:
                line, node = child
        return line

    def line_of_field(self, name: str) -> int | None:
        """Return the line with `name: <name>` of a field; None if there is none."""
        return next(
            (
                value.start_mark.line + 1
                for _, key, value in _iter_pairs(self._root)
                if key == "name" and _is_scalar(value, name)
            ),
            None,
        )

    def repeated_keys(self) -> list[tuple[str, int]]:
        """Return the keys that a mapping has twice, with the line of the second.

        YAML would silently take the last one.
        """
        known: set[tuple[int, str]] = set()
        repeated = []
        for owner, key, value in _iter_pairs(self._root):
            if (owner, key) in known:
                repeated.append((key, value.start_mark.line + 1))
            known.add((owner, key))
        return repeated


def _find_child(node: Node | None, part: str | int) -> tuple[int, Node] | None:
    """Return line and value of a part of a mapping or a list."""
    if isinstance(node, MappingNode):
        return next(
            (
                (key.start_mark.line + 1, value)
                for key, value in node.value
                if _is_scalar(key, str(part))
            ),
            None,
        )
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        value = node.value[part]
        return value.start_mark.line + 1, value
    return None


def _is_scalar(node: Node, text: str) -> bool:
    return isinstance(node, ScalarNode) and node.value == text


def _iter_pairs(
    node: Node | None, visited: set[int] | None = None
) -> Iterator[tuple[int, str, Node]]:
    """Yield every key and value with the id of its mapping.

    A node that is used again (an anchor) is visited once.
    """
    visited = set() if visited is None else visited
    if node is None or id(node) in visited:
        return
    visited.add(id(node))
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield id(node), str(key.value), value
            yield from _iter_pairs(value, visited)
    elif isinstance(node, SequenceNode):
        for value in node.value:
            yield from _iter_pairs(value, visited)
