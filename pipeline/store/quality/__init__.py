"""Measured quality: re-keying, seeded errors, adjudication."""
