"""Measure whether evidence beside the image is independent of the image's own errors.

    python -m research.evaluation.independence --data FOLDER --mnist FOLDER --rows 1500

Evidence is worth its weight only if it accepts a misread value no more often than any other wrong
value. For dates, the days of the outage and the days near it: how many rows are misread, how many
dates with one digit changed at random the evidence accepts, the product of both, and how many
misread dates it did accept. For names, a clear personal number: the client's own name or that of a
relative with a like name is written beside it; the evidence accepts only the client's own. Digits
and fonts are of people that nothing was trained on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from numpy.random import Generator

from pipeline.domain.form.confidence import Share
from pipeline.domain.form.field import FieldSpec, Format, Kind, Meaning
from pipeline.domain.form.form import Forms
from pipeline.domain.model import Reading, State
from pipeline.domain.review.rules import prefill_from
from pipeline.domain.settings import ROOT
from pipeline.reading.field_readers import CALIBRATED_READERS, make_field_image
from pipeline.reading.read_page import expected_names, known_texts
from pipeline.reading.resolve.known_names import weigh_client_names
from pipeline.reading.resolve.resolve import ReadingContext
from pipeline.reading.resolve.values import Window, weigh_date, weigh_near_date
from pipeline.registers.client_check import split_words
from pipeline.registers.clients import ClientRegister
from research.evaluation.fields.boxes import load_unseen_digits
from research.evaluation.fields.digit_rows import draw_row_field
from research.evaluation.measure import EvaluationData
from research.evaluation.persons.measure import IDENTITY_FOLDER, REPORTING_HALF
from research.evaluation.persons.register import Population, make_population
from research.training.handwriting.lines import find_fonts, render_line

SEED = 20261202
OUTAGE: Window = (date(2021, 12, 16), date(2022, 1, 10))
NOTE_FORM, NUMBER_FIELD, NAME_FIELD = "hsl-anteckning", "personnummer", "namn"
CLEAR_NUMBER_P = 0.995
DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class WeighedReading:
    """A reading by the image alone and with the evidence, and whether each is right.

    `accepted`: whether the evidence agrees with what the image says.
    """

    alone: Reading
    both: Reading
    was_right: bool
    is_right: bool
    accepted: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What a kind of evidence did; `chance` is the share of any wrong values that it accepts."""

    name: str
    readings: tuple[WeighedReading, ...]
    chance: Share
    limit: float


def measure_dates(data: EvaluationData, count: int) -> list[Finding]:
    """Read rows of dates of the outage, and weigh them by its days and by the days near it.

    Raises:
        FileNotFoundError: the digits are not there.
    """
    digits = load_unseen_digits(data)
    if not digits:
        raise FileNotFoundError("Dates need --data with handwriting/ and --mnist.")
    rng = np.random.default_rng([SEED, 0])
    drawn = [draw_row_field(Format.DATE, digits, rng) for _ in range(count)]
    readings = CALIBRATED_READERS[Kind.DIGITS]([crop for crop, _ in drawn])
    event = drawn[0][0].spec.model_copy(update={"means": Meaning.EVENT_DATE})
    ways: dict[str, tuple[Callable[[Reading], Reading], str]] = {
        "date: in the outage": (lambda one: weigh_date(event, one, OUTAGE)[0], "in_outage"),
        "date: near the outage": (lambda one: weigh_near_date(one, OUTAGE), "near_outage"),
    }
    truths = [str(truth[0]) for _, truth in drawn]
    return [
        Finding(
            name,
            tuple(
                _weigh(one, weigh(one), truth, code)
                for one, truth in zip(readings, truths, strict=True)
                if one.state is State.READ
            ),
            _chance_of_dates(truths, weigh, code, rng),
            prefill_from(event),
        )
        for name, (weigh, code) in ways.items()
    ]


def _weigh(alone: Reading, both: Reading, truth: str, code: str) -> WeighedReading:
    accepted = both.value == alone.value and code in both.evidence
    return WeighedReading(alone, both, alone.value == truth, both.value == truth, accepted)


def _chance_of_dates(
    truths: Sequence[str], weigh: Callable[[Reading], Reading], code: str, rng: Generator
) -> Share:
    """Return how many dates with one digit changed at random the evidence accepts."""
    accepted, total = 0, 0
    for truth in truths:
        places = [place for place, sign in enumerate(truth) if sign in DIGITS]
        place = int(rng.choice(places))
        digit = str(rng.choice([one for one in DIGITS if one != truth[place]]))
        wrong = truth[:place] + digit + truth[place + 1 :]
        # What is no day at all is read as such by the format, as for misread ones.
        total += 1
        accepted += code in weigh(Reading(wrong, 1.0, State.READ)).evidence
    return Share(accepted, total)


