"""Fit the calibration curves."""
