"""Batches, pages, sheets and where they are."""
