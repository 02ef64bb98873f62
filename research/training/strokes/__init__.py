"""Pen strokes of UNIPEN as ink on paper, for training."""
