"""What makes a store of today one of an earlier revision, a statement each."""

from __future__ import annotations

_BEFORE_EVIDENCE = "ALTER TABLE store_check DROP COLUMN changed"
_BEFORE_INTENTIONS = """
DROP TABLE archive_delivery; DROP TABLE form_publication; DROP INDEX entry_ended;
ALTER TABLE entry DROP COLUMN ended_at
"""
_BEFORE_DUTIES = """
DROP TABLE met_duty; DROP INDEX entry_due;
CREATE INDEX entry_due ON entry (unit, state) WHERE state != 'kvitterad' AND due_at IS NOT NULL
"""

TO_0020 = (_BEFORE_EVIDENCE, *_BEFORE_INTENTIONS.split(";"), *_BEFORE_DUTIES.split(";"))
"""Back to the revision before duties."""
