"""How deep an entry is typed: attachments, deviations, and pages that are split."""
