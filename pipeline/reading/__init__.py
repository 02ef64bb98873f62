"""Page bytes in, values with probabilities out, no I/O; `read_page.py` is the way."""
