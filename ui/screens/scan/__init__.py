"""Skanna."""
