"""Measured quality as tables: by form and kind of field, and of persons for those who may see them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from pipeline import measured_error
from pipeline.access import Action, allowed
from pipeline.confidence import Share
from pipeline.measured_error import ErrorFigure, WorkFigure
from pipeline.model import Person
from pipeline.store import controls
from pipeline.store.clock import utc_now
from ui.site import Site
from ui.text import number, percent, t


def quality_figures(here: Site, person: Person) -> None:
    """What is measured of the person's units by form and kind of field, and what waits. Läge can show it as it is."""
    least = here.settings.figures_least
    with here.store.read() as conn:
        figures = measured_error.measured_errors(conn, here.forms, person, utc_now(), least)
        waiting = controls.open_controls(conn, person) if allowed(person, Action.PROGRESS) else None
    st.header(t("quality.by_form"), anchor=False)
    st.caption(t("quality.how", days=measured_error.DAYS, least=least))
    if figures:
        st.html(_form_table(here, figures))
    else:
        st.info(t("quality.too_few", least=least), icon=":material/info:")
    if waiting is not None:
        st.caption(t("quality.waiting", typed=waiting[0], third=waiting[1]))


def work_table(figures: Sequence[WorkFigure], first: str) -> str:
    """One line for each person or unit; `first` is the head of the first column."""
    heads = (first, t("quality.fields"), t("quality.wrong"), t("quality.missed"), t("quality.seconds"))
    lines = [
        _row((escape(one.who),), (number(one.fields), share_text(one.wrong), share_text(one.missed), seconds_text(one.seconds))) for one in figures
    ]
    return _table(heads[:1], heads[1:], lines)


def share_text(share: Share | None) -> str:
    """A share as HTML, and below it, so that shares stand under each other, its counts and 95 % interval."""
    if share is None:
        return f"<small>{escape(t('quality.few'))}</small>"
    low, high = share.interval
    interval = t("quality.interval", wrong=share.wrong, of=share.of, low=share_percent(low), high=share_percent(high))
    return f"{share_percent(share.wrong / share.of)}<br><small>{escape(interval)}</small>"


def share_percent(share: float) -> str:
    """In per cent, with a decimal below ten."""
    return percent(share, decimals=1 if share < 0.1 else 0)


def seconds_text(seconds: float | None) -> str:
    """Seconds with a decimal."""
    if seconds is None:
        return f"<small>{escape(t('quality.few'))}</small>"
    return f"{number(seconds, decimals=1)}\u00a0s"


def _form_table(here: Site, figures: Sequence[ErrorFigure]) -> str:
    titles = {form_id: form.title for (form_id, _), form in here.forms.items()}
    lines = [
        _row(
            (
                escape(titles.get(one.form, one.form) if not one.kind else ""),
                escape(t(f"field_kind.{one.kind}") if one.kind else t("quality.all_kinds")),
            ),
            (share_text(one.wrong), share_text(one.missed)),
            total=not one.kind,
        )
        for one in figures
    ]
    return _table((t("quality.form"), t("quality.kind")), (t("quality.wrong"), t("quality.missed")), lines)


def _table(words: Sequence[str], numbers: Sequence[str], lines: Sequence[str]) -> str:
    """With the heads of the columns of words, and of those of numbers, which come after."""
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in words)
    head += "".join(f'<th scope="col" class="ef-number">{escape(one)}</th>' for one in numbers)
    return f'<div class="ef-wide"><table class="ef-table"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _row(words: Sequence[str], numbers: Sequence[str], *, total: bool = False) -> str:
    mark = ' class="ef-total"' if total else ""
    cells = [f"<td>{cell}</td>" for cell in words] + [f'<td class="ef-number">{cell}</td>' for cell in numbers]
    return f"<tr{mark}>{''.join(cells)}</tr>"
