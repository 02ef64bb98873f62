"""Rows of digit boxes."""
