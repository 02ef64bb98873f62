"""Who has looked at or changed what: follow-up and verification of the log."""
