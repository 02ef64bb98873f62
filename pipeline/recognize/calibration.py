"""From a reader's own score to the share of such readings that are right: a monotone table, fitted by a script in `pipeline/training`."""

from __future__ import annotations

import json
from functools import lru_cache

import numpy as np

from pipeline.errors import MissingProgramError
from pipeline.settings import ROOT

Table = tuple[tuple[float, ...], tuple[float, ...]]


def calibrated(score: float, table: Table) -> float:
    """The probability for a score, linear between the table's points."""
    return float(np.interp(score, table[0], table[1]))


@lru_cache(maxsize=8)
def table(model: str, key: str) -> Table:
    """One table of `data/models/<model>.json`: scores and probabilities, both rising.

    Raises:
        MissingProgramError: the file is missing or is not such a table.
    """
    path = ROOT / "data" / "models" / f"{model}.json"
    try:
        points = json.loads(path.read_text("utf-8"))[key]
        return tuple(float(s) for s, _ in points), tuple(float(p) for _, p in points)
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = "It is part of the project: restore it with `git checkout data/models`."
        raise MissingProgramError(f"The table data/models/{model}.json is missing or damaged.", remedy) from error
