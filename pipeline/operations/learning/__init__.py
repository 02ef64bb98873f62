"""Recalibration of the readers by confirmed entries."""
