"""The table of efforts as Markdown, with the aim and whether it is reached."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.domain.form.form import Forms
from research.effort.operators import Effort
from research.effort.papers import Paper
from research.effort.ways import count_asked_fields, count_blind_fields, measure_paper

_HEAD = (
    "| paper | forms: version, depth, fields asked, keyed blind | by hand | key-in list | import "
    "| aim, key-in list |"
)


def format_table(papers: Sequence[Paper], forms: Forms, draws: int) -> str:
    """Return a row for each paper: keys and minutes by each way."""
    lines = [_HEAD, "|---|---|--:|--:|--:|---|"]
    for paper in papers:
        ways = measure_paper(paper, forms, draws)
        is_reached = ways.key_in.seconds <= 60 * paper.aim
        lines.append(
            f"| {paper.name} | {_describe_forms(paper, forms)} | {_cell(ways.by_hand)} "
            f"| {_cell(ways.key_in)} | {_cell(ways.imported)} "
            f"| {paper.aim:g} min: {'reached' if is_reached else '**not reached**'} |"
        )
    return "\n".join(lines)


def _cell(effort: Effort) -> str:
    return f"{effort.keys:.0f} keys, {effort.seconds / 60:.1f} min"


def _describe_forms(paper: Paper, forms: Forms) -> str:
    parts = []
    for sheet in paper.sheets:
        form = forms.latest(sheet.form)
        parts.append(
            f"{form.id} {form.version}, {form.depth.value}, {count_asked_fields(form)}, "
            f"{count_blind_fields(form)}"
        )
    return "<br>".join(parts)
