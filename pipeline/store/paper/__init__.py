"""Batches, pages, sheets, where they are, and whom they must not be shown to."""
