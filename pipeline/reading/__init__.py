"""Page bytes in, values with probabilities out; `read_page.py` is the table of contents."""
