"""Blanketter."""
