"""A target of another package (`tests/support/plugin/`) keeps the contract, seen from outside."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import build_app
from pipeline.domain.errors import ExitCode, ExportError, SettingsError
from pipeline.domain.form.form import Forms
from pipeline.domain.model import EntryState
from pipeline.domain.record import MANUAL_ENTRY_TARGET, Route
from pipeline.export import targets
from pipeline.export.check_target import check_target
from pipeline.export.runs import (
    ExportContext,
    RunKind,
    fetch_run_file,
    list_runs,
    make_run,
    set_route,
)
from pipeline.export.targets import find_target, find_title, load_targets
from pipeline.files.plug_ins import find_plug_ins
from pipeline.store.schema.clock import utc_now
from tests.support.store.export_examples import FORMS, SETTINGS
from tests.support.store.export_office import ANNA, confirm, state
from tests.support.store.route_steps import ROUTE_SETTER
from tests.support.store.targets import TARGETS

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")
PLUGIN = Path(__file__).parents[2] / "support" / "plugin"
NAME, FORM = "prov-journal", "hsl-anteckning"
KIND = RunKind("Journal", NAME)


def _forget() -> None:
    find_plug_ins.cache_clear()
    load_targets.cache_clear()


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package is there, as after `pip install`."""
    monkeypatch.syspath_prepend(PLUGIN)
    _forget()
    yield
    sys.modules.pop("prov_journal", None)
    targets._load.cache_clear()
    _forget()


@pytest.fixture
def here(office: ExportContext, _installed: None) -> ExportContext:
    """An office whose settings name the target, and whose notes go there."""
    settings = office.settings.model_copy(update={"targets": (NAME,)})
    folder = settings.own_forms / FORM
    folder.mkdir(parents=True)
    (folder / f"export.{NAME}.yaml").write_text(
        "about: Prov\ncolumns:\n  - {title: Text, source: field.anteckning}\n"
    )
    here = replace(office, settings=settings)
    set_route(here, ROUTE_SETTER, Route(KIND.route, NAME, (FORM,)), utc_now())
    return here


@pytest.mark.usefixtures("_installed")
def test_a_target_that_is_not_named_is_not_imported() -> None:
    assert NAME not in load_targets()
    assert find_title(NAME) is None
    assert "prov_journal" not in sys.modules
    assert NAME in load_targets((NAME,))
    assert "prov_journal" not in sys.modules
    assert find_target(SETTINGS.model_copy(update={"targets": (NAME,)}), NAME).suffix == ".ndjson"


@pytest.mark.usefixtures("_installed")
def test_what_is_not_there_or_no_target_is_said() -> None:
    with pytest.raises(SettingsError, match="gone, which the setting"):
        load_targets((NAME, "gone"))
    with pytest.raises(ExportError, match="prov-wrong cannot be loaded"):
        load_targets(("prov-wrong",))["prov-wrong"]


def test_a_wrong_setting_stops_at_once_and_an_outage_is_tried_again(
    here: ExportContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = confirm(here, FORM, "AAAA01", kontakttyp="besok", anteckning="Såret ser bra ut.")
    for place, told in (("", "PROV_JOURNAL is not set"), ("away", "after 3 attempts: PROV_")):
        monkeypatch.setenv("PROV_JOURNAL", place)
        with pytest.raises(ExportError, match=told):
            make_run(here, ANNA, KIND, utc_now())
        assert state(here, entry) is EntryState.SIGNED
    monkeypatch.setenv("PROV_JOURNAL", "there")
    run = make_run(here, ANNA, KIND, utc_now())
    assert run is not None
    assert "Såret ser bra ut." in fetch_run_file(here, ANNA, run.id).data.decode()
    assert make_run(here, ANNA, KIND, utc_now()) is None
    # The file stays there for whoever has removed the package since
    without = replace(here, settings=here.settings.model_copy(update={"targets": ()}))
    assert fetch_run_file(without, ANNA, run.id).data


def test_a_target_that_hangs_exports_nothing(here: ExportContext) -> None:
    entry = confirm(here, FORM, "AAAA01", kontakttyp="besok", anteckning="Såret ser bra ut.")
    limited = {"targets": (NAME, "prov-slow"), "plug_in_seconds": 0.2}
    slow = replace(here, settings=here.settings.model_copy(update=limited))
    mapping = here.settings.own_forms / FORM / f"export.{NAME}.yaml"
    mapping.with_name("export.prov-slow.yaml").write_text(mapping.read_text("utf-8"), "utf-8")
    set_route(slow, ROUTE_SETTER, Route(KIND.route, "prov-slow", (FORM,)), utc_now())
    with pytest.raises(ExportError) as raised:
        make_run(slow, ANNA, RunKind(KIND.route, "prov-slow"), utc_now())
    assert "svarade inte inom 0.2 sekunder" in raised.value.message_in("sv")
    assert "Inget har exporterats" in raised.value.remedy_in("sv")
    assert (state(here, entry), list_runs(slow, ANNA)) == (EntryState.SIGNED, [])


def test_the_command_tries_it(here: ExportContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(here.settings.workspace))
    monkeypatch.setenv("EFTERSKRIFT_TARGETS", f'["{NAME}"]')
    for place, code in (("there", ExitCode.OK), ("", ExitCode.EXPORT)):
        monkeypatch.setenv("PROV_JOURNAL", place)
        result = CliRunner().invoke(build_app(), ["check-target", NAME])
        assert result.exit_code == code, result.output
        assert "4 av 4 exempelposter" in result.output or "4 of 4 sample" in result.output


_EVERY_SIXTH = Forms(
    {key: form for number, (key, form) in enumerate(FORMS.items()) if number % 6 == 0}
)
"""The printed list embeds its fonts in each of its 172 samples, twice."""


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        *((name, _EVERY_SIXTH if name == MANUAL_ENTRY_TARGET else FORMS) for name in TARGETS),
        pytest.param(MANUAL_ENTRY_TARGET, FORMS, marks=pytest.mark.nightly),
    ],
)
def test_each_target_of_the_program_keeps_the_rules(name: str, forms: Forms) -> None:
    found = check_target(TARGETS[name], SETTINGS, forms)
    assert found.problems == ()
    assert found.entries


def test_each_has_its_title_as_data() -> None:
    assert all(find_title(name) == TARGETS[name].title for name in TARGETS)
