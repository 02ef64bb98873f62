"""Who did what with an entry, and every version that it has had side by side."""

from __future__ import annotations

from html import escape

import streamlit as st

from pipeline.model import Person
from pipeline.store import people, versions
from pipeline.store.entries import Entry
from pipeline.store.entry_views import EntryView
from pipeline.store.versions import Version
from pipeline.told_labels import told_labels
from ui.components.answers import in_words
from ui.site import Site
from ui.text import known, moment, t


def people_lines(here: Site, entry: Entry) -> None:
    """The author, the transcriber, the verifier and the signer: four things, also when one person is several of them."""
    with here.store.read() as conn:
        names = people.names(conn)
    stamps = (
        ("entered", entry.first_by, entry.first_at),
        ("verified", entry.second_by, entry.second_at),
        ("signed", entry.signed_by, entry.signed_at),
    )
    lines = [(t("people.author"), entry.author or t("people.unknown"))]
    lines += [(t(f"people.{name}"), f"{names.get(by, by)}, {moment(at)}") for name, by, at in stamps if by and at]
    if entry.signed_why:
        lines.append((t("people.signed_why"), known("signing.reasons", entry.signed_why)))
    st.html('<dl class="ef-people">' + "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in lines) + "</dl>")


def version_table(here: Site, person: Person, view: EntryView) -> None:
    """A column a version, a row a field; what a version changed is marked. Nothing that was ever confirmed is left out."""
    with here.store.read() as conn:
        found = versions.versions(conn, person, view.entry.id)
    if len(found) < 2:
        return
    st.markdown(f"**{t('versions.title', count=len(found))}**")
    head = "".join(f'<th scope="col">{_heading(number, one)}</th>' for number, one in enumerate(found, 1))
    labels = told_labels(view.form, view.entry.row)
    body = "".join(_row(view, name, labels[name], found) for name in _fields(view, found))
    corner = escape(t("versions.field"))
    table = f'<table class="ef-versions"><thead><tr><th>{corner}</th>{head}</tr></thead><tbody>{body}</tbody></table>'
    st.html(f'<div class="ef-wide" tabindex="0">{table}</div>')


def _heading(number: int, one: Version) -> str:
    parts = [f"<b>{escape(t('versions.number', number=number))}</b>", escape(known("versions.kind", one.kind)), escape(f"{one.by}, {moment(one.at)}")]
    if one.why:
        parts.append(f"<i>{escape(known('reject.reasons', one.why))}</i>")
    for signed in one.signed:
        what = "versions.taken_back" if signed.taken_back else "versions.signed"
        why = f" ({known('signing.reasons', signed.why)})" if signed.why else ""
        parts.append(escape(t(what, by=signed.by, at=moment(signed.at)) + why))
    return "<br>".join(parts)


def _fields(view: EntryView, found: list[Version]) -> list[str]:
    said = {name for one in found for name in one.answers}
    return [field.spec.name for field in view.fields if field.spec.name in said and not field.hidden]


def _row(view: EntryView, name: str, label: str, found: list[Version]) -> str:
    spec = view.form.by_name[name]
    cells = []
    before = ""
    for number, one in enumerate(found):
        words = in_words(spec, one.answers[name]) if name in one.answers else ""
        changed = number > 0 and words != before
        cells.append(f'<td class="ef-changed">{escape(words)}</td>' if changed else f"<td>{escape(words)}</td>")
        before = words
    return f'<tr><th scope="row">{escape(label)}</th>{"".join(cells)}</tr>'
