"""Resolve the client of each row: ranked personal numbers with evidence and issues.

A printed client name was in the register when the sheet was printed, so a name that no registered
client has is misread, or written by hand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.domain.form.confidence import (
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
from pipeline.reading.resolve.client_evidence import (
    ClientEvidence,
    WrittenClient,
    client_posterior,
    gather_evidence,
)
from pipeline.reading.resolve.number_likelihood import (
    NORMAL_NOISE,
    Floats,
    NumberForm,
    read_text,
    temper_probabilities,
    unlisted_p,
)
from pipeline.registers.client_check import (
    CLEAR_MARGIN,
    MIN_NAME_SIMILARITY,
    NOT_IN_REGISTER,
    check_digit_evidence,
    similarity_evidence,
)
from pipeline.registers.clients import NUMBER_BOXES, ClientRegister, ClientSearch

MAX_CLIENT_ALTERNATIVES = 5
"""Alternatives that a resolved number keeps."""
MIN_P = 1e-5
"""Alternatives less probable than this are dropped."""
MIN_DISCRIMINATION = 3
"""Ratio by which name and address must fit one client better than all others.

The others are those of the unit, or of the register if the client is of another unit.
"""
_TEN_DIGIT_BOXES = (
    tuple(range(10)),
    tuple(range(2, 12)),
    (*range(6), *range(7, 11)),
    (*range(1, 7), *range(8, 12)),
)
"""Boxes of ten digits without century: on the left or right, without or with a sign in its own box.

They are weighed in the same way in `number_likelihood`.
"""
SIMILAR_CLIENT_MIN_P = 0.01
"""Other clients with at least this probability are mentioned in the evidence."""
_EVIDENCE_MEANINGS = (
    Meaning.CLIENT_NAME,
    Meaning.CLIENT_PRINTED,
    Meaning.CLIENT_ADDRESS,
    Meaning.UNIT,
)
"""Fields of a row that are evidence of its client, in the order of `WrittenClient`."""
_TRAILING_NUMBER = re.compile(r"(,\s*\S*\d\S*)+$")
"""What follows a printed name: a number without boxes for it, on a signing list also the month."""


@dataclass(frozen=True, slots=True)
class _ClientRow:
    """A row's number, what is written next to it, and how it compares with the register."""

    spec: FieldSpec
    reading: Reading
    written: WrittenClient
    evidence: ClientEvidence


@dataclass(frozen=True, slots=True)
class _RowPosterior:
    """The posterior of a row, over clients (n,) and over numbers outside the register.

    `same_sheet_rows` are the clients of the other rows that were taken into account.
    """

    clients: Floats
    unregistered: Mapping[str, float]
    same_sheet_rows: tuple[int, ...] = ()


def resolve_clients(
    specs: Sequence[FieldSpec], form: Form, fields: Mapping[str, Reading], register: ClientRegister
) -> tuple[dict[str, Reading], list[Issue]]:
    """Resolve the fields that say which client a row is about, and return their issues.

    Without clients there is nothing to compare with, and nobody is unknown.
    """
    search = register.search
    # Compare each row with the register by itself.
    rows = [
        row
        for spec in specs
        if spec.means is Meaning.CLIENT_PID
        and (row := _make_row(spec, form, fields, search)) is not None
    ]
    without_neighbours = [_weigh_row(search, row, ()) for row in rows]
    # Rows with a clear client are evidence for the other rows.
    clear_clients = [
        int(posterior.clients.argmax())
        if posterior.clients.max(initial=0.0) >= NEIGHBOUR_CLIENT_FROM
        else None
        for posterior in without_neighbours
    ]
    resolved: dict[str, Reading] = {}
    issues: list[Issue] = []
    for row_index, row in enumerate(rows):
        # A row that the other rows do not change keeps its own posterior.
        neighbours = tuple(
            index for i, index in enumerate(clear_clients) if index is not None and i != row_index
        )
        posterior = (
            _weigh_row(search, row, neighbours) if neighbours else without_neighbours[row_index]
        )
        reading, codes = _resolve_row(row, posterior, register)
        resolved[row.spec.name] = reading
        issues += [Issue(code, row.spec.name) for code in codes]
    return resolved, issues if register.clients else []


