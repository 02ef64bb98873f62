"""The name of an export target on a screen."""

from __future__ import annotations

from pipeline.export.targets import find_title
from ui.i18n import show_text


def target_name(target: str) -> str:
    """Return the target's title in the user's language.

    A target of another package, or of earlier runs, is shown by its short name.
    """
    title = find_title(target)
    return show_text(title) if title else target
