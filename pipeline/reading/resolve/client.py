"""The personal number of each row: ranked clients with p, why, and what a person should look into.

The name of a client as it was printed on the sheet: it was in the register, so what nobody there
is called is misread or written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.domain.confidence import (
    CLIENT_MAX_P,
    CLIENT_NUMBER_ONLY_MAX_P,
    CLIENT_OTHER_NUMBER_MAX_P,
    CLIENT_SETTLED_FROM,
    DIGIT_CLEAR_FROM,
    DIGIT_CONTRADICTED_BELOW,
    NEIGHBOUR_CLIENT_FROM,
)
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.identity_numbers import is_local_pid, normalize_pid
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import CELL_SYMBOLS, UNSEEN_P, CellProbabilities, Reading, State
from pipeline.reading.resolve.bayes import unlisted_p
from pipeline.reading.resolve.client_evidence import (
    NORMAL_NOISE,
    ClientEvidence,
    Floats,
    NumberForm,
    WrittenClient,
    client_posterior,
    gather_evidence,
    temper_probabilities,
)
from pipeline.registers.client_search import (
    CLEAR_MARGIN,
    MIN_NAME_SIMILARITY,
    NUMBER_BOXES,
    ClientSearch,
)
from pipeline.registers.clients import ClientRegister
from pipeline.registers.match_reasons import check_digit_evidence, similarity_evidence

MAX_CLIENT_ALTERNATIVES = 5
MIN_P = 1e-5
MIN_DISCRIMINATION = 3
"""Name and address tell a client from the others of the unit (of the register, if the client is of
another unit) if they fit so many times better.
"""
_TEN_DIGIT_BOXES = (
    tuple(range(10)),
    tuple(range(2, 12)),
    (*range(6), *range(7, 11)),
    (*range(1, 7), *range(8, 12)),
)
"""Where ten digits without century stand: to the left or right, without or with a sign in a box of
its own (as `number_rows` weighs them).
"""
SIMILAR_CLIENT_MIN_P = 0.01
"""Others with at least this probability are told of."""
_EVIDENCE_MEANINGS = (
    Meaning.CLIENT_NAME,
    Meaning.CLIENT_PRINTED,
    Meaning.CLIENT_ADDRESS,
    Meaning.UNIT,
)
_TRAILING_NUMBER = re.compile(r",\s*\S*\d\S*$")
"""What stands behind the name of somebody whose number is too long for its boxes."""


@dataclass(frozen=True, slots=True)
class _ClientRow:
    """A row's number, what stands beside it, and how it compares with the register."""

    spec: FieldSpec
    reading: Reading
    written: WrittenClient
    evidence: ClientEvidence


@dataclass(frozen=True, slots=True)
class _RowPosterior:
    """The posterior of a row: over clients (n,), over numbers outside the register, and the other
    rows that were counted in.
    """

    clients: Floats
    unknown: Mapping[str, float]
    same_sheet_rows: tuple[int, ...] = ()


def resolve_clients(
    specs: Sequence[FieldSpec], form: Form, fields: Mapping[str, Reading], register: ClientRegister
) -> tuple[dict[str, Reading], list[Issue]]:
    """The fields that say whom a row is about, weighed; and their issues."""
    search = register.search
    rows = [
        row
        for spec in specs
        if spec.means is Meaning.CLIENT_PID
        and (row := _make_row(spec, form, fields, search)) is not None
    ]
    alone = [_weigh_row(search, row, ()) for row in rows]
    sure = [
        int(found.clients.argmax())
        if found.clients.max(initial=0.0) >= NEIGHBOUR_CLIENT_FROM
        else None
        for found in alone
    ]
    resolved: dict[str, Reading] = {}
    problems: list[Issue] = []
    for number, row in enumerate(rows):
        others = tuple(place for i, place in enumerate(sure) if place is not None and i != number)
        found = _weigh_row(search, row, others) if others else alone[number]
        reading, odd = _resolve_row(row, found, register)
        resolved[row.spec.name] = reading
        problems += [Issue(code, row.spec.name) for code in odd]
    return resolved, problems


def _make_row(
    spec: FieldSpec, form: Form, fields: Mapping[str, Reading], search: ClientSearch
) -> _ClientRow | None:
    reading = fields[spec.name]
    lattice = (
        reading.cell_probabilities
        if len(reading.cell_probabilities) == NUMBER_BOXES
        else _to_cell_probabilities(reading)
    )
    if not lattice or reading.state not in (State.READ, State.ILLEGIBLE):
        return None
    listed = tuple(value for value, _ in _candidate_numbers(reading))
    said = {
        means: _field_text(form.meaning(means, spec.row), fields) for means in _EVIDENCE_MEANINGS
    }
    written = WrittenClient(
        lattice, listed, unlisted_p(reading), *(said[means] for means in _EVIDENCE_MEANINGS)
    )
    return _ClientRow(spec, reading, written, gather_evidence(search, written))


