"""KHSL1 and KHSL2: our own rules of the files (no schema is published), and whole months beside the
export that takes an entry.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError
from sqlalchemy import delete, insert

from pipeline.domain.errors import ExportError, NotAllowedError
from pipeline.domain.model import Client, EntryState, State, Value
from pipeline.domain.record import Record, Run
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import ROOT
from pipeline.export.authorities.health_care_statistics import (
    KhslLayout,
    KhslMapping,
    LayoutColumn,
    LayoutFile,
    Measure,
    load_layout,
)
from pipeline.export.exporter import ExportOptions
from pipeline.export.runs import (
    ExportContext,
    fetch_run_file,
    list_runs,
    list_target_status,
    make_run,
)
from pipeline.export.runs.receipts import open_run_items
from pipeline.export.tables.mapping import load_mapping
from pipeline.export.targets import STATISTICS, TARGETS
from pipeline.store.database.clock import utc_now
from pipeline.store.entries.entry import load_entry
from pipeline.store.event_log.events import list_events
from pipeline.store.event_log.queries import clients_of_subjects, log_subjects_of_client
from pipeline.store.review.duplicate_entries import (
    ComparisonSource,
    mark_duplicate,
    withdraw_duplicate_mark,
)
from pipeline.store.schema.review import control
from tests.support.store.export_examples import ARNE, EARLIER, SIV, items, record, run, terms
from tests.support.store.export_office import (
    ANNA,
    STIG,
    TORA,
    agree,
    confirm,
    correct,
    corrected,
    state,
    void,
)
from tests.support.texts import in_swedish

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")

NOTE = {"kontakttyp": "besok", "anteckning": "Såret ser bra ut."}
CODED = KhslMapping(
    about="x",
    contact=True,
    measures=(Measure(code="PD008", field="kontakttyp", value="bedomning"), Measure(code="QX123")),
)
LABEL = "HSLF-FS-2017-67-utformning-2019.txt"


def note(fields: dict[str, Value] | None = None, **other: Any) -> Record:  # noqa: ANN401 - any part of a record
    return record("hsl-anteckning", fields or {}, **other)


def coded(mapping: KhslMapping = CODED) -> ExportOptions:
    return replace(terms("khsl"), mappings={"hsl-anteckning": mapping})


def files(*records: Record, given: ExportOptions | None = None, **other: Any) -> dict[str, str]:  # noqa: ANN401
    return _unpacked(TARGETS["khsl"].make(items(*records, **other), run("khsl"), given or coded()))


def _unpacked(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}


def basis(told: dict[str, str]) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(told["underlag.csv"]), sep=";", dtype=str, keep_default_na=False)


def test_files_are_labelled_with_month_regulation_and_year_of_the_layout() -> None:
    told = files(note(), note(entry_id="A2B3C4-00", event_at=datetime(2022, 1, 3, 8)))
    months = [f"KHSL{n}-{month}-{LABEL}" for month in ("2021-12", "2022-01") for n in (1, 2)]
    assert list(told) == [*months, "underlag.csv"]
    assert "utformning 2019" in in_swedish(TARGETS["khsl"].title)


def test_a_person_is_one_row_a_month_however_many_contacts() -> None:
    told = files(note(), note(entry_id="A2B3C4-00"), note(entry_id="A2B3C5-00", client=ARNE))
    assert told[f"KHSL1-2021-12-{LABEL}"] == f"202112;2514;{SIV.pid}\r\n202112;2514;{ARNE.pid}\r\n"


def test_each_measure_is_a_row_with_code_and_profession() -> None:
    told = files(
        note({"kontakttyp": "bedomning"}), note({"kontakttyp": "besok"}, entry_id="A2B3C4-00")
    )
    rows = told[f"KHSL2-2021-12-{LABEL}"].splitlines()
    assert [row.split(";")[3:6] for row in rows] == [
        ["2021-12-17", code, "XS919"] for code in ("PD008", "QX123", "QX123")
    ]
    assert {len(row.split(";")) for row in rows} == {12}


def test_a_mark_makes_a_measure_when_it_is_made() -> None:
    given = coded(
        KhslMapping(
            about="x",
            contact=False,
            measures=(Measure(code="PD008", field="information", value="ja"),),
        )
    )
    told = files(
        note({"information": True}), note({"information": False}, entry_id="A2B3C4-00"), given=given
    )
    assert told[f"KHSL2-2021-12-{LABEL}"].count("PD008") == 1
    assert told[f"KHSL1-2021-12-{LABEL}"] == ""


def test_measures_of_somebody_without_a_licence_are_left_out_and_said() -> None:
    told = files(note(author_title="undersköterska"))
    assert told[f"KHSL2-2021-12-{LABEL}"] == ""
    row = basis(told).iloc[0]
    assert (row["KHSL1"], row["KHSL2"]) == ("ja", "")
    assert "legitimerad" in row["Lämnas inte"]


def test_void_entries_are_only_in_the_list() -> None:
    told = files(note(voided="fel person", revision=2), amends=EARLIER)
    assert told[f"KHSL1-2021-12-{LABEL}"] == told[f"KHSL2-2021-12-{LABEL}"] == ""
    row = basis(told).iloc[0]
    assert (row["KHSL1"], row["Makulerad"]) == ("nej", "fel person")
    assert row["Rättelse"].startswith("Makulering")


@pytest.mark.parametrize("code", ["PD000", "PD0080", "PD08", "pd008", "PD 08"])
def test_a_heading_and_what_has_not_five_characters_are_no_codes(code: str) -> None:
    with pytest.raises(ValidationError):
        Measure(code=code)


def test_a_heading_in_a_mapping_file_is_an_error_that_says_why(tmp_path: Path) -> None:
    path = tmp_path / "export.khsl.yaml"
    path.write_text("about: x\ncontact: true\nmeasures: [{code: PD000}]\n", "utf-8")
    with pytest.raises(ExportError, match="does not end with 000"):
        load_mapping(path, KhslMapping)


def _with_layout(tmp_path: Path, **files_of: LayoutFile) -> ExportOptions:
    layout = load_layout(ROOT / "forms").model_copy(update=files_of)
    (tmp_path / "khsl.yaml").write_text(layout.model_dump_json(), "utf-8")
    given = coded()
    return replace(given, settings=given.settings.model_copy(update={"forms": tmp_path}))


def _columns(*columns: LayoutColumn, last_may_be_empty: bool = False) -> LayoutFile:
    return LayoutFile(columns=columns, rows="contact", last_may_be_empty=last_may_be_empty)


def test_no_row_ends_with_a_semicolon_unless_the_last_field_may_be_empty(tmp_path: Path) -> None:
    open_end = (
        LayoutColumn(title="Person", source="client.pid"),
        LayoutColumn(title="Slut", constant=""),
    )
    with pytest.raises(ExportError, match="would end with a semicolon"):
        files(note(), given=_with_layout(tmp_path, khsl1=_columns(*open_end)))
    told = files(
        note(), given=_with_layout(tmp_path, khsl1=_columns(*open_end, last_may_be_empty=True))
    )
    assert told[f"KHSL1-2021-12-{LABEL}"] == f"{SIV.pid};\r\n"


def test_a_semicolon_in_a_cell_stops_the_file_without_telling_the_cell(tmp_path: Path) -> None:
    given = _with_layout(tmp_path, khsl1=_columns(LayoutColumn(title="Namn", source="client.name")))
    with pytest.raises(ExportError, match="Namn holds a semicolon") as stopped:
        files(note(client=Client(SIV.pid, "Siv; Åkerlund", "Norr")), given=given)
    assert "Åkerlund" not in str(stopped.value)


def test_the_layout_says_which_columns_nobody_has_checked() -> None:
    layout = load_layout(ROOT / "forms")
    assert "Personnummer" in layout.unchecked_columns
    assert "måste jämföras med Socialstyrelsens gällande specifikation" in layout.about
    checked = LayoutFile(
        columns=(LayoutColumn(title="P", source="client.pid", checked=True),), rows="contact"
    )
    assert layout.model_copy(update={"khsl1": checked, "khsl2": checked}).unchecked_columns == []


def test_whoever_makes_the_files_is_told_to_check_the_columns() -> None:
    assert "Kolumnlistan måste jämföras" in in_swedish(STATISTICS["khsl"].notice(terms("khsl")))


def test_a_layout_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExportError):
        load_layout(tmp_path)


def test_professions_are_codes_of_their_list() -> None:
    layout = load_layout(ROOT / "forms")
    with pytest.raises(ValidationError):
        KhslLayout.model_validate(layout.model_dump() | {"professions": {"sjuksköterska": "AB123"}})
    assert "undersköterska" not in layout.professions


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"area": "SoL"}, "hälso- och sjukvård"),
        ({"event_at": None}, "Datum saknas"),
        ({"client": Client("TILLFACDEFHJ", "Okänd", "Norr")}, "tillfällig identitet"),
        ({"client": Client("22950606FH20", "X", "Norr")}, "samordningsnummer saknas"),
    ],
)
def test_what_the_register_does_not_take_is_said_beforehand(
    other: dict[str, Any], reason: str
) -> None:
    assert reason in in_swedish(TARGETS["khsl"].unsupported_reason(note(**other), coded()))


def test_an_entry_that_is_neither_contact_nor_measure_is_said_beforehand() -> None:
    none = KhslMapping(about="x", contact=False)
    assert "varken en kontakt" in in_swedish(
        TARGETS["khsl"].unsupported_reason(note(), coded(none))
    )
    assert in_swedish(TARGETS["khsl"].unsupported_reason(note(), coded())) == ""


# Whole months, from a store.


def khsl(office: ExportContext) -> tuple[int, int]:
    return next(
        (line.entries, line.amendments)
        for line in list_target_status(office, ANNA)
        if line.target == "khsl"
    )


def tell(office: ExportContext) -> Run:
    made = make_run(office, ANNA, "khsl", utc_now())
    assert made is not None
    return made


def told(office: ExportContext, of: Run) -> dict[str, str]:
    return _unpacked(fetch_run_file(office, ANNA, of.id).data)


def test_statistics_take_no_entry_from_the_record(office: ExportContext) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    tell(office)
    assert state(office, entry_id) is EntryState.SIGNED
    run_to_record = make_run(office, ANNA, "rivta", utc_now())
    assert run_to_record is not None
    assert state(office, entry_id) is EntryState.EXPORTED


def test_what_has_gone_to_the_record_still_counts(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    assert make_run(office, ANNA, "rivta", utc_now()) is not None
    assert khsl(office) == (1, 0)


def test_a_month_without_changes_is_not_told_again(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    first = tell(office)
    assert khsl(office) == (0, 0)
    assert make_run(office, ANNA, "khsl", utc_now()) is None
    make_run(office, ANNA, "rivta", utc_now())
    assert make_run(office, ANNA, "khsl", utc_now()) is None
    assert first.entries == 1


def test_a_month_is_told_whole_when_an_entry_is_new_and_other_months_are_not(
    office: ExportContext,
) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    confirm(office, "hsl-anteckning", "AAAA02", handelsedatum="2022-01-03", **NOTE)
    tell(office)
    confirm(office, "hsl-anteckning", "AAAA03", personnummer=ARNE.pid, **NOTE)
    again = tell(office)
    assert again.entries == 2
    names = list(told(office, again))
    assert [name for name in names if "2022-01" in name] == []
    assert told(office, again)[f"KHSL1-2021-12-{LABEL}"].count("\r\n") == 2
    assert list(basis(told(office, again))["Rättelse"]) == ["", ""]


def test_a_correction_and_a_void_tell_the_month_again(office: ExportContext) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    first = tell(office)
    correct(office, entry_id, "anteckning", "Såret vätskar.")
    assert khsl(office) == (1, 1)
    second = basis(told(office, tell(office))).iloc[0]
    assert second["Rättelse"].startswith(f"Rättelse av tidigare överförd post (körning {first.id}")
    assert second["Version"] == "2"
    void(office, entry_id)
    third = told(office, tell(office))
    assert third[f"KHSL1-2021-12-{LABEL}"] == ""
    assert basis(third).iloc[0]["Makulerad"] == "fel person"
    assert make_run(office, ANNA, "khsl", utc_now()) is None


def test_what_is_put_aside_after_it_was_told_tells_the_month_again(office: ExportContext) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    confirm(office, "hsl-anteckning", "AAAA02", personnummer=ARNE.pid, **NOTE)
    tell(office)
    with office.store.begin() as conn:
        seen, compared = load_entry(conn, entry_id), ComparisonSource(text="Finns i journalen.")
        mark = mark_duplicate(
            conn,
            office.store.images,
            ANNA,
            entry_id,
            seen.revision,
            compared,
            "",
            utc_now(),
            signed=True,
        )
    again = told(office, tell(office))
    assert again[f"KHSL1-2021-12-{LABEL}"].count("\r\n") == 1
    assert sorted(basis(again)["Makulerad"]) == ["", "Posten är avvisad."]
    assert make_run(office, ANNA, "khsl", utc_now()) is None
    with office.store.begin() as conn:
        withdraw_duplicate_mark(conn, ANNA, mark, utc_now())
    assert told(office, tell(office))[f"KHSL1-2021-12-{LABEL}"].count("\r\n") == 2


def _put_aside(office: ExportContext, entry_id: str) -> None:
    with office.store.begin() as conn:
        compared = ComparisonSource(text="Finns i journalen.")
        mark_duplicate(
            conn,
            office.store.images,
            ANNA,
            entry_id,
            load_entry(conn, entry_id).revision,
            compared,
            "",
            utc_now(),
            signed=True,
        )


@pytest.mark.parametrize("end", [void, _put_aside])
def test_an_open_difference_of_a_control_keeps_nothing_in_its_month_that_is_put_aside(
    office: ExportContext, end: Callable[[ExportContext, str], None]
) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    confirm(office, "hsl-anteckning", "AAAA02", personnummer=ARNE.pid, **NOTE)
    tell(office)
    with (
        office.store.begin() as conn
    ):  # another person has typed another value, and nobody has looked yet
        conn.execute(delete(control).where(control.c.entry == entry_id))
        conn.execute(
            insert(control).values(
                entry=entry_id,
                field="handelsetid",
                drawn_at=utc_now(),
                passed=0,
                typed_by=TORA.login,
            )
        )
    assert khsl(office) == (0, 0)
    end(office, entry_id)
    assert told(office, tell(office))[f"KHSL1-2021-12-{LABEL}"].count("\r\n") == 1


def test_what_can_no_longer_be_told_is_taken_out_of_its_month_though_it_was_the_only_one(
    office: ExportContext,
) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    tell(office)
    corrected(office, entry_id, "handelsedatum", Answer(None, State.ILLEGIBLE))
    again = told(office, tell(office))
    assert again[f"KHSL1-2021-12-{LABEL}"] == ""
    assert basis(again).iloc[0]["Makulerad"] != ""
    assert make_run(office, ANNA, "khsl", utc_now()) is None


def test_a_file_of_one_unit_does_not_stand_for_all(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    south = confirm(office, "hsl-anteckning", "AAAA02", unit="Söder", personnummer=ARNE.pid, **NOTE)
    tell(office)
    correct(office, south, "anteckning", "Såret vätskar.")
    assert make_run(office, ANNA, "khsl", utc_now(), "Söder") is not None
    assert make_run(office, ANNA, "khsl", utc_now(), "Söder") is None
    assert tell(office).entries == 2
    assert make_run(office, ANNA, "khsl", utc_now()) is None


def test_an_entry_moved_to_another_month_tells_both(office: ExportContext) -> None:
    stays = confirm(office, "hsl-anteckning", "AAAA01", personnummer=ARNE.pid, **NOTE)
    moves = confirm(office, "hsl-anteckning", "AAAA02", **NOTE)
    tell(office)
    correct(office, moves, "handelsedatum", "2022-01-03")
    assert khsl(office) == (0, 0)
    agree(office, moves, "hsl-anteckning", TORA, handelsedatum="2022-01-03", **NOTE)
    again = told(office, tell(office))
    assert again[f"KHSL1-2021-12-{LABEL}"] == f"202112;2514;{ARNE.pid}\r\n"
    assert again[f"KHSL1-2022-01-{LABEL}"] == f"202201;2514;{SIV.pid}\r\n"
    assert set(basis(again)["Post"]) == {stays, moves}


def test_whoever_sees_a_part_of_a_month_is_told_that_an_earlier_file_holds_more(
    office: ExportContext,
) -> None:
    """A file replaces the one before it: one of a single unit would take the other units out of the
    register.
    """
    here = confirm(office, "hsl-anteckning", "AAAA01", "Norr", **NOTE)
    confirm(office, "hsl-anteckning", "AAAA02", "Söder", personnummer=ARNE.pid, **NOTE)
    tell(office)
    correct(office, here, "anteckning", "Såret vätskar.")

    def notice(unit: str | None) -> str:
        return " ".join(
            in_swedish(text)
            for line in list_target_status(office, ANNA, unit)
            if line.target == "khsl"
            for text in line.notices
        )

    assert "En tidigare fil för 2021-12 har poster som den här inte tar med (1 st)" in notice(
        "Norr"
    )
    assert "En tidigare fil" not in notice(None)
    assert "En tidigare fil" not in notice("Söder"), "nothing of it is told anew"


def test_whoever_takes_an_entry_out_of_a_month_is_told_that_its_earlier_file_holds_more(
    office: ExportContext,
) -> None:
    """Else an empty file would take the other unit's entries out of the register."""
    here = confirm(office, "hsl-anteckning", "AAAA01", "Norr", **NOTE)
    confirm(office, "hsl-anteckning", "AAAA02", "Söder", personnummer=ARNE.pid, **NOTE)
    tell(office)
    correct(office, here, "handelsedatum", "2022-01-03")
    agree(office, here, "hsl-anteckning", TORA, handelsedatum="2022-01-03", **NOTE)
    notices = next(
        line.notices for line in list_target_status(office, ANNA, "Norr") if line.target == "khsl"
    )
    assert [notice for notice in notices if "En tidigare fil för 2021-12" in in_swedish(notice)]


