"""The person who acts leaves a row in the log: every public function of `pipeline` that is told
who acts records something, or says here why it need not.

The calls are read from the code. A function records if it calls `record`, or a function of ours
that does.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from pipeline.domain.law.permissions import Action
from pipeline.domain.settings import ROOT
from pipeline.reporting.audit.client_extract import ACCESS_TEXTS
from pipeline.texts import catalogue
from tests.support.rights.acting import calls_in, is_review

FIGURES = "counts only, of nobody"
BEFORE = "what is shown is a page, and `view_page` has recorded the look before"
OWN_LATEST = "the person's own last decisions, for taking them back"
TYPING = "what the person types is the person's own until it is decided"
PART = "part of an act that records as a whole"
ASKS = "asks only; a denial is recorded by the store when it ends the transaction"
LIST = "which papers there are in the own units; the picture is recorded when it is looked at"
DRAFT = "a form that nobody can use yet; that it is tried and published is recorded"
NEEDS_NONE = {
    "export.runs.files.list_undelivered": FIGURES,
    "export.tables.table_schema.fetch_run_schema": "the columns of a table, of nobody",
    "export.runs.files.confirm_delivery": PART,
    "export.archive.runs.confirm_package": PART,
    "store.exports.archives.save_package_delivery": PART,
    "preparation.form_editor.actions.finish_publication": "who publishes is recorded at the begin",
    "store.reports.paper_days.count_hidden_entries": FIGURES,
    "store.exports.runs.save_delivery": "a row of its own that is only added names run and person",
    "operations.upkeep.store_check.check_store": "a row of its own has who, when and the counts",
    "store.reports.upkeep.begin_check": PART,
    "store.reports.upkeep.begin_due_check": PART,
    "store.paper.page_lists.list_closed_pages": LIST,
    "preparation.drill.drills.list_drills": LIST,
    "preparation.drill.drills.load_drill": "sheets of invented clients",
    "store.registers.packs.find_last_printing": FIGURES,
    "review.attachments.Attachments.list_proposed_pages": LIST,
    "review.attachments.Attachments.list_proposals": LIST,
    "review.attachments.Attachments.list_attached": LIST,
    "review.attachments.Attachments.find_entry_before": LIST,
    "review.attachments.Attachments.is_shared": "yes or no about a page that is shown",
    "review.attachments.Attachments.find_entries": LIST,
    "store.entries.entry_depth.list_unit_depths": "settings of the person's own units",
    "review.rows.list_rows": BEFORE,
    "store.registers.packs.list_packs": FIGURES,
    "preparation.form_editor.actions.begin_outline_draft": DRAFT,
    "preparation.form_editor.actions.begin_drawing_draft": DRAFT,
    "preparation.form_editor.actions.begin_version_draft": DRAFT,
    "preparation.form_editor.actions.change_draft": DRAFT,
    "preparation.form_editor.actions.restore_draft": DRAFT,
    "preparation.form_editor.trial.save_trial": PART,
    "registers.staff.is_author": ASKS,
    "export.key_in.screen.list_waiting_lists": FIGURES,
    "export.key_in.signatures.save_copied_parts": "a row that is only added names who and what",
    "export.key_in.signatures.require_visible_entries": ASKS,
    "export.key_in.signatures.find_open_signature": "the person's own act",
    "export.manual_entry.field_order.load_field_order": "the order of a form's fields, of nobody",
    "export.runs.status.count_unsigned": FIGURES,
    "export.key_in.screen.count_held_back": FIGURES,
    "export.care_system_matches.list_matches": "pairs of own units; a look is recorded",
    "store.exports.care_system_exports.list_care_lists": FIGURES,
    "store.exports.care_system_matches.filter_visible_matches": ASKS,
    "store.exports.care_system_matches.list_unproven_items": PART,
    "store.exports.care_system_matches.list_rejected_matches": LIST,
    "reporting.data_quality.measure_errors": FIGURES,
    "reporting.data_quality.measure_unit_work": FIGURES,
    "reporting.data_quality.measure_own_work": FIGURES,
    "reporting.data_quality.measure_reviewers_work": FIGURES,
    "reporting.watching.drift.list_drift": FIGURES,
    "export.archive.runs.find_ready": FIGURES,
    "store.exports.archives.is_wholly_visible": PART,
    "store.exports.archives.find_archivable": PART,
    "store.exports.archives.load_package": ASKS,
    "store.exports.archives.list_packages": FIGURES,
    "store.exports.originals.list_originals": "serials, classes and places of paper, no client",
    "store.exports.payment_approvals.list_payable": PART,
    "store.accounts.login.access_changes.list_accounts": "accounts of staff, no client",
    "store.accounts.login.access_changes.independent_administrators": ASKS,
    "store.accounts.login.access_changes.require_other_account": ASKS,
    "store.accounts.access_notices.note_change": PART,
    "store.accounts.login.access_changes.list_open_changes": "accounts of staff, no client",
    "login.passwords.hash_new_password": PART,
    "login.passwords.require_strong_password": PART,
    "store.registers.blocks.list_blocks": "the blocks of the person's own units, which set them",
    "store.entries.queue.count_hidden": FIGURES,
    "store.review.signatures.list_waiting_for_signature": PART,
    "store.review.signatures.list_unsigned_forms": FIGURES,
    "store.entries.second_reviewer.count_waiting_for_others": FIGURES,
    "review.client_question.complete_last_digits": "of an open entry; the client shown is logged",
    "store.quality.checked_work.claim_next_rekeying": BEFORE,
    "store.quality.checked_work.skip_rekeying": TYPING,
    "review.rekeying.Rekeying.claim": BEFORE,
    "review.rekeying.Rekeying.skip": TYPING,
    "store.quality.checked_work.count_open_rekeying": FIGURES,
    "store.quality.checked_work.load_claimed_task": PART,
    "store.reports.progress.list_open_deadlines": FIGURES,
    "store.review.duties.list_duties": LIST,
    "store.review.duties.list_met_duties": LIST,
    "store.review.duties.find_paper_of_same_person": PART,
    "store.reports.work_load.list_person_loads": "counts of work, for who manages the unit",
    "store.review.duplicate_entries.find_similar_entries": BEFORE,
    "store.review.duplicate_entries.list_duplicate_marks": LIST,
    "store.accounts.access_notices.list_unacknowledged": "emergency accounts, no client",
    "store.exports.runs.require_run": ASKS,
    "store.exports.runs.list_visible_runs": PART,
    "store.exports.run_items.list_visible_items": PART,
    "store.review.transferred.list_transferred": LIST,
    "store.review.author_questions.count_own_questions": FIGURES,
    "store.entries.queue.has_entry_on_sheet": ASKS,
    "store.quality.result_counts.save_view_time": PART,
    "store.entries.photocopies.list_separated_sides": LIST,
    "store.entries.photocopies.list_assigned_sides": LIST,
    "store.paper.page_lists.list_blank_pages": LIST,
    "store.paper.page_lists.list_repeated_pages": LIST,
    "store.paper.page_lists.list_incomplete_sheets": LIST,
    "store.paper.page_lists.list_new_scans": LIST,
    "store.paper.intake.stacks.list_watched_folders": "names of files in folders, no client",
    "store.paper.intake.stacks.list_stacks": FIGURES,
    "store.paper.page_lists.list_problem_pages": LIST,
    "store.entries.queue.peek_queue": LIST,
    "store.review.batch_items.list_open_items": PART,
    "store.review.batch_items.load_own_batch": PART,
    "store.review.batch_items.batch_review_by_unit": "settings of the person's own units",
    "review.batches.BatchReview.claim": BEFORE,
    "review.batches.BatchReview.mark": TYPING,
    "review.batches.BatchReview.release": TYPING,
    "review.seeded_errors.add_batch_seeded_error": PART,
    "review.seeded_errors.with_seeded_error": PART,
    "review.seeded_errors.last_missed_field": TYPING,
    "store.paper.protected_identity.find_hidden_pids": PART,
    "store.paper.protected_identity.find_covered_areas": PART,
    "store.paper.protected_identity.find_covered_boxes": PART,
    "store.entries.queue_order.list_priorities": "what was pulled forward; pulling is recorded",
    "review.questions.Questions.find_author": BEFORE,
    "review.transfers.Transfers.list_units": ASKS,
    "store.review.author_questions.list_questions": LIST,
    "store.review.author_questions.list_entry_questions": BEFORE,
    "store.exports.ready_entries.list_ready_entries": PART,
    "store.reports.closed_entries.list_rejected": LIST,
    "store.reports.closed_entries.list_reviewed_sheets": PART,
    "store.accounts.visibility.require_visible_entry": ASKS,
    "store.accounts.visibility.require_visible_page": ASKS,
    "store.accounts.visibility.can_see_page": ASKS,
    "store.accounts.visibility.require_unblocked_client": ASKS,
    "store.accounts.visibility.is_client_blocked": ASKS,
    "store.accounts.visibility.visible_entries_condition": ASKS,
    "store.accounts.visibility.visible_pages_condition": ASKS,
    "store.accounts.visibility.filter_visible_entries": ASKS,
    "store.exports.statistics.list_reporting_status": PART,
    "review.signing.Signing.load_queue": LIST,
    "store.review.signatures.list_last_signed": LIST,
    "review.signing.Signing.is_own": ASKS,
    "review.signing.Signing.list_reasons": ASKS,
    "store.entries.client_identities.list_temporary_identities": "of the own units",
    "store.entries.versions.list_versions": BEFORE,
    "reporting.progress.count_entries": FIGURES,
    "reporting.progress.load_overview": FIGURES,
    "reporting.progress.make_progress_report": FIGURES,
    "store.reports.sheet_accounting.list_accounted_units": ASKS,
    "store.reports.sheet_accounting.list_missing_sheets": "serials of sheets that nobody has",
    "store.paper.bundles.list_bundles": FIGURES,
    "store.registers.planning.load_pack_quantities": FIGURES,
    "store.reports.paper_days.load_paper_days": FIGURES,
    "store.reports.paper_days.paper_date_range": FIGURES,
    "store.reports.paper_days.outage_range": FIGURES,
    "store.reports.paper_days.list_day_sheets": "serials and counts, of nobody",
    "preparation.outage_pack.pack.load_unit_needs": FIGURES,
    "store.reports.sheet_accounting.list_unused_sheets": (
        "serials of sheets that nothing is written on"
    ),
    "store.accounts.visibility.filter_blocked": ASKS,
    "store.entries.queue.count_waiting": FIGURES,
    "export.runs.status.list_run_previews": FIGURES,
    "export.runs.status.count_unproven": FIGURES,
    "store.exports.runs.save_undo": PART,
    "export.runs.files.list_runs": "names of files, times and counts",
    "store.entries.queue.claim_next": BEFORE,
    "store.accounts.own_choices.queue_choice": "the person's own setting",
    "store.lookup.search.with_clients": PART,
    "store.entries.queue.open_claimed_entry": BEFORE,
    "store.entries.queue.resume_claim": BEFORE,
    "store.lookup.by_serial.entry_history": BEFORE,
    "store.entries.entry_view.load_entry_view": BEFORE,
    "store.entries.queue.renew_claim": TYPING,
    "store.entries.queue.release_claim": TYPING,
    "review.session.save_draft": TYPING,
    "store.lookup.own_actions.list_own_latest": OWN_LATEST,
    "store.lookup.own_actions.list_own_last_step": OWN_LATEST,
    "store.entries.entry.is_claimed_by_other": "asks only",
    "store.entries.entry.load_entry_as_seen": PART,
    "store.entries.entry.load_visible_entry": PART,
    "store.paper.pages.load_visible_page": PART,
    "store.entries.answers.decided_answers": PART,
    "store.exports.run_items.save_receipts": PART,
    "store.exports.runs.save_proofs": PART,
    "store.registers.client_register.restrict_client": "hides, and reads nothing",
    "domain.law.permissions.is_allowed": "asks only",
    "domain.law.permissions.find_assignments": "asks only",
    "domain.law.permissions.find_signing_profession": "asks only",
    "domain.law.permissions.permitted_areas": "asks only",
    "domain.law.permissions.permitted_units": "asks only",
    "domain.law.permissions.units_within_block": "asks only",
    "domain.law.permissions.require_signer": ASKS,
    "domain.law.permissions.require_permission": ASKS,
    "domain.law.permissions.require_permission_for": ASKS,
    "export.runs.files.require_run": PART,
    "operations.learning.learn.learn_from_entries": (
        "reads confirmed fields on this machine and shows counts; taking over and handing out are "
        "recorded"
    ),
    "reporting.audit.follow_up.list_filter_choices": FIGURES,
    "reporting.audit.follow_up.count_hints": FIGURES,
    "reporting.audit.follow_up.count_views_per_day": FIGURES,
}
"""Functions that act for a person and record nothing, and why."""


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "pipeline").rglob("*.py")):
        name = path.relative_to(ROOT / "pipeline").with_suffix("").as_posix().replace("/", ".")
        if not name.startswith("cli."):
            yield name, ast.parse(path.read_text("utf-8"))


TREES = dict(_modules())


def _functions(tree: ast.Module) -> dict[str, ast.FunctionDef]:
    """All functions, and the methods of what a person does in the review as "Class.method"."""
    methods = {
        f"{node.name}.{method.name}": method
        for node in tree.body
        if isinstance(node, ast.ClassDef) and is_review(node)
        for method in node.body
        if isinstance(method, ast.FunctionDef)
    }
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)} | methods


def _acts(function: ast.FunctionDef) -> bool:
    """Whether the function is told who acts, or is part of what a person does."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    told = {
        (each.arg, ast.unparse(each.annotation) if each.annotation else "") for each in arguments
    }
    return any(
        kind == "Person" or (name == "by" and kind.startswith("str")) or name == "self"
        for name, kind in told
    )


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


