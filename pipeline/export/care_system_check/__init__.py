"""Entries that may have been keyed into the care system already."""
