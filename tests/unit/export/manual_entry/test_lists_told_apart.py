"""Lists to key in are distinguished by their names: system, module and area of law."""

from __future__ import annotations

import re

from pipeline.export.manual_entry.one_list import Destination, find_run_destinations
from pipeline.export.runs import ExportContext
from pipeline.store.schema.clock import utc_now
from tests.support.store.export_office import ANNA, confirm
from tests.support.store.route_steps import make_runs

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")


def test_a_destination_in_a_file_name_is_short_and_ascii() -> None:
    plain = Destination("Lifecare", "Vård och omsorg / SÄBO", "HSL")
    assert plain.file_part == "lifecare-vard-och-omsorg-sabo-hsl"
    assert Destination("Treserva", "", "SoL").file_part == "treserva-sol"
    longest = Destination("Å" * 200, "ö: " * 200, "HSL").file_part
    assert re.fullmatch(r"[a-z0-9-]{1,60}", longest)
    assert longest.endswith("-hsl")


def test_each_list_is_named_by_where_it_goes(office: ExportContext) -> None:
    confirm(office, "hsl-anteckning", "AAAA01", kontakttyp="besok", anteckning="Ja.")
    confirm(office, "social-anteckning", "AAAA02", anteckning="Ja.")
    runs = make_runs(office, ANNA, "skriv-in", utc_now())
    with office.store.read() as conn:
        places = find_run_destinations(conn, office.forms, runs)
    assert len(runs) == len(set(places.values())) == 2
    for run, area in zip(sorted(runs, key=lambda run: places[run.id]), ("HSL", "SoL"), strict=True):
        assert places[run.id].endswith(f", {area}")
        assert re.fullmatch(rf"efterskrift-{run.id}-[a-z0-9-]+-{area.lower()}\.pdf", run.file_name)
        assert len(run.file_name) <= 120
