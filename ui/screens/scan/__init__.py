"""The screen Skanna: importing paper, and pages with problems."""
