"""A publication or an archive package that was killed is named, and resumed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import typer
from sqlalchemy import update
from typer.testing import CliRunner

from pipeline.cli import archiving
from pipeline.domain.errors import FormError
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.settings import Settings
from pipeline.export.archive.runs import make_package
from pipeline.export.runs import ExportContext
from pipeline.forms.field_types import FieldType
from pipeline.forms.library import load_published
from pipeline.forms.printing import make_blank_sheets
from pipeline.operations.health import describe_unfinished
from pipeline.preparation.form_check.check import check_forms
from pipeline.preparation.form_editor import actions, outline_edits
from pipeline.preparation.form_editor.draft_form import check_draft
from pipeline.preparation.form_editor.drafts import list_drafts, load_draft
from pipeline.preparation.form_editor.trial import make_trial_form, run_trial
from pipeline.store.database.store import Store, open_store
from pipeline.store.event_log.events import list_events
from pipeline.store.reports.entry_counts import workspace_metrics
from pipeline.store.schema import paper
from pipeline.store.schema.clock import utc_now
from tests.faults.killed import assert_killed, die
from tests.support.pages.small_pages import blank_page
from tests.support.store.export_office import confirm, open_office
from tests.unit.export.archive.archive_steps import BO, export_and_receipt
from tests.unit.preparation.editor_steps import ANNA, begun
from tests.unit.preparation.test_form_publishing import VALUES, scanned

pytestmark = [pytest.mark.faults, pytest.mark.slow]
ACTIONS, ARCHIVING = actions.__name__, archiving.__name__
ARCHIVES = "pipeline.store.exports.archives"


def _die_at(module: str, name: str, when: str, number: int = 1) -> None:
    """Be killed before or after something is done for the n-th time."""
    home = import_module(module)
    real, calls = getattr(home, name), iter(range(1, 1000))

    def killed(*given: object, **named: object) -> object:
        is_time = next(calls) == number
        if is_time and when == "before":
            die()
        done = real(*given, **named)
        if is_time:
            die()
        return done

    setattr(home, name, killed)


def _unfinished(store: Store) -> list[str]:
    with store.read() as conn:
        return list(workspace_metrics(conn)["forms"]["unfinished"])


# Forms


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a form in use, and a draft of its next version that was tried."""
    folder = tmp_path_factory.mktemp("tried") / "workspace"
    settings = Settings(workspace=folder, database_url="")
    store = open_store(settings, create=True)
    first = begun(store, settings)
    _try(store, first.id, settings)
    form = actions.publish_draft(store, settings, ANNA, first)
    second = actions.begin_version_draft(store, settings, ANNA, form)
    added = outline_edits.add_item(second.data, 2, "Vaken", FieldType.MARK)
    actions.change_draft(store, ANNA, second, added)
    _try(store, second.id, settings)
    store.close()
    return folder


def _try(store: Store, draft_id: str, settings: Settings) -> None:
    draft = load_draft(settings.form_drafts, draft_id)
    form = check_draft(draft).form
    assert form is not None
    sheet = scanned(make_trial_form(form), make_blank_sheets(1)[0], VALUES)
    run_trial(store, ANNA, draft, sheet, "prov.png")


def publish_until(folder: str, *moment: object) -> None:
    """Publish the draft, and be killed."""
    settings = Settings(workspace=Path(folder), database_url="")
    (draft,) = list_drafts(settings.form_drafts)
    _die_at(ACTIONS, *moment)  # type: ignore[arg-type]
    actions.publish_draft(open_store(settings), settings, ANNA, draft)


def _form_in_use(settings: Settings) -> Form | None:
    """Version 2 as a program that starts now finds it."""
    forms = Forms.load(settings.own_forms)
    return next((form for form in forms.values() if form.version == 2), None)


def _publications(store: Store, form_id: str) -> int:
    """How often the log says that version 2 is published."""
    with store.read() as conn:
        events = [one for one in list_events(conn, form_id) if one.action == "publish_form"]
    return sum(one.detail["version"] == 2 for one in events)


