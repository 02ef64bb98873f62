"""Skriv in: what is keyed in by hand on the screen, and the order of its fields."""
