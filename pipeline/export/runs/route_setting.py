"""Setting a route: which forms a format can carry, and what the administrator may say."""

from __future__ import annotations

from datetime import datetime

from pipeline.domain.errors import UsageError
from pipeline.domain.form.form import INTERNAL_FORMS, Form
from pipeline.domain.law.permissions import Action
from pipeline.domain.model import Person
from pipeline.domain.record import Route
from pipeline.export.context import ExportContext, load_export_options
from pipeline.export.targets import find_target
from pipeline.store.exports.routes import list_routes, save_route


def list_routable_forms(context: ExportContext, target: str = "") -> list[Form]:
    """Return the newest version of each form whose entries go to a system, by title.

    Args:
        target: only forms that this format has a mapping for; the key-in list takes every form.

    Raises:
        ExportError: there is no such target, or a mapping file is wrong.
    """
    ids = {form_id for form_id, _ in context.forms} - set(INTERNAL_FORMS)
    if target and (exporter := find_target(context.settings, target)).mapping is not None:
        ids &= set(load_export_options(context, target, exporter).mappings)
    return sorted((context.forms.latest(form_id) for form_id in ids), key=lambda form: form.title)


def set_route(context: ExportContext, person: Person, route: Route, now: datetime) -> None:
    """Set a route: a new one, or new content of the one with this name.

    Raises:
        NotAllowedError: the person does not set routes.
        ExportError: there is no such target, or a mapping file is wrong.
        UsageError: the format cannot carry a form, a second route reports the same statistics, or
            as `save_route`.
    """
    context.store.require_permission(person, Action.ROUTES)
    known = {form.id for form in list_routable_forms(context, route.target)}
    if unknown := [form for form in route.forms if form not in known]:
        raise UsageError("route_without_mapping", forms=", ".join(unknown), target=route.target)
    with context.store.begin() as conn:
        others = [one for one in list_routes(conn) if one.name != route.name and one.is_active]
        # Statistics replace the file before them, so there is one for a month
        is_monthly = context.targets.find_statistics(route.target) is not None
        if is_monthly and any(one.target == route.target for one in others):
            raise UsageError("route_statistics_twice", target=route.target)
        save_route(conn, person, route, now)
