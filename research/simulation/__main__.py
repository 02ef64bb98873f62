"""Run the simulated week: `python -m research.simulation.__main__`.

It prints the table and draws the chart of docs/review.md.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from research.simulation.report import (
    WeekSeries,
    describe_outcome,
    format_markdown,
    simulate_assumptions,
    to_json_object,
)


def main() -> None:
    """Run, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8, help="weeks as assumed")
    parser.add_argument(
        "--parts", type=int, default=8, help="how much paper a week has; a part is 32 sheets"
    )
    parser.add_argument(
        "--varied-seeds", type=int, default=3, help="weeks for each other assumption"
    )
    parser.add_argument("--varied-parts", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--keep", type=Path, help="file of runs that are made already; new ones are added"
    )
    parser.add_argument("--picture", type=Path, help="draw what came out into this PNG")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = simulate_assumptions(
        WeekSeries(given.seeds, given.parts),
        WeekSeries(given.varied_seeds, given.varied_parts),
        given.processes,
        given.keep,
    )
    if given.picture is not None:
        # Drawing is imported only where it is asked for.
        from research.simulation.report import draw_chart

        draw_chart(found, given.picture)
    print(
        json.dumps([to_json_object(one) for one in found], ensure_ascii=False)
        if given.json
        else f"{describe_outcome(found[0])}\n\n{format_markdown(found)}"
    )


if __name__ == "__main__":
    main()