def _make_row(
    spec: FieldSpec, form: Form, fields: Mapping[str, Reading], search: ClientSearch
) -> _ClientRow | None:
    """Compare a row with the register; None if its number was not written."""
    # Probabilities by box, from the reader or from its whole values.
    reading = fields[spec.name]
    cell_probabilities = (
        reading.cell_probabilities
        if len(reading.cell_probabilities) == NUMBER_BOXES
        else _to_cell_probabilities(reading)
    )
    if not cell_probabilities or reading.state not in (State.READ, State.ILLEGIBLE):
        return None
    listed_numbers = tuple(value for value, _ in _candidate_numbers(reading))
    # What is written next to the number.
    texts = {meaning: read_text(form, meaning, spec.row, fields) for meaning in _EVIDENCE_MEANINGS}
    texts[Meaning.CLIENT_PRINTED] = _TRAILING_NUMBER.sub("", texts[Meaning.CLIENT_PRINTED])
    written = WrittenClient(
        cell_probabilities,
        listed_numbers,
        unlisted_p(reading),
        *(texts[meaning] for meaning in _EVIDENCE_MEANINGS),
    )
    return _ClientRow(spec, reading, written, gather_evidence(search, written))


def _candidate_numbers(reading: Reading) -> list[tuple[str, float]]:
    """Return what may be a number among a reader's values: no words."""
    # Digits, or a local number with letters.
    candidates = (
        (value, p)
        for value, p in ((reading.value, reading.p), *reading.alternatives)
        if isinstance(value, str)
    )
    return [(value, p) for value, p in candidates if value.isdigit() or is_local_pid(value)]


def _to_cell_probabilities(reading: Reading) -> CellProbabilities:
    """Derive box probabilities from a reader that gives only whole values.

    Ten digits are assumed to be on the right.
    """
    padded = [
        (value.rjust(NUMBER_BOXES), p)
        for value, p in _candidate_numbers(reading)
        if len(value) in (10, NUMBER_BOXES)
    ]
    if not padded:
        return ()
    # What was not listed may be any symbol.
    boxes = np.full(
        (NUMBER_BOXES, len(CELL_SYMBOLS)),
        max(0.0, 1 - sum(p for _, p in padded)) / len(CELL_SYMBOLS),
    )
    # Each listed value adds its p to its symbols.
    for value, p in padded:
        for box, symbol in enumerate(value):
            boxes[box, CELL_SYMBOLS.index(symbol if symbol in CELL_SYMBOLS else "?")] += p
    return tuple(tuple(box) for box in boxes.tolist())


def _weigh_row(search: ClientSearch, row: _ClientRow, neighbours: tuple[int, ...]) -> _RowPosterior:
    clients, unregistered, _ = client_posterior(search, row.evidence, row.written.unit, neighbours)
    return _RowPosterior(clients, unregistered, neighbours)


def _resolve_row(
    row: _ClientRow, posterior: _RowPosterior, register: ClientRegister
) -> tuple[Reading, list[IssueCode]]:
    """Choose the most likely number of a row, limit its p, and find its issues."""
    ranked = _rank_numbers(posterior, register)
    if not ranked:
        return row.reading, []
    value, p, index = ranked[0]
    # An incomplete or illegible number is replaced only by a clear client.
    is_incomplete = row.evidence.incomplete > -np.inf
    if (is_incomplete or row.reading.state is State.ILLEGIBLE) and p < CLIENT_SETTLED_FROM:
        issues = [IssueCode.PERSON_UNKNOWN] if is_incomplete else []
        return _keep_reading(row.reading, ranked), issues
    p = min(p, _confidence_cap(row, value, index, register.search))
    # Keep the value that was read, however improbable it is now.
    alternatives = tuple(
        (number, number_p)
        for number, number_p, _ in ranked[1:]
        if number_p >= MIN_P or number == row.reading.value
    )[:MAX_CLIENT_ALTERNATIVES]
    characters = row.reading.characters if value == row.reading.value else ()
    reading = replace(
        row.reading,
        value=value,
        p=p,
        state=State.READ,
        alternatives=alternatives,
        characters=characters,
        evidence=tuple(_collect_evidence(row, posterior, value, index, register)),
    )
    return reading, _find_issues(row, index, value, register.search)


