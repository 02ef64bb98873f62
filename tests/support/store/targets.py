"""The program's own targets, for tests."""

from __future__ import annotations

from pipeline.export.targets import load_targets

TARGETS = load_targets()
STATISTICS = {name: found for name in TARGETS if (found := TARGETS.find_statistics(name))}
