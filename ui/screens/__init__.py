"""The screens: a folder for each menu group, whose entry is `screen.py`."""
