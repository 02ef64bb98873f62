"""Measure reading by field kind."""
