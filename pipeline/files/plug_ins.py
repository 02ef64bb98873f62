"""Plug-ins: what this program and other installed packages register as entry points of a group.

`pyproject.toml` registers the program's own. One of another package is there once a setting names
it, and is imported at its first use.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Final, Protocol

from pipeline.domain.errors import SettingsError
from pipeline.domain.settings import ROOT

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TARGETS: Final = "efterskrift.targets"
READERS: Final = "efterskrift.readers"
_OWN_PACKAGE = "efterskrift"
LineAnswer = tuple[str, float]
"""The text of a line, and the reader's score for it, 0–1; 0: it has no opinion."""


class LineReader(Protocol):
    """A further reader of handwriting: what its entry point makes when called without arguments."""

    def read_lines(self, lines: Sequence[NDArray[np.uint8]]) -> Sequence[LineAnswer]:
        """Return the text and the score of each line, in the same order.

        Args:
            lines: a picture each, (height, width) of any size, 0 = black: dark ink on white, cut
                out with some white around. They cannot be changed.
        """
        ...


@cache
def find_plug_ins(group: str, named: tuple[str, ...]) -> dict[str, EntryPoint]:
    """Return the program's own entry points of a group, and the named ones of other packages.

    Raises:
        SettingsError: no installed package registers one of the names.
    """
    own, others = dict[str, EntryPoint](), dict[str, EntryPoint]()
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        is_own = point.dist is not None and point.dist.name == _OWN_PACKAGE
        (own if is_own else others)[point.name] = point
    # A checkout that was installed before it had this group: its own list.
    own = own or _read_project_file(group)
    if missing := [name for name in named if name not in others and name not in own]:
        raise SettingsError(
            "plug_in_not_installed",
            names=", ".join(missing),
            setting=group.rpartition(".")[2],
        )
    return {name: others[name] for name in named if name in others} | own


def _read_project_file(group: str) -> dict[str, EntryPoint]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    registered = sorted(project["entry-points"][group].items())
    return {name: EntryPoint(name, value, group) for name, value in registered}
