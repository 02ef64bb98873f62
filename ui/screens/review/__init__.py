"""Granska."""
