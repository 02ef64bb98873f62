"""The demo driven through: a scripted office reviews, signs, approves, exports and receipts.

It types what `data/samples/expected.json` says is on each paper, attaches loose pages, and splits
those that clients share. What leaves is compared with that truth, field by field, and each file
with one made of it. What a script cannot decide is left to a person, and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.domain.errors import EfterskriftError, UnknownClientError
from pipeline.domain.form.form import INTERNAL_FORMS
from pipeline.domain.law.permissions import Action, is_allowed
from pipeline.domain.model import EntryState, Person, State
from pipeline.domain.record import MANUAL_ENTRY_TARGET
from pipeline.domain.review.attachment_title import AttachmentChoice
from pipeline.domain.review.rules import Answer
from pipeline.export.exporter import Item
from pipeline.export.payments.approval import approve_payment, list_payments
from pipeline.export.runs import (
    ExportContext,
    RunKind,
    confirm_delivery,
    fetch_run_file,
    list_run_previews,
    list_runs,
    load_export_options,
    make_run,
)
from pipeline.export.runs.candidates import RunScope
from pipeline.export.runs.make import select_items, with_list_order
from pipeline.export.runs.receipts import ReceiptAnswer, open_run_items, submit_receipts
from pipeline.export.targets import find_target
from pipeline.operations.demo import DEMO_ACCOUNTS
from pipeline.registers.client_check import NO_CLIENT_STATEMENT, OUTSIDE_REASONS, ClientStatement
from pipeline.review.attachments import Attachments, cut_area
from pipeline.review.decisions import Decision
from pipeline.review.session import ReviewSession
from pipeline.review.signing import SIGNING_REASONS, Signing, SigningQueue
from pipeline.store.entries.entry import Entry, load_entry, make_entry_id
from pipeline.store.entries.entry_view import EntryView, FieldView
from pipeline.store.exports.run_items import Connection
from pipeline.store.paper.pages import load_page
from pipeline.store.registers.staff import load_staff_list
from pipeline.store.schema.clock import utc_now
from pipeline.texts import Text
from research.simulation.demo_truth import PaperTruth, SampleTruth

PAYMENT_ACCOUNT, PAYMENT_BIC = "SE4550000000058398257466", "ESSESESS"
"""An account number of a bank's public examples."""
_FOREIGN = "främmande sida"
_MOST_ROUNDS = 5
"""Rounds of review and export; a later one finds what an earlier one released."""


@dataclass(frozen=True, slots=True)
class ThroughLine:
    """What became of a form's entries in a route."""

    form: str
    route: str
    entries: int
    receipted: int

    @property
    def unproven(self) -> int:
        """The exported entries without a receipt."""
        return self.entries - self.receipted


@dataclass(frozen=True, slots=True)
class ThroughReport:
    """What became of all entries.

    `decided` has the form of each entry that was confirmed, `exports` the entries of each route in
    the order of their runs, `held` the reason of each that its route does not take. `left` counts
    by form and error what a script cannot decide, `rejected` has the foreign pages. `different`
    names form and field of what left and is not what its paper says; of a file as a whole, its
    route and target.
    """

    lines: tuple[ThroughLine, ...]
    decided: Mapping[str, str]
    exports: Mapping[str, tuple[str, ...]]
    held: Mapping[str, Text]
    left: Mapping[tuple[str, str], int]
    rejected: frozenset[str]
    different: tuple[tuple[str, str], ...]

    @property
    def kept(self) -> list[str]:
        """The confirmed entries that are for Efterskrift's own lists and go nowhere."""
        return sorted(entry for entry, form in self.decided.items() if form in INTERNAL_FORMS)

    @property
    def lost(self) -> list[str]:
        """The confirmed entries that no route has and nothing holds: there must be none."""
        exported = {entry for entries in self.exports.values() for entry in entries}
        return sorted(self.decided.keys() - exported - self.held.keys() - set(self.kept))


def drive_through(context: ExportContext) -> ThroughReport:
    """Take all entries of the demo from review to the last receipt."""
    settings = context.settings.model_copy(
        update={"payment_account": PAYMENT_ACCOUNT, "payment_bic": PAYMENT_BIC}
    )
    office = _Office(replace(context, settings=settings), SampleTruth())
    for _ in range(_MOST_ROUNDS):
        if not (office.review() + office.sign() + office.approve() + office.export()):
            break
    office.receipt()
    return office.report()