def test_a_run_of_statistics_has_no_receipts_and_stays_with_those_who_may_see_it(
    office: ExportContext,
) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    made = tell(office)
    (status,) = list_runs(office, ANNA)
    assert (status.run, status.waiting, status.has_receipts) == (made, 0, False)
    assert open_run_items(office, ANNA, made.id) == []
    assert list_runs(office, STIG) == []
    with pytest.raises(NotAllowedError):
        fetch_run_file(office, STIG, made.id)


def test_a_clients_extract_of_the_log_leads_to_the_files(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    made = tell(office)
    with office.store.begin() as conn:
        assert made.id in set(conn.execute(log_subjects_of_client(conn, SIV.pid)).scalars())
        assert made.id not in set(conn.execute(log_subjects_of_client(conn, ARNE.pid)).scalars())
        assert clients_of_subjects(conn, [made.id]) == {made.id: {SIV.pid}}
        assert [event.action for event in list_events(conn, made.id)] == ["export"]


def test_of_an_entry_that_changes_while_the_file_is_made_the_new_is_told(
    office: ExportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry_id = confirm(office, "hsl-anteckning", "AAAA01", **NOTE)
    make, made = TARGETS["khsl"].make, []

    def meddled(*given: Any) -> bytes:  # noqa: ANN401
        made.append(make(*given))
        if len(made) == 1:
            correct(office, entry_id, "anteckning", "Såret vätskar.")
        return made[-1]

    monkeypatch.setattr(TARGETS["khsl"], "make", meddled)
    tell(office)
    assert len(made) == 2
    assert khsl(office) == (0, 0)