def _confidence_cap(row: _ClientRow, value: str, index: int | None, search: ClientSearch) -> float:
    """Return the highest p that a number may get.

    High confidence needs the number and something else to agree.
    """
    if index is None:
        return CLIENT_NUMBER_ONLY_MAX_P
    cap = (
        CLIENT_MAX_P
        if _has_second_evidence(row, index, value, search)
        else CLIENT_NUMBER_ONLY_MAX_P
    )
    return cap if _is_consistent(row, index, value) else min(cap, CLIENT_OTHER_NUMBER_MAX_P)


def _keep_reading(reading: Reading, ranked: Sequence[tuple[str, float, int | None]]) -> Reading:
    """Keep a reading as it is; possible clients share what its own p leaves."""
    alternatives = [
        (value, p) for value, p, _ in ranked[:MAX_CLIENT_ALTERNATIVES] if value != reading.value
    ]
    share = min(1.0, (1.0 - reading.p) / max(sum(p for _, p in alternatives), 1e-9))
    return replace(
        reading, alternatives=tuple((value, round(p * share, 6)) for value, p in alternatives)
    )


def _rank_numbers(
    posterior: _RowPosterior, register: ClientRegister
) -> list[tuple[str, float, int | None]]:
    """Return numbers with p and index in the register (None outside it), best first."""
    # Registered clients with the highest posterior.
    best_indices = np.argsort(-posterior.clients)[: MAX_CLIENT_ALTERNATIVES + 1].tolist()
    registered: list[tuple[str, float, int | None]] = [
        (register.clients[i].pid, float(posterior.clients[i]), i) for i in best_indices
    ]
    return sorted(
        [*registered, *((number, p, None) for number, p in posterior.unregistered.items())],
        key=lambda row: -row[1],
    )


def _has_second_evidence(row: _ClientRow, index: int, value: str, search: ClientSearch) -> bool:
    """Check whether the number and something else agree on one client and on no other.

    Nothing may contradict the number.
    """
    # The best agreement of any text with this client.
    evidence = row.evidence
    similarity = max(evidence.name[index], evidence.printed[index], evidence.address[index])
    if (
        similarity < MIN_NAME_SIMILARITY
        or _fits_another_client(row, index, search)
        or not normalize_pid(value).valid
        or not _is_consistent(row, index, value)
    ):
        return False
    # Compare with the clients of the unit, if this one is among them.
    members = _unit_members(row, search)
    compared = members if index in members else np.arange(len(evidence.odds))
    return bool(
        (
            evidence.odds[compared[compared != index]]
            < evidence.odds[index] - np.log(MIN_DISCRIMINATION)
        ).all()
    )


def _collect_evidence(
    row: _ClientRow,
    posterior: _RowPosterior,
    value: str,
    index: int | None,
    register: ClientRegister,
) -> list[str]:
    """Return the evidence for a number, as codes with their argument after a colon."""
    codes = [check_digit_evidence(value)]
    if index is None:
        return [*codes, NOT_IN_REGISTER] if register.clients else codes
    codes += _number_evidence(row, index, value)
    # Similarity of the texts that are written next to the number.
    for kind, text, score in (
        ("name", row.written.name, row.evidence.name[index]),
        ("printed_name", row.written.printed, row.evidence.printed[index]),
        ("address", row.written.address, row.evidence.address[index]),
    ):
        if text and (kind != "address" or register.clients[index].address):
            codes.append(similarity_evidence(kind, score))
        elif kind == "name":
            codes.append("name_missing")
    # The unit, and other rows and clients that may be meant.
    members = _unit_members(row, register.search)
    if len(members):
        codes.append("unit_same" if index in members else "unit_other")
    if index in posterior.same_sheet_rows:
        codes.append("on_sheet")
    similar_count = int((posterior.clients >= SIMILAR_CLIENT_MIN_P).sum()) - 1
    return [*codes, f"others_alike:{similar_count}" if similar_count > 0 else "alone_alike"]