def measure_names(data: EvaluationData, count: int) -> list[Finding]:
    """Read names beside a clear number: the client's own, and that of a relative.

    Raises:
        FileNotFoundError: the fonts are not there.
    """
    fonts = data.find("handwriting", "fonts_train")
    if not fonts:
        raise FileNotFoundError("Names need --data with handwriting/.")
    rng = np.random.default_rng([SEED, 1])
    people = make_population(IDENTITY_FOLDER, REPORTING_HALF, rng)
    register = ClientRegister(people.clients)
    pairs = _choose_pairs(people, count, rng)
    return [
        _measure_names("name: the client's own", [(a, a) for a, _ in pairs], register, fonts, rng),
        _measure_names("name: a relative's", pairs, register, fonts, rng),
    ]


def _choose_pairs(people: Population, count: int, rng: Generator) -> list[tuple[int, int]]:
    """Return places of clients, each with a relative of another name."""
    pairs = [
        (place, other)
        for place, others in people.alike.items()
        for other in others
        if people.clients[place].name != people.clients[other].name
    ]
    return [pairs[i] for i in rng.permutation(len(pairs))[:count]]


def _measure_names(
    name: str,
    pairs: Sequence[tuple[int, int]],
    register: ClientRegister,
    fonts: Path,
    rng: Generator,
) -> Finding:
    """Write the second client's name beside the first one's number, and read it."""
    form = Forms.load(ROOT / "forms").latest(NOTE_FORM)
    specs: tuple[FieldSpec, ...] = (form.by_name[NUMBER_FIELD], form.by_name[NAME_FIELD])
    held = find_fonts(fonts, held=True)
    known = ReadingContext(register)
    lexicon, listed = expected_names(known), known_texts(known).clients
    written = [register.clients[other].name for _, other in pairs]
    crops = [
        replace(
            make_field_image(
                render_line(held[int(rng.integers(len(held)))], rng, text).picture, Kind.TEXT, None
            ),
            expected_names=lexicon,
            listed=listed,
        )
        for text in written
    ]
    found = []
    readings = CALIBRATED_READERS[Kind.TEXT](crops)
    for (place, _), text, alone in zip(pairs, written, readings, strict=True):
        if alone.state is not State.READ:
            continue
        number = Reading(register.clients[place].pid, CLEAR_NUMBER_P, State.READ)
        fields = {NUMBER_FIELD: number, NAME_FIELD: alone}
        both = weigh_client_names(specs, form, fields, register)[NAME_FIELD]
        found.append(
            WeighedReading(
                alone,
                both,
                _says(alone, text),
                _says(both, text),
                "number_fits" in both.evidence,
            )
        )
    # The evidence accepts no name but the client's own.
    return Finding(name, tuple(found), Share(0, len(found)), prefill_from(specs[1]))


def _says(reading: Reading, text: str) -> bool:
    return isinstance(reading.value, str) and split_words(reading.value) == split_words(text)


def format_table(findings: Sequence[Finding]) -> str:
    """Return a Markdown table: errors of image and evidence, alone and together; what it saves."""
    head = (
        "| evidence | read | image wrong | evidence accepts any wrong value | product "
        "| both wrong | sure by the image | sure with it | wrong of these |"
    )
    rows = [head, "|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    return "\n".join([*rows, *(_row(one) for one in findings)])


def _row(one: Finding) -> str:
    read = one.readings
    wrong = sum(not reading.was_right for reading in read) / max(1, len(read))
    chance = one.chance.wrong / max(1, one.chance.of)
    both = sum(not reading.was_right and reading.accepted for reading in read)
    before = sum(reading.alone.p >= one.limit for reading in read) / max(1, len(read))
    sure = [reading for reading in read if reading.both.p >= one.limit]
    silent = Share(sum(not reading.is_right for reading in sure), len(sure))
    return (
        f"| {one.name} | {len(read)} | {wrong:.2%} | {chance:.1%} | {wrong * chance:.2%} "
        f"| {both / max(1, len(read)):.2%} ({both}) | {before:.1%} "
        f"| {len(sure) / max(1, len(read)):.1%} "
        f"| {silent.wrong} of {silent.of} (≤ {silent.interval[1]:.2%}) |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with handwriting/")
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--names", type=int, default=300)
    args = parser.parse_args()
    data = EvaluationData(args.data, args.mnist)
    print(format_table([*measure_dates(data, args.rows), *measure_names(data, args.names)]))


if __name__ == "__main__":
    main()
