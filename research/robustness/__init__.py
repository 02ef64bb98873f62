"""Measurements of what damaged and hostile files do to the program."""
