"""Keying in by hand: who has which entry on the screen, signatures, and the order of fields."""
