"""Resolve the client code of a row into the number of the client that the unit gave it to.

A code is as short as a slip of the pen, so a code that nobody has is never repaired: a client is
chosen only if the boxes say a code that the unit has given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.domain.form.confidence import (
    CLIENT_MAX_P,
    CLIENT_NUMBER_ONLY_MAX_P,
    CLIENT_OTHER_NUMBER_MAX_P,
    CLIENT_SETTLED_FROM,
    DIGIT_CONTRADICTED_BELOW,
)
from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.identity_numbers import CLIENT_CODE_LENGTH, is_client_code
from pipeline.domain.issues import Issue, IssueCode
from pipeline.domain.model import ClientCode, Reading, State
from pipeline.reading.resolve.client_evidence import (
    NAME_ODDS,
    UNREGISTERED_P,
    interpolate_log_odds,
)
from pipeline.reading.resolve.number_likelihood import (
    NORMAL_NOISE,
    list_values,
    read_text,
    temper_probabilities,
)
from pipeline.registers.client_check import MIN_NAME_SIMILARITY, similarity_evidence
from pipeline.registers.clients import ClientRegister

_ANY_CODE_P = UNREGISTERED_P / 10**CLIENT_CODE_LENGTH
"""Prior probability of each row of digits if the code is none that the unit has given."""
_MAX_ALTERNATIVES = 5
_WRITTEN = (State.READ, State.ILLEGIBLE)


@dataclass(frozen=True, slots=True)
class _CodedClient:
    """The likeliest client of a code (number and p), and how similar the written name is.

    The similarity is None without a name.
    """

    pid: str
    p: float
    others: tuple[tuple[str, float], ...]
    similarity: float | None


def resolve_client_codes(
    specs: Sequence[FieldSpec], form: Form, fields: Mapping[str, Reading], register: ClientRegister
) -> tuple[dict[str, Reading], list[Issue]]:
    """Resolve the numbers of rows with a client code, and return the issues of both."""
    resolved: dict[str, Reading] = {}
    issues: list[Issue] = []
    for spec in specs:
        number = form.meaning(Meaning.CLIENT_PID, spec.row)
        if (
            spec.means is not Meaning.CLIENT_CODE
            or number is None
            or number.name not in fields
            or fields[spec.name].state not in _WRITTEN
        ):
            continue
        client = _find_client(spec, form, fields, register)
        if client is None:
            issues.append(Issue(_code_issue(fields[spec.name]), spec.name))
            continue
        resolved[number.name], code = _resolve_number(fields[number.name], client)
        issues += [Issue(code, number.name)] if code else []
    return resolved, issues


def _code_issue(reading: Reading) -> IssueCode:
    """Say what is wrong with a code that means no client."""
    is_right = isinstance(reading.value, str) and is_client_code(reading.value)
    return IssueCode.CODE_UNKNOWN if is_right else IssueCode.CODE_WRONG


def _find_client(
    spec: FieldSpec, form: Form, fields: Mapping[str, Reading], register: ClientRegister
) -> _CodedClient | None:
    """Return the likeliest client of a code by its boxes and the name; None if it is nobody's."""
    given = _codes_of_unit(read_text(form, Meaning.UNIT, spec.row, fields), register)
    name = read_text(form, Meaning.CLIENT_NAME, spec.row, fields)
    likelihood, anything = _code_likelihoods(fields[spec.name], [one.code for one in given])
    # The similarity of the name with each client's; nobody is likelier without one.
    scores = register.search.names.scores(name) if name else None
    indices = {client.pid: index for index, client in enumerate(register)}
    similarities = [
        float(scores[indices[one.pid]]) if scores is not None and one.pid in indices else None
        for one in given
    ]
    odds = [
        1.0 if one is None else float(np.exp(interpolate_log_odds(np.array([one]), NAME_ODDS)[0]))
        for one in similarities
    ]
    # Bayes' rule over the codes that were given and any other row of digits.
    prior = (1 - UNREGISTERED_P) / max(len(given), 1)
    weights = [prior * code_p * ratio for code_p, ratio in zip(likelihood, odds, strict=True)]
    total = sum(weights) + _ANY_CODE_P * anything
    ranked = sorted(
        zip(weights, (one.pid for one in given), similarities, strict=True), key=lambda row: -row[0]
    )
    if not ranked or total <= 0 or ranked[0][0] / total < CLIENT_SETTLED_FROM:
        return None
    weight, pid, similarity = ranked[0]
    others = tuple((other, w / total) for w, other, _ in ranked[1 : _MAX_ALTERNATIVES + 1])
    return _CodedClient(pid, weight / total, others, similarity)


def _codes_of_unit(unit: str, register: ClientRegister) -> list[ClientCode]:
    """Return the codes of the sheet's unit; those of all units if it was not read."""
    known = {one.unit for one in register.codes}
    if unit not in known:
        members = list(register.search.of_unit(unit)) if unit else []
        unit = register.clients[int(members[0])].unit if members else ""
    return [one for one in register.codes if one.unit == unit or not unit]


def _code_likelihoods(reading: Reading, codes: Sequence[str]) -> tuple[list[float], float]:
    """Return how well the boxes fit each code, and any row of digits at all."""
    if len(reading.cell_probabilities) == CLIENT_CODE_LENGTH:
        boxes = temper_probabilities(reading.cell_probabilities, NORMAL_NOISE)
        fits = [
            np.array([boxes[box, int(digit)] for box, digit in enumerate(code)]) for code in codes
        ]
        # A single box that contradicts the code is enough: it is another code, or a slip.
        return [
            float(fit.prod()) if fit.min() >= DIGIT_CONTRADICTED_BELOW else 0.0 for fit in fits
        ], float(boxes[:, :10].sum(axis=1).prod())
    listed = list_values(reading)
    return [listed.get(code, 0.0) for code in codes], 1.0


def _resolve_number(number: Reading, client: _CodedClient) -> tuple[Reading, IssueCode | None]:
    """Return the number's reading with what the code says, and what contradicts it."""
    is_named = client.similarity is not None and client.similarity >= MIN_NAME_SIMILARITY
    p = min(client.p, CLIENT_MAX_P if is_named else CLIENT_NUMBER_ONLY_MAX_P)
    evidence: tuple[str, ...] = ("client_code",)
    if client.similarity is not None:
        evidence += (similarity_evidence("name", client.similarity),)
    # A number beside the code: it is the client's own, or another one's.
    if number.state in _WRITTEN:
        if number.value != client.pid:
            limited = replace(number, p=min(number.p, CLIENT_OTHER_NUMBER_MAX_P))
            return limited, IssueCode.CODE_OTHER
        both = tuple(dict.fromkeys((*number.evidence, *evidence)))
        return replace(number, p=max(number.p, p), evidence=both), None
    differs = client.similarity is not None and not is_named
    reading = replace(
        number,
        value=client.pid,
        p=p,
        state=State.READ,
        alternatives=client.others,
        characters=(),
        evidence=evidence,
    )
    return reading, IssueCode.NAME_DIFFERS if differs else None
