"""Whether a page of no form is about several clients, as a whiteboard or a page of a diary."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.domain.model import Client

_NAME = re.compile(r"([^\W\d_]+(?:-[^\W\d_]+)*)(?::| +([^\W\d_]+))")
"""A given name at the beginning of a line, and a colon or what may begin the family name."""


def names_several(texts: Iterable[str], clients: Iterable[Client]) -> bool:
    """Return whether two lines of texts begin with the names of different clients.

    `Siv P: läkare kl 10` names Siv Palo, and so does `Siv: läkare`; `Siv är trött` names nobody.
    """
    families: dict[str, list[str]] = {}
    for client in clients:
        names = client.name.casefold().split()
        if names:
            families.setdefault(names[0], []).append(names[-1])
    named = set()
    for line in "\n".join(texts).casefold().splitlines():
        match = _NAME.match(line.strip())
        if match and any(one.startswith(match[2] or "") for one in families.get(match[1], ())):
            named.add(match[1])
    return len(named) > 1
