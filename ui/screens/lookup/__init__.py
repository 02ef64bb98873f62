"""The screen Slå upp: sheets by serial, entries by what is known, and one's own decisions."""
