"""The fields of an entry as the browser gets them: what is asked, shown, and folded.

A reading that must not be seen is in none of them (blind keying). Fields that need not be typed are
folded: those that a batch has confirmed, and those read with high confidence in class B and C.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pipeline.domain.form.confidence import LOW_CONFIDENCE_BELOW
from pipeline.domain.form.field import Editor, Format, Meaning
from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.form.form import EntriesPer
from pipeline.domain.model import EntryState, Reading, State
from pipeline.domain.review.depth import explain_values, name_boxes
from pipeline.domain.review.rules import Answer, is_routine
from pipeline.reading.language.vocabulary import bare_word, may_be_offered
from pipeline.store.entries.entry_view import EntryView, FieldView
from pipeline.store.paper.pages import Page
from ui.browser.image_cache import image_id
from ui.browser.page_view import relative_area
from ui.i18n import t
from ui.screens.review.field_input import (
    answer_from_code,
    answer_from_text,
    answer_to_code,
    answer_to_text,
    choice_codes,
    code_label,
    describe_answer,
    field_hint,
    has_low_confidence,
    initial_answer,
    is_answer_required,
    is_choice_field,
    proposed_signers,
    reading_parts,
    second_answer,
    second_review_choices,
    second_review_reason,
)
from ui.screens.review.workbench_state import ALL_FIELDS, FieldValue, HeldEntry
from ui.widgets.images import is_registered

CLIENT_MEANINGS = (Meaning.CLIENT_PID, Meaning.CLIENT_CODE)
"""Meanings of the fields whose text names the client; the number counts if there are both."""
_WORD_PATTERN = re.compile(r"\S+")
_CROP_MARGIN_MM = 1.0


@dataclass(frozen=True, slots=True)
class PageImages:
    """The ids of the page images that the browser has, by page, in the order of the sheet."""

    ids: Mapping[str, str]

    @classmethod
    def of(cls, shown: Sequence[tuple[Page, bytes]]) -> PageImages:
        """Return the ids of these images of pages."""
        return cls({page.id: image_id(image) for page, image in shown})

    def index(self, page: str | None) -> int | None:
        """Return the place of a page among them, None if it has no image."""
        return list(self.ids).index(page) if page is not None and page in self.ids else None


def open_fields(view: EntryView, held: HeldEntry) -> list[FieldView]:
    """Return the fields that need an answer now, without the folded ones."""
    folded = {field.spec.name for field in folded_fields(view, held)}
    return [field for field in view.fields if field.is_open and field.spec.name not in folded]


def folded_fields(view: EntryView, held: HeldEntry) -> list[FieldView]:
    """Return the fields that are folded now."""
    if view.entry.state is not EntryState.REVIEW or view.is_hidden or ALL_FIELDS in held.expanded:
        return []
    return [
        field
        for field in view.fields
        if field.spec.name not in held.expanded and _can_fold(view, field)
    ]


def needs_person(view: EntryView, field: FieldView) -> bool:
    """Return whether a person has to answer the field, or look at what it was read as.

    What was typed of the head of a list, in this row or another, is there in every row.
    """
    if (
        view.form.entries is EntriesPer.ROW
        and field.spec.row is None
        and field.draft is not None
        and not view.is_second_review
    ):
        return False
    if view.is_second_review or field.is_blind or initial_answer(field) is None:
        return True
    if field.draft is not None or field.reading is None:
        return False
    return has_low_confidence(field.reading)


def field_cards(
    view: EntryView,
    held: HeldEntry,
    images: PageImages,
    outage: tuple[date, date] | None = None,
) -> list[dict[str, Any]]:
    """Return a card for each open field, without its value.

    A day of the `outage` may be typed in short.
    """
    labels = accessible_names(view.form, view.entry.row)
    return [
        {
            "name": field.spec.name,
            "label": field.spec.full_label,
            "hint": field_hint(field.spec),
            "needs": needs_person(view, field),
            "must": is_answer_required(field),
            "blind": field.is_blind,
            "client": field.spec.means in CLIENT_MEANINGS,
            "crop": crop_card(view, field, labels[field.spec.name], images),
            "area": field_area(view, field, images),
            "pitch": _line_pitch(view, field),
            "short": _short_form(view, field, outage),
            "words": _words_card(view, field, images),
            **_editor_card(view, field),
            **_reading_card(view, field),
        }
        for field in open_fields(view, held)
    ]


def folded_cards(view: EntryView, held: HeldEntry, images: PageImages) -> list[dict[str, Any]]:
    """Return the folded fields, each with its image and what it is read as.

    Fields that a batch has confirmed have been seen there, and are shown without.
    """
    labels, fields = accessible_names(view.form, view.entry.row), folded_fields(view, held)
    groups = [
        {
            "title": t(title_key),
            "items": [
                {
                    "label": labels[field.spec.name],
                    "text": _initial_text(field),
                    "crop": None
                    if is_batch
                    else crop_card(view, field, labels[field.spec.name], images),
                }
                for field in fields
                if field.is_batch_confirmed is is_batch
            ],
        }
        for is_batch, title_key in ((False, "fold.sure"), (True, "fold.grouped"))
    ]
    return [group for group in groups if group["items"]]


def settled_card(view: EntryView) -> dict[str, Any] | None:
    """Return what is decided already, to read; None if nothing is."""
    items = settled_items(
        view, [one for one in view.fields if not one.is_open and one.first_answer is not None]
    )
    return {"title": t("review.settled", count=len(items)), "items": items} if items else None


def settled_items(view: EntryView, fields: Sequence[FieldView]) -> list[dict[str, str]]:
    """Return the label of each field, and what was decided in it in words."""
    answered = {one.spec.name: one.first_answer for one in fields if one.first_answer is not None}
    values = {name: answer.value for name, answer in answered.items()}
    labels = accessible_names(view.form, view.entry.row) | name_boxes(view.form, values)
    meanings = explain_values(view.form, values)
    items = []
    for name, answer in answered.items():
        spec = view.form.by_name[name]
        text = describe_answer(spec, answer)
        if spec.day is not None and answer.state is State.EMPTY:
            text = t("deviations.not_signed")
        meaning = meanings.get(name, "")
        items.append({"label": labels[name], "text": f"{meaning} ({text})" if meaning else text})
    return items


def crop_card(
    view: EntryView, field: FieldView, label: str, images: PageImages
) -> dict[str, Any] | None:
    """Return where the field is in its page's image, as shares of the page, with a margin."""
    if field.is_hidden or field.page not in _registered(view):
        return None
    size = view.form.pages[field.page_no - 1].size
    name = t("picture.crop", label=label)
    return box_crop(field.spec.box, size, name, images.ids.get(str(field.page)))


