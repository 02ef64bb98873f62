"""How the first person's answers are kept: what was typed unseen, what stands as it was read, what was changed, and what a group has confirmed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from pipeline import review
from pipeline.field_spec import FieldSpec
from pipeline.model import Reading
from pipeline.review import Answer
from pipeline.store.answers import Decided, How
from pipeline.store.group_answers import Grouped


def first_decided(
    specs: Iterable[FieldSpec],
    given: Mapping[str, Answer],
    readings: Mapping[str, Reading],
    shared: Mapping[str, Answer],
    in_groups: Grouped,
    *,
    doubt: Collection[str | None],
    answered: Collection[str],
) -> dict[str, Decided]:
    """Each field's answer with how it came about.

    Args:
        specs: the fields that were answered.
        given: what is said of each.
        readings: what the machine read.
        shared: what confirmed rows of the same sheet say; it settles what nobody doubts.
        in_groups: what groups have said; whoever has `answered` the field on the sheet has the last word.
        doubt: fields that another person has to see whatever they say.
        answered: the fields that the person answered on the sheet.
    """
    new = {}
    for spec in specs:
        name = spec.name
        if name in in_groups.kept and name not in answered and name not in doubt:
            new[name] = Decided(given[name], How.GROUP, True, in_groups.by(name))
        else:
            how = _how(spec, given[name], readings.get(name), odd=name in in_groups.odd)
            settled = given[name] == shared.get(name) or review.settled(spec, given[name], readings.get(name))
            new[name] = Decided(given[name], how, settled and name not in doubt)
    return new


def _how(spec: FieldSpec, answer: Answer, reading: Reading | None, *, odd: bool) -> How:
    if odd or review.is_typed(spec, reading):
        return How.TYPED
    return How.KEPT if review.agree(spec, answer, reading) else How.CHANGED
