"""An entry that was exported about one client and then corrected to be about another is withdrawn
from the first.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain.model import Client
from pipeline.domain.review.rules import Answer
from pipeline.export.exporter import MOVED_TO_OTHER_CLIENT
from pipeline.export.runs import ExportContext, fetch_run_file
from pipeline.export.runs.receipts import ReceiptAnswer as Tick
from pipeline.export.runs.receipts import submit_receipts
from pipeline.store.registers import client_register
from pipeline.store.schema.clock import utc_now
from tests.support.store.export_examples import ARNE, EARLIER, SIV, items, record, run, terms
from tests.support.store.export_office import (
    ANNA,
    STIG,
    TORA,
    confirm,
    corrected,
    next_client,
    printed,
    void,
)
from tests.support.store.rivta_archives import rivta_files
from tests.support.store.route_steps import make_run
from tests.support.store.targets import TARGETS
from tests.support.texts import in_swedish

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

ULLA = replace(STIG, units=TORA.units)
"""Nobody who has said anything of these entries."""
VERA = Client("189001019802", "Vera Provberg", "Norr")
SAID = {
    "hsl-anteckning": {"kontakttyp": "besok", "anteckning": "Såret läker."},
    "matvarden": {"puls": "72"},
    "besokslista": {},
}


def moved(office: ExportContext, form: str, target: str) -> str:
    """The file of a second run, after the entry has been moved from Siv to Arne."""
    entry_id = confirm(office, form, "AAAA01", **SAID[form])
    assert make_run(office, ANNA, target, utc_now()) is not None
    pid = next(
        spec.name
        for spec in office.forms.latest(form).fields
        if spec.name.endswith(("personnummer", "pnr"))
    )
    corrected(office, entry_id, pid, Answer(ARNE.pid))
    made = make_run(office, ANNA, target, utc_now())
    assert made is not None
    assert made.entries == 1
    return made.id


WAYS = [
    ("hsl-anteckning", "rivta"),
    ("matvarden", "observationer"),
    ("besokslista", "besok"),
    ("hsl-anteckning", "treserva-exempel"),
]


@pytest.mark.parametrize(("form", "target"), WAYS)
def test_its_file_makes_it_void_where_it_was_and_then_names_it_where_it_is(
    office: ExportContext, form: str, target: str
) -> None:
    data = fetch_run_file(office, ANNA, moved(office, form, target)).data
    if TARGETS[target].suffix == ".zip":
        data = b"".join(rivta_files(data).values())
    told = data.decode("utf-8-sig")
    assert in_swedish(MOVED_TO_OTHER_CLIENT) in told
    assert (
        told.index(SIV.pid) < told.index(in_swedish(MOVED_TO_OTHER_CLIENT)) < told.index(ARNE.pid)
    )
    assert told.rindex(in_swedish(MOVED_TO_OTHER_CLIENT)) < told.index(ARNE.pid)


def test_an_activity_has_a_request_that_takes_it_back_sent_first() -> None:
    first = record("signeringslista", {"given1": "GE"}, client=SIV)
    (item,) = items(
        replace(first, client=ARNE, revision=2),
        amends=replace(EARLIER, target="aktiviteter", exported_record=first),
    )
    data = TARGETS["aktiviteter"].make([item], run("aktiviteter"), terms("aktiviteter"))
    files = rivta_files(data)
    names = sorted(files)
    whom = {name: SIV.pid if SIV.pid in files[name].decode() else ARNE.pid for name in names}
    assert len(names) == len(set(names))
    assert [whom[name] for name in names] == sorted(
        (whom[name] for name in names), key=(SIV.pid, ARNE.pid).index
    )
    assert set(whom.values()) == {SIV.pid, ARNE.pid}


def test_who_keys_it_in_is_told_where_to_make_it_void_first(office: ExportContext) -> None:
    shown = next_client(office, ANNA, moved(office, "hsl-anteckning", "skriv-in"))
    assert shown is not None
    (one,) = shown.entries
    assert (shown.client, one.previous_client) == (ARNE, SIV)
    assert SIV.pid not in str(one.block)


def test_a_second_move_names_whom_a_list_that_nobody_ticked_said_between(
    office: ExportContext,
) -> None:
    """It may have been keyed in from the printed list: then it is there until a person
    looks.
    """
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **SAID["hsl-anteckning"])
    with office.store.begin() as conn:
        client_register.save_clients(conn, [SIV, ARNE, VERA])
    first = make_run(office, ANNA, "skriv-in", utc_now())
    assert first is not None
    submit_receipts(office, ANNA, first.id, [Tick(entry_id, accepted=True)], utc_now())
    corrected(office, entry_id, "personnummer", Answer(ARNE.pid))
    assert make_run(office, ANNA, "skriv-in", utc_now()) is not None
    corrected(office, entry_id, "personnummer", Answer(VERA.pid), judge=ULLA)
    made = make_run(office, ANNA, "skriv-in", utc_now())
    assert made is not None
    shown = next_client(office, ANNA, made.id)
    assert shown is not None
    (one,) = shown.entries
    assert (shown.client, one.previous_client, one.possible_clients) == (VERA, SIV, (ARNE,))
    said = printed(fetch_run_file(office, ANNA, made.id).data)
    assert said.index(SIV.pid) < said.index(ARNE.pid) < said.index(VERA.pid)
    assert said.count("Makulera posten om den finns i systemet") == 2


def test_one_moved_there_and_back_is_looked_for_where_an_unticked_list_had_it(
    office: ExportContext,
) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **SAID["hsl-anteckning"])
    assert make_run(office, ANNA, "skriv-in", utc_now()) is not None
    corrected(office, entry_id, "personnummer", Answer(ARNE.pid))
    assert make_run(office, ANNA, "skriv-in", utc_now()) is not None
    corrected(office, entry_id, "personnummer", Answer(SIV.pid), judge=ULLA)
    made = make_run(office, ANNA, "skriv-in", utc_now())
    assert made is not None
    shown = next_client(office, ANNA, made.id)
    assert shown is not None
    (one,) = shown.entries
    assert (shown.client, one.previous_client, one.possible_clients) == (SIV, None, (ARNE,))
    assert ARNE.pid in printed(fetch_run_file(office, ANNA, made.id).data)


def test_the_printed_list_has_it_under_both(office: ExportContext) -> None:
    said = printed(fetch_run_file(office, ANNA, moved(office, "hsl-anteckning", "skriv-in")).data)
    assert said.index(SIV.pid) < said.index("Makulera posten") < said.index(ARNE.pid)


def test_one_that_was_moved_and_then_made_void_is_made_void_where_it_was_keyed_in(
    office: ExportContext,
) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **SAID["hsl-anteckning"])
    assert make_run(office, ANNA, "skriv-in", utc_now()) is not None
    corrected(office, entry_id, "personnummer", Answer(ARNE.pid))
    void(office, entry_id)
    made = make_run(office, ANNA, "skriv-in", utc_now())
    assert made is not None
    shown = next_client(office, ANNA, made.id)
    assert shown is not None
    (one,) = shown.entries
    assert (shown.client, one.previous_client) == (SIV, None)
    assert "Makulera" in one.block.notice
