"""The name of an export target on a screen."""

from __future__ import annotations

from pipeline.export.targets import TARGETS
from ui.i18n import show_text


def target_name(target: str) -> str:
    """Return the target's title in the user's language.

    A target of earlier runs that no longer exists is shown by its short name.
    """
    export_target = TARGETS.get(target)
    return show_text(export_target.title) if export_target else target
