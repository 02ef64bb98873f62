"""Bara avvikelser: the boxes of a grid that say something else are answered, the others are not.

The user sees them marked in the picture of the sheet, adds what the machine has missed, and says
that the sheet was looked at before it can be saved.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import streamlit as st

from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.form.form import Depth, EntriesPer
from pipeline.domain.model import EntryState
from pipeline.domain.review.depth import list_blocks, list_line_fields
from pipeline.domain.review.rules import is_grid_box, list_codes
from pipeline.store.entries.entry_view import EntryView, FieldView
from ui.browser.page_view import PageArea, relative_area
from ui.i18n import t
from ui.screens.review.field_cards import PageImages, crop_card
from ui.widgets.images import is_registered

_ADDED_KEY = "deviations_added"


def is_grid_view(view: EntryView) -> bool:
    """Return whether only the deviations of a grid are answered now."""
    return (
        view.depth is Depth.DEVIATIONS
        and view.form.entries is EntriesPer.SHEET
        and view.entry.state is EntryState.REVIEW
        and not view.is_hidden
    )


def with_added_deviations(view: EntryView) -> EntryView:
    """Return the view with the boxes that the user has added open, each with its line's fields."""
    if not is_grid_view(view):
        return view
    added = _added(view)
    boxes = [name for name in added if is_grid_box(view.form, view.form.by_name[name])]
    opened = set(boxes) | list_line_fields(view.form, boxes)
    for specs in list_blocks(view.form).values():
        names = {spec.name for spec in specs}
        opened |= names if names & added else set()
    fields = tuple(
        replace(field, is_open=True) if field.spec.name in opened else field
        for field in view.fields
    )
    problems = tuple(one for one in view.problems if not _names_closed_field(one, view, added))
    return replace(view, fields=fields, deviations=view.deviations | added, problems=problems)


def deviation_areas(view: EntryView, page_ids: list[str]) -> list[PageArea]:
    """Return where the deviating boxes are in the pictures, to be marked there."""
    if not is_grid_view(view):
        return []
    registered = {page.id for page in view.pages if is_registered(page)}
    return [
        relative_area(
            field.spec.box,
            page_ids.index(field.page),
            view.form.pages[field.page_no - 1].size,
            0.5,
        )
        for field in view.fields
        if field.spec.name in view.deviations
        and field.page in registered
        and field.page in page_ids
    ]


def strip_cards(view: EntryView, images: PageImages) -> list[dict[str, Any]]:
    """Return each line of a grid of days that is in use: its boxes in order, each with its ink.

    The browser shows the values that are asked for below their ink. What a box that is not asked
    for was read as is never sent.
    """
    if not is_grid_view(view):
        return []
    labels = accessible_names(view.form, view.entry.row)
    lines: dict[tuple[int, str], list[FieldView]] = defaultdict(list)
    for field in view.fields:
        lines[field.page_no, field.spec.group].append(field)
    return [
        {
            "key": f"{page_no}/{group}",
            "label": group,
            "codes": _codes_text(view, line),
            "cells": [
                {
                    "name": field.spec.name,
                    "day": field.spec.label if field.spec.day is not None else "",
                    "crop": crop_card(view, field, labels[field.spec.name], images),
                }
                for field in line
            ],
        }
        for (page_no, group), line in lines.items()
        if any(field.spec.day is not None for field in line) and _is_in_use(view, line)
    ]


def _is_in_use(view: EntryView, line: list[FieldView]) -> bool:
    """Whether anything is asked of a line, or planned on it."""
    plans = {field.spec.planned_by for field in line}
    return any(
        field.is_open
        or field.spec.name in view.deviations
        or (
            field.spec.name in plans
            and field.reading is not None
            and not field.reading.is_seen_empty
        )
        for field in line
    )


def _codes_text(view: EntryView, line: list[FieldView]) -> str:
    codes = {code.value: code.label for field in line for code in list_codes(view.form, field.spec)}
    return " · ".join(f"{value} {label}" for value, label in codes.items())


def sheet_look_text(view: EntryView) -> str:
    """Return what the user says of all the other boxes by a tick; empty if there is no tick."""
    if not is_grid_view(view):
        return ""
    count, used = len(view.deviations), view.days_in_use
    if used is None:
        return t("deviations.seen", count=count)
    return t("deviations.seen_days", first=used[0], last=used[1], count=count)


def deviation_choices(view: EntryView) -> dict[str, str]:
    """Return the boxes and prescriptions that may deviate too, by field, with their labels."""
    if not is_grid_view(view):
        return {}
    labels = accessible_names(view.form, view.entry.row)
    shown = {field.spec.name for field in view.fields if field.is_open}
    firsts = {specs[0].name for specs in list_blocks(view.form).values()}
    return {
        field.spec.name: labels.get(field.spec.name, field.spec.name)
        for field in view.fields
        if field.spec.name not in view.deviations | shown
        and (field.spec.name in firsts or is_grid_box(view.form, field.spec))
    }


def add_deviation(entry_id: str, name: str) -> None:
    """Open a box or prescription that deviates too."""
    added: dict[str, frozenset[str]] = st.session_state.setdefault(_ADDED_KEY, {})
    added[entry_id] = added.get(entry_id, frozenset()) | {name}


def added_deviation_count(view: EntryView) -> int:
    """Return how many boxes the user has added."""
    return len(_added(view))


def _added(view: EntryView) -> frozenset[str]:
    added: dict[str, frozenset[str]] = st.session_state.get(_ADDED_KEY, {})
    return added.get(view.entry.id, frozenset())


def _names_closed_field(problem: str, view: EntryView, added: frozenset[str]) -> bool:
    """Whether a problem is about a box that is not answered."""
    name = problem.partition(":")[2].strip()
    spec = view.form.by_name.get(name)
    return spec is not None and is_grid_box(view.form, spec) and name not in view.deviations | added
