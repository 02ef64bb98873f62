"""Routes for tests: every form that a target has a mapping for goes to that target."""

from __future__ import annotations

from datetime import datetime

from pipeline.domain.law.permissions import ALL_AREAS, Action, require_permission
from pipeline.domain.model import Person, Role
from pipeline.domain.record import DEFAULT_ROUTE, Route, Run
from pipeline.export.exporter import Exporter
from pipeline.export.mapping import load_mappings
from pipeline.export.runs import (
    ExportContext,
    RunKind,
    RunPreview,
    list_run_previews,
    make_runs_of_kind,
)
from pipeline.export.runs.candidates import RunScope, load_candidates, with_manual_corrections
from pipeline.export.targets import find_target
from pipeline.store.exports.routes import list_routes, save_route
from pipeline.store.registers.staff import load_staff_list
from pipeline.store.schema.clock import utc_now
from tests.support.store.targets import TARGETS

ROUTE_SETTER = Person(
    "vera", "Vera Ek", "systemansvarig", Role.ADMINISTRATOR, frozenset({"Norr"}), ALL_AREAS
)


def route_to(office: ExportContext, *targets: str) -> None:
    """Set the routes so that all forms with a mapping for these targets go there, and no others."""
    with office.store.begin() as conn:
        known = {route.name: route for route in list_routes(conn)}
        for name in sorted({*known, *targets} - {DEFAULT_ROUTE.name}):
            target = known[name].target if name in known else name
            forms = mapped_forms(office, TARGETS.get(target), target) if name in targets else ()
            new = Route(name, target, forms, is_active=name in targets)
            save_route(conn, ROUTE_SETTER, new, utc_now())


def mapped_forms(office: ExportContext, exporter: Exporter | None, target: str) -> tuple[str, ...]:
    """The forms that a target has a mapping for."""
    if exporter is None or exporter.mapping is None:
        return ()
    return tuple(sorted(load_mappings(office.settings.form_folders, target, exporter.mapping)))


def make_runs(
    office: ExportContext, person: Person, target: str, now: datetime, unit: str | None = None
) -> list[Run]:
    """The runs of all routes that something of a target waits in."""
    with office.store.recording_denials():
        require_permission(person, Action.EXPORT, unit)
    find_target(office.settings, target)
    with office.store.read() as conn:
        kinds = [RunKind(each.name, target) for each in list_routes(conn) if each.target == target]
        if office.targets.find_statistics(target) is None:
            candidates = with_manual_corrections(
                load_candidates(conn, RunScope(office, person, unit)),
                office,
                load_staff_list(conn),
            )
            waiting = (one.kind for one in candidates.entries if one.kind.target == target)
            kinds = list(dict.fromkeys(waiting))
    return [run for kind in kinds for run in make_runs_of_kind(office, person, kind, now, unit)]


def make_run(
    office: ExportContext, person: Person, target: str, now: datetime, unit: str | None = None
) -> Run | None:
    """Route to one target alone, and make its run; None if there is nothing for it.

    Of the lists to key in, one for each system and area of law, this is the first.
    """
    route_to(office, target)
    made = make_runs(office, person, target, now, unit)
    assert len(made) <= 1 or target == DEFAULT_ROUTE.target
    return made[0] if made else None


def target_status(
    office: ExportContext, person: Person, target: str, unit: str | None = None
) -> RunPreview:
    """What a run to a target would hold, if all went there."""
    route_to(office, target)
    of_target = [
        preview for preview in list_run_previews(office, person, unit) if preview.target == target
    ]
    return max(of_target, key=lambda preview: preview.entries)


def list_target_status(
    office: ExportContext, person: Person, unit: str | None = None
) -> list[RunPreview]:
    """What a run to each target would hold, if all went to that one: a look at the whole queue for
    each of them, so `target_status` is quicker for one.
    """
    return [target_status(office, person, target, unit) for target in TARGETS]
