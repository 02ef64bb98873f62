"""Receipts: the target's answers, by file or by tick, once and whole."""

from __future__ import annotations

from itertools import count

import pytest

from pipeline.domain.errors import ExportError, NotAllowedError, UsageError
from pipeline.domain.model import EntryState, Person, Role
from pipeline.domain.record import Run
from pipeline.export.runs import ExportContext, list_runs
from pipeline.export.runs.receipts import (
    NO_REASON,
    ReceiptAnswer,
    ReceiptResult,
    apply_receipt_file,
    fetch_receipt_template,
    open_run_items,
    parse_receipt_file,
    submit_receipts,
)
from pipeline.store.entries import entry as entries_entry
from pipeline.store.event_log import events
from pipeline.store.schema.clock import utc_now
from tests.support.store.counted_statements import statements
from tests.support.store.export_office import ANNA, STIG, confirm, correct, review, state
from tests.support.store.route_steps import make_run
from tests.support.texts import in_swedish

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}
SERIALS = count(1)


def exported(office: ExportContext, how_many: int = 2) -> tuple[Run, list[str]]:
    made = [
        confirm(office, "hsl-anteckning", f"AA{next(SERIALS):04d}", **NOTE) for _ in range(how_many)
    ]
    run = make_run(office, ANNA, "rivta", utc_now())
    assert run is not None
    return run, sorted(made)


def apply(office: ExportContext, text: str, person: Person = ANNA) -> ReceiptResult:
    return apply_receipt_file(office, person, text.encode(), utc_now())


def filled(office: ExportContext, run: Run, *words: str) -> str:
    lines = fetch_receipt_template(office, ANNA, run.id).data.decode("utf-8-sig").splitlines()
    marked = [
        line.removesuffix(";;") + f";{word}" for line, word in zip(lines[1:], words, strict=True)
    ]
    return "\n".join([lines[0], *marked])


def test_the_template_names_every_item_and_is_no_answer(office: ExportContext) -> None:
    run, made = exported(office)
    template = fetch_receipt_template(office, ANNA, run.id)
    assert template.name == f"kvittens-{run.id}.csv"
    assert [line.entry_id for line in parse_receipt_file(template.data)] == made
    assert apply(office, template.data.decode()) == ReceiptResult(0, 0, 0, 2)
    assert {state(office, entry) for entry in made} == {EntryState.EXPORTED}


@pytest.mark.parametrize("drop", [(), ("löpnummer",), ("körning", "löpnummer")])
def test_the_number_of_statements_does_not_grow_with_the_lines(
    office: ExportContext, drop: tuple[str, ...]
) -> None:
    """By number, by entry of a run, and by entry alone: a file of thousands is settled while the
    store waits for it.
    """
    counted = []
    for how_many in (1, 6):
        run, _ = exported(office, how_many)
        rows = [
            line.split(";") for line in filled(office, run, *["godkänd;"] * how_many).splitlines()
        ]
        kept = [place for place, name in enumerate(rows[0]) if name not in drop]
        with statements(office.store) as said:
            assert (
                apply(
                    office, "\n".join(";".join(row[place] for place in kept) for row in rows)
                ).accepted
                == how_many
            )
        counted.append(len(said))
    assert counted[0] == counted[1]


def test_a_filled_in_template_settles_the_entries(office: ExportContext) -> None:
    run, (first, second) = exported(office)
    assert apply(office, filled(office, run, "godkänd;", "nekad;Okänd enhet")) == ReceiptResult(
        1, 1, 0, 0
    )
    assert (state(office, first), state(office, second)) == (
        EntryState.RECEIPTED,
        EntryState.REVIEW,
    )
    with office.store.read() as conn:
        assert entries_entry.load_entry(conn, second).reason == "Okänd enhet"
    (status,) = list_runs(office, ANNA)
    assert (status.accepted, status.refused, status.waiting) == (1, 1, 0)
    assert [(item.accepted, item.text) for item in open_run_items(office, ANNA, run.id)] == [
        (True, ""),
        (False, "Okänd enhet"),
    ]