def _number_evidence(row: _ClientRow, index: int, value: str) -> list[str]:
    # How the number is written, if not whole.
    form = tuple(NumberForm)[row.evidence.number.likeliest_form[index]]
    if form is not NumberForm.WHOLE:
        return [f"number_{form.value}"]
    box_p = _box_probabilities(row, value)
    if differing := sum(p < DIGIT_CONTRADICTED_BELOW for p in box_p):
        return [f"number_differs:{differing}"]
    if unclear := sum(p < DIGIT_CLEAR_FROM for p in box_p):
        return [f"number_unclear:{unclear}"]
    return ["number_clear"]


def _find_issues(
    row: _ClientRow, index: int | None, value: str, search: ClientSearch
) -> list[IssueCode]:
    """Find what the reviewer should check about the number that was chosen."""
    if index is None:
        return [IssueCode.PERSON_UNKNOWN]
    # A name or printed name is needed for a comparison.
    named = bool(row.written.name or row.written.printed)
    similarity = max(row.evidence.name[index], row.evidence.printed[index])
    issues = []
    if named and similarity < MIN_NAME_SIMILARITY:
        issues.append(IssueCode.NAME_DIFFERS)
    elif named and _fits_another_client(row, index, search):
        issues.append(IssueCode.NAME_FITS_OTHER)
    return issues if _is_consistent(row, index, value) else [*issues, IssueCode.NUMBER_DIFFERS]


def _fits_another_client(row: _ClientRow, index: int, search: ClientSearch) -> bool:
    """Check whether the name is clearly more similar to that of another client of the unit.

    Couples share a surname.
    """
    # Compare with the other clients of the unit.
    name = row.written.name or row.written.printed
    members = _unit_members(row, search)
    if not name or not len(members):
        return False
    similarity = search.names.likeness(name)
    return bool(similarity[members].max() > similarity[index] + CLEAR_MARGIN)


def _unit_members(row: _ClientRow, search: ClientSearch) -> NDArray[np.intp]:
    """Return the indices of the clients of the row's unit; none if it was not read."""
    return search.of_unit(row.written.unit) if row.written.unit else np.empty(0, np.intp)


def _is_consistent(row: _ClientRow, index: int, value: str) -> bool:
    """Check that no box contradicts the number, with or without century."""
    form = tuple(NumberForm)[row.evidence.number.likeliest_form[index]]
    # Ten digits may be in several places: the best one counts.
    if form is NumberForm.TEN:
        return (
            max(min(_box_probabilities(row, value[2:], boxes)) for boxes in _TEN_DIGIT_BOXES)
            >= DIGIT_CONTRADICTED_BELOW
        )
    return (
        form is NumberForm.WHOLE and min(_box_probabilities(row, value)) >= DIGIT_CONTRADICTED_BELOW
    )


def _box_probabilities(
    row: _ClientRow, value: str, boxes_of_characters: Sequence[int] = range(NUMBER_BOXES)
) -> list[float]:
    """Return the probability of each character of a number in its box."""
    # Probabilities with some noise, so that no digit is impossible.
    probabilities = temper_probabilities(row.written.cell_probabilities, NORMAL_NOISE)
    return [
        float(probabilities[i, CELL_SYMBOLS.index(character if character in CELL_SYMBOLS else "?")])
        for i, character in zip(boxes_of_characters, value, strict=False)
    ]


def resolve_printed_names(
    specs: Sequence[FieldSpec], fields: Mapping[str, Reading], register: ClientRegister
) -> tuple[dict[str, Reading], list[Issue]]:
    """Lower the confidence of printed names that no registered client has.

    An empty register is not used. Returns these readings and their issues.
    """
    unknown: dict[str, Reading] = {}
    for spec in specs:
        text = fields[spec.name].value
        if (
            spec.means is Meaning.CLIENT_PRINTED
            and not spec.traits.filled_by_hand
            and isinstance(text, str)
            and not _is_known(text, register)
        ):
            unknown[spec.name] = replace(fields[spec.name], p=min(fields[spec.name].p, UNSEEN_P))
    return unknown, [Issue(IssueCode.PRINTED_OTHERWISE, name) for name in unknown]


def _is_known(text: str, register: ClientRegister) -> bool:
    return (
        not register.clients
        or register.has_name(text)
        or register.has_name(_TRAILING_NUMBER.sub("", text))
    )
