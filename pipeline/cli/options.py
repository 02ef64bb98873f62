"""Options that several commands share, and the groups that `--help` lists commands in."""

from __future__ import annotations

from typing import Annotated

import typer

BEFORE = "Before the outage"
TAKING_IN = "Taking in paper"
REVIEW = "Review and export"
RUNNING = "Running a workspace"
RESEARCH = "Research"

_LOGIN = "Login of the user to act as. Default: the operator of this machine"

As = Annotated[str, typer.Option("--as", help=f"{_LOGIN}, with all units.")]
AsAdministrator = Annotated[str, typer.Option("--as", help=f"{_LOGIN}.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
