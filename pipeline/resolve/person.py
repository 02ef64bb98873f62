"""The personal number of each row: ranked clients with p, why, and what a person should look into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.client_search import BOXES, CLEARLY, NAME_AGREES, ClientSearch
from pipeline.clients import ClientRegister
from pipeline.confidence import (
    CLIENT_MAX_P,
    CLIENT_NUMBER_ONLY_MAX_P,
    CLIENT_OTHER_NUMBER_MAX_P,
    CLIENT_SETTLED_FROM,
    DIGIT_CLEAR_FROM,
    DIGIT_CONTRADICTED_BELOW,
    NEIGHBOUR_CLIENT_FROM,
)
from pipeline.field_spec import FieldSpec, Meaning
from pipeline.identity import is_local, normal_pid
from pipeline.issues import Issue, IssueCode
from pipeline.model import LATTICE_SYMBOLS, Lattice, Reading, State
from pipeline.resolve.evidence import Evidence, Floats, Written, gather, posterior
from pipeline.resolve.number_rows import USUAL_DOUBT, Way, tempered
from pipeline.resolve.reasons import check_reason, likeness_reason
from pipeline.resolve.weighing import unlisted
from pipeline.template import Form

ALTERNATIVES = 5
LEAST_P = 1e-5
TELLS_APART = 3
"""Name and address tell a client from the others of the unit (of the register, if the client is of another unit) if they fit so many times better."""
_TEN_BOXES = (tuple(range(10)), tuple(range(2, 12)), (*range(6), *range(7, 11)), (*range(1, 7), *range(8, 12)))
"""Where ten digits without century stand: to the left or right, without or with a sign in a box of its own (as `number_rows` weighs them)."""
ALIKE = 0.01
"""Others with at least this probability are told of."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row's number, what stands beside it, and how it compares with the register."""

    spec: FieldSpec
    reading: Reading
    written: Written
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class _Found:
    """The posterior of a row: over clients (n,), over numbers outside the register, and the other rows that were counted in."""

    clients: Floats
    unknown: Mapping[str, float]
    here: tuple[int, ...] = ()


def resolve_persons(
    specs: Sequence[FieldSpec], form: Form, fields: Mapping[str, Reading], register: ClientRegister
) -> tuple[dict[str, Reading], list[Issue]]:
    """The fields that say whom a row is about, weighed; and their issues."""
    search = register.search
    rows = [row for spec in specs if spec.means is Meaning.CLIENT_PID and (row := _row(spec, form, fields, search)) is not None]
    alone = [_weighed(search, row, ()) for row in rows]
    sure = [int(found.clients.argmax()) if found.clients.max(initial=0.0) >= NEIGHBOUR_CLIENT_FROM else None for found in alone]
    resolved: dict[str, Reading] = {}
    problems: list[Issue] = []
    for number, row in enumerate(rows):
        others = tuple(place for i, place in enumerate(sure) if place is not None and i != number)
        found = _weighed(search, row, others) if others else alone[number]
        reading, odd = _resolved(row, found, register)
        resolved[row.spec.name] = reading
        problems += [Issue(code, row.spec.name) for code in odd]
    return resolved, problems


def _row(spec: FieldSpec, form: Form, fields: Mapping[str, Reading], search: ClientSearch) -> _Row | None:
    reading = fields[spec.name]
    lattice = reading.lattice if len(reading.lattice) == BOXES else _as_lattice(reading)
    if not lattice or reading.state not in (State.READ, State.ILLEGIBLE):
        return None
    listed = tuple(value for value, _ in _numbers(reading))
    said = {means: _text(form.meaning(means, spec.row), fields) for means in _SAID}
    written = Written(lattice, listed, unlisted(reading), *(said[means] for means in _SAID))
    return _Row(spec, reading, written, gather(search, written))


_SAID = (Meaning.CLIENT_NAME, Meaning.CLIENT_PRINTED, Meaning.CLIENT_ADDRESS, Meaning.UNIT)


