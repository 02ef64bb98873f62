"""What a target is called on a screen."""

from __future__ import annotations

from pipeline.export.targets import TARGETS
from ui.i18n import current_language, translate_message


def target_name(target: str) -> str:
    """In the person's language; a target of earlier runs that is no more keeps its short name."""
    found = TARGETS.get(target)
    return translate_message(found.title, current_language()) if found else target
