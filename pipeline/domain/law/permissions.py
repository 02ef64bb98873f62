"""Permissions: which role may do what, in which unit and area of law.

Every public function that acts for a person checks them; hiding a button is no protection. Rights
follow the need of the work (PDL 4:1–2, SoLPUL 10 §): a manager sees counts but no paper, a reviewer
the paper of their units in the areas of law of their profession. Blocks, and what single pages and
entries need, are in `store/accounts/visibility.py`.

data/professions.yaml lists the professions of reviewers and the areas of law that each may see and
confirm. Areas are separated (PDL 4:2, SoLPUL 10 §). The system administrator may give an account
other areas than its profession's, for instance to a planner who has HSL tasks by delegation; that
is logged.

A person may have several assignments (`model.Assignment`). A right needs one of them whose role,
unit and area of law allow it together: the role of one does not reach into the units of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from pipeline.domain.errors import NotAllowedError
from pipeline.domain.form.field import StrictModel
from pipeline.domain.form.form import Area, Form, SigningRule, load_signing_rules
from pipeline.domain.form.rules import load_rules_file
from pipeline.domain.model import Assignment, Person, Role
from pipeline.domain.settings import ROOT

PROFESSIONS_FILE = ROOT / "data" / "professions.yaml"
ALL_AREAS = frozenset(area.value for area in Area)
ROLES_WITHOUT_PAPER = frozenset({Role.SYSTEM_ADMINISTRATOR, Role.LOG_REVIEWER})
ROLES_WITH_PROFESSION = frozenset({Role.REVIEWER, Role.TYPIST})
"""Roles whose areas of law are those of the profession."""


class Action(StrEnum):
    """An action that needs a permission."""

    SCAN = "scan"
    VIEW_PAGE = "view_page"
    PROBLEMS = "problems"
    REVIEW = "review"
    CORRECT = "correct"
    EXPORT = "export"
    RECEIPT = "receipt"
    PROGRESS = "progress"
    PULL = "pull"
    MANAGE = "manage"
    PRINT = "print"
    SIGN = "sign"
    VOID = "void"
    FORWARD = "forward"
    ACCOUNTS = "accounts"
    LOG = "log"
    BACKLOG = "backlog"
    QUALITY = "quality"
    FOLLOW_UP = "follow_up"
    BLOCK = "block"
    ALARM = "alarm"
    ARCHIVE = "archive"
    DISPOSE = "dispose"
    APPROVE_PAYMENT = "approve_payment"
    PACK = "pack"
    FORMS = "forms"
    MAKE_FORMS = "make_forms"
    OFFICE = "office"
    ROUTES = "routes"
    DUTY = "duty"


ROLE_ACTIONS: Mapping[Role, frozenset[Action]] = {
    Role.ADMINISTRATOR: frozenset(
        {
            Action.SCAN,
            Action.PRINT,
            Action.VIEW_PAGE,
            Action.PROBLEMS,
            Action.FORWARD,
            Action.EXPORT,
            Action.RECEIPT,
            Action.PROGRESS,
            Action.BACKLOG,
            Action.FOLLOW_UP,
            Action.BLOCK,
            Action.MANAGE,
            Action.ARCHIVE,
            Action.PACK,
            Action.FORMS,
            Action.MAKE_FORMS,
            Action.OFFICE,
            Action.ROUTES,
            Action.DUTY,
        }
    ),
    Role.REVIEWER: frozenset(
        {
            Action.VIEW_PAGE,
            Action.REVIEW,
            Action.CORRECT,
            Action.SIGN,
            Action.VOID,
            Action.FORWARD,
            Action.BACKLOG,
            Action.FOLLOW_UP,
            Action.BLOCK,
            Action.EXPORT,
            Action.RECEIPT,
            Action.DUTY,
        }
    ),
    Role.MANAGER: frozenset(
        {
            Action.PROGRESS,
            Action.PULL,
            Action.BACKLOG,
            Action.QUALITY,
            Action.ALARM,
            Action.APPROVE_PAYMENT,
            Action.PACK,
            Action.DUTY,
        }
    ),
    Role.REGISTRAR: frozenset(
        {
            Action.SCAN,
            Action.PRINT,
            Action.VIEW_PAGE,
            Action.REVIEW,
            Action.CORRECT,
            Action.FORWARD,
            Action.EXPORT,
            Action.RECEIPT,
            Action.ARCHIVE,
            Action.DISPOSE,
            Action.DUTY,
        }
    ),
    Role.SYSTEM_ADMINISTRATOR: frozenset(
        {
            Action.ACCOUNTS,
            Action.MANAGE,
            Action.FORMS,
            Action.MAKE_FORMS,
            Action.OFFICE,
            Action.ROUTES,
        }
    ),
    Role.LOG_REVIEWER: frozenset({Action.LOG, Action.ALARM}),
    # Types and confirms what anybody may type; signs nothing.
    Role.TYPIST: frozenset({Action.VIEW_PAGE, Action.REVIEW}),
}


def find_assignments(
    person: Person, action: Action, unit: str | None = None, area: str | None = None
) -> tuple[Assignment, ...]:
    """Return the person's assignments that allow this, in this unit and area if they are given."""
    return tuple(
        one
        for one in person.assignments
        if action in ROLE_ACTIONS[one.role]
        and (unit is None or unit in one.units)
        and (area is None or area in one.areas)
    )


def permitted_units(person: Person, action: Action) -> frozenset[str]:
    """Return the units in which the person may do this."""
    return frozenset().union(*(one.units for one in find_assignments(person, action)))


