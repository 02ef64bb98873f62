"""Lists of ids in parts that one query can take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_MAX_QUERY_IDS = 500
"""How many ids one query lists; the databases limit the parameters of a statement."""


def chunk_ids(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield the ids in parts that one query can list."""
    return (ids[start : start + _MAX_QUERY_IDS] for start in range(0, len(ids), _MAX_QUERY_IDS))