def _called(name: str, function: ast.FunctionDef, known: dict[str, str]) -> set[str]:
    known = known | {"self": name.rpartition(".")[0]}
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
    return found - {name}


@cache
def _recording() -> set[str]:
    """All functions that record, by themselves or through others."""
    meanings = {module: _meanings(module, tree) for module, tree in TREES.items()}
    calls = {
        f"{m}.{name}": _called(f"{m}.{name}", function, meanings[m])
        for m, tree in TREES.items()
        for name, function in _functions(tree).items()
    }
    found = {"store.event_log.events.record"}
    while more := {name for name, called in calls.items() if name not in found and called & found}:
        found |= more
    return found


ACTING = [
    f"{module}.{name}"
    for module, tree in TREES.items()
    for name, function in _functions(tree).items()
    if not function.name.startswith("_")
    and _acts(function)
    and f"{module}.{name}" != "store.event_log.events.record"
]


@cache
def _recording_calls() -> list[ast.Call]:
    """Every call in the code of something that is called `record`."""
    paths = [*(ROOT / "pipeline").rglob("*.py"), *(ROOT / "ui").rglob("*.py")]
    calls = [node for path in paths for node in calls_in(ast.parse(path.read_text("utf-8")))]
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
    } | {"receipted", "refused", "key_in_signed", "key_in_undone"}


