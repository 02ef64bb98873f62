"""A small simulated week: the workbench completes it, leaves far fewer errors than were read, and
saves keystrokes.
"""

from __future__ import annotations

from random import Random

import pytest

from pipeline.domain.form.form import Forms
from pipeline.domain.review.rules import agrees_with_reading
from pipeline.domain.settings import ROOT
from research.simulation.people import Keyer, SlipRates
from research.simulation.readings import SimulatedReader, lookalike_answer, misread_word, to_answer
from research.simulation.report import (
    BASE_ASSUMPTIONS,
    WeekSeries,
    describe_outcome,
    format_markdown,
    simulate_assumptions,
)
from research.simulation.week import simulate_week

pytestmark = pytest.mark.nightly

PERFECT = SlipRates(
    keying=0, unseen=0, unseen_doubtful=0, unseen_grouped=0, spoiled=0, chosen=0, unseen_in_row=0
)


def test_same_seed_gives_same_week_and_most_errors_are_found() -> None:
    week, again = simulate_week(1, 1), simulate_week(1, 1)
    counts = week.counts
    assert counts == again.counts
    assert counts["entries"] == counts["looks.first"]
    before, after = (
        sum(counts[f"{name}.{kind}"] for kind in ("critical", "shown", "text"))
        for name in ("before", "after")
    )
    assert before > 50
    assert after < before / 10
    assert counts["keys"] < counts["keys.twice"] / 2


def test_perfect_reviewers_leave_no_errors_despite_planted_values() -> None:
    counts = simulate_week(2, 1, PERFECT, control_share=0.1, plant_share=0.5).counts
    assert {
        name: count
        for name, count in counts.items()
        if name.startswith("after.") and not name.endswith(".of") and count
    } == {}
    assert counts["controls.agreed"] > 10
    assert counts["controls.wrong"] == counts["plants.missed"] == 0


def test_careless_reviewers_confirm_no_planted_value() -> None:
    blind = SlipRates(
        keying=0,
        unseen=1,
        unseen_doubtful=1,
        unseen_grouped=1,
        unseen_in_row=1,
        spoiled=0,
        chosen=0,
    )
    with_plants = simulate_week(3, 1, blind, control_share=0, plant_share=0.5).counts
    without = simulate_week(3, 1, blind, control_share=0, plant_share=0).counts
    assert with_plants["plants.missed"] > 10
    # A reviewer who is shown a seeded value looks at that field and may find a misreading there.
    for kind in ("critical", "shown"):
        assert with_plants[f"after.{kind}"] <= without[f"after.{kind}"]


def test_machine_error_rate_matches_confidence() -> None:
    machine, chance = SimulatedReader.shipped(), Random(5)
    spec = Forms.load(ROOT / "forms")["hsl-anteckning", 1].by_name["handelsedatum"]
    readings = [machine.reading(spec, "2021-12-18", chance) for _ in range(3000)]
    right = sum(
        agrees_with_reading(spec, to_answer(spec, "2021-12-18"), reading) for reading in readings
    )
    assert right == pytest.approx(sum(reading.p for reading in readings), abs=40)


def test_machine_and_people_share_misreadings_of_same_ink() -> None:
    spec = Forms.load(ROOT / "forms")["hsl-anteckning", 1].by_name["handelsetid"]
    true = to_answer(spec, "08:15")
    keyer = Keyer(SlipRates(keying=1, misread=1, hard=1), Random(1))
    assert keyer.typed(spec, true, hard=True) == lookalike_answer(spec, true) != true
    assert misread_word("höger", Random(1)) != "höger"


def test_table_has_a_row_for_each_assumption() -> None:
    found = simulate_assumptions(WeekSeries(1, 1), WeekSeries(0, 0), processes=1)
    assert [one.assumed for one in found] == [BASE_ASSUMPTIONS]
    assert format_markdown(found).count("\n") == 2
    assert "entries" in describe_outcome(found[0])
