"""Legal duties of entries among what the event log covers.

No table changes. What exists is covered at the end of the upgrade (`adopt_records`).
"""

from __future__ import annotations

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Change nothing: the upgrade to this revision covers the columns."""
