"""Measure client matching: is the right client proposed, and is p calibrated?

Simulated noisy rows over a register of 5,000 clients made of official test numbers.

    python -m research.evaluation.persons.measure          # 20,000 rows
    python -m research.evaluation.persons.measure --fit    # fits the constants of
                                                           # pipeline/reading/resolve to the
                                                           # other half of the data

The numbers (Skatteverket's test numbers) and held-out digits are in the shared folder. The seed is
fixed.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import sqrt
from pathlib import Path

import numpy as np

from pipeline.domain.form.confidence import VERY_HIGH_CONFIDENCE
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import CELL_SYMBOLS, Reading, State
from pipeline.domain.settings import ROOT
from pipeline.preparation.practice.synthetic_handwriting import SHARED_FOLDER
from pipeline.reading.fields.digits.decoding import decode_digits
from pipeline.reading.resolve.client import resolve_clients
from pipeline.reading.resolve.number_likelihood import temper_probabilities
from pipeline.registers.clients import ClientRegister
from research.evaluation.measure import EvaluationData, JudgedValue, QualityRow, absent_row
from research.evaluation.measure import make_quality_row as measured
from research.evaluation.persons.register import Population, make_population
from research.evaluation.persons.rows import (
    SimulatedRow,
    draw_row_styles,
    garble_name,
    simulate_row,
)
from research.training.digits.evaluate import expected_calibration_error

SEED = 20261124
TUNING_HALF, REPORTING_HALF = 0, 1
IDENTITY_FOLDER = SHARED_FOLDER / "schemas" / "identity"
DRAWN_ROWS = 1_500


@dataclass(frozen=True, slots=True)
class ClientProposal:
    """The proposal for one row."""

    right: bool
    p: float
    slip: str
    person: bool
    """Whether a person of the register was proposed."""
    alone: bool
    """Whether the digits alone, without register and name, gave the right number."""


@dataclass(frozen=True, slots=True)
class MatchMetrics:
    """Shares of all rows, except `wrong_with_high_confidence`, which is a number.

    `wrong_with_high_confidence` counts the rows that propose a wrong person with p ≥ 0.999.
    `alone` is the share of numbers right by their digits alone.
    """

    rows: int
    alone: float
    right_first: float
    high_confidence: float
    wrong_with_high_confidence: int
    calibration_error: float
    by_slip: dict[str, tuple[int, float]]

    @property
    def wrong_upper_bound(self) -> float:
        """Upper end of the 95 % interval (Wilson) of the share wrong among high-confidence rows."""
        # Wilson (1927), upper bound; z = 1.96 for 95 %.
        n = max(1.0, self.high_confidence * self.rows)
        share, z = self.wrong_with_high_confidence / n, 1.96
        return (
            share + z * z / (2 * n) + z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        ) / (1 + z * z / n)


def simulate_rows(
    rows: int, drawn: int = DRAWN_ROWS, half: int = REPORTING_HALF, seed: int = SEED
) -> list[ClientProposal]:
    """Return this many rows about clients of a half's register.

    Their digits come from so many drawn rows of boxes.
    """
    # Make the register of this half, and the network's outputs for its digits.
    rng = np.random.default_rng([seed, half])
    people, styles = make_population(IDENTITY_FOLDER, half, rng), draw_row_styles(half, drawn, rng)
    register, form = (
        ClientRegister(people.clients),
        Forms.load(ROOT / "forms").latest("hsl-anteckning"),
    )
    return [propose_client(simulate_row(people, styles, rng), register, form) for _ in range(rows)]


def propose_client(written: SimulatedRow, register: ClientRegister, form: Form) -> ClientProposal:
    """Return the proposal of the product's own code, from the network's answers on."""
    spec = form.by_name["personnummer"]
    # The digits as the network reads them, without the register.
    fields = {spec.name: decode_digits(written.boxes, spec)}
    # Names and units are readings with fixed p, as they come from other readers.
    for name, text in (("namn", written.name), ("enhet", written.unit)):
        fields[name] = Reading(text, 0.9, State.READ) if text else Reading.empty(0.99)
    # The register proposes a client from number, name and unit.
    found = resolve_clients([spec], form, fields, register)[0].get(spec.name, fields[spec.name])
    # Without a value, the first alternative is the proposal.
    value = (
        found.value if found.value is not None else next((v for v, _ in found.alternatives), None)
    )
    known = isinstance(value, str) and register.find(value) is not None
    alone = fields[spec.name].value == written.truth
    return ClientProposal(
        value == written.truth,
        found.p if found.value is not None else 0.0,
        written.slip,
        known,
        alone,
    )


def measure_proposals(found: Sequence[ClientProposal]) -> MatchMetrics:
    """Return the metrics of simulated rows."""
    p, right = np.array([one.p for one in found]), np.array([one.right for one in found])
    # Share of right proposals by the slip that was made.
    slips = sorted({one.slip for one in found})
    by_slip = {slip or "none": [one.right for one in found if one.slip == slip] for slip in slips}
    return MatchMetrics(
        rows=len(found),
        alone=float(np.mean([one.alone for one in found])),
        right_first=float(right.mean()),
        high_confidence=float((p >= VERY_HIGH_CONFIDENCE).mean()),
        wrong_with_high_confidence=sum(
            one.p >= VERY_HIGH_CONFIDENCE and not one.right for one in found
        ),
        calibration_error=expected_calibration_error(p, right),
        by_slip={slip: (len(some), float(np.mean(some))) for slip, some in by_slip.items()},
    )


def format_metrics(found: MatchMetrics) -> str:
    """Return the metrics as Markdown."""
    head = (
        "| rows | right by digits alone | right one first | p ≥ 0.999 | of these wrong | at most "
        "(95 %) | ECE |\n|--:|--:|--:|--:|--:|--:|--:|\n"
    )
    line = (
        f"| {found.rows} | {found.alone:.2%} | {found.right_first:.2%} | "
        f"{found.high_confidence:.1%} | {found.wrong_with_high_confidence} | "
        f"{found.wrong_upper_bound:.4%} | "
    )
    slips = "\n".join(
        f"| {slip} | {count} | {share:.1%} |" for slip, (count, share) in found.by_slip.items()
    )
    return (
        f"{head}{line}{found.calibration_error:.4f} |\n\n| slip | rows | right one first "
        f"|\n|---|--:|--:|\n{slips}"
    )


def measure_persons(data: EvaluationData) -> list[QualityRow]:
    """Return the row of the quality table.

    The other reader is Efterskrift without register and name.
    """
    if (
        data.find("schemas", "identity") is None
        or data.find("handwriting", "optdigits.npz") is None
    ):
        return [absent_row("person", "simulated rows")]
    found = simulate_rows(2_000 if data.quick else 20_000)
    others = {"digits alone": float(np.mean([not one.alone for one in found]))}
    return [
        measured(
            "person", "simulated rows", [JudgedValue(one.p, one.right) for one in found], others
        )
    ]


def fit_constants(drawn: int = DRAWN_ROWS) -> str:
    """Return the constants that explain the tuning half: noise of rows, and odds of names."""
    # Constants are fitted on the tuning half only.
    rng = np.random.default_rng([SEED, TUNING_HALF])
    people, styles = (
        make_population(IDENTITY_FOLDER, TUNING_HALF, rng),
        draw_row_styles(TUNING_HALF, drawn, rng),
    )
    logs: dict[float, list[float]] = {}
    rows = [simulate_row(people, styles, rng) for _ in range(4_000)]
    # Rows without slips: their truth is what was written.
    whole = [one for one in rows if one.slip == ""]
    for doubt in (5e-4, 1e-3, 2e-3, 4e-3, 8e-3, 0.03, 0.06, 0.12, 0.25):
        # Log likelihood of every row at each level of uncertainty.
        logs[doubt] = [_noisy_log(one, doubt) for one in whole]
    # Grid search for the mixture of usual and bad rows with the highest likelihood.
    best = max(
        (
            (_mixture_log(logs[u], logs[b], s), u, b, s)
            for u, b, s in product(logs, logs, (0.01, 0.03, 0.05, 0.1, 0.2))
            if u < b
        ),
        key=lambda x: x[0],
    )
    return (
        f"rows: usual {best[1]}, bad {best[2]}, share {best[3]} (log likelihood {best[0]:.1f})\n"
        + _measure_name_odds(people, rng)
    )


def _noisy_log(one: SimulatedRow, doubt: float) -> float:
    # Flatten the network's probabilities by the level of uncertainty.
    boxes = temper_probabilities(tuple(map(tuple, one.boxes.tolist())), doubt)
    return float(sum(np.log(boxes[i, CELL_SYMBOLS.index(c)]) for i, c in enumerate(one.truth)))


def _mixture_log(usual: Sequence[float], bad: Sequence[float], share: float) -> float:
    return float(
        # log((1 - share)·usual + share·bad), summed over rows.
        np.logaddexp(np.array(usual) + np.log1p(-share), np.array(bad) + np.log(share)).sum()
    )


def _measure_name_odds(people: Population, rng: np.random.Generator) -> str:
    """Return how often each similarity is of the client's own name, against any other's."""
    search = ClientRegister(people.clients).search
    # Bins of name similarity.
    steps = np.array([0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97, 1.01])
    own, anybody = np.zeros(len(steps) - 1), np.zeros(len(steps) - 1)
    # A garbled name against its own client, and against the whole register.
    for place in rng.integers(len(people.clients), size=1_500):
        scores = search.names.scores(garble_name(people.clients[place].name, rng))
        own += np.histogram(scores[place], steps)[0]
        anybody += np.histogram(scores, steps)[0]
    # Likelihood ratio of each bin.
    odds = (own / own.sum()) / np.maximum(anybody / anybody.sum(), 1e-9)
    return "\n".join(
        f"names {low:.2f}–{high:.2f}: odds {o:.3g}"
        for low, high, o in zip(steps, steps[1:], odds, strict=False)
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument(
        "--drawn",
        type=int,
        default=DRAWN_ROWS,
        help="rows of boxes that are drawn, spoilt and read for their digits",
    )
    parser.add_argument(
        "--half", type=int, choices=(TUNING_HALF, REPORTING_HALF), default=REPORTING_HALF
    )
    parser.add_argument("--fit", action="store_true", help="print the constants instead")
    parser.add_argument("--out", type=Path, help="also write the table here")
    given = parser.parse_args(arguments)
    text = (
        fit_constants(given.drawn)
        if given.fit
        else format_metrics(measure_proposals(simulate_rows(given.rows, given.drawn, given.half)))
    )
    print(text)
    if given.out:
        given.out.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
