"""Strikethrough."""