def permitted_areas(person: Person, action: Action, unit: str | None = None) -> frozenset[str]:
    """Return the areas of law in which the person may do this, in one unit or in any."""
    return frozenset().union(*(one.areas for one in find_assignments(person, action, unit)))


def units_within_block(person: Person) -> frozenset[str]:
    """Return the units whose blocks (spärrar) do not hide their clients from the person.

    They are those whose paper the person may see, and all units of a person who sees no paper.
    """
    return permitted_units(person, Action.VIEW_PAGE) or person.all_units


def is_allowed(
    person: Person,
    action: Action,
    unit: str | None = None,
    area: str | None = None,
    form: str | None = None,
) -> bool:
    """Whether the person may do this, and in this unit, area of law and form if they are given."""
    assignments = find_assignments(person, action, unit, area)
    is_reserved = form is not None and form in reserved_forms()
    return any(one.role is not Role.TYPIST or not is_reserved for one in assignments)


def require_permission(
    person: Person,
    action: Action,
    unit: str | None = None,
    area: str | None = None,
    form: str | None = None,
) -> None:
    """Check that the person may do this, and in this unit, area and form if they are given.

    `require_visible_page` and `require_visible_entry` of `visibility` check all that a page or
    an entry needs.

    Raises:
        NotAllowedError: the role, the unit, the area of law or the form does not allow it.
    """
    if not find_assignments(person, action):
        raise NotAllowedError(
            "role_not_allowed",
            role=", ".join(person.roles),
            wanted=action,
            by=person.login,
            action=action.value,
            unit=unit,
        )
    if is_allowed(person, action, unit, area, form):
        return
    # Say what is in the way: the unit, the area of law, or the form.
    by, action_name = person.login, action.value
    if not find_assignments(person, action, unit):
        raise NotAllowedError("other_unit", by=by, action=action_name, unit=unit)
    if not find_assignments(person, action, unit, area):
        raise NotAllowedError("other_area", by=by, action=action_name, unit=unit)
    raise NotAllowedError("typist_other_form", by=by, action=action_name, unit=unit)


@contextmanager
def naming(subject: str) -> Iterator[None]:
    """Let a denial say what it was about, by the id that its events in the log have."""
    try:
        yield
    except NotAllowedError as error:
        error.subject = error.subject or subject
        raise


def require_permission_for(
    subject: str, person: Person, action: Action, unit: str | None = None
) -> None:
    """Check as `require_permission`; a denial names its subject as `naming` does."""
    with naming(subject):
        require_permission(person, action, unit)


@cache
def reserved_forms() -> frozenset[str]:
    """Return the ids of the forms that no typist may type, by the rule of signing in force."""
    return frozenset().union(*(rule.reserved for rule in load_signing_rules(ROOT / "forms")[-1:]))


def find_signing_profession(
    person: Person, rule: SigningRule | None, form: Form, unit: str, area: str, *, own: bool
) -> str | None:
    """Return the profession by which the person may sign, as `require_signer`, or None."""
    assignments = find_assignments(person, Action.SIGN, unit, area)
    professions = [find_profession(one.title) for one in assignments]
    allowed = (
        profession.id
        for profession in professions
        if profession and rule and rule.may_sign(form, area, profession.id, own=own)
    )
    return next(allowed, None)


def require_signer(
    person: Person, rule: SigningRule | None, form: Form, unit: str, area: str, *, own: bool
) -> str:
    """Check that the person's profession may sign this, and return the profession's id.

    Args:
        area: the area of law of the entry, in which the profession is asked for.
        own: whether the person wrote the note; else it is signed for an absent author.

    Raises:
        NotAllowedError: the person does not sign in this unit and area, or the table of
            forms/signing.yaml does not name the profession.
    """
    require_permission(person, Action.SIGN, unit, area)
    if profession := find_signing_profession(person, rule, form, unit, area, own=own):
        return profession
    by, action_name = person.login, Action.SIGN.value
    if own:
        raise NotAllowedError("profession_may_not_sign", by=by, action=action_name, unit=unit)
    raise NotAllowedError(
        "profession_may_not_sign_for_others", by=by, action=action_name, unit=unit
    )


class Profession(StrictModel):
    """One profession with the titles that it is known by."""

    id: str
    name: str
    areas: Annotated[tuple[Area, ...], Field(min_length=1)]
    titles: Annotated[tuple[str, ...], Field(min_length=1)]


def load_professions(file: Path = PROFESSIONS_FILE) -> list[Profession]:
    """Load the professions of a file.

    Raises:
        FormError: the file is missing, or not as its first lines document.
    """
    return load_rules_file(file, TypeAdapter(list[Profession]))


def default_areas(role: Role, title: str) -> frozenset[str]:
    """Return the areas of law of an account for which none are set.

    Reviewers and typists have their profession's, none if it is not known. Administrators,
    registrars and managers have all areas of their units, since a person who scans a batch sees
    all of it. System administrators and log reviewers see no paper.
    """
    if role in ROLES_WITH_PROFESSION:
        profession = find_profession(title)
        return frozenset(area.value for area in profession.areas) if profession else frozenset()
    return frozenset() if role in ROLES_WITHOUT_PAPER else ALL_AREAS


def find_profession(title: str) -> Profession | None:
    """Return the profession that is known by a title, whatever its letters' case."""
    return _professions_by_title().get(title.strip().casefold())


@cache
def _professions_by_title() -> Mapping[str, Profession]:
    return {
        title.casefold(): profession
        for profession in load_professions()
        for title in profession.titles
    }
