"""Attachments, deviations, and pages that are split between clients."""
