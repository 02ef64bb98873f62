"""The key-in list has the order of the queue: deadlines and harm first, keys and meals last."""

from __future__ import annotations

import random

import pytest

from pipeline.domain.record import Record
from pipeline.domain.review.triage import TriageMatcher, load_triage_table
from pipeline.export.manual_entry.order import keying_order
from tests.support.store.export_examples import FORMS, record

MATCHERS = {"Norr": TriageMatcher(load_triage_table().rules)}
LATE, SOON, UNKNOWN = (
    record("lvu-omhandertagande", {"beslutsdatum": day})
    for day in ("2021-12-20", "2021-12-17", None)
)
FALL, NOTE = (
    record(fields={"anteckning": text}) for text in ("Har ramlat i hallen.", "Såret ser bra ut.")
)
KEYS = record("nyckelkvittens")
ORDER = [UNKNOWN, SOON, LATE, FALL, NOTE, KEYS]


@pytest.mark.parametrize("seed", range(3))
def test_what_may_do_harm_is_keyed_in_first(seed: int) -> None:
    mixed: list[Record] = random.Random(seed).sample(ORDER, len(ORDER))
    assert sorted(mixed, key=lambda each: keying_order(each, FORMS, MATCHERS)) == ORDER
