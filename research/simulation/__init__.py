"""Simulate a week of review."""
