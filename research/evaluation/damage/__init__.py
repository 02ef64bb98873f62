"""Measure reading under damage of increasing strength."""
