"""Confirmed entries become files or messages; `targets.py` lists all."""
