"""What each public function of `pipeline` that acts for a person ought to ask for.
`tests/unit/store/accounts/test_rights_matrix.py` calls them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from pipeline.domain.permissions import Action


class Reach(Enum):
    """Where a right ends."""

    PAPER = "own units, areas and unblocked clients; elsewhere refused"
    LISTED = "own units, areas and unblocked clients; elsewhere nothing is given"
    LISTED_BLANK = "as LISTED, of pages that are about no client"
    UNIT = "own units; elsewhere refused"
    UNIT_AREA = "own units and areas; elsewhere refused"
    COUNTED = "own units; of others nothing is given"
    EVERYWHERE = "the role alone decides"


P, R = "pipeline.", Reach
FIGURES = frozenset({Action.QUALITY, Action.REVIEW, Action.PROGRESS})
MATRIX: Mapping[str, tuple[Action | frozenset[Action], Reach]] = {
    f"{P}preparation.form_editor.actions.begin_outline_draft": (Action.MAKE_FORMS, R.EVERYWHERE),
    f"{P}preparation.form_editor.actions.begin_drawing_draft": (Action.MAKE_FORMS, R.EVERYWHERE),
    f"{P}preparation.form_editor.actions.begin_version_draft": (Action.MAKE_FORMS, R.EVERYWHERE),
    f"{P}preparation.form_editor.actions.change_draft": (Action.MAKE_FORMS, R.EVERYWHERE),
    f"{P}preparation.form_editor.actions.restore_draft": (Action.MAKE_FORMS, R.EVERYWHERE),
    f"{P}preparation.form_editor.actions.discard_draft": (Action.MAKE_FORMS, R.EVERYWHERE),
    f"{P}preparation.form_editor.actions.publish_draft": (Action.MAKE_FORMS, R.EVERYWHERE),
    f"{P}preparation.form_editor.trial.run_trial": (Action.MAKE_FORMS, R.EVERYWHERE),
    f"{P}preparation.form_editor.previews.print_copies": (Action.PRINT, R.UNIT),
    f"{P}operations.intake.import_uploads": (Action.SCAN, R.UNIT),
    f"{P}store.paper.pages.list_batches": (Action.SCAN, R.COUNTED),
    f"{P}store.paper.pages.requeue_page": (Action.PROBLEMS, R.PAPER),
    f"{P}store.paper.pages.requeue_failed_pages": (Action.PROBLEMS, R.EVERYWHERE),
    f"{P}store.paper.pages.list_problem_pages": (Action.PROBLEMS, R.LISTED),
    f"{P}store.paper.page_lists.list_blank_pages": (Action.PROBLEMS, R.LISTED_BLANK),
    f"{P}store.paper.page_lists.list_repeated_pages": (Action.PROBLEMS, R.LISTED),
    f"{P}store.paper.page_lists.list_incomplete_sheets": (Action.PROBLEMS, R.LISTED),
    f"{P}store.paper.photocopies.list_separated_sides": (Action.PROBLEMS, R.LISTED),
    f"{P}store.paper.photocopies.assign_side": (Action.PROBLEMS, R.PAPER),
    f"{P}store.paper.photocopies.list_assigned_sides": (Action.PROBLEMS, R.LISTED),
    f"{P}store.paper.photocopies.unassign_side": (Action.PROBLEMS, R.PAPER),
    f"{P}store.paper.sheets.settle_duplicate": (Action.PROBLEMS, R.PAPER),
    f"{P}store.paper.sheets.confirm_empty_sheet": (Action.PROBLEMS, R.PAPER),
    f"{P}store.paper.sheets.add_row": (Action.REVIEW, R.PAPER),
    f"{P}store.entries.queue.claim_next": (Action.REVIEW, R.LISTED),
    f"{P}store.entries.queue.peek_queue": (Action.REVIEW, R.LISTED),
    f"{P}store.entries.queue.open_claimed_entry": (Action.REVIEW, R.PAPER),
    f"{P}store.entries.queue.resume_claim": (Action.REVIEW, R.LISTED),
    f"{P}store.entries.queue.renew_claim": (Action.REVIEW, R.EVERYWHERE),
    f"{P}store.entries.queue.release_claim": (Action.REVIEW, R.EVERYWHERE),
    f"{P}store.entries.queue.skip_entry": (Action.REVIEW, R.PAPER),
    f"{P}store.entries.queue.record_page_view": (Action.VIEW_PAGE, R.PAPER),
    f"{P}store.entries.queue.count_waiting": (Action.REVIEW, R.LISTED),
    f"{P}store.entries.queue.count_hidden": (Action.REVIEW, R.EVERYWHERE),
    f"{P}store.entries.second_reviewer.count_waiting_for_others": (Action.REVIEW, R.EVERYWHERE),
    f"{P}store.entries.queue_order.prioritize": (Action.PULL, R.UNIT),
    f"{P}store.entries.queue_order.undo_priority": (Action.PULL, R.UNIT),
    f"{P}store.entries.queue_order.list_priorities": (Action.PULL, R.EVERYWHERE),
    f"{P}store.reports.progress.list_open_deadlines": (Action.PULL, R.EVERYWHERE),
    f"{P}store.review.decisions.save_draft": (Action.REVIEW, R.PAPER),
    f"{P}store.review.decisions.decide_entry": (Action.REVIEW, R.PAPER),
    f"{P}store.review.decisions.reject_entry": (Action.REVIEW, R.PAPER),
    f"{P}store.review.corrections.undo_decision": (Action.REVIEW, R.PAPER),
    f"{P}store.review.decisions.reopen_rejected": (Action.REVIEW, R.PAPER),
    f"{P}store.review.corrections.list_own_latest": (Action.REVIEW, R.LISTED),
    f"{P}store.review.corrections.correct_entry": (Action.CORRECT, R.PAPER),
    f"{P}store.review.corrections.void_entry": (Action.VOID, R.PAPER),
    f"{P}store.paper.lookup.find_sheets": (Action.CORRECT, R.LISTED),
    f"{P}store.paper.lookup.entry_history": (Action.CORRECT, R.PAPER),
    f"{P}store.registers.client_register.look_up_client": (Action.REVIEW, R.EVERYWHERE),
    f"{P}store.exports.ready_entries.list_ready_entries": (Action.EXPORT, R.LISTED),
    f"{P}store.exports.runs.list_visible_runs": (Action.EXPORT, R.LISTED),
    f"{P}store.entries.closed_entries.list_reviewed_sheets": (Action.MANAGE, R.LISTED),
    f"{P}store.accounts.blocks.set_block": (Action.BLOCK, R.UNIT),
    f"{P}store.accounts.blocks.lift_block": (Action.BLOCK, R.UNIT),
    f"{P}store.accounts.blocks.list_blocks": (Action.BLOCK, R.COUNTED),
    f"{P}store.accounts.administration.list_accounts": (Action.ACCOUNTS, R.EVERYWHERE),
    f"{P}store.accounts.administration.save_account": (Action.ACCOUNTS, R.EVERYWHERE),
    f"{P}store.accounts.administration.reset_password": (Action.ACCOUNTS, R.EVERYWHERE),
    f"{P}store.accounts.administration.close_account": (Action.ACCOUNTS, R.EVERYWHERE),
    f"{P}store.accounts.administration.reopen_account": (Action.ACCOUNTS, R.EVERYWHERE),
    f"{P}store.accounts.emergency_access.list_unacknowledged": (Action.ALARM, R.EVERYWHERE),
    f"{P}store.accounts.emergency_access.acknowledge_use": (Action.ALARM, R.EVERYWHERE),
    f"{P}export.runs.status.list_target_status": (Action.EXPORT, R.LISTED),
    f"{P}export.runs.make.make_run": (Action.EXPORT, R.LISTED),
    f"{P}export.runs.files.list_runs": (Action.EXPORT, R.LISTED),
    f"{P}export.runs.files.fetch_run_file": (Action.EXPORT, R.PAPER),
    f"{P}export.runs.files.list_undelivered": (Action.EXPORT, R.LISTED),
    f"{P}export.runs.files.confirm_delivery": (Action.EXPORT, R.PAPER),
    f"{P}export.runs.receipts.open_run_items": (Action.EXPORT, R.PAPER),
    f"{P}export.runs.receipts.fetch_receipt_template": (Action.EXPORT, R.PAPER),
    f"{P}export.fhir.sender.send_run": (Action.EXPORT, R.PAPER),
    f"{P}export.runs.receipts.submit_receipts": (Action.RECEIPT, R.PAPER),
    f"{P}export.runs.receipts.apply_receipt_file": (Action.RECEIPT, R.PAPER),
    f"{P}export.manual_entry.screen.list_waiting_runs": (Action.RECEIPT, R.LISTED),
    f"{P}export.manual_entry.screen.claim_next_entry": (Action.RECEIPT, R.PAPER),
    f"{P}reporting.progress.count_entries": (Action.PROGRESS, R.COUNTED),
    f"{P}reporting.progress.make_progress_report": (Action.PROGRESS, R.COUNTED),
    f"{P}store.reports.backlog.load_backlog": (Action.BACKLOG, R.COUNTED),
    f"{P}store.reports.sheet_accounting.save_unused_sheets": (Action.PRINT, R.UNIT),
    f"{P}store.reports.sheet_accounting.undo_unused_sheets": (Action.PRINT, R.EVERYWHERE),
    f"{P}store.reports.sheet_accounting.list_unused_sheets": (Action.PRINT, R.EVERYWHERE),
    f"{P}store.reports.sheet_accounting.list_missing_sheets": (Action.PROGRESS, R.COUNTED),
    f"{P}store.registers.issued_sheets.import_issued_file": (Action.PRINT, R.UNIT),
    f"{P}store.registers.planning.save_planned": (Action.PROGRESS, R.UNIT),
    f"{P}store.reports.paper_days.load_paper_days": (Action.PROGRESS, R.COUNTED),
    f"{P}store.reports.paper_days.paper_date_range": (Action.PROGRESS, R.COUNTED),
    f"{P}store.reports.paper_days.list_day_sheets": (Action.PROGRESS, R.UNIT),
    f"{P}store.paper.bundles.list_bundles": (Action.PROGRESS, R.COUNTED),
    f"{P}store.registers.planning.load_pack_quantities": (Action.PACK, R.UNIT),
    f"{P}store.registers.planning.save_pack_quantities": (Action.PACK, R.UNIT),
    f"{P}preparation.outage_pack.pack.load_unit_needs": (Action.PACK, R.UNIT),
    f"{P}preparation.outage_pack.pack.make_unit_pack": (Action.PACK, R.UNIT),
    f"{P}operations.learning.learn.learn_from_entries": (Action.MANAGE, R.EVERYWHERE),
    f"{P}operations.learning.learn.install_learned": (Action.MANAGE, R.EVERYWHERE),
    f"{P}operations.learning.learn.export_training_set": (Action.MANAGE, R.EVERYWHERE),
    f"{P}reporting.audit.follow_up.load_log_page": (Action.LOG, R.UNIT),
    f"{P}reporting.audit.follow_up.list_filter_choices": (Action.LOG, R.UNIT),
    f"{P}reporting.audit.follow_up.count_hints": (Action.LOG, R.UNIT),
    f"{P}reporting.audit.follow_up.count_views_per_day": (Action.LOG, R.UNIT),
    f"{P}reporting.audit.follow_up.export_log_csv": (Action.LOG, R.UNIT),
    f"{P}reporting.audit.follow_up.check_log": (Action.LOG, R.EVERYWHERE),
    f"{P}reporting.audit.client_extract.make_client_extract": (Action.LOG, R.COUNTED),
    f"{P}reporting.audit.storelog.write_storelog": (Action.LOG, R.UNIT),
    f"{P}export.runs.status.count_unsigned": (Action.EXPORT, R.LISTED),
    f"{P}reporting.data_quality.measure_errors": (FIGURES, R.COUNTED),
    f"{P}reporting.data_quality.measure_unit_work": (FIGURES, R.UNIT),
    f"{P}reporting.data_quality.measure_own_work": (Action.REVIEW, R.COUNTED),
    f"{P}reporting.data_quality.measure_reviewers_work": (Action.QUALITY, R.UNIT),
    f"{P}store.quality.rekeying.claim_next_rekeying": (Action.REVIEW, R.LISTED),
    f"{P}store.quality.rekeying.load_claimed_task": (Action.REVIEW, R.PAPER),
    f"{P}store.quality.rekeying.save_rekeyed_answer": (Action.REVIEW, R.PAPER),
    f"{P}store.quality.rekeying.skip_rekeying": (Action.REVIEW, R.EVERYWHERE),
    f"{P}store.quality.rekeying.count_open_rekeying": (Action.PROGRESS, R.COUNTED),
    f"{P}store.quality.adjudication.adjudicate": (Action.REVIEW, R.PAPER),
    f"{P}store.quality.view_times.save_view_time": (Action.REVIEW, R.PAPER),
    f"{P}store.review.batch_review.claim_next_batch": (Action.REVIEW, R.LISTED),
    f"{P}store.review.batch_review.save_marked_items": (Action.REVIEW, R.EVERYWHERE),
    f"{P}store.review.batch_review.confirm_batch": (Action.REVIEW, R.PAPER),
    f"{P}store.review.batch_review.release_batch": (Action.REVIEW, R.EVERYWHERE),
    f"{P}store.review.batch_review.undo_last_batch": (Action.REVIEW, R.LISTED),
    f"{P}store.review.batch_items.set_batch_review": (Action.PULL, R.UNIT),
    f"{P}store.review.batch_items.batch_review_by_unit": (Action.PULL, R.EVERYWHERE),
    f"{P}store.quality.seeded_errors.with_seeded_error": (Action.REVIEW, R.PAPER),
    f"{P}store.quality.seeded_errors.last_missed_field": (Action.REVIEW, R.PAPER),
    f"{P}store.review.duplicate_entries.find_similar_entries": (Action.REVIEW, R.PAPER),
    f"{P}store.review.duplicate_entries.mark_duplicate": (Action.REVIEW, R.PAPER),
    f"{P}store.review.duplicate_entries.withdraw_duplicate_mark": (Action.REVIEW, R.PAPER),
    f"{P}store.review.duplicate_entries.list_duplicate_marks": (Action.FOLLOW_UP, R.LISTED),
    f"{P}store.registers.care_system_exports.save_list": (Action.REVIEW, R.UNIT_AREA),
    f"{P}store.registers.care_system_exports.erase_list": (Action.REVIEW, R.UNIT_AREA),
    f"{P}store.registers.care_system_exports.list_care_lists": (Action.FOLLOW_UP, R.COUNTED),
    f"{P}store.registers.care_system_matches.filter_visible_matches": (Action.FOLLOW_UP, R.LISTED),
    f"{P}store.registers.care_system_matches.list_rejected_matches": (Action.FOLLOW_UP, R.LISTED),
    f"{P}store.registers.care_system_matches.withdraw_rejection": (Action.REVIEW, R.PAPER),
    f"{P}export.care_system_check.matches.list_matches": (Action.FOLLOW_UP, R.LISTED),
    f"{P}export.care_system_check.decisions.import_care_list": (Action.REVIEW, R.UNIT_AREA),
    f"{P}export.care_system_check.decisions.record_match_view": (Action.FOLLOW_UP, R.PAPER),
    f"{P}export.care_system_check.decisions.confirm_match": (Action.REVIEW, R.PAPER),
    f"{P}export.care_system_check.decisions.reject_match": (Action.REVIEW, R.PAPER),
    f"{P}export.manual_entry.screen.count_held_back": (Action.RECEIPT, R.PAPER),
    f"{P}store.review.transfers.transfer_entry": (Action.FORWARD, R.PAPER),
    f"{P}store.review.transfers.transfer_protected_entry": (Action.FORWARD, R.PAPER),
    f"{P}store.review.transfers.list_transferred": (Action.FOLLOW_UP, R.LISTED),
    f"{P}store.review.questions.ask_author": (Action.REVIEW, R.PAPER),
    f"{P}store.review.questions.save_author_answer": (Action.FOLLOW_UP, R.PAPER),
    f"{P}store.review.questions.list_questions": (Action.FOLLOW_UP, R.LISTED),
    f"{P}store.review.questions.list_entry_questions": (Action.VIEW_PAGE, R.PAPER),
    f"{P}store.entries.closed_entries.list_rejected": (Action.FOLLOW_UP, R.LISTED),
    f"{P}store.entries.client_check.list_temporary_identities": (Action.FOLLOW_UP, R.LISTED),
    f"{P}store.review.signing.load_signing_queue": (Action.SIGN, R.LISTED),
    f"{P}store.review.signing.list_own_signed": (Action.SIGN, R.LISTED),
    f"{P}store.review.signing.sign_entry": (Action.SIGN, R.PAPER),
    f"{P}store.review.signing.sign_sheet": (Action.SIGN, R.PAPER),
    f"{P}store.review.signing.withdraw_signature": (Action.SIGN, R.PAPER),
    f"{P}store.review.signing.count_waiting_signatures": (Action.EXPORT, R.LISTED),
    f"{P}store.exports.archives.find_archivable": (Action.ARCHIVE, R.LISTED),
    f"{P}store.exports.archives.list_packages": (Action.ARCHIVE, R.LISTED),
    f"{P}store.exports.archives.load_package": (Action.ARCHIVE, R.PAPER),
    f"{P}export.archive.runs.find_ready": (Action.ARCHIVE, R.LISTED),
    f"{P}export.archive.runs.make_package": (Action.ARCHIVE, R.LISTED),
    f"{P}export.archive.runs.package_file": (Action.ARCHIVE, R.PAPER),
    f"{P}store.paper.originals.save_paper_place": (Action.ARCHIVE, R.UNIT),
    f"{P}store.paper.originals.list_originals": (Action.ARCHIVE, R.PAPER),
    f"{P}store.paper.originals.approve_destruction": (Action.DISPOSE, R.PAPER),
    f"{P}store.paper.originals.withdraw_destruction": (Action.DISPOSE, R.PAPER),
    f"{P}store.exports.payment_approvals.list_payable": (Action.APPROVE_PAYMENT, R.LISTED),
    f"{P}store.exports.payment_approvals.save_approval": (Action.APPROVE_PAYMENT, R.PAPER),
    f"{P}store.exports.payment_approvals.withdraw_approval": (Action.APPROVE_PAYMENT, R.PAPER),
    f"{P}export.payments.approval.list_payments": (Action.APPROVE_PAYMENT, R.LISTED),
    f"{P}export.payments.approval.approve_payment": (Action.APPROVE_PAYMENT, R.PAPER),
    f"{P}store.entries.versions.list_versions": (Action.VIEW_PAGE, R.PAPER),
    f"{P}store.exports.statistics.list_reporting_status": (Action.EXPORT, R.LISTED),
}
NOT_ACTING: Mapping[str, str] = {
    f"{P}domain.permissions.is_allowed": "asks",
    f"{P}domain.permissions.require_permission": "asks",
    f"{P}store.accounts.visibility.require_visible_entry": "asks",
    f"{P}store.accounts.visibility.require_visible_page": "asks",
    f"{P}store.accounts.visibility.require_unblocked_client": "asks",
    f"{P}store.accounts.visibility.can_see_page": "asks",
    f"{P}store.accounts.visibility.is_client_blocked": "asks",
    f"{P}store.accounts.visibility.filter_blocked": "asks",
    f"{P}store.accounts.visibility.visible_entries_condition": "a condition",
    f"{P}store.accounts.visibility.visible_pages_condition": "a condition",
    f"{P}store.accounts.visibility.visible_by_unit_condition": "a condition",
    f"{P}store.accounts.visibility.visible_entries_from_unit": "a condition",
    f"{P}store.accounts.visibility.filter_visible_entries": "asks",
    f"{P}store.exports.runs.require_run": "asks",
    f"{P}store.exports.runs.require_whole_run": "asks",
    f"{P}store.exports.run_items.list_visible_items": "a condition",
    f"{P}store.exports.archives.is_wholly_visible": "a condition",
    f"{P}export.runs.files.require_run": "asks, for the action that its caller names",
    f"{P}store.review.decisions.require_entry_as_seen": (
        "asks, for the action that its caller names"
    ),
    f"{P}store.review.decisions.write_decision": "writes what `seen` has let through",
    f"{P}store.entries.entry.is_claimed_by_other": "compares",
    f"{P}store.entries.client_check.complete_client_numbers": (
        "part of a decision that `seen` has let through"
    ),
    f"{P}store.review.batch_candidates.choose_candidates": (
        "part of a group that `next_group` has let through"
    ),
    f"{P}store.review.batch_items.list_open_items": (
        "part of a group; what the person may not see is left out"
    ),
    f"{P}store.review.batch_items.load_own_batch": "finds the person's own group",
    f"{P}store.review.batch_items.can_see_entry": "asks",
    f"{P}store.quality.seeded_errors.add_batch_seeded_error": (
        "part of a group that `next_group` has let through"
    ),
    f"{P}store.quality.seeded_errors.judge_batch_seeded_error": (
        "part of a group that `confirm_group` has let through"
    ),
    f"{P}store.quality.seeded_errors.judge_seeded_error": (
        "part of a decision that `seen` has let through"
    ),
    f"{P}store.quality.seeded_errors.fields_matching_seeded_errors": (
        "part of a decision that `seen` has let through"
    ),
    f"{P}store.entries.entry_view.load_entry_view": "shows what its caller has asked for",
    f"{P}store.registers.client_register.restrict_client": "hides",
    f"{P}registers.authors.is_author": "compares",
    f"{P}store.reports.sheet_accounting.list_accounted_units": "says which units, of nobody",
    f"{P}store.review.signing.is_own_entry": "compares",
    f"{P}store.review.signing.list_allowed_reasons": "compares",
    f"{P}store.review.transfers.has_entry_on_sheet": "asks",
    f"{P}store.accounts.protected_identity.find_covered_areas": "hides",
    f"{P}store.accounts.protected_identity.find_covered_boxes": "hides",
    f"{P}store.accounts.protected_identity.find_hidden_pids": "hides",
    f"{P}store.review.questions.find_author": "part of a question that has been let through",
    f"{P}store.entries.client_check.save_client_choice": (
        "part of a decision that `seen` has let through"
    ),
    f"{P}store.registers.care_system_matches.save_match_decision": (
        "part of a decision that `already_there` or `something_else` has let through"
    ),
    f"{P}export.runs.receipts.settle_receipts": (
        "asks, for each entry that it is given a receipt of"
    ),
    f"{P}store.accounts.people.save_person": "stores an account for whoever has the machine",
}

ABOUT_NO_PAPER = (
    f"{P}reporting.audit.",
    f"{P}store.registers.client_register.restrict_client",
    f"{P}store.entries.client_check._find_candidates",
)
"""Where the unit is that of a log's question or of a client."""