def test_a_receipt_given_twice_changes_nothing(office: ExportContext) -> None:
    run, made = exported(office)
    text = filled(office, run, "godkänd;", "nekad;")
    apply(office, text)
    before = [state(office, entry) for entry in made]
    assert apply(office, text) == ReceiptResult(0, 0, 2, 0)
    assert [state(office, entry) for entry in made] == before
    with office.store.read() as conn:
        assert [event.action for event in events.list_events(conn, made[0])].count("receipted") == 1


def test_the_same_line_twice_in_a_file_counts_once(office: ExportContext) -> None:
    run, _ = exported(office, 1)
    text = filled(office, run, "godkänd;")
    assert apply(office, text + "\n" + text.splitlines()[1]) == ReceiptResult(1, 0, 1, 0)


def test_a_character_that_a_database_cannot_hold_stops_no_file(office: ExportContext) -> None:
    run, (entry,) = exported(office, 1)
    assert apply(office, filled(office, run, "nekad;Okänd\0 enhet")) == ReceiptResult(0, 1, 0, 0)
    with office.store.read() as conn:
        assert (
            entries_entry.load_entry(conn, entry).reason == "Okänd\N{REPLACEMENT CHARACTER} enhet"
        )


def test_a_refusal_without_words_says_so(office: ExportContext) -> None:
    run, (entry,) = exported(office, 1)
    apply(office, filled(office, run, "nekad;"))
    with office.store.read() as conn:
        assert entries_entry.load_entry(conn, entry).reason == in_swedish(NO_REASON)


def test_unknown_entries_stop_the_whole_file(office: ExportContext) -> None:
    _, made = exported(office)
    with pytest.raises(ExportError, match="not exported: line 3"):
        apply(office, f"post;status\n{made[0]};ok\nZZZZ99-00;ok\n")
    assert state(office, made[0]) is EntryState.EXPORTED


def test_a_contradiction_stops_the_whole_file(office: ExportContext) -> None:
    _, made = exported(office)
    apply(office, f"post;status\n{made[0]};ok\n")
    with pytest.raises(ExportError, match=f"another receipt for {made[0]}"):
        apply(office, f"post;status\n{made[1]};ok\n{made[0]};fel\n")
    with pytest.raises(ExportError, match="another receipt"):
        apply(office, f"post;status\n{made[1]};ok\n{made[1]};fel\n")
    assert state(office, made[1]) is EntryState.EXPORTED


@pytest.mark.parametrize(
    "line", ["{run};1;;ok", "{run};;{entry};ok", ";;{entry};ok", "{run};1;{entry};ok"]
)
def test_a_line_is_found_by_what_it_gives(office: ExportContext, line: str) -> None:
    run, (entry,) = exported(office, 1)
    assert (
        apply(
            office, "körning;löpnummer;post;status\n" + line.format(run=run.id, entry=entry)
        ).accepted
        == 1
    )


@pytest.mark.parametrize(
    "line",
    [
        "{run};2;{entry};ok",
        "{run};x;;ok",
        "{run};99999999999999999999;;ok",
        "other;1;;ok",
        "{run};1;ZZZZ99-00;ok",
        "{run};;;ok",
        ";1;;ok",
    ],
)
def test_a_line_whose_parts_disagree_is_unknown(office: ExportContext, line: str) -> None:
    run, (entry,) = exported(office, 1)
    with pytest.raises(ExportError, match="line 2"):
        apply(office, "körning;löpnummer;post;status\n" + line.format(run=run.id, entry=entry))


