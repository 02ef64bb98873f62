"""Whoever acts leaves a row in the log: every public function of `pipeline` that is told who acts
records something, or says here why it need not.

The calls are read from the code. A function records if it calls `record`, or a function of ours
that does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from pipeline.domain.permissions import Action
from pipeline.domain.settings import ROOT
from pipeline.reporting.audit.client_extract import ACCESS_TEXTS
from pipeline.texts import catalogue

FIGURES = "counts only, of nobody"
BEFORE = "what is shown is a page, and `view_page` has recorded the look before"
TYPING = "what the person types is the person's own until it is decided"
PART = "part of an act that records as a whole"
ASKS = "asks only; a denial is recorded by the store when it ends the transaction"
LIST = "which papers there are to work with in the own units; the picture is recorded when it is looked at"
DRAFT = "a form that nobody can use yet; that it is tried and published is recorded"
NEEDS_NONE = {
    "making.acts.begin_outline": DRAFT,
    "making.acts.begin_drawing": DRAFT,
    "making.acts.begin_version": DRAFT,
    "making.acts.change": DRAFT,
    "making.acts.go_back": DRAFT,
    "making.trials.note_trial": PART,
    "authors.is_by": ASKS,
    "export.key_in.waiting_runs": FIGURES,
    "export.runs.unsigned": FIGURES,
    "export.key_in.held_back": FIGURES,
    "export.clashes.clash_list": "which pairs there are to decide on in the own units; looking at one is recorded",
    "store.care_lists.lists": FIGURES,
    "store.clash_pairs.visible_among": ASKS,
    "store.clash_pairs.others_decided": LIST,
    "measured_error.measured_errors": FIGURES,
    "measured_error.unit_work": FIGURES,
    "measured_error.own_work": FIGURES,
    "measured_error.reviewers_work": FIGURES,
    "archive.runs.ready": FIGURES,
    "store.archives.all_visible": PART,
    "store.archives.archivable": PART,
    "store.archives.package": ASKS,
    "store.archives.packages": FIGURES,
    "store.originals.originals": "serials, classes and places of paper, no client",
    "store.payment_approvals.payable": PART,
    "store.accounts.accounts": "accounts of staff, no client",
    "store.blocks.blocks": "the blocks of the person's own units, which set them",
    "store.claims.hidden_count": FIGURES,
    "store.second_person.waits_for_another": FIGURES,
    "store.client_check.in_register": PART,
    "store.controls.next_control": BEFORE,
    "store.controls.pass_control": TYPING,
    "store.controls.open_controls": FIGURES,
    "store.controls.held": PART,
    "store.due.open_deadlines": FIGURES,
    "store.duplicate_marks.alike": BEFORE,
    "store.duplicate_marks.duplicates": LIST,
    "store.emergencies.unseen": "uses of accounts for emergencies, no client",
    "store.export_runs.require_run": ASKS,
    "store.export_runs.require_whole_run": ASKS,
    "store.export_runs.runs_within": PART,
    "store.exports.visible_items": PART,
    "store.forwarding.forwarded": LIST,
    "store.forwarding.has_entry_on": ASKS,
    "store.looks.note_look": PART,
    "store.copied.sides_apart": LIST,
    "store.copied.laid_sides": LIST,
    "store.page_lists.blank_pages": LIST,
    "store.page_lists.repeated_pages": LIST,
    "store.page_lists.incomplete_sheets": LIST,
    "store.pages.batches": FIGURES,
    "store.pages.problem_pages": LIST,
    "store.claims.coming": LIST,
    "store.group_cells.open_cells": PART,
    "store.group_cells.own_task": PART,
    "store.group_cells.sees": ASKS,
    "store.group_choice.chosen": PART,
    "store.group_setting.group_units": "settings of the person's own units",
    "store.groups.next_group": BEFORE,
    "store.groups.mark_cells": TYPING,
    "store.groups.leave_group": TYPING,
    "store.plants.plant_in_group": PART,
    "store.plants.group_judged": PART,
    "store.plants.planted": PART,
    "store.plants.judged": PART,
    "store.plants.doubted": PART,
    "store.plants.last_missed": TYPING,
    "store.protection.hidden_numbers": PART,
    "store.protection.covered_on": PART,
    "store.protection.covered_page": PART,
    "store.pulls.pulls": "what the own units have pulled to the front; pulling and undoing are recorded",
    "store.questions.author_on_paper": BEFORE,
    "store.questions.questions": LIST,
    "store.questions.questions_of": BEFORE,
    "store.records.ready": PART,
    "store.rejected.rejected": LIST,
    "store.reviewed.reviewed_sheets": PART,
    "store.sight.require_entry": ASKS,
    "store.sight.require_page": ASKS,
    "store.sight.sees_page": ASKS,
    "store.sight.require_client": ASKS,
    "store.sight.is_blocked": ASKS,
    "store.sight.visible_entries": ASKS,
    "store.sight.visible_by_unit": ASKS,
    "store.sight.visible_from": ASKS,
    "store.sight.visible_pages": ASKS,
    "store.sight.visible_among": ASKS,
    "store.statistics.standing": PART,
    "store.signing.to_sign": LIST,
    "store.signing.waiting_signatures": FIGURES,
    "store.signing.my_signed": LIST,
    "store.signing.is_own": ASKS,
    "store.signing.reasons_for": ASKS,
    "store.temporary_identities.temporary_identities": "identities that the person's own units have made; making and settling each is recorded",
    "store.versions.note_version": PART,
    "store.versions.versions": BEFORE,
    "progress.entry_counts": FIGURES,
    "overview.overview": FIGURES,
    "store.accounting.accounted_units": ASKS,
    "store.accounting.missing_sheets": "serials of sheets that nobody has",
    "store.bundles.bundles": FIGURES,
    "store.pack_numbers.pack_numbers": FIGURES,
    "store.paper_days.paper_days": FIGURES,
    "store.paper_days.span": FIGURES,
    "store.paper_days.sheets_of_day": "serials and counts, of nobody",
    "unit_pack.unit_needs": FIGURES,
    "store.accounting.unused_lots": "serials of sheets that nothing is written on",
    "store.sight.blocked_among": ASKS,
    "store.claims.waiting_count": FIGURES,
    "export.runs.ready": FIGURES,
    "export.run_files.history": "names of files, times and counts",
    "store.claims.claim_next": BEFORE,
    "store.claims.open_entry": BEFORE,
    "store.claims.take_up": BEFORE,
    "store.lookup.history": BEFORE,
    "store.entry_views.look_at": BEFORE,
    "store.claims.renew": TYPING,
    "store.claims.release": TYPING,
    "store.decisions.save_draft": TYPING,
    "store.undoing.my_latest": "the person's own last decisions, for taking one back",
    "store.entries.held_by_other": "asks only",
    "store.decisions.seen": PART,
    "store.answers.decided": PART,
    "store.answers.add_decided": PART,
    "store.exports.add_receipts": PART,
    "store.pages.add_page": "the batch that the page belongs to is recorded",
    "store.stacks.append_page": "the batch that the page belongs to is recorded",
    "store.registers.shown_client": "hides, and reads nothing",
    "access.allowed": "asks only",
    "access.require": "a denial is recorded by the store when it ends the transaction",
    "export.run_files.open_run": PART,
    "learning.learn.learn": "reads confirmed fields on this machine and shows counts; taking over and handing out are recorded",
    "audit.follow_up.choices": FIGURES,
    "audit.follow_up.hints": FIGURES,
    "audit.follow_up.views_per_day": FIGURES,
}
"""Functions that act for somebody and record nothing, and why."""


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "pipeline").rglob("*.py")):
        name = path.relative_to(ROOT / "pipeline").with_suffix("").as_posix().replace("/", ".")
        if not name.startswith(("cli", "training", "quality", "benching")):
            yield name, ast.parse(path.read_text("utf-8"))


TREES = dict(_modules())


def _functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def _acts(function: ast.FunctionDef) -> bool:
    """Whether the function is told who acts."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    told = {
        (each.arg, ast.unparse(each.annotation) if each.annotation else "") for each in arguments
    }
    return any(kind == "Person" or (name == "by" and kind.startswith("str")) for name, kind in told)


