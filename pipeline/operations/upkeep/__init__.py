"""Checks, backups and restoration of a workspace."""
