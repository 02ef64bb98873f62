"""Sök löpnummer."""