def _meanings(module: str, tree: ast.Module) -> dict[str, str]:
    """Names that a module knows our functions and modules by → "module.function" or "module"."""
    known = {name: f"{module}.{name}" for name in _functions(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pipeline"):
            inside = (node.module or "").removeprefix("pipeline").strip(".")
            known |= {
                alias.asname or alias.name: f"{inside}.{alias.name}".strip(".")
                for alias in node.names
            }
    return known


def _called(module: str, function: ast.FunctionDef, known: dict[str, str]) -> set[str]:
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id in known:
            found.add(known[node.id])
        elif (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in known
        ):
            found.add(f"{known[node.value.id]}.{node.attr}")
    return found - {f"{module}.{function.name}"}


def _recording() -> set[str]:
    """All functions that record, by themselves or through others."""
    meanings = {module: _meanings(module, tree) for module, tree in TREES.items()}
    calls = {
        f"{m}.{name}": _called(m, function, meanings[m])
        for m, tree in TREES.items()
        for name, function in _functions(tree).items()
    }
    found = {"store.events.record"}
    while more := {name for name, called in calls.items() if name not in found and called & found}:
        found |= more
    return found


RECORDING = _recording()
ACTING = [
    f"{module}.{name}"
    for module, tree in TREES.items()
    for name, function in _functions(tree).items()
    if not name.startswith("_") and _acts(function) and f"{module}.{name}" != "store.events.record"
]


@cache
def _recording_calls() -> list[ast.Call]:
    """Every call in the code of something that is called `record`."""
    paths = [*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "ui").rglob("*.py")]
    calls = [
        node
        for path in paths
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
    ]
    return [
        call
        for call in calls
        if isinstance(call.func, ast.Name | ast.Attribute)
        and ast.unparse(call.func).rpartition(".")[2] == "record"
    ]


def _actions() -> set[str]:
    """The actions that the code records, as literals."""
    parts = [
        part for call in _recording_calls() if len(call.args) > 2 for part in ast.walk(call.args[2])
    ]
    return {
        part.value
        for part in parts
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    } | {"receipted", "refused"}


def test_the_search_finds_those_who_act_and_those_who_record() -> None:
    assert {
        "store.claims.view_page",
        "store.decisions.reject",
        "uploads.take_in_uploads",
        "export.runs.make_run",
    } <= set(ACTING)
    assert {
        "store.claims.view_page",
        "store.decisions.reject",
        "uploads.take_in_uploads",
        "export.runs.make_run",
    } <= RECORDING
    assert "progress.entry_counts" in ACTING
    assert "progress.entry_counts" not in RECORDING


def test_who_acts_leaves_an_event() -> None:
    """Each must record an event, or say in NEEDS_NONE why it need not."""
    assert [
        function for function in ACTING if (function in RECORDING) == (function in NEEDS_NONE)
    ] == []


def test_no_reason_outlives_its_function() -> None:
    assert set(NEEDS_NONE) <= set(ACTING)


def test_every_event_and_right_has_words_for_those_who_follow_up_the_log() -> None:
    texts = catalogue("sv")
    assert {action for action in _actions() if f"log.action.{action}" not in texts} == set()
    assert {right.value for right in Action if f"log.right.{right.value}" not in texts} == set()


def test_the_words_for_clients_are_of_events_that_there_are() -> None:
    assert set(ACCESS_TEXTS) <= _actions()
    assert not any(re.search(r"\d|{", words) for words in ACCESS_TEXTS.values())


OF_NO_UNIT = {
    "seal_log": "the whole log",
    "verify_log": "the whole log",
    "save_clients": "a whole register",
    "save_staff_list": "a whole list",
    "learn": "one model for all",
    "training_set": "one set of all",
    "save_person": "accounts are of several units",
    "deactivate": "accounts are of several units",
    "new_password": "accounts are of several units",
    "open_account": "accounts are of several units",
    "change_password": "accounts are of several units",
    "login": "accounts are of several units",
    "login_failed": "accounts are of several units",
    "session": "accounts are of several units",
    "log_out": "accounts are of several units",
    "break_glass": "accounts are of several units",
    "break_glass_seen": "accounts are of several units",
    "try_form": "forms are of all units",
    "publish_form": "forms are of all units",
    "discard_form_draft": "forms are of all units",
}
"""Events that every follower of the log sees, and why."""
_COUNTS = {
    "rows",
    "lines",
    "number",
    "problems",
    "anchors",
    "count",
    "entries",
    "units",
    "pages",
    "fields",
    "sheets",
    "pictures",
    "sessions",
}
_STATES = {
    "storelog",
    "current",
    "found",
    "provider",
    "outcome",
    "same",
    "own",
    "state",
    "choice",
    "conflicts",
    "kind",
    "area",
    "areas",
    "role",
}
_WHICH = {
    "field",
    "target",
    "sha256",
    "run",
    "revision",
    "form",
    "installed",
    "health",
    "purpose",
    "ground",
    "version",
    "reason",
}
DETAIL = _COUNTS | _STATES | _WHICH
"""What an event may tell beside whom and what it is about: counts, states, kinds, ids and names of
fields. Never what a field says.

`purpose`, `ground` and `reason` are in a person's words, of a training set and of a form; a
personal number in them is refused.
"""


def _records() -> Iterator[tuple[str, set[str]]]:
    """Every call of `record` in the code: its action as written, and the names of its keywords."""
    for call in _recording_calls():
        if ast.unparse(call.func) in {"record", "events.record"} and len(call.args) > 3:
            yield (
                ast.unparse(call.args[2]).strip("'"),
                {keyword.arg for keyword in call.keywords if keyword.arg},
            )


def test_every_event_says_of_which_unit_it_is_unless_it_is_of_none() -> None:
    assert {action for action, keywords in _records() if "unit" not in keywords} == set(OF_NO_UNIT)


def test_events_tell_counts_states_and_kinds_and_nothing_else() -> None:
    told = set[str]().union(*(keywords for _, keywords in _records())) - {"unit"}
    assert told <= DETAIL
