"""Packages for an archive (E-ARK)."""