def _field_text(spec: FieldSpec | None, fields: Mapping[str, Reading]) -> str:
    reading = fields.get(spec.name) if spec else None
    return reading.value if reading and isinstance(reading.value, str) else ""


def _candidate_numbers(reading: Reading) -> list[tuple[str, float]]:
    """What may be a number, of what the reader thinks of: no words."""
    listed = (
        (value, p)
        for value, p in ((reading.value, reading.p), *reading.alternatives)
        if isinstance(value, str)
    )
    return [(value, p) for value, p in listed if value.isdigit() or is_local_pid(value)]


def _to_cell_probabilities(reading: Reading) -> CellProbabilities:
    """Box by box what a reader says that gives only whole values; ten digits are taken to stand to
    the right.
    """
    rows = [
        (value.rjust(NUMBER_BOXES), p)
        for value, p in _candidate_numbers(reading)
        if len(value) in (10, NUMBER_BOXES)
    ]
    if not rows:
        return ()
    boxes = np.full(
        (NUMBER_BOXES, len(CELL_SYMBOLS)), max(0.0, 1 - sum(p for _, p in rows)) / len(CELL_SYMBOLS)
    )
    for value, p in rows:
        for box, symbol in enumerate(value):
            boxes[box, CELL_SYMBOLS.index(symbol if symbol in CELL_SYMBOLS else "?")] += p
    return tuple(tuple(box) for box in boxes.tolist())


def _weigh_row(search: ClientSearch, row: _ClientRow, here: tuple[int, ...]) -> _RowPosterior:
    clients, unknown, _ = client_posterior(search, row.evidence, row.written.unit, here)
    return _RowPosterior(clients, unknown, here)


def _resolve_row(
    row: _ClientRow, found: _RowPosterior, register: ClientRegister
) -> tuple[Reading, list[IssueCode]]:
    ranked = _rank_numbers(found, register)
    if not ranked:
        return row.reading, []
    value, p, place = ranked[0]
    unwritten = row.evidence.incomplete > -np.inf
    if (unwritten or row.reading.state is State.ILLEGIBLE) and p < CLIENT_SETTLED_FROM:
        return _keep_reading(row.reading, ranked), [IssueCode.PERSON_UNKNOWN] if unwritten else []
    p = min(
        p,
        CLIENT_MAX_P
        if place is not None and _has_second_evidence(row, place, value, register.search)
        else CLIENT_NUMBER_ONLY_MAX_P,
    )
    if place is not None and not _is_consistent(row, place, value):
        p = min(p, CLIENT_OTHER_NUMBER_MAX_P)
    others = tuple((v, q) for v, q, _ in ranked[1:] if q >= MIN_P or v == row.reading.value)[
        :MAX_CLIENT_ALTERNATIVES
    ]
    characters = row.reading.characters if value == row.reading.value else ()
    reading = replace(
        row.reading,
        value=value,
        p=p,
        state=State.READ,
        alternatives=others,
        characters=characters,
        evidence=tuple(_collect_evidence(row, found, value, place, register)),
    )
    return reading, _find_issues(
        row, place, value, register.search, named=bool(row.written.name or row.written.printed)
    )


def _keep_reading(reading: Reading, ranked: Sequence[tuple[str, float, int | None]]) -> Reading:
    """A reading that stays as it is; whom it may be about shares what its own p leaves."""
    others = [
        (value, p) for value, p, _ in ranked[:MAX_CLIENT_ALTERNATIVES] if value != reading.value
    ]
    share = min(1.0, (1.0 - reading.p) / max(sum(p for _, p in others), 1e-9))
    return replace(reading, alternatives=tuple((value, round(p * share, 6)) for value, p in others))


def _rank_numbers(
    found: _RowPosterior, register: ClientRegister
) -> list[tuple[str, float, int | None]]:
    """Number, p and place in the register (None outside it), best first."""
    best = np.argsort(-found.clients)[: MAX_CLIENT_ALTERNATIVES + 1].tolist()
    known: list[tuple[str, float, int | None]] = [
        (register.clients[i].pid, float(found.clients[i]), i) for i in best
    ]
    return sorted(
        [*known, *((number, p, None) for number, p in found.unknown.items())],
        key=lambda row: -row[1],
    )


def _has_second_evidence(row: _ClientRow, place: int, value: str, search: ClientSearch) -> bool:
    """Whether the number, with nothing against it, and something else agree on a client and on
    nobody else who may be meant.
    """
    evidence = row.evidence
    agrees = max(evidence.name[place], evidence.printed[place], evidence.address[place])
    if (
        agrees < MIN_NAME_SIMILARITY
        or _fits_another_client(row, place, search)
        or not normalize_pid(value).valid
        or not _is_consistent(row, place, value)
    ):
        return False
    members = search.of_unit(row.written.unit) if row.written.unit else np.empty(0, np.intp)
    near = members if place in members else np.arange(len(evidence.odds))
    return bool(
        (
            evidence.odds[near[near != place]] < evidence.odds[place] - np.log(MIN_DISCRIMINATION)
        ).all()
    )


