"""Print the table of docs/effort.md: `python -m research.effort`."""

from __future__ import annotations

import argparse

from pipeline.domain.form.form import Forms
from pipeline.domain.settings import load_settings
from research.effort.papers import PAPERS
from research.effort.table import format_table


def main() -> None:
    """Measure all papers and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=20, help="drawn fillings of each paper")
    given = parser.parse_args()
    forms = Forms.load(*load_settings().form_folders)
    print(format_table(PAPERS, forms, given.draws))


if __name__ == "__main__":
    main()
