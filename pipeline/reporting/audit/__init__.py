"""Follow-up of the log."""
