"""Counts for managers, and lists of what is closed."""