def test_ticks_settle_items_of_a_run(office: ExportContext) -> None:
    run, (first, second) = exported(office)
    assert submit_receipts(
        office, ANNA, run.id, [ReceiptAnswer(first, accepted=True)], utc_now()
    ) == ReceiptResult(1, 0, 0, 0)
    assert (state(office, first), state(office, second)) == (
        EntryState.RECEIPTED,
        EntryState.EXPORTED,
    )
    with pytest.raises(ExportError, match="Not in the run"):
        submit_receipts(
            office,
            ANNA,
            run.id,
            [ReceiptAnswer(second, accepted=True), ReceiptAnswer("ZZZZ99-00", accepted=True)],
            utc_now(),
        )
    assert state(office, second) is EntryState.EXPORTED


def test_a_refused_entry_can_be_exported_again(office: ExportContext) -> None:
    run, (entry,) = exported(office, 1)
    apply(office, filled(office, run, "nekad;Okänd enhet"))
    assert make_run(office, ANNA, "rivta", utc_now()) is None
    review(office, entry, "hsl-anteckning", **NOTE)
    again = make_run(office, ANNA, "rivta", utc_now())
    assert again is not None
    assert apply(office, filled(office, again, "godkänd;")).accepted == 1
    assert state(office, entry) is EntryState.RECEIPTED


def test_a_receipt_that_a_correction_has_overtaken_is_kept_and_moves_nothing(
    office: ExportContext,
) -> None:
    run, (entry,) = exported(office, 1)
    correct(office, entry, "anteckning", "Såret vätskar.")
    corrected = state(office, entry)
    assert apply(office, filled(office, run, "godkänd;")).accepted == 1
    assert state(office, entry) is corrected is EntryState.SIGNED
    second = make_run(office, ANNA, "rivta", utc_now())
    assert second is not None
    submit_receipts(office, ANNA, run.id, [ReceiptAnswer(entry, accepted=True)], utc_now())
    assert state(office, entry) is EntryState.EXPORTED


def test_only_who_may_receipts_and_only_in_own_units(office: ExportContext) -> None:
    run, (entry,) = exported(office, 1)
    chief = Person("chef", "Chef Ek", "enhetschef", Role.MANAGER, ANNA.units, ANNA.areas)
    for person in (STIG, chief):
        with pytest.raises(NotAllowedError):
            apply(office, f"post;status\n{entry};ok\n", person)
        with pytest.raises(NotAllowedError):
            submit_receipts(
                office, person, run.id, [ReceiptAnswer(entry, accepted=True)], utc_now()
            )
    assert state(office, entry) is EntryState.EXPORTED


@pytest.mark.parametrize(
    "data",
    [
        b"Post,Status,Text\nA-00,OK,\n",
        "post\tstatus\ttext\r\nA-00\tGodkänd\t\r\n".encode("cp1252"),
        "\ufeffstatus;post\nja;A-00\n\n".encode(),
        "post\tstatus\ttext\r\nA-00\tGodkänd\t\r\n".encode("utf-16"),
        b"sep=;\r\npost;status;text\r\nA-00;ok;\r\n",
    ],
    ids=["comma", "tab-cp1252", "bom", "utf-16", "sep"],
)
def test_files_of_many_programs_are_read(data: bytes) -> None:
    (line,) = parse_receipt_file(data)
    assert (line.entry_id, line.accepted) == ("A-00", True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lacks the columns"),
        ("post;svar\nA;ok\n", "lacks the columns"),
        ("löpnummer;status\n1;ok\n", "lacks the columns"),
        ("post;status;status\nA;ok;fel\n", "has the column status twice"),
        ("post;status\nA;ok\nB;kanske\n", "unknown status on line 3"),
        ('post;status\n"A;ok\n', "no CSV table"),
        ('"post;status\nA;ok\n', "no CSV table"),
    ],
)
def test_what_is_no_receipt_file_is_told(text: str, said: str) -> None:
    with pytest.raises(ExportError, match=said):
        parse_receipt_file(text.encode())


def test_a_workbook_is_told_to_be_one() -> None:
    with pytest.raises(UsageError, match="is a workbook"):
        parse_receipt_file(b"PK\x03\x04 and the rest of a workbook")
