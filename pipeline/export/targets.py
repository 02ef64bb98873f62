"""Every kind of target there is, by its name: entry points of the group `efterskrift.targets`.

`pyproject.toml` registers the program's own. Another package registers one in the same way, and it
is used once the setting `targets` names it. A target is imported when an export first needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint

from pipeline.domain.errors import ExportError
from pipeline.domain.settings import Settings
from pipeline.export.exporter import Exporter, StatisticsExporter
from pipeline.files.plug_ins import TARGETS, find_plug_ins
from pipeline.texts import Text, catalogue


class Targets(Mapping[str, Exporter]):
    """The program's targets and the plug-ins that are named, each imported when it is asked for.

    Raises:
        SettingsError: no installed package registers one of the plug-ins.
    """

    def __init__(self, plug_ins: tuple[str, ...] = ()) -> None:
        self._points = find_plug_ins(TARGETS, plug_ins)

    def __getitem__(self, name: str) -> Exporter:
        return _load(self._points[name])

    def __contains__(self, name: object) -> bool:
        # That of `Mapping` would import the target.
        return name in self._points

    def __iter__(self) -> Iterator[str]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)

    def find_statistics(self, name: str) -> StatisticsExporter | None:
        """Return a target if it reports whole months; None if it takes entries, or is none."""
        exporter = self.get(name)
        return exporter if isinstance(exporter, StatisticsExporter) else None


@cache
def load_targets(plug_ins: tuple[str, ...] = ()) -> Targets:
    """Return the targets of settings that name these plug-ins."""
    return Targets(plug_ins)


def find_target(settings: Settings, target: str) -> Exporter:
    """Return a target by its name.

    Raises:
        ExportError: there is no such target.
    """
    targets = load_targets(settings.targets)
    try:
        return targets[target]
    except KeyError as error:
        raise ExportError("no_target", target=target, targets=", ".join(targets)) from error


def find_title(target: str) -> Text | None:
    """Return the name of one of the program's targets without importing it; None for others."""
    key = f"target.{target}"
    return Text(key) if key in catalogue("sv") else None


@cache
def _load(point: EntryPoint) -> Exporter:
    """Import a target.

    Raises:
        ExportError: it cannot be imported, or is no `Exporter`.
    """
    try:
        exporter = point.load()(point.name)
    except Exception as error:
        raise ExportError(
            "target_not_importable", target=point.name, why=type(error).__name__
        ) from error
    if not isinstance(exporter, Exporter):
        raise ExportError("target_not_importable", target=point.name, why="no Exporter")
    return exporter
