"""Times as people at the unit read them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

_HERE = ZoneInfo("Europe/Stockholm")


def local(at: datetime) -> str:
    """Swedish local time to the minute."""
    return f"{at.astimezone(_HERE):%Y-%m-%d %H:%M}"