@pytest.mark.parametrize(
    "moment",
    [
        ("begin_publication", "before"),
        ("begin_publication", "after"),
        ("record", "after"),
        ("write_published_form", "before"),
        ("_archive_previous_version", "after"),
        ("write_atomically", "before"),
        ("write_atomically", "after"),
        ("write_atomically", "before", 2),
        ("write_atomically", "after", 2),
        ("write_atomically", "before", 3),
        ("write_atomically", "after", 3),
        ("archive_draft", "after"),
        ("end_publications", "before"),
        ("end_publications", "after"),
    ],
    ids=lambda moment: "-".join(map(str, moment)),
)
def test_a_killed_publication_is_in_the_log_named_and_finished(
    tried: Path, tmp_path: Path, moment: tuple[object, ...]
) -> None:
    settings = Settings(workspace=tmp_path / "workspace", database_url="")
    shutil.copytree(tried, settings.workspace)
    (draft,) = list_drafts(settings.form_drafts)
    assert_killed(publish_until, str(settings.workspace), *moment)
    store = open_store(settings)
    is_stored = moment[0] not in {"begin_publication", "record"}
    # Whatever is in use, the log says who wanted it, and what is half done is named
    assert _publications(store, draft.id) == is_stored
    assert is_stored or _form_in_use(settings) is None
    assert _unfinished(store) == ([f"{draft.id}/2"] if is_stored else [])
    if is_stored:
        with pytest.raises(FormError, match="was stopped"):
            describe_unfinished(settings)
        assert actions.finish_publication(store, settings, ANNA, draft.id, 2)
    else:
        actions.publish_draft(store, settings, ANNA, draft)
    assert _form_in_use(settings) == Forms.load(settings.own_forms).latest(draft.id)
    assert set(load_published(settings.own_forms)) == {f"{draft.id}/1", f"{draft.id}/2"}
    assert [one.findings for one in check_forms(settings.own_forms)] == [(), ()]
    assert (_publications(store, draft.id), _unfinished(store)) == (1, [])
    assert list_drafts(settings.form_drafts) == []
    describe_unfinished(settings)
    store.close()


def test_a_draft_that_was_changed_since_is_tried_again(tried: Path, tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path / "workspace", database_url="")
    shutil.copytree(tried, settings.workspace)
    (draft,) = list_drafts(settings.form_drafts)
    assert_killed(publish_until, str(settings.workspace), "write_published_form", "before")
    store = open_store(settings)
    more = outline_edits.add_item(draft.data, 2, "Orolig", FieldType.MARK)
    changed = actions.change_draft(store, ANNA, draft, more)
    assert not actions.finish_publication(store, settings, ANNA, draft.id, 2)
    assert _form_in_use(settings) is None
    actions.discard_draft(store, ANNA, changed)
    assert _unfinished(store) == []
    store.close()


# Archive packages


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ExportContext]:
    """An office with a sheet that may be archived, in the workspace that the command opens."""
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("EFTERSKRIFT_DATABASE_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    opened = open_office(Settings(workspace=tmp_path / "workspace", database_url=""))
    confirm(opened, "hsl-anteckning", "AAAA01", kontakttyp="besok", anteckning="Sover gott.")
    with opened.store.begin() as conn:
        conn.execute(
            update(paper.page).values(
                image_sha256=opened.store.images.put(blank_page(1)), media_type="image/png"
            )
        )
    export_and_receipt(opened)
    yield opened
    opened.store.close()


def _archive(*words: str) -> str:
    app = typer.Typer()
    app.command("archive")(archiving.archive)
    done = CliRunner().invoke(app, ["--json", *words], standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.stdout


def archive_until(folder: str, *moment: str) -> None:
    """Run `efterskrift archive`, and be killed."""
    os.environ["EFTERSKRIFT_WORKSPACE"] = str(Path(folder) / "workspace")
    os.chdir(folder)
    _die_at(*moment)  # type: ignore[arg-type]
    _archive("--decision", "DHP 2022-3")


@pytest.mark.parametrize(
    "moment",
    [
        (ARCHIVES, "add_package", "before"),
        (ARCHIVES, "add_package", "after"),
        (ARCHIVING, "package_file", "before"),
        (ARCHIVING, "package_file", "after"),
        (ARCHIVING, "write_secret", "before"),
        (ARCHIVING, "write_secret", "after"),
        (ARCHIVES, "save_package_delivery", "before"),
        (ARCHIVES, "save_package_delivery", "after"),
    ],
    ids=lambda moment: "-".join(moment[1:]),
)
def test_a_killed_package_is_named_and_delivered(
    office: ExportContext, tmp_path: Path, moment: tuple[str, str, str]
) -> None:
    assert_killed(archive_until, str(tmp_path), *moment)
    is_made = moment[1] != "add_package"
    with office.store.read() as conn:
        named = workspace_metrics(conn)["archive"]["unfetched"]
    assert len(named) == is_made
    assert all(package in str(describe_unfinished(office.settings)) for package in named)
    for file in tmp_path.glob("*.zip"):
        file.unlink()
    said = json.loads(_archive("--decision", "DHP 2022-3"))
    taken_up = [one["package"] for one in said["unfetched"]]
    assert (taken_up, said["sheets"]) == (named, 0 if is_made else 1)
    (file,) = tmp_path.glob("*.zip")
    assert file.stat().st_size
    with office.store.read() as conn:
        assert workspace_metrics(conn)["archive"]["unfetched"] == []
    again = json.loads(_archive())
    assert (again["unfetched"], again["package"]) == ([], None)


def test_a_package_of_somebody_else_is_named_and_left(office: ExportContext) -> None:
    made = make_package(office, BO, utc_now(), "DHP 2022-3")
    assert made is not None
    assert json.loads(_archive("--decision", "DHP 2022-3"))["unfetched"] == []
    with office.store.read() as conn:
        assert workspace_metrics(conn)["archive"]["unfetched"] == [made.id]
