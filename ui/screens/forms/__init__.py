"""The screen Blanketter: forms in use, and making new ones."""
