"""Page bytes in, values with probabilities out; pure; `read_page.py` is the table of contents."""
