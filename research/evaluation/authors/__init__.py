"""Adapting the reader of handwriting to one author, measured on people that nobody trained on."""