def box_crop(
    box_mm: Sequence[float], size_mm: tuple[float, float], label: str, image: str | None
) -> dict[str, Any] | None:
    """Return where a rectangle is in the image of its page, with a margin; None without image."""
    if image is None:
        return None
    width, height = size_mm
    x, y, w, h = box_mm
    left, top = max(0.0, x - _CROP_MARGIN_MM), max(0.0, y - _CROP_MARGIN_MM)
    right = min(width, x + w + _CROP_MARGIN_MM)
    bottom = min(height, y + h + _CROP_MARGIN_MM)
    return {
        "image": image,
        "x": left / width,
        "y": top / height,
        "w": (right - left) / width,
        "h": (bottom - top) / height,
        "aspect": (right - left) / (bottom - top),
        "label": label,
    }


def field_area(view: EntryView, field: FieldView, images: PageImages) -> list[float] | None:
    """Return where the field is marked in the sheet; None if its page cannot be shown so."""
    index = images.index(field.page)
    if index is None or field.page not in _registered(view):
        return None
    return list(relative_area(field.spec.box, index, view.form.pages[field.page_no - 1].size))


def _short_form(
    view: EntryView, field: FieldView, outage: tuple[date, date] | None
) -> dict[str, Any] | None:
    """Return how the value may be typed in short; None if it may not.

    Only what is a day or a time of the outage by its meaning: other days, as the last day of a
    decision, may lie anywhere.
    """
    spec = field.spec
    if view.is_second_review or spec.traits.has_options:
        return None
    if spec.format is Format.TIME:
        return {"form": "time"}
    if spec.means in (Meaning.EVENT_DATE, Meaning.WRITTEN_DATE) and outage is not None:
        return {"form": "day", "days": [day.isoformat() for day in outage]}
    return None


def _line_pitch(view: EntryView, field: FieldView) -> float | None:
    """Return from line to line of a note on paper, as a share of the page's height."""
    spec = field.spec
    if not spec.traits.is_multiline or not spec.lines:
        return None
    return spec.box[3] / spec.lines / view.form.pages[field.page_no - 1].size[1]


def _editor_card(view: EntryView, field: FieldView) -> dict[str, Any]:
    """Return how the field is answered."""
    spec = field.spec
    if view.is_second_review:
        return {
            "kind": "second",
            "options": [{"label": label} for label, _ in second_review_choices(field)],
            "typed": not is_choice_field(spec),
            "reason": t(second_review_reason(field)),
        }
    if is_choice_field(spec):
        codes = choice_codes(spec, proposed_signers(field))
        return {"kind": "choice", "options": [{"label": code_label(spec, c)} for c in codes]}
    must_type = is_answer_required(field) or field.is_blind
    return {
        "kind": "area" if spec.traits.editor is Editor.TEXT_AREA else "text",
        "lines": spec.lines or 3,
        "placeholder": t("review.type_what_you_see") if must_type else t("state.empty"),
    }


