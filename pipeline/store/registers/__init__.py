"""Stored copies of registers, issued serials, care system lists."""
