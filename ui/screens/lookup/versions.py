"""Who did what with an entry, and every version that it has had side by side."""

from __future__ import annotations

from html import escape

import streamlit as st

from pipeline.domain.form.field_labels import accessible_names
from pipeline.domain.model import Person
from pipeline.store.accounts import people
from pipeline.store.entries import versions
from pipeline.store.entries.entry import Entry
from pipeline.store.entries.entry_view import EntryView
from pipeline.store.entries.versions import Version
from ui.i18n import code_text, format_moment, t
from ui.screens.review.field_input import describe_answer
from ui.workspace import AppContext


def show_people(context: AppContext, entry: Entry) -> None:
    """The author, the transcriber, the verifier and the signer: four things, also when one person
    is several of them.
    """
    with context.store.read() as conn:
        names = people.names_by_login(conn)
    stamps = (
        ("entered", entry.first_by, entry.first_at),
        ("verified", entry.second_by, entry.second_at),
        ("signed", entry.signed_by, entry.signed_at),
    )
    lines = [(t("people.author"), entry.author or t("people.unknown"))]
    lines += [
        (t(f"people.{name}"), f"{names.get(by, by)}, {format_moment(at)}")
        for name, by, at in stamps
        if by and at
    ]
    if entry.signed_why:
        lines.append((t("people.signed_why"), code_text("signing.reasons", entry.signed_why)))
    st.html(
        '<dl class="ef-people">'
        + "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in lines)
        + "</dl>"
    )


def version_table(context: AppContext, person: Person, view: EntryView) -> None:
    """A column a version, a row a field; what a version changed is marked. Nothing that was ever
    confirmed is left out.
    """
    with context.store.read() as conn:
        found = versions.list_versions(conn, person, view.entry.id)
    if len(found) < 2:
        return
    st.markdown(f"**{t('versions.title', count=len(found))}**")
    head = "".join(
        f'<th scope="col">{_version_heading(number, one)}</th>'
        for number, one in enumerate(found, 1)
    )
    labels = accessible_names(view.form, view.entry.row)
    body = "".join(
        _field_row(view, name, labels[name], found) for name in _changed_field_names(view, found)
    )
    corner = escape(t("versions.field"))
    table = f'<table class="ef-versions"><thead><tr><th>{corner}</th>{head}</tr></thead><tbody>{body}</tbody></table>'
    st.html(f'<div class="ef-wide" tabindex="0">{table}</div>')


def _version_heading(number: int, version: Version) -> str:
    parts = [
        f"<b>{escape(t('versions.number', number=number))}</b>",
        escape(code_text("versions.kind", version.kind)),
        escape(f"{version.by}, {format_moment(version.at)}"),
    ]
    if version.reason:
        parts.append(f"<i>{escape(code_text('reject.reasons', version.reason))}</i>")
    for signed in version.signatures:
        what = "versions.taken_back" if signed.is_withdrawn else "versions.signed"
        why = f" ({code_text('signing.reasons', signed.why)})" if signed.why else ""
        parts.append(escape(t(what, by=signed.by, at=format_moment(signed.at)) + why))
    return "<br>".join(parts)


def _changed_field_names(view: EntryView, versions: list[Version]) -> list[str]:
    said = {name for one in versions for name in one.answers}
    return [
        field.spec.name for field in view.fields if field.spec.name in said and not field.is_hidden
    ]


def _field_row(view: EntryView, name: str, label: str, versions: list[Version]) -> str:
    spec = view.form.by_name[name]
    cells = []
    before = ""
    for number, one in enumerate(versions):
        words = describe_answer(spec, one.answers[name]) if name in one.answers else ""
        changed = number > 0 and words != before
        cells.append(
            f'<td class="ef-changed">{escape(words)}</td>'
            if changed
            else f"<td>{escape(words)}</td>"
        )
        before = words
    return f'<tr><th scope="row">{escape(label)}</th>{"".join(cells)}</tr>'