def _reading_card(view: EntryView, field: FieldView) -> dict[str, Any]:
    """Return the reading, only if part of it has low confidence, and never for blind keying."""
    reading = field.reading
    if view.is_second_review or field.is_blind or reading is None:
        return {"reading": None}
    if not has_low_confidence(reading):
        return {"reading": None}
    parts = reading_parts(field.spec, reading)
    return {"reading": [{"text": text, "doubt": is_low} for text, is_low in parts]}


def _words_card(view: EntryView, field: FieldView, images: PageImages) -> dict[str, Any] | None:
    """Return the words of a free text: text, area, and whether confidence is low.

    Where it is low, also what else may be written; the others may be completed when typed again.
    """
    reading, index = field.reading, images.index(field.page)
    if (
        view.is_second_review
        or field.is_blind
        or not field.spec.traits.is_multiline
        or index is None
        or field.page not in _registered(view)
        or reading is None
        or not _has_word_positions(reading)
    ):
        return None
    size = view.form.pages[field.page_no - 1].size
    matches = list(_WORD_PATTERN.finditer(str(reading.value)))
    words = [match[0] for match in matches]
    doubtful = [
        min(reading.characters[match.start() : match.end()], default=1.0) < LOW_CONFIDENCE_BELOW
        for match in matches
    ]
    return {
        "words": words,
        "places": [list(relative_area(word.box, index, size)) for word in reading.words],
        "doubtful": doubtful,
        "alternatives": [
            list(box.alternatives) if is_doubtful else []
            for box, is_doubtful in zip(reading.words, doubtful, strict=True)
        ],
        "known": [
            bare_word(word)
            for word, before, is_doubtful in zip(words, ["", *words], doubtful, strict=False)
            if not is_doubtful and word.islower() and may_be_offered(word, before)
        ],
    }


def _has_word_positions(reading: Reading) -> bool:
    """Return whether every word has its position.

    A seeded error may change the words, so that they are matched by their number.
    """
    return (
        reading.state is State.READ
        and isinstance(reading.value, str)
        and 0 < len(reading.words) == len(_WORD_PATTERN.findall(reading.value))
    )


def _initial_text(field: FieldView) -> str:
    answer = initial_answer(field)
    return describe_answer(field.spec, answer) if answer is not None else ""


def _can_fold(view: EntryView, field: FieldView) -> bool:
    if not field.is_open or field.is_blind or field.is_hidden:
        return False
    return field.is_batch_confirmed or (
        field.draft is None and is_routine(view.form, field.spec, field.reading, view.problems)
    )


def _registered(view: EntryView) -> Sequence[str]:
    return [page.id for page in view.pages if is_registered(page)]


# What a field holds in the browser as an answer, and the other way.


def field_answer(view: EntryView, field: FieldView, value: FieldValue | None) -> Answer | None:
    """Return the answer that a value means; None if there is none, or the value is of no kind."""
    if view.is_second_review:
        held = value if isinstance(value, Mapping) else {}
        return second_answer(field, held.get("choice"), held.get("other"))
    if is_choice_field(field.spec):
        options = choice_codes(field.spec, proposed_signers(field))
        is_option = isinstance(value, int) and 0 <= value < len(options)
        return answer_from_code(field.spec, options[value] if is_option else None)  # type: ignore[index]
    text = value if isinstance(value, str) else ""
    return answer_from_text(text, must_say=is_answer_required(field))


def initial_value(view: EntryView, field: FieldView) -> FieldValue:
    """Return what the field holds at first: the user's draft, else the reading unless blind."""
    if view.is_second_review:
        answers = [answer for _, answer in second_review_choices(field)]
        chosen = answers.index(field.draft) if field.draft in answers else -1
        other = "" if chosen >= 0 else answer_to_text(field.spec, field.draft, must_say=True)
        return {"choice": chosen, "other": other}
    initial = initial_answer(field)
    if is_choice_field(field.spec):
        options, code = choice_codes(field.spec, proposed_signers(field)), answer_to_code(initial)
        return options.index(code) if code in options else -1
    return answer_to_text(field.spec, initial, must_say=is_answer_required(field))


def all_answers(
    view: EntryView, held: HeldEntry, values: Mapping[str, FieldValue]
) -> dict[str, Answer]:
    """Return what is answered by saving these values, the folded fields as they were read.

    Fields that a batch has confirmed are already answered.
    """
    answers = {
        field.spec.name: field_answer(view, field, values.get(field.spec.name))
        for field in open_fields(view, held)
    }
    answers |= {
        field.spec.name: initial_answer(field)
        for field in folded_fields(view, held)
        if not field.is_batch_confirmed
    }
    return {name: answer for name, answer in answers.items() if answer is not None}


def answers_so_far(view: EntryView, held: HeldEntry) -> dict[str, Answer]:
    """Return the answers in the form now; in a second review those of the first person."""
    answers = {}
    for field in view.fields:
        name = field.spec.name
        if name in held.values and not view.is_second_review:
            answers[name] = field_answer(view, field, held.values[name])
        else:
            answers[name] = field.first_answer or initial_answer(field)
    return {name: answer for name, answer in answers.items() if answer is not None}
