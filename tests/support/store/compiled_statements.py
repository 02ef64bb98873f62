"""Compiled SQL statements that the databases of all tests share."""

from __future__ import annotations

from typing import Any


class CompiledStatements(dict[Any, Any]):
    """A cache for SQLAlchemy, whose keys begin with the dialect object of one engine: here the name
    of the dialect takes its place.
    """

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:  # noqa: ANN401
        """Return the compiled statement, whichever engine compiled it."""
        return super().get((key[0].name, *key[1:]), default)

    def __setitem__(self, key: tuple[Any, ...], value: Any) -> None:  # noqa: ANN401
        super().__setitem__((key[0].name, *key[1:]), value)
