"""Reservpaket."""
