"""Stored copies of registers, blocks of clients, and issued serials."""
