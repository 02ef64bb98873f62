"""The key-in list has the order of the queue: deadlines and harm first, keys and meals last."""

from __future__ import annotations

import random

import pytest

from pipeline.domain.record import Record
from pipeline.domain.review.triage import TriageMatcher, load_triage_table
from pipeline.export.manual_entry.one_list import sort_for_keying
from tests.support.store.export_examples import ARNE, FORMS, SIV, record

MATCHERS = {"Norr": TriageMatcher(load_triage_table().rules)}
LATE, SOON, UNKNOWN = (
    record("lvu-omhandertagande", duties={"lvu-understallning": time})
    for time in ("2021-12-27T23:59+01:00", "2021-12-24T23:59+01:00", "")
)
FALL, NOTE = (
    record(fields={"anteckning": text}) for text in ("Har ramlat i hallen.", "Såret ser bra ut.")
)
KEYS = record("nyckelkvittens")
ORDER = [UNKNOWN, SOON, LATE, FALL, NOTE, KEYS]


@pytest.mark.parametrize("seed", range(3))
def test_what_may_do_harm_is_keyed_in_first(seed: int) -> None:
    mixed: list[Record] = random.Random(seed).sample(ORDER, len(ORDER))
    assert [mixed[place] for place in sort_for_keying(mixed, FORMS, MATCHERS)] == ORDER


def test_all_entries_of_a_client_follow_each_other_at_the_place_of_the_most_urgent() -> None:
    aid = [
        record(form, fields, client=client)
        for form, fields, client in (
            ("beslut-ekonomiskt", {"beslutsdatum": "2021-12-17"}, ARNE),
            ("beslut-ekonomiskt", {"beslutsdatum": "2021-12-20"}, SIV),
            ("normberakning", {}, ARNE),
            ("besokslista", {}, ARNE),
        )
    ]
    places = sort_for_keying(aid, FORMS, MATCHERS)
    assert [(aid[place].client.pid, aid[place].form) for place in places] == [
        (ARNE.pid, "beslut-ekonomiskt"),
        (ARNE.pid, "normberakning"),
        (ARNE.pid, "besokslista"),
        (SIV.pid, "beslut-ekonomiskt"),
    ]
