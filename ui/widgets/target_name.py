"""What a target is called on a screen."""

from __future__ import annotations

from pipeline.export.targets import TARGETS
from ui.i18n import show_text


def target_name(target: str) -> str:
    """In the person's language; a target of earlier runs that is no more keeps its short name."""
    exporter = TARGETS.get(target)
    return show_text(exporter.title) if exporter else target
