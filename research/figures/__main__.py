"""Print how large the program is and how it hangs together; see `--help`."""

from __future__ import annotations

import argparse

from research.figures import budget, imports, wording
from research.figures.confirm import CONFIRM, confirm_path

GRANSKA = "ui.screens.review.workbench.screen"
READ_PAGE = "pipeline.reading.read_page"


def main() -> None:
    """Print all numbers, or what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="scripts/figures", description=__doc__)
    parser.add_argument("--budget", action="store_true", help="print statements by feature")
    parser.add_argument("--write", action="store_true", help="write them into ARCHITECTURE.md")
    parser.add_argument("--large", action="store_true", help="list large folders and files")
    parser.add_argument("--words", action="store_true", help="list the files with most idioms")
    asked = parser.parse_args()
    if asked.write:
        budget.write_feature_table()
    elif asked.budget:
        print_budget()
    elif asked.large:
        print_large()
    elif asked.words:
        print_words()
    else:
        print_all()


def print_budget() -> None:
    """Print the table of features, and what is left of the budget."""
    features = budget.measured_features()
    print(budget.feature_table(features))
    total = sum(feature.statements for feature in features)
    print(f"{total:,} of {budget.allowed_statements():,} statements")
    for path in budget.stale_paths():
        print(f"features.yaml: {path} does not exist")


def print_large() -> None:
    """List folders and files that may be about more than one subject: a report, no failure."""
    for name, size in imports.folder_sizes("pipeline", "ui", "tests").items():
        if size > imports.MANY_ENTRIES:
            print(f"{name}: {size} entries")
    for name, length in imports.file_lengths("pipeline", "ui", "research", "tests").items():
        if length > imports.MANY_LINES:
            print(f"{name}: {length} lines")


def print_words() -> None:
    """List by kind of text the files with most idioms, and what to write instead."""
    for kind in wording.KINDS:
        print(f"{kind}: {wording.idioms_per_1000(kind):.2f} idioms per 1,000 words")
        for name, hits, share in wording.worst_files(kind)[:20]:
            print(f"    {name}: {hits} ({share:.1f})")


def print_all() -> None:
    """Print the metrics of the whole program."""
    features = budget.measured_features()
    pairs = imports.mutual_pairs()
    nested = sum(f"{second}.".startswith(f"{first}.") for first, second in pairs)
    modules, in_store, functions = confirm_path()
    sizes = imports.folder_sizes("pipeline", "ui", "tests").values()
    lengths = imports.file_lengths("pipeline", "ui", "research", "tests").values()
    rows: list[tuple[str, object]] = [
        ("statements of the runtime", f"{sum(row.statements for row in features):,}"),
        ("lines of JavaScript and CSS", f"{sum(row.script_lines for row in features):,}"),
        (f"modules on the way of a confirm ({CONFIRM[1]})", modules),
        ("    of these in pipeline/store", in_store),
        ("    functions", functions),
        ("modules loaded with Granska", len(imports.closure(GRANSKA))),
        ("modules loaded with read_page", len(imports.closure(READ_PAGE))),
        ("mutual pairs of folders", len(pairs)),
        ("    of these a folder and one in it", nested),
        ("files with session_state", len(imports.session_state_files())),
        ("folders with over 20 entries", sum(size > imports.MANY_ENTRIES for size in sizes)),
        ("files with over 450 lines", sum(length > imports.MANY_LINES for length in lengths)),
        *(
            (f"idioms per 1,000 words: {kind}", f"{wording.idioms_per_1000(kind):.2f}")
            for kind in wording.KINDS
        ),
    ]
    for title, value in rows:
        print(f"{title:<50} {value:>8}")


if __name__ == "__main__":
    main()
