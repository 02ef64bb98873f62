"""Readings → values that fit together.

Each rule weighs what a reader saw by what else is known (the client register, the outage, other fields) and renormalises: Bayes' rule
with the reader's probabilities as likelihood. A rule never invents a value for a field that nobody read; what it finds odd is a problem that
a person sees, and why it proposes a value is said in codes (`Reading.reasons`).
"""

from pipeline.resolve.page import Context, resolve

__all__ = ["Context", "resolve"]