def _text(spec: FieldSpec | None, fields: Mapping[str, Reading]) -> str:
    reading = fields.get(spec.name) if spec else None
    return reading.value if reading and isinstance(reading.value, str) else ""


def _numbers(reading: Reading) -> list[tuple[str, float]]:
    """What may be a number, of what the reader thinks of: no words."""
    listed = ((value, p) for value, p in ((reading.value, reading.p), *reading.alternatives) if isinstance(value, str))
    return [(value, p) for value, p in listed if value.isdigit() or is_local(value)]


def _as_lattice(reading: Reading) -> Lattice:
    """Box by box what a reader says that gives only whole values; ten digits are taken to stand to the right."""
    rows = [(value.rjust(BOXES), p) for value, p in _numbers(reading) if len(value) in (10, BOXES)]
    if not rows:
        return ()
    boxes = np.full((BOXES, len(LATTICE_SYMBOLS)), max(0.0, 1 - sum(p for _, p in rows)) / len(LATTICE_SYMBOLS))
    for value, p in rows:
        for box, symbol in enumerate(value):
            boxes[box, LATTICE_SYMBOLS.index(symbol if symbol in LATTICE_SYMBOLS else "?")] += p
    return tuple(tuple(box) for box in boxes.tolist())


def _weighed(search: ClientSearch, row: _Row, here: tuple[int, ...]) -> _Found:
    clients, unknown, _ = posterior(search, row.evidence, row.written.unit, here)
    return _Found(clients, unknown, here)


def _resolved(row: _Row, found: _Found, register: ClientRegister) -> tuple[Reading, list[IssueCode]]:
    ranked = _ranked(found, register)
    if not ranked:
        return row.reading, []
    value, p, place = ranked[0]
    unwritten = row.evidence.unwritten > -np.inf
    if (unwritten or row.reading.state is State.ILLEGIBLE) and p < CLIENT_SETTLED_FROM:
        return _left(row.reading, ranked), [IssueCode.PERSON_UNKNOWN] if unwritten else []
    p = min(p, CLIENT_MAX_P if place is not None and _second_kind(row, place, value, register.search) else CLIENT_NUMBER_ONLY_MAX_P)
    if place is not None and not _stands_there(row, place, value):
        p = min(p, CLIENT_OTHER_NUMBER_MAX_P)
    others = tuple((v, q) for v, q, _ in ranked[1:] if q >= LEAST_P or v == row.reading.value)[:ALTERNATIVES]
    characters = row.reading.characters if value == row.reading.value else ()
    reading = replace(
        row.reading,
        value=value,
        p=p,
        state=State.READ,
        alternatives=others,
        characters=characters,
        reasons=tuple(_reasons(row, found, value, place, register)),
    )
    return reading, _problems(row, place, value, register.search, named=bool(row.written.name or row.written.printed))


def _left(reading: Reading, ranked: Sequence[tuple[str, float, int | None]]) -> Reading:
    """A reading that stays as it is; whom it may be about shares what its own p leaves."""
    others = [(value, p) for value, p, _ in ranked[:ALTERNATIVES] if value != reading.value]
    share = min(1.0, (1.0 - reading.p) / max(sum(p for _, p in others), 1e-9))
    return replace(reading, alternatives=tuple((value, round(p * share, 6)) for value, p in others))


def _ranked(found: _Found, register: ClientRegister) -> list[tuple[str, float, int | None]]:
    """Number, p and place in the register (None outside it), best first."""
    best = np.argsort(-found.clients)[: ALTERNATIVES + 1].tolist()
    known: list[tuple[str, float, int | None]] = [(register.clients[i].pid, float(found.clients[i]), i) for i in best]
    return sorted([*known, *((number, p, None) for number, p in found.unknown.items())], key=lambda row: -row[1])


