"""Readings → values that fit together.

Each rule weighs a reading's alternatives by what else is known (the client register, the outage, other fields) and renormalises: Bayes' rule
with the reader's probabilities as likelihood. A rule never invents a value for a field that nobody read, and what it finds odd is a problem that
a person sees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from pipeline.field_spec import FieldSpec, Format, Kind, Meaning
from pipeline.model import Client, Reading, State, Value
from pipeline.template import Form

OUTSIDE_WINDOW = 0.02
"""How likely a date outside the outage is, against one inside: staff note birth dates and planned visits in date boxes now and then."""
NOT_IN_REGISTER = 0.03
"""How likely paper is about a person whom the register lacks, before anything is read."""
ONE_DIGIT_WRONG, TWO_DIGITS_WRONG = 2e-3, 1e-5
"""Chance that a reader takes one or two digits of a personal number for others, without listing the right one among its alternatives."""
NAME_AGREES = 0.75
"""Similarity (0–1) from which a read name supports a client."""


class Register(Protocol):
    """The client register, as the rules need it."""

    def find(self, pid: str) -> Client | None:
        """The client with this number (12 characters)."""
        ...

    def like(self, pid: str, name: str = "", unit: str = "") -> list[tuple[Client, float]]:
        """Clients with nearly this number or name, and how well the name agrees (0–1), best first."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What is known apart from the page: the register and the days of the outage (inclusive)."""

    register: Register | None = None
    window: tuple[date, date] | None = None


def resolve(specs: tuple[FieldSpec, ...], form: Form, readings: Mapping[str, Reading], context: Context) -> tuple[dict[str, Reading], list[str]]:
    """Readings of one page, weighed against each other; and problems as `<code>:<field>`."""
    fields = dict(readings)
    problems: list[str] = []
    for spec in specs:
        if spec.format is Format.DATE and context.window:
            fields[spec.name] = _within(fields[spec.name], context.window, problems, spec.name)
        if spec.means is Meaning.CLIENT_PID:
            fields[spec.name] = _client(spec, form, fields, context.register, problems)
    problems += _out_of_range(specs, fields) + _out_of_order(specs, form, fields) + _missing(specs, form, fields)
    return fields, problems


def _within(reading: Reading, window: tuple[date, date], problems: list[str], name: str) -> Reading:
    if reading.state is not State.READ:
        return reading
    start, end = (day.isoformat() for day in window)
    weighed = _weigh(reading, lambda value: 1.0 if isinstance(value, str) and start <= value <= end else OUTSIDE_WINDOW)
    if not (isinstance(weighed.value, str) and start <= weighed.value <= end):
        problems.append(f"outside_outage:{name}")
    return weighed


def _weigh(reading: Reading, prior: _Prior) -> Reading:
    """Multiply each alternative's p by its prior; what the reader left unlisted keeps its mass, as something outside."""
    listed = dict(((reading.value, reading.p), *reading.alternatives))
    weights = {value: p * prior(value) for value, p in listed.items()}
    rest = max(0.0, 1.0 - sum(listed.values())) * OUTSIDE_WINDOW
    return _renormalised(reading, weights, rest)


class _Prior(Protocol):
    def __call__(self, value: Value) -> float: ...


def _renormalised(reading: Reading, weights: Mapping[Value, float], rest: float) -> Reading:
    total = sum(weights.values()) + rest
    if total <= 0:
        return reading
    ranked = sorted(((value, weight / total) for value, weight in weights.items()), key=lambda pair: -pair[1])
    (value, p), others = ranked[0], ranked[1:5]
    return replace(reading, value=value, p=p, alternatives=tuple(others))


def _client(spec: FieldSpec, form: Form, fields: Mapping[str, Reading], register: Register | None, problems: list[str]) -> Reading:
    reading = fields[spec.name]
    if register is None or reading.state is State.CANCELLED:
        return reading
    name = _text(form.meaning(Meaning.CLIENT_PRINTED, spec.row), fields) or _text(form.meaning(Meaning.CLIENT_NAME, spec.row), fields)
    unit = _text(form.meaning(Meaning.UNIT, spec.row), fields)
    if not isinstance(reading.value, str):
        return reading
    candidates = register.like(reading.value, name, unit)
    weights, rest = _client_weights(reading, candidates, named=bool(name))
    resolved = _renormalised(reading, weights, rest) if weights else reading
    problems.extend(f"{code}:{spec.name}" for code in _client_problems(resolved, register, candidates, name))
    return resolved


