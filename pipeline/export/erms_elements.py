"""Elements in the namespace of ERMS."""

from __future__ import annotations

from lxml import etree

from pipeline.plain_text import printable

NAMESPACE = "https://DILCIS.eu/XML/ERMS"


def add(parent: etree._Element, name: str, text: str | None = None, /, **attributes: str) -> etree._Element:
    """A child in the schema's namespace."""
    child = etree.SubElement(parent, etree.QName(NAMESPACE, name), {key: printable(value) for key, value in attributes.items()})
    if text is not None:
        child.text = printable(text)
    return child
