"""One folder a menu group, `screen.py` is its entry."""
