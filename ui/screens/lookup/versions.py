"""Who did what with an entry, and all its versions side by side."""

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
from ui.markdown import md
from ui.screens.review.field_input import describe_answer
from ui.workspace import AppContext


def show_people(context: AppContext, entry: Entry) -> None:
    """Show the author, the transcriber, the verifier and the signer.

    Four roles, also if one person has several of them.
    """
    names = context.store.query(people.names_by_login)
    stamps = (
        ("people.entered", entry.first_by, entry.first_at),
        ("people.verified", entry.second_by, entry.second_at),
        ("people.signed", entry.signed_by, entry.signed_at),
    )
    lines = [(t("people.author"), entry.author or t("people.unknown"))]
    lines += [
        (t(name), f"{names.get(by, by)}, {format_moment(at)}")
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
    """Show a column for each version and a row for each field; changes are marked.

    Nothing that was ever confirmed is left out.
    """
    entry_versions = context.store.query(versions.list_versions, person, view.entry.id)
    if len(entry_versions) < 2:
        return
    st.markdown(f"**{md('versions.title', count=len(entry_versions))}**")
    head = "".join(
        f'<th scope="col">{_version_heading(number, version)}</th>'
        for number, version in enumerate(entry_versions, 1)
    )
    labels = accessible_names(view.form, view.entry.row)
    body = "".join(
        _field_row(view, name, labels[name], entry_versions)
        for name in _changed_field_names(view, entry_versions)
    )
    corner = escape(t("versions.field"))
    table = f"<thead><tr><th>{corner}</th>{head}</tr></thead><tbody>{body}</tbody>"
    st.html(f'<div class="ef-wide" tabindex="0"><table class="ef-versions">{table}</table></div>')


def _version_heading(number: int, version: Version) -> str:
    parts = [
        f"<b>{escape(t('versions.number', number=number))}</b>",
        escape(code_text("versions.kind", version.kind)),
        escape(f"{version.by}, {format_moment(version.at)}"),
    ]
    if version.reason:
        parts.append(f"<i>{escape(code_text('reject.reasons', version.reason))}</i>")
    for signature in version.signatures:
        key = "versions.taken_back" if signature.is_withdrawn else "versions.signed"
        reason = f" ({code_text('signing.reasons', signature.why)})" if signature.why else ""
        parts.append(escape(t(key, by=signature.by, at=format_moment(signature.at)) + reason))
    return "<br>".join(parts)


def _changed_field_names(view: EntryView, versions: list[Version]) -> list[str]:
    names = {name for version in versions for name in version.answers}
    return [
        field.spec.name for field in view.fields if field.spec.name in names and not field.is_hidden
    ]


def _field_row(view: EntryView, name: str, label: str, versions: list[Version]) -> str:
    spec = view.form.by_name[name]
    cells = []
    previous = ""
    for number, version in enumerate(versions):
        text = describe_answer(spec, version.answers[name]) if name in version.answers else ""
        is_changed = number > 0 and text != previous
        cells.append(
            f'<td class="ef-changed">{escape(text)}</td>'
            if is_changed
            else f"<td>{escape(text)}</td>"
        )
        previous = text
    return f'<tr><th scope="row">{escape(label)}</th>{"".join(cells)}</tr>'