class _Office:
    """The people of the demo at work."""

    def __init__(self, context: ExportContext, truth: SampleTruth) -> None:
        self._context, self._truth = context, truth
        self._people = [account.person for account in DEMO_ACCOUNTS]
        self._decided: dict[str, str] = {}
        self._forms: dict[str, str] = {}
        self._stuck: dict[str, tuple[str, str]] = {}
        self._rejected: set[str] = set()
        self._different: set[tuple[str, str]] = set()

    def _session(self, person: Person) -> ReviewSession:
        context = self._context
        return ReviewSession(context.store, context.forms, context.settings, person)

    def _able(self, action: Action) -> list[Person]:
        return [person for person in self._people if is_allowed(person, action)]

    def review(self) -> int:
        """Let everybody decide what is in their queue; return how many decisions were made."""
        return sum(1 for person in self._able(Action.REVIEW) for _ in self._review_queue(person))

    def _review_queue(self, person: Person) -> Iterator[str]:
        seen: set[str] = set()
        session = self._session(person)
        # What was skipped comes last: once it is back, only that is left
        while (view := session.next_entry(lambda *_: None)) and view.entry.id not in seen:
            seen.add(view.entry.id)
            try:
                state = self._settle_loose(person, view) or self._decide(person, view)
            except EfterskriftError as error:
                self._stuck[view.entry.id] = (view.form.id, type(error).__name__)
                session.skip(view.entry.id, view.entry.revision)
                continue
            self._stuck.pop(view.entry.id, None)
            if state not in (EntryState.SECOND, EntryState.REJECTED):
                self._decided[view.entry.id] = view.form.id
            yield view.entry.id

    def _settle_loose(self, person: Person, view: EntryView) -> EntryState | None:
        """Attach, split or reject a page without a form; None if the entry is to be typed."""
        page, entry = view.pages[0], view.entry
        truth = self._truth.loose.get((page.source_name, page.source_page))
        if truth is None or entry.row is not None:
            return None
        context = self._context
        attachments = Attachments(context.store, context.forms, context.settings, person)
        areas = [cut_area(context.store.images, page, tuple(part["area"])) for part in truth.parts]
        if areas:
            attachments.split(page.id, areas)
        elif truth.attached:
            with context.store.read() as conn:
                target = load_entry(conn, make_entry_id(truth.attached["to"], None))
            attachments.attach(target.id, self._choose_attachments(attachments, target))
        else:
            self._session(person).reject(entry.id, entry.revision, _FOREIGN)
            self._rejected.add(entry.id)
        return EntryState.REJECTED

    def _choose_attachments(self, attachments: Attachments, entry: Entry) -> list[AttachmentChoice]:
        """Return the pages behind a sheet that belong to it, with title and day, in their order."""
        behind = [
            (page.id, loose.attached)
            for page in attachments.list_proposed_pages(entry)
            if (loose := self._truth.loose.get((page.source_name, page.source_page)))
        ]
        return [
            AttachmentChoice(page_id, one["title"], one["day"])
            for page_id, one in behind
            if one.get("to") == entry.serial
        ]

    def _paper(self, conn: Connection, entry: Entry) -> PaperTruth:
        """Return what the paper of an entry says."""
        if entry.serial:
            return self._truth.sheets.get(entry.serial, PaperTruth())
        page = load_page(conn, entry.page)
        loose = self._truth.loose.get((page.source_name, page.source_page))
        return loose.part(entry.row or 0) if loose else PaperTruth()

    def _decide(self, person: Person, view: EntryView) -> EntryState:
        with self._context.store.read() as conn:
            paper = self._paper(conn, view.entry)
        answers = {
            field.spec.name: _answer(paper, field, is_second=view.is_second_review)
            for field in view.fields
            if field.is_open and field.spec.traits.filled_by_hand
        }

        def decide(about: ClientStatement) -> EntryState:
            decision = Decision(view.entry.id, view.entry.revision, answers, about=about)
            return self._session(person).decide(view, decision, utc_now()).state

        try:
            return decide(NO_CLIENT_STATEMENT)
        except UnknownClientError:
            return decide(ClientStatement(outside=OUTSIDE_REASONS[0], name="Okänd"))

    def sign(self) -> int:
        """Sign what waits for a signature; return how many entries."""
        signed = 0
        for person in self._able(Action.SIGN):
            context = self._context
            signing = Signing(context.store, context.forms, context.settings, person)
            # The list is cut off at a length: it is loaded again until it is empty.
            while entries := _unsigned(signing.load_queue()):
                for entry, reason in entries:
                    signing.sign(entry.id, entry.revision, reason=reason)
                signed += len(entries)
        return signed

    def approve(self) -> int:
        """Let the managers approve the payments that nothing stops; return how many approvals."""
        given = 0
        for person in self._able(Action.APPROVE_PAYMENT):
            for payment in list_payments(self._context, person):
                has_approved = {stamp.by for stamp in payment.approved} & {
                    person.login,
                    person.name,
                }
                if payment.blocked_reason or payment.is_own or has_approved:
                    continue
                approve_payment(
                    self._context, person, payment.entry_id, payment.last_decision, utc_now()
                )
                given += 1
        return given

    def export(self) -> int:
        """Make every run of every route, what its format cannot carry by hand; return how many."""
        made = 0
        for person in self._able(Action.EXPORT):
            for preview in list_run_previews(self._context, person):
                if preview.is_statistics or preview.fault:
                    continue
                by_hand = [one.entry_id for one in preview.unsupported if one.can_be_keyed_in]
                kinds = [(preview.kind, list[str]())] if preview.entries else []
                if by_hand:
                    kinds.append((RunKind(preview.kind.route, MANUAL_ENTRY_TARGET), by_hand))
                for kind, ids in kinds:
                    made += self._deliver(person, kind, ids)
        return made

    def _deliver(self, person: Person, kind: RunKind, by_hand: Sequence[str]) -> bool:
        """Make a run and hand its file over, once it is compared with what the papers say."""
        context, target = self._context, find_target(self._context.settings, kind.target)
        with context.store.read() as conn:
            options = load_export_options(context, kind.target, target, load_staff_list(conn))
            items = select_items(conn, RunScope(context, person, None), kind, options, by_hand)
            options = with_list_order(conn, kind, items, options)
        run = make_run(context, person, kind, utc_now(), by_hand=by_hand)
        if run is None:
            return False
        data = fetch_run_file(context, person, run.id).data
        if target.make(self._true_items(items), run, options) != data:
            self._different.add((kind.route, run.target))
        confirm_delivery(context, person, run.id, utc_now())
        return True

    def _true_items(self, items: Sequence[Item]) -> list[Item]:
        """Return the items as their papers say them, and remember where that differs."""
        with self._context.store.read() as conn:
            papers = [self._paper(conn, load_entry(conn, one.record.entry_id)) for one in items]
        true_items = []
        for item, paper in zip(items, papers, strict=True):
            form = self._context.forms[item.record.form, item.record.version]
            names = list(paper.differing_fields(item.record, form))
            self._different |= {(form.id, name) for name in names}
            true_items.append(replace(item, record=paper.correct(item.record, form, names)))
        return true_items

    def receipt(self) -> None:
        """Let the receiving systems say that they have everything."""
        for person in self._able(Action.RECEIPT):
            for status in list_runs(self._context, person):
                if not status.waiting:
                    continue
                answers = [
                    ReceiptAnswer(item.entry_id, accepted=True)
                    for item in open_run_items(self._context, person, status.run.id)
                    if item.accepted is None
                ]
                submit_receipts(self._context, person, status.run.id, answers, utc_now())

    def report(self) -> ThroughReport:
        """Count what became of all entries."""
        exports: dict[str, list[str]] = {}
        receipted: Counter[tuple[str, str]] = Counter()
        held: dict[str, Text] = {}
        seen: set[str] = set()
        for person in self._able(Action.EXPORT):
            for preview in list_run_previews(self._context, person):
                held |= {one.entry_id: one.reason for one in preview.unsupported}
            for status in reversed(list_runs(self._context, person)):
                run = status.run
                if (
                    run.id in seen
                    or status.hidden
                    or self._context.targets.find_statistics(run.target)
                ):
                    continue
                seen.add(run.id)
                route = run.route or run.target
                for item in open_run_items(self._context, person, run.id):
                    exports.setdefault(route, []).append(item.entry_id)
                    receipted[route, self._form(item.entry_id)] += item.accepted is True
        return ThroughReport(
            tuple(self._lines(exports, receipted)),
            dict(self._decided),
            {route: tuple(entries) for route, entries in exports.items()},
            held,
            Counter(self._stuck.values()),
            frozenset(self._rejected),
            tuple(sorted(self._different)),
        )

    def _lines(
        self, exports: Mapping[str, Sequence[str]], receipted: Mapping[tuple[str, str], int]
    ) -> Iterator[ThroughLine]:
        for route in sorted(exports):
            counts = Counter(self._form(entry_id) for entry_id in exports[route])
            for form, entries in sorted(counts.items()):
                yield ThroughLine(form, route, entries, receipted[route, form])

    def _form(self, entry_id: str) -> str:
        if entry_id not in self._forms:
            with self._context.store.read() as conn:
                self._forms[entry_id] = load_entry(conn, entry_id).form
        return self._forms[entry_id]


def _unsigned(waiting: SigningQueue) -> list[tuple[Entry, str]]:
    """Return what a person may sign, with the reason if another wrote it."""
    others = [(entry, SIGNING_REASONS[2]) for entry in waiting.other_entries]
    return [*((entry, "") for entry in waiting.own_entries), *others]


def _answer(paper: PaperTruth, field: FieldView, *, is_second: bool) -> Answer:
    """Return what is typed in a field; what was printed in it is confirmed as it is shown.

    The second person compares the number of a client code with the register.
    """
    answer = paper.answer(field.spec, is_looked_up=is_second)
    if answer.state is State.EMPTY and field.draft is not None:
        return field.draft
    return answer
