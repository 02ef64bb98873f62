"""Metrics for managers and follow-up of the log, for screens, PDF and CSV."""