def _collect_evidence(
    row: _ClientRow, found: _RowPosterior, value: str, place: int | None, register: ClientRegister
) -> list[str]:
    """Why this number is proposed, as codes with what they are about after a colon."""
    reasons = [check_digit_evidence(value)]
    if place is None:
        return [*reasons, "not_in_register"]
    reasons += _number_evidence(row, place, value)
    for kind, text, score in (
        ("name", row.written.name, row.evidence.name[place]),
        ("printed_name", row.written.printed, row.evidence.printed[place]),
        ("address", row.written.address, row.evidence.address[place]),
    ):
        if text and (kind != "address" or register.clients[place].address):
            reasons.append(similarity_evidence(kind, score))
        elif kind == "name":
            reasons.append("name_missing")
    members = (
        register.search.of_unit(row.written.unit) if row.written.unit else np.empty(0, np.intp)
    )
    if len(members):
        reasons.append("unit_same" if place in members else "unit_other")
    if place in found.same_sheet_rows:
        reasons.append("on_sheet")
    alike = int((found.clients >= SIMILAR_CLIENT_MIN_P).sum()) - 1
    return [*reasons, f"others_alike:{alike}" if alike > 0 else "alone_alike"]


def _number_evidence(row: _ClientRow, place: int, value: str) -> list[str]:
    way = tuple(NumberForm)[row.evidence.number.likeliest_form[place]]
    if way is not NumberForm.WHOLE:
        return [f"number_{way.value}"]
    seen = _box_probabilities(row, value)
    differs = sum(p < DIGIT_CONTRADICTED_BELOW for p in seen)
    unclear = sum(p < DIGIT_CLEAR_FROM for p in seen)
    return [
        f"number_differs:{differs}"
        if differs
        else f"number_unclear:{unclear}"
        if unclear
        else "number_clear"
    ]


def _find_issues(
    row: _ClientRow, place: int | None, value: str, search: ClientSearch, *, named: bool
) -> list[IssueCode]:
    if place is None:
        return [IssueCode.PERSON_UNKNOWN]
    score = max(row.evidence.name[place], row.evidence.printed[place])
    problems = []
    if named and score < MIN_NAME_SIMILARITY:
        problems.append(IssueCode.NAME_DIFFERS)
    elif named and _fits_another_client(row, place, search):
        problems.append(IssueCode.NAME_FITS_OTHER)
    return problems if _is_consistent(row, place, value) else [*problems, IssueCode.NUMBER_DIFFERS]


def _fits_another_client(row: _ClientRow, place: int, search: ClientSearch) -> bool:
    """Whether the name on the paper is clearly more like that of another client of the unit:
    couples share a surname.
    """
    name = row.written.name or row.written.printed
    members = search.of_unit(row.written.unit) if row.written.unit else np.empty(0, np.intp)
    if not name or not len(members):
        return False
    likeness = search.name_likeness(name)
    return bool(likeness[members].max() > likeness[place] + CLEAR_MARGIN)


def _is_consistent(row: _ClientRow, place: int, value: str) -> bool:
    """Whether no box speaks against the number, with or without century."""
    way = tuple(NumberForm)[row.evidence.number.likeliest_form[place]]
    if way is NumberForm.TEN:
        return (
            max(min(_box_probabilities(row, value[2:], boxes)) for boxes in _TEN_DIGIT_BOXES)
            >= DIGIT_CONTRADICTED_BELOW
        )
    return (
        way is NumberForm.WHOLE and min(_box_probabilities(row, value)) >= DIGIT_CONTRADICTED_BELOW
    )


def _box_probabilities(
    row: _ClientRow, value: str, places: Sequence[int] = range(NUMBER_BOXES)
) -> list[float]:
    """The probability of each character of a number in its box."""
    boxes = temper_probabilities(row.written.cell_probabilities, NORMAL_NOISE)
    return [
        float(boxes[i, CELL_SYMBOLS.index(c if c in CELL_SYMBOLS else "?")])
        for i, c in zip(places, value, strict=False)
    ]


def resolve_printed_names(
    specs: Sequence[FieldSpec], fields: Mapping[str, Reading], register: ClientRegister
) -> tuple[dict[str, Reading], list[Issue]]:
    """Printed names that are nobody's in the register, made doubtful; and their issues. An empty
    register knows nobody's.
    """
    found: dict[str, Reading] = {}
    for spec in specs:
        text = fields[spec.name].value
        if (
            spec.means is Meaning.CLIENT_PRINTED
            and not spec.traits.filled_by_hand
            and isinstance(text, str)
            and not _is_known(text, register)
        ):
            found[spec.name] = replace(fields[spec.name], p=min(fields[spec.name].p, UNSEEN_P))
    return found, [Issue(IssueCode.PRINTED_OTHERWISE, name) for name in found]


def _is_known(text: str, register: ClientRegister) -> bool:
    return (
        not register.clients
        or register.has_name(text)
        or register.has_name(_TRAILING_NUMBER.sub("", text))
    )