def test_the_search_finds_those_who_act_and_those_who_record() -> None:
    assert {
        "store.entries.queue.record_page_view",
        "review.rejections.reject_entry",
        "operations.intake.import_uploads",
        "export.runs.make.make_run",
    } <= set(ACTING)
    assert {
        "store.entries.queue.record_page_view",
        "review.rejections.reject_entry",
        "operations.intake.import_uploads",
        "export.runs.make.make_run",
    } <= _recording()
    assert "reporting.progress.count_entries" in ACTING
    assert "reporting.progress.count_entries" not in _recording()


def test_who_acts_leaves_an_event() -> None:
    """Each must record an event, or say in NEEDS_NONE why it need not."""
    assert [
        function for function in ACTING if (function in _recording()) == (function in NEEDS_NONE)
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
    **dict.fromkeys(("back_up", "back_up_failed", "restore_backup"), "all of the workspace"),
    "save_clients": "a whole register",
    "look_up_client": "a client of any unit",
    "search_text": "pages of several units",
    "save_staff_list": "a whole list",
    **dict.fromkeys(("begin_learning", "learn"), "one model for all"),
    "training_set": "one set of all",
    "save_person": "accounts are of several units",
    "deactivate": "accounts are of several units",
    "new_password": "accounts are of several units",
    "open_account": "accounts are of several units",
    "change_password": "accounts are of several units",
    "redeem_code": "accounts are of several units",
    "request_access_change": "accounts are of several units",
    "approve_access_change": "accounts are of several units",
    "cancel_access_change": "accounts are of several units",
    "make_access_change": "accounts are of several units",
    "add_second_factor": "accounts are of several units",
    "remove_second_factor": "accounts are of several units",
    "renew_recovery_codes": "accounts are of several units",
    "use_recovery_code": "accounts are of several units",
    "link_identity": "accounts are of several units",
    "login": "accounts are of several units",
    "login_failed": "accounts are of several units",
    "session": "accounts are of several units",
    "log_out": "accounts are of several units",
    "break_glass": "accounts are of several units",
    "break_glass_seen": "accounts are of several units",
    "try_form": "forms are of all units",
    "publish_form": "forms are of all units",
    "set_route": "a form's route is that of all units",
    "key_in_order": "the order of a form's fields is that of all units",
    "save_hsa_ids": "units and staff of a whole register",
    "discard_form_draft": "forms are of all units",
    "choose_queue_grouping": "the person's own way of working, in all units",
}
"""Events that every follower of the log sees, and why."""
_COUNTS = {
    "parts",
    "wrong",
    "rows",
    "lines",
    "number",
    "problems",
    "anchors",
    "records",
    "start",
    "count",
    "entries",
    "units",
    "pages",
    "fields",
    "sheets",
    "pictures",
    "sessions",
    "moved",
    "end",
    "proposed",
}
_STATES = {
    "active",
    "depth",
    "alone",
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
    "other_disk",
    "role",
    "profession",
}
_WHICH = {
    "folder",
    "route",
    "new_scan",
    "module",
    "forms",
    "deliverer",
    "entry",
    "slot",
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
    "rules",
    "system",
    "hsa_id",
    "place",  # a digest of a folder's path
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
