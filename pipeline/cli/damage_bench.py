"""`efterskrift bench --damage`: read forms with damage of rising strength."""

from __future__ import annotations

import json

import typer

from pipeline.errors import UsageError


def show_damage(form: str, sheets: int, processes: int, *, as_json: bool) -> None:
    """Run the damage series on one form (all, if none is named) and print its table.

    Raises:
        UsageError: there is no such form.
    """
    from pipeline.cli.work_commands import progress
    from pipeline.quality.damage_kinds import SERIES
    from pipeline.quality.damage_report import findings, markdown
    from pipeline.quality.damage_series import form_ids, run, trials

    known = form_ids()
    if form and form not in known:
        raise UsageError("no_form", form=form, known=", ".join(known))
    plan = trials([form] if form else known, SERIES, sheets)
    outcomes = []
    with progress("Damaging and reading") as bar:
        task = bar.add_task("", total=len(plan))
        for done in run(plan, processes):
            outcomes.append(done)
            bar.advance(task)
    found = findings(outcomes, SERIES)
    typer.echo(json.dumps([one.as_dict() for one in found], ensure_ascii=False) if as_json else markdown(found))
