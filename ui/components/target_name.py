"""What a target is called on a screen."""

from __future__ import annotations

from pipeline.export import TARGETS
from ui.fault_words import in_language
from ui.text import language


def target_name(target: str) -> str:
    """In the person's language; a target of earlier runs that is no more keeps its short name."""
    found = TARGETS.get(target)
    return in_language(found.title, language()) if found else target
