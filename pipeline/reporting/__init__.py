"""Figures for managers, as screens, PDF and CSV need them."""
