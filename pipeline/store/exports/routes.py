"""Routes (vägar): which forms go to which receiving system, in which format, and who delivers.

A row is added for each change, and the latest of a name counts. An entry has the routes of its form
from the moment that one of them takes it: it keeps them, and its corrections go where it is.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, exists, func, insert, select

from pipeline.domain.errors import UsageError
from pipeline.domain.law.permissions import Action, require_permission
from pipeline.domain.model import Person
from pipeline.domain.record import DEFAULT_ROUTE, Route
from pipeline.store.event_log.events import record
from pipeline.store.exports.run_items import ROUTE_NAME
from pipeline.store.schema.exports import export_run, route

_NAME = re.compile(r"[^\W_][\w .-]{0,39}")
"""Names that a command line and a file name can hold."""
_MAX_LENGTH = 80


def list_routes(conn: Connection) -> list[Route]:
    """Return all routes by name, also ended ones, without the default route."""
    latest = select(func.max(route.c.id)).group_by(route.c.name)
    query = select(route).where(route.c.id.in_(latest)).order_by(route.c.name)
    return [
        Route(
            row.name,
            row.target,
            tuple(row.forms),
            row.system,
            row.module,
            row.deliverer,
            row.active,
            row.by,
        )
        for row in conn.execute(query)
    ]


def find_route(conn: Connection, name: str) -> Route | None:
    """Return a route by its name, or the default route by its own; None if there is none."""
    routes = (*list_routes(conn), DEFAULT_ROUTE)
    return next((one for one in routes if one.name == name), None)


def save_route(conn: Connection, person: Person, new: Route, now: datetime) -> None:
    """Set a route: a new one, or new content of the one with this name.

    A route that has runs keeps its target and system, since their corrections go there: end it and
    set another one.

    Raises:
        NotAllowedError: the person does not set routes.
        UsageError: the name cannot be used, a text is too long, or the route has runs.
    """
    require_permission(person, Action.ROUTES)
    new = replace(new, forms=tuple(sorted(set(new.forms))))
    if not _NAME.fullmatch(new.name) or new.name == DEFAULT_ROUTE.name:
        raise UsageError("route_name_invalid")
    if any(len(text) > _MAX_LENGTH for text in (new.system, new.module, new.deliverer)):
        raise UsageError("route_text_too_long", length=_MAX_LENGTH)
    before = find_route(conn, new.name)
    is_moved = before and (before.target, before.system) != (new.target, new.system)
    # A route that an upgrade made from earlier runs has no system yet
    is_named = before is not None and not before.system and before.target == new.target
    if is_moved and not is_named and has_runs(conn, new.name):
        raise UsageError("route_has_runs", route=new.name)
    if before is not None and replace(before, by="") == replace(new, by=""):
        return
    values = {
        "name": new.name,
        "target": new.target,
        "forms": list(new.forms),
        "system": new.system,
        "module": new.module,
        "deliverer": new.deliverer,
        "active": new.is_active,
        "by": person.login,
        "at": now,
    }
    conn.execute(insert(route).values(values))
    record(
        conn,
        person.login,
        "set_route",
        new.name,
        target=new.target,
        forms=" ".join(new.forms),
        system=new.system,
        module=new.module,
        deliverer=new.deliverer,
        active=new.is_active,
    )


def has_runs(conn: Connection, name: str) -> bool:
    """Return whether a run of the route was ever made, also one that was undone."""
    is_of_route = exists().where(ROUTE_NAME.in_([name])).select_from(export_run)
    return bool(conn.execute(select(is_of_route)).scalar_one())
