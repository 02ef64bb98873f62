"""Logga in, Konton, Logg."""
