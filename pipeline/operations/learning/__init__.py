"""Confirmed entries recalibrate the readers."""
