"""How fast pages are read and with how much memory, beside other programs."""
