"""Draft, trial on paper, publishing."""
