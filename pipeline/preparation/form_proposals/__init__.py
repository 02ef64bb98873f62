"""Propose the fields of an uploaded blank form from its lines, boxes and printed words."""
