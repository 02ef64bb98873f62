"""Counts for managers."""
