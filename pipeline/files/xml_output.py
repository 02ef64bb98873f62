"""XML as nested calls: an element with its attributes, text and children is one expression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from pipeline.files.text import make_printable

Part = etree._Element | str | Mapping[Any, str | None] | None
"""A child, the text, further attributes, or nothing."""


@dataclass(frozen=True, slots=True)
class Namespace:
    """Makes elements of one namespace.

    An element takes over the prefixes of the one that it becomes a child of.
    """

    uri: str

    def __call__(
        self,
        tag: str,
        /,
        *parts: Part,
        prefixes: Mapping[str, str] | None = None,
        **attributes: str | None,
    ) -> etree._Element:
        """Return an element of these parts in their order; attributes that are None are left out.

        Args:
            prefixes: namespaces by the prefix that the element declares for them.
        """
        element = etree.Element(etree.QName(self.uri, tag), nsmap=prefixes)
        for part in (attributes, *parts):
            if isinstance(part, str):
                element.text = make_printable(part)
            elif isinstance(part, Mapping):
                for name, value in part.items():
                    if value is not None:
                        element.set(name, make_printable(value))
            elif part is not None:
                element.append(part)
        return element

    def name(self, local: str) -> etree.QName:
        """Return the name of an attribute in this namespace."""
        return etree.QName(self.uri, local)


def serialize_xml(root: etree._Element) -> bytes:
    """Return the document as a file."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
