"""What a workspace of the rights' tests holds besides its pages: each part is added here."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from pipeline.domain.form.form import Area, Subject
from pipeline.domain.law.duties import MetHow
from pipeline.domain.model import Person
from pipeline.domain.record import Route
from pipeline.domain.review.rules import Answer
from pipeline.domain.settings import Settings
from pipeline.export.archive.runs import make_package
from pipeline.export.manual_entry.one_list import find_destination
from pipeline.export.runs import ExportContext, RunKind
from pipeline.preparation.form_editor.actions import NewFormInfo
from pipeline.preparation.form_editor.drafts import create_draft, list_drafts
from pipeline.preparation.form_editor.outline_edits import empty_outline
from pipeline.review import decisions, rejections
from pipeline.review.questions import Questions
from pipeline.review.rejections import ComparisonSource, Duplicate, mark_duplicate
from pipeline.store.database.image_files import Images
from pipeline.store.database.store import Store
from pipeline.store.entries import queue
from pipeline.store.exports.manual_entry import FieldOrder
from pipeline.store.exports.runs import save_delivery
from pipeline.store.review.duties import MetAnswer
from pipeline.store.schema import paper
from pipeline.store.schema.review import (
    control,
    duplicate_mark,
    group_cell,
    group_task,
    look,
    met_duty,
    question,
)
from tests.support.pages.small_pages import blank_page
from tests.support.store.ward import (
    ADMIN,
    EVA,
    FORMS,
    NOTE,
    NOW,
    PLAN,
    SAID,
    VISITS,
    answers,
    later,
)
from tests.support.store.work import work


def form_editor_arguments(settings: Settings, name: str) -> dict[str, Any]:
    """What the functions of the form editor are called with."""
    outline = empty_outline("egen-prov", "Prov", Area.HSL, Subject.CLIENT)
    place = settings.form_drafts
    draft = (
        list_drafts(place)[0] if list_drafts(place) else create_draft(place, "egen-prov", outline)
    )
    changed = outline | {"title": "Prov igen"} if name.endswith("change_draft") else b"no picture"
    start = NewFormInfo("Rond", Area.HSL, Subject.CLIENT)
    return {
        "draft": draft,
        "data": changed,
        "name": "x.png",
        "start": start,
        "form": NOTE,
        "copies": 1,
        "forms": FORMS,
    }


def manual_entry_arguments(run_id: str) -> dict[str, Any]:
    """What the functions about keying in are called with."""
    place = find_destination(NOTE.id, Area.HSL.value)
    return {
        "list_name": (run_id, place),
        "turn": "none",
        "copied": {"CCCC-00": ["note 1"]},
        "system": place.system,
        "form_id": NOTE.id,
        "where": (place.system, NOTE.id),
        "fields": [],
        "order": FieldOrder((), ()),
    }


def add_archived(store: Store, settings: Settings) -> str:
    """A package of the note that has been exported."""
    picture = store.images.put(blank_page(1))
    with store.begin() as conn:
        conn.execute(
            update(paper.page).where(paper.page.c.serial == "CCCC").values(image_sha256=picture)
        )
        # As if its target had said that it has it, which another person still has to say.
        sheet = update(paper.entry).where(paper.entry.c.serial == "CCCC")
        conn.execute(sheet.values(state="kvitterad"))
    made = make_package(ExportContext(store, settings, FORMS), ADMIN, NOW, "DHP 2022-3")
    assert made is not None
    with store.begin() as conn:
        conn.execute(sheet.values(state="exporterad"))
    return made.id


def confirm(store: Store, entry_id: str, who: Person) -> None:
    """A person decides an entry."""
    with store.begin() as conn:
        queue.open_claimed_entry(conn, FORMS, who, entry_id, queue.ClaimTerms(NOW))
        decisions.decide_entry(
            conn, FORMS, who, decisions.Decision(entry_id, 0, answers(SAID) | answers(PLAN)), NOW
        )


def add_controls(conn: Connection) -> tuple[int, int]:
    """Two fields of Nils's that Eva has to type and to decide, and no other that chance has
    drawn.
    """
    conn.execute(delete(control))
    mine = {
        "field": "text",
        "drawn_at": NOW,
        "passed": 0,
        "claimed_by": EVA.login,
        "claimed_until": later(60),
    }
    typed = {
        "typed_by": "tora",
        "typed_at": NOW,
        "typed_value": "Sov illa.",
        "typed_state": Answer("").state.value,
    }
    first = conn.execute(insert(control).values({**mine, "entry": "EEEE-00"})).inserted_primary_key
    second = conn.execute(
        insert(control).values({**mine, **typed, "entry": "FFFF-00"})
    ).inserted_primary_key
    assert first is not None
    assert second is not None
    return first[0], second[0]


def add_measured(conn: Connection) -> None:
    """Work of three people that has been controlled, and one look of Eva's."""
    done = {
        "field": "namn",
        "drawn_at": NOW,
        "passed": 0,
        "typed_by": "tora",
        "typed_at": NOW,
        "outcome": "agreed",
    }
    for serial, login in (("BBBB", "eva"), ("EEEE", "nils"), ("FFFF", "tora")):
        conn.execute(
            insert(control).values({**done, "entry": f"{serial}-00", "confirmed_by": login})
        )
    row = {
        "entry": "BBBB-00",
        "revision": 0,
        "login": "eva",
        "at": NOW,
        "fields": 8,
        "seconds": 30.0,
        "second": False,
    }
    conn.execute(insert(look).values(row))


