"""Entries that somebody already keyed into the care system."""
