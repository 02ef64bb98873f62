"""Rows of a sheet at the workbench: those that say nothing unusual are confirmed in one step.

Each row is a line with its ink, whose it is, and what was read; the odd one is unticked, and is
reviewed alone. What the machine is not sure of is typed in its row, and what is above the rows
once. A list of rows opens so; the person may choose one row at a time for a sheet instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.field_labels import accessible_name, accessible_names
from pipeline.domain.form.form import Depth, EntriesPer
from pipeline.domain.model import Person
from pipeline.domain.review.rules import Answer
from pipeline.review.rows import RowReview, RowsResult, SeenRow, SheetRow
from pipeline.review.session import ReviewSession
from pipeline.store.entries.entry_view import EntryView, FieldView
from ui.i18n import t
from ui.screens.review import current_entry
from ui.screens.review.entry_header import entry_origin_text, outage_of
from ui.screens.review.field_cards import (
    PageImages,
    box_crop,
    field_answer,
    field_cards,
    initial_value,
)
from ui.screens.review.field_input import describe_answer, is_choice_field
from ui.screens.review.sheet_images import (
    page_cards,
    page_images,
    record_views,
    row_area,
    row_box,
)
from ui.screens.review.workbench.drafts import store_draft, untouched_answer
from ui.screens.review.workbench.mode import mode_card, tick_field
from ui.screens.review.workbench.row_clients import (
    HEAD,
    ask_row_number,
    complete_row_number,
    held_row,
    is_row_client_seen,
    row_client,
)
from ui.screens.review.workbench_state import (
    ALL_FIELDS,
    FOCUS_SAVE,
    Card,
    FieldValue,
    HeldEntry,
    bench_state,
)
from ui.widgets.messages import error_text
from ui.workspace import AppContext

_MISSING = "review.missing_answer"
_LEAST_ROWS = 2
"""So many rows that are done together open as rows."""
_SINGLE, _CLOSE_BLANK = "open:single", "open:blank"


def rows_of(context: AppContext, person: Person, view: EntryView) -> RowsMode | None:
    """Return the rows of the sheet whose entry is due, None if it is reviewed by itself.

    The view of its pages is logged.
    """
    if (
        view.form.entries is not EntriesPer.ROW
        or view.depth is not Depth.DEVIATIONS
        or view.is_hidden
    ):
        return None
    is_chosen = bench_state().shown_as_rows.get(view.entry.sheet)
    if is_chosen is False:
        return None
    log_view = partial(record_views, person, view.entry.id)
    rows, _ = context.work(RowReview, person).open(view.entry.sheet, log_view)
    mode = RowsMode(context, person, view, tuple(rows), f"rows:{view.entry.id}", view.form.area)
    together = len(mode.ready) + len(mode.blank)
    return mode if rows and (is_chosen or together >= _LEAST_ROWS) else None


@dataclass(frozen=True, slots=True)
class RowsMode:
    """The rows of a sheet at the workbench; `view` is the entry of it that is due."""

    context: AppContext
    person: Person
    view: EntryView
    rows: tuple[SheetRow, ...]
    key: str
    area: str

    @property
    def blank(self) -> list[SheetRow]:
        """Return the rows in which nothing was read."""
        return [row for row in self.rows if row.looks_blank]

    @property
    def ready(self) -> list[SheetRow]:
        """Return the rows that can be confirmed now, or once something is typed in them."""
        return [row for row in self.rows if row.is_for_confirming]

    def card(self, held: HeldEntry) -> tuple[Card, list[bytes]]:
        """Return the card, and the images of the sheet."""
        held.expanded |= {ALL_FIELDS}
        shown = page_images(self.context, self.view)
        images = PageImages.of(shown)
        blank, ready = self.blank, self.ready
        others = [row for row in self.rows if row not in blank and row not in ready]
        fields = self._field_cards(HEAD, held, images)
        for row in ready:
            fields += [
                self._tick_card(row, held, images),
                *self._field_cards(row.entry.id, held, images),
            ]
        folded = [
            _named_rows(t("rows.alone"), [(row, _doubt_text(row)) for row in others], images),
            _named_rows(t("rows.blank"), [(row, "") for row in blank], images),
        ]
        card = mode_card(
            self,
            held,
            self.view.form.title,
            origin=entry_origin_text(self.context, self.person, self.view),
            notices=[t("rows.how") if ready else t("rows.none")],
            fields=fields,
            folded=[group for group in folded if group["items"]],
            pages=page_cards(self.view.form.pages[0].size, shown),
            actions=[
                {"kind": _SINGLE, "label": t("rows.single"), "key": "Alt+V"},
                *(
                    {"kind": _CLOSE_BLANK, "label": label, "key": "Alt+R"}
                    for label in [t("rows.close_blank", count=len(blank))]
                    if blank
                ),
            ],
            mustSee=True,
            layout="rows",
            escape=_SINGLE,
            completed={
                f"{row.entry.id}/{name}": short_and_whole
                for row in ready
                for name, short_and_whole in held_row(row, held).completed.items()
            },
            words={"save": t("rows.save"), "more": t("rows.more")},
        )
        return card, [image for _, image in shown]

    def act(self, held: HeldEntry, message: Mapping[str, Any]) -> bool:
        """Confirm the ticked rows, close the blank ones, or leave the sheet for later."""
        held.warning = ""
        try:
            return self._do(held, message)
        except EfterskriftError as error:
            current_entry.set_warning(error_text(error))
            return True

    def _do(self, held: HeldEntry, message: Mapping[str, Any]) -> bool:
        kind, what = message["kind"], message.get("what")
        if kind == "skip":
            self._skip()
            return True
        values = message["values"]
        for row in self.ready:
            values = complete_row_number(self.context, self.person, row, held, values)
        self._store_drafts(held, values)
        for row in self.ready:
            ask_row_number(row, held, str(message.get("left") or ""))
        message = {**message, "values": values}
        if what == _SINGLE:
            self._show_single()
        if what == _CLOSE_BLANK:
            return self._close_blank(held, message)
        return kind == "save" and self._save(held, message)

    def _show_single(self) -> None:
        bench_state().shown_as_rows[self.view.entry.sheet] = False

    # What is asked: above the rows once, with what was read there, and in each row.

    def _asked(self) -> Iterator[tuple[str, SheetRow, FieldView]]:
        """Yield what is typed or shown filled in, with its name in the browser and its row."""
        ready = self.ready
        head = {
            name
            for row in ready
            for name in (*row.deviations, *row.head)
            if row.form.by_name[name].row is None
        }
        drafts = {
            field.spec.name: field.draft
            for row in reversed(self.rows)
            for field in row.view.fields
            if field.spec.name in head and field.draft is not None
        }
        for row in ready:
            for field in row.view.fields:
                name = field.spec.name
                if name in head and row is ready[0]:
                    draft = drafts.get(name, row.answers[name] if name in row.head else None)
                    yield f"{HEAD}/{name}", row, replace(field, draft=draft)
                elif name in row.deviations and name not in head:
                    yield f"{row.entry.id}/{name}", row, field

    def _field_cards(self, where: str, held: HeldEntry, images: PageImages) -> list[dict[str, Any]]:
        """Return the fields above the rows, or those of a row, named by its entry."""
        cards = []
        for name, row, field in self._asked():
            if name.startswith(f"{where}/"):
                view = replace(row.view, fields=(field,))
                (card,) = field_cards(
                    view, held, images, outage_of(self.context, view.form, view.entry.unit)
                )
                cards.append(
                    card
                    | {
                        "name": name,
                        "needs": field.draft is None,
                        "error": held.errors.get(name, ""),
                        "value": held.values.get(name, initial_value(view, field)),
                    }
                )
        return cards

    def _tick_card(self, row: SheetRow, held: HeldEntry, images: PageImages) -> dict[str, Any]:
        """Return the line of a row: whose it is, its ink, and what was read, ticked at first."""
        name, number = _tick_name(row), t("rows.row", row=row.entry.row)
        client = row_client(self.context, self.person, row, held)
        area = row_area(row.view, list(images.ids))
        return tick_field(
            name,
            f"{row.entry.row}. {client['name']}" if client.get("name") else number,
            is_ticked=bool(held.values.get(name, True)),
            hint=" · ".join(filter(None, [client.get("number"), *client.get("tags", ())])),
            reason=" · ".join(filter(None, [client.get("text"), *client.get("against", ())])),
            text=_values_text(row) or t("rows.as_planned"),
            crop=_row_crop(row, number, images),
            area=list(area) if area else None,
            error=held.errors.get(name, ""),
        )

    # What the person does.

    def _answers(self, values: Mapping[str, FieldValue]) -> dict[str, Answer | None]:
        return {
            name: field_answer(row.view, field, values.get(name))
            for name, row, field in self._asked()
        }

    def _store_drafts(self, held: HeldEntry, values: Mapping[str, FieldValue]) -> None:
        """Store what was typed since the last time; it is there if the row is reviewed alone."""
        answers = self._answers(values)
        for name, row, field in self._asked():
            if name not in values or held.values.get(name) == values[name]:
                continue
            # An untouched field is no draft, and must not hide a later reading.
            if name not in held.values and answers[name] == untouched_answer(row.view, field):
                continue
            held.errors.pop(name, None)
            if store_draft(self.context, self.person, row.entry.id, field.spec.name, answers[name]):
                held.values[name] = values[name]
        ticks = {_tick_name(row) for row in self.ready}
        held.values |= {name: value for name, value in values.items() if name in ticks}

    def _save(self, held: HeldEntry, message: Mapping[str, Any]) -> bool:
        """Confirm the rows that are ticked, all of them or none; return whether they are."""
        ready = self.ready
        kept = [row for row in ready if message["values"].get(_tick_name(row))]
        if not kept:
            self._show_single()
            return False
        answers = self._answers(message["values"])
        review = self.context.work(RowReview, self.person)
        seen = {
            row.entry.id: SeenRow(
                row.entry.id, row.entry.revision, _typed(row, answers), is_ticked=row in kept
            )
            for row in ready
        }
        ticked = [seen[row.entry.id] for row in kept]
        if wrong := self._find_missing(kept, answers) or self._find_wrong(review.check(ticked)):
            held.refuse(wrong)
            held.warning = t("review.not_saved")
            return False
        if not all(is_row_client_seen(row, held, message["values"]) for row in kept):
            held.stop(t("review.look_at_client"), FOCUS_SAVE)
            return False
        result = review.confirm([*seen.values()], held.shown_since(message))
        if result is None:
            held.warning = t("rows.look_first")
            return False
        if len(result.confirmed) < len(ready):
            # What was unticked, or has changed meanwhile, is reviewed by itself.
            self._show_single()
        if result.confirmed:
            current_entry.allow_undo()
            current_entry.set_toast(t("rows.saved", count=len(result.confirmed)))
        return not self._show_missed(result)

    def _show_missed(self, result: RowsResult) -> bool:
        """Say in which rows a seeded error was confirmed, and open the first; whether there is one.

        Such a row is decided again, with the value that was read.
        """
        form = self.view.form
        fields = [accessible_name(form, form.by_name[name]) for name in result.missed.values()]
        if fields:
            current_entry.set_warning(t("control.missed", field="; ".join(fields)))
            current_entry.open_entry(next(iter(result.missed)))
        return bool(fields)

    def _find_missing(
        self, kept: Sequence[SheetRow], answers: Mapping[str, Answer | None]
    ) -> dict[str, str]:
        """Return what is not answered above the rows and in those that are ticked."""
        where = (HEAD, *(row.entry.id for row in kept))
        return {
            name: t("review.missing_choice" if is_choice_field(field.spec) else _MISSING)
            for name, _, field in self._asked()
            if answers[name] is None and name.partition("/")[0] in where
        }

    def _find_wrong(self, checked: Sequence[SheetRow]) -> dict[str, str]:
        """Return what prevents that rows are confirmed together, at its field, else at the row."""
        names = {name for name, _, _ in self._asked()}
        errors: dict[str, str] = {}
        for row in checked:
            places = {
                f"{where}/{field}" for field in row.deviations for where in (HEAD, row.entry.id)
            }
            if asked := sorted(places & names):
                errors |= dict.fromkeys(asked, t("rows.wrong"))
            elif not row.can_be_confirmed:
                errors[_tick_name(row)] = t("rows.untick", fields=_doubt_text(row))
        return errors

    def _close_blank(self, held: HeldEntry, message: Mapping[str, Any]) -> bool:
        """Reject the blank rows as empty in one step."""
        review, blank = self.context.work(RowReview, self.person), self.blank
        if not review.close_blank(blank, held.shown_since(message)):
            held.warning = t("rows.look_first")
            return False
        current_entry.allow_undo()
        current_entry.set_toast(t("rows.closed_blank", count=len(blank)))
        return self.view.entry.id in {row.entry.id for row in blank}

    def _skip(self) -> None:
        """Let all rows of the sheet come later."""
        review = self.context.work(ReviewSession, self.person)
        for entry in (row.entry for row in self.rows):
            review.open_entry(entry.id, entry.revision)
            review.skip(entry.id, entry.revision)


def _typed(row: SheetRow, answers: Mapping[str, Answer | None]) -> dict[str, Answer]:
    """Return what was typed in a row, and above the rows; what was left as read was not typed."""
    return {
        name.partition("/")[2]: answer
        for name, answer in answers.items()
        if answer is not None
        and name.partition("/")[0] in (HEAD, row.entry.id)
        and answer != row.answers.get(name.partition("/")[2])
    }


def _tick_name(row: SheetRow) -> str:
    return f"{row.entry.id}/"


def _row_crop(row: SheetRow, label: str, images: PageImages) -> dict[str, Any] | None:
    place = row_box(row.view)
    if place is None:
        return None
    page, page_no, box = place
    size = row.form.pages[page_no - 1].size
    return box_crop(box, size, t("picture.crop", label=label), images.ids.get(page))


def _named_rows(
    title: str, rows: Sequence[tuple[SheetRow, str]], images: PageImages
) -> dict[str, Any]:
    """Return rows that are not confirmed here: each with its ink, and why."""
    items = []
    for row, text in rows:
        label = t("rows.row", row=row.entry.row)
        items.append({"label": label, "text": text, "crop": _row_crop(row, label, images)})
    return {"title": title, "items": items}


def _doubt_text(row: SheetRow) -> str:
    labels = accessible_names(row.form, row.entry.row)
    doubt = [labels.get(name, name) for name in row.deviations]
    return ", ".join(doubt) or t("rows.client_open")


def _values_text(row: SheetRow) -> str:
    """Return what was read in a row, in words; whose it is is beside it."""
    labels = {spec.name: spec.label for spec in row.form.entry_fields(row.entry.row)}
    return " · ".join(
        labels[spec.name]
        if row.answers[spec.name].value is True
        else f"{labels[spec.name]} {describe_answer(spec, row.answers[spec.name])}"
        for spec in row.line
        if row.answers[spec.name].value not in (None, False)
    )
