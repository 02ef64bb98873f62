"""Before an outage: make forms, print outage packs, practise."""

PAPER_LANGUAGE = "sv"
"""Language of everything that is printed here, in which the forms are written too."""
