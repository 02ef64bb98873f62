"""Entries, their answers and versions, and their places in the queue."""
