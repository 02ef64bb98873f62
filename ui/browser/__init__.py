"""What needs JavaScript: one Python wrapper each, scripts in browser/js/."""