def _second_kind(row: _Row, place: int, value: str, search: ClientSearch) -> bool:
    """Whether the number, with nothing against it, and something else agree on a client and on nobody else who may be meant."""
    evidence = row.evidence
    agrees = max(evidence.name[place], evidence.printed[place], evidence.address[place])
    if agrees < NAME_AGREES or _fits_other(row, place, search) or not normal_pid(value).valid or not _stands_there(row, place, value):
        return False
    members = search.of_unit(row.written.unit) if row.written.unit else np.empty(0, np.intp)
    near = members if place in members else np.arange(len(evidence.odds))
    return bool((evidence.odds[near[near != place]] < evidence.odds[place] - np.log(TELLS_APART)).all())


def _reasons(row: _Row, found: _Found, value: str, place: int | None, register: ClientRegister) -> list[str]:
    """Why this number is proposed, as codes with what they are about after a colon."""
    reasons = [check_reason(value)]
    if place is None:
        return [*reasons, "not_in_register"]
    reasons += _number_reasons(row, place, value)
    for kind, text, score in (
        ("name", row.written.name, row.evidence.name[place]),
        ("printed_name", row.written.printed, row.evidence.printed[place]),
        ("address", row.written.address, row.evidence.address[place]),
    ):
        if text and (kind != "address" or register.clients[place].address):
            reasons.append(likeness_reason(kind, score))
        elif kind == "name":
            reasons.append("name_missing")
    members = register.search.of_unit(row.written.unit) if row.written.unit else np.empty(0, np.intp)
    if len(members):
        reasons.append("unit_same" if place in members else "unit_other")
    if place in found.here:
        reasons.append("on_sheet")
    alike = int((found.clients >= ALIKE).sum()) - 1
    return [*reasons, f"others_alike:{alike}" if alike > 0 else "alone_alike"]


def _number_reasons(row: _Row, place: int, value: str) -> list[str]:
    way = tuple(Way)[row.evidence.number.way[place]]
    if way is not Way.WHOLE:
        return [f"number_{way.value}"]
    seen = _seen(row, value)
    differs = sum(p < DIGIT_CONTRADICTED_BELOW for p in seen)
    unclear = sum(p < DIGIT_CLEAR_FROM for p in seen)
    return [f"number_differs:{differs}" if differs else f"number_unclear:{unclear}" if unclear else "number_clear"]


def _problems(row: _Row, place: int | None, value: str, search: ClientSearch, *, named: bool) -> list[IssueCode]:
    if place is None:
        return [IssueCode.PERSON_UNKNOWN]
    score = max(row.evidence.name[place], row.evidence.printed[place])
    problems = []
    if named and score < NAME_AGREES:
        problems.append(IssueCode.NAME_DIFFERS)
    elif named and _fits_other(row, place, search):
        problems.append(IssueCode.NAME_FITS_OTHER)
    return problems if _stands_there(row, place, value) else [*problems, IssueCode.NUMBER_DIFFERS]


def _fits_other(row: _Row, place: int, search: ClientSearch) -> bool:
    """Whether the name on the paper is clearly more like that of another client of the unit: couples share a surname."""
    name = row.written.name or row.written.printed
    members = search.of_unit(row.written.unit) if row.written.unit else np.empty(0, np.intp)
    if not name or not len(members):
        return False
    likeness = search.name_likeness(name)
    return bool(likeness[members].max() > likeness[place] + CLEARLY)


def _stands_there(row: _Row, place: int, value: str) -> bool:
    """Whether no box speaks against the number, with or without century."""
    way = tuple(Way)[row.evidence.number.way[place]]
    if way is Way.TEN:
        return max(min(_seen(row, value[2:], boxes)) for boxes in _TEN_BOXES) >= DIGIT_CONTRADICTED_BELOW
    return way is Way.WHOLE and min(_seen(row, value)) >= DIGIT_CONTRADICTED_BELOW


def _seen(row: _Row, value: str, places: Sequence[int] = range(BOXES)) -> list[float]:
    """The probability of each character of a number in its box."""
    boxes = tempered(row.written.lattice, USUAL_DOUBT)
    return [float(boxes[i, LATTICE_SYMBOLS.index(c if c in LATTICE_SYMBOLS else "?")]) for i, c in zip(places, value, strict=False)]
