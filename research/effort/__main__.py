"""Print the tables of docs/effort.md: `python -m research.effort`.

With `--keys nina` it counts the keys of what waits for that reviewer in the workspace.
"""

from __future__ import annotations

import argparse

from pipeline.domain.form.form import Forms
from pipeline.domain.settings import load_settings
from pipeline.store.accounts.people import find_person
from pipeline.store.database.store import open_store
from research.effort.papers import PAPERS
from research.effort.review_keys import count_review_keys, format_review_keys
from research.effort.table import format_keying, format_table


def main() -> None:
    """Measure all papers and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=20, help="drawn fillings of each paper")
    parser.add_argument("--keys", metavar="LOGIN", help="keys of what waits for this reviewer")
    given = parser.parse_args()
    settings = load_settings()
    forms = Forms.load(*settings.form_folders)
    if given.keys:
        with open_store(settings).read() as conn:
            person = find_person(conn, given.keys)
            if person is None:
                parser.error(f"there is no login {given.keys}")
            print(format_review_keys(count_review_keys(conn, forms, person, settings)))
        return
    print(format_table(PAPERS, forms, given.draws))
    print()
    print(format_keying(PAPERS, forms, given.draws))


if __name__ == "__main__":
    main()
