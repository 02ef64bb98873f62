"""Every mistake of a form with file and line."""
