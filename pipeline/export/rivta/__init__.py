"""Contracts of RIVTA."""