def _client_weights(reading: Reading, candidates: list[tuple[Client, float]], *, named: bool) -> tuple[dict[Value, float], float]:
    """Weight of each number: how it was read × whether the register knows it × how well the name agrees (1 without a name)."""
    listed = {value: p for value, p in ((reading.value, reading.p), *reading.alternatives) if isinstance(value, str)}
    agreement = {client.pid: 0.05 + 0.95 * score**2 if named else 1.0 for client, score in candidates}
    weights: dict[Value, float] = {}
    for pid, agrees in agreement.items():
        weights[pid] = _read_as(pid, listed) * (1 - NOT_IN_REGISTER) * agrees
    unknown_name = 0.3 if named else 1.0
    for pid, p in listed.items():
        if pid not in agreement:
            weights[pid] = p * NOT_IN_REGISTER * unknown_name
    return {pid: weight for pid, weight in weights.items() if weight > 0}, max(0.0, 1 - sum(listed.values())) * NOT_IN_REGISTER


def _read_as(pid: str, listed: Mapping[str, float]) -> float:
    if pid in listed:
        return listed[pid]
    wrong = [sum(a != b for a, b in zip(pid, value, strict=True)) for value in listed if len(value) == len(pid)]
    return {1: ONE_DIGIT_WRONG, 2: TWO_DIGITS_WRONG}.get(min(wrong, default=99), 0.0)


def _client_problems(reading: Reading, register: Register, candidates: list[tuple[Client, float]], name: str) -> list[str]:
    found = register.find(reading.value) if isinstance(reading.value, str) else None
    if found is None:
        return ["person_unknown"]
    score = next((score for client, score in candidates if client.pid == found.pid), 0.0)
    return ["name_differs"] if name and score < NAME_AGREES else []


def _text(spec: FieldSpec | None, fields: Mapping[str, Reading]) -> str:
    reading = fields.get(spec.name) if spec else None
    return reading.value if reading and isinstance(reading.value, str) else ""


def _out_of_range(specs: tuple[FieldSpec, ...], fields: Mapping[str, Reading]) -> list[str]:
    problems = []
    for spec in specs:
        reading = fields[spec.name]
        if spec.format is not Format.NUMBER or reading.state is not State.READ or not isinstance(reading.value, str):
            continue
        try:
            number = float(reading.value)
        except ValueError:
            problems.append(f"not_a_number:{spec.name}")
            continue
        if (spec.minimum is not None and number < spec.minimum) or (spec.maximum is not None and number > spec.maximum):
            problems.append(f"out_of_range:{spec.name}")
    return problems


def _out_of_order(specs: tuple[FieldSpec, ...], form: Form, fields: Mapping[str, Reading]) -> list[str]:
    """Written before it happened; and a start time after its end time in the same row (a visit over midnight is shown too: it is rare)."""
    problems = []
    written_spec = form.meaning(Meaning.WRITTEN_DATE)
    event, written = _text(form.meaning(Meaning.EVENT_DATE), fields), _text(written_spec, fields)
    if written_spec and event and written and written < event:
        problems.append(f"written_before_event:{written_spec.name}")
    for spec in specs:
        end = spec.name.removesuffix("start") + "slut"
        if spec.format is Format.TIME and spec.name.endswith("start") and end in fields:
            begun, ended = fields[spec.name].value, fields[end].value
            if isinstance(begun, str) and isinstance(ended, str) and ended < begun:
                problems.append(f"end_before_start:{spec.name}")
    return problems


def _missing(specs: tuple[FieldSpec, ...], form: Form, fields: Mapping[str, Reading]) -> list[str]:
    """Required fields that are empty, in the sheet's own part and in each row that is used at all."""
    used = {row for row in form.rows() if any(_is_filled(spec, fields) for spec in specs if spec.row == row)}
    return [f"missing:{s.name}" for s in specs if s.required and s.row in used | {None} and fields[s.name].state is State.EMPTY]


def _is_filled(spec: FieldSpec, fields: Mapping[str, Reading]) -> bool:
    return spec.kind is not Kind.PRINTED and fields[spec.name].state is not State.EMPTY
