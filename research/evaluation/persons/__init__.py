"""Measure client matching on simulated registers."""