def add_groups(conn: Connection) -> str:
    """A group that Eva has open, with one piece, and one that she has done; what is left of the
    lists is for another.
    """
    rows = conn.execute(
        select(paper.entry).where(paper.entry.c.form == VISITS.id).order_by(paper.entry.c.id)
    ).all()
    for number, row in enumerate(rows[:2]):
        said = {
            "form": VISITS.id,
            "version": 1,
            "column": "mat",
            "value": True,
            "state": "read",
            "shown_at": NOW,
            "claimed_until": later(60),
        }
        done = {"ended_at": NOW} if number else {}
        conn.execute(insert(group_task).values(id=f"group{number}", login="eva", **said, **done))
        piece = {
            "task": f"group{number}",
            "entry": row.id,
            "revision": 0,
            "field": f"rad{row.row:02d}.mat",
            "page": row.page,
            "marked": False,
        }
        conn.execute(insert(group_cell).values(**piece, outcome="kept" if number else None, **done))
    return "group0"


def add_put_aside(conn: Connection, images: Images) -> tuple[int, int]:
    """A rejected entry, a duplicate and a question; the ids of the last two."""
    queue.open_claimed_entry(conn, FORMS, EVA, "GGGG-00", queue.ClaimTerms(NOW))
    mark_duplicate(
        conn, images, EVA, Duplicate("GGGG-00", 0, ComparisonSource(text="Sov gott.")), NOW
    )
    queue.open_claimed_entry(conn, FORMS, EVA, "HHHH-00", queue.ClaimTerms(NOW))
    work(Questions, conn, EVA).ask("HHHH-00", 0, "Vilken tid?", "")
    queue.open_claimed_entry(conn, FORMS, EVA, "IIII-00", queue.ClaimTerms(NOW))
    rejections.reject_entry(conn, EVA, rejections.Rejection("IIII-00", 0, "oläsligt"), NOW)
    mark, asked = (
        conn.execute(select(duplicate_mark.c.id)).scalar_one(),
        conn.execute(select(question.c.id)).scalar_one(),
    )
    return int(mark), int(asked)


def route_arguments(store: Store, settings: Settings, run_id: str, name: str) -> dict[str, Any]:
    """What the functions of runs and routes are called with."""
    if name.endswith("count_unproven"):  # what nobody was handed was not sent
        with store.begin() as conn:
            save_delivery(conn, run_id, ADMIN.login, NOW)
    route = Route("prov", "skriv-in", (NOTE.id,), "Prov")
    at_once = settings.model_copy(update={"proof_days": 0})
    return {
        "kind": RunKind("skriv-in", "skriv-in"),
        "route": route,
        "new": route,
        "context": ExportContext(store, at_once, FORMS),
    }


def duty_arguments(store: Store) -> dict[str, Any]:
    """What is said of a duty, one of which is open and another one is met."""
    due, answer = later(60), MetAnswer(MetHow.COURT, NOW.date())
    met = {"entry": "AAAA-00", "rule": "lvu-understallning", "is_met": True, "how": "court"}
    with store.begin() as conn:
        owed = update(paper.entry).where(paper.entry.c.id == "AAAA-00")
        conn.execute(owed.values(due_at=due, deadlines={"lvu-ansokan": due.isoformat()}))
        more = {"day": "2026-02-20", "due": due.isoformat(), "by": EVA.login, "at": NOW}
        conn.execute(insert(met_duty).values(met | more))
    return {"duty": ("AAAA-00", "lvu-ansokan"), "met": answer}
