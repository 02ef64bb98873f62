"""The names that handwriting may well hold: of the client register and the staff list, as words and without who bears them."""

from __future__ import annotations

from functools import lru_cache

from pipeline.recognize.lexicon import NO_NAMES, Lexicon
from pipeline.resolve import Context


@lru_cache(maxsize=2)
def known_names(context: Context) -> Lexicon:
    """Words of all names, units and addresses; made once for a context."""
    clients = context.register or ()
    staff = context.staff or ()
    texts = [part for client in clients for part in (client.name, client.address, client.unit)]
    texts += [part for member in staff for part in (member.name, member.unit)]
    return Lexicon.of_names(texts) if texts else NO_NAMES
