"""The properties of a draft as a whole, and its earlier revisions."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pipeline.domain.form.form import Area, Subject
from pipeline.domain.law.duties import load_law_duties
from pipeline.domain.model import Person
from pipeline.preparation.form_editor import actions
from pipeline.preparation.form_editor.drafts import Draft, YamlData, list_revision_files
from ui.i18n import t
from ui.screens.forms import state
from ui.screens.forms.field_editor import widget_saver
from ui.session import requires_open_session
from ui.widgets.messages import errors_to
from ui.workspace import AppContext

_CRITICALITY_CLASSES = ("A", "B", "C")
_MAX_REVISIONS = 30
"""Earlier revisions that are offered on the screen; all are stored."""


def draft_header(context: AppContext, person: Person, draft: Draft) -> None:
    """Show title, area of law, subject, class and law."""
    data, key = draft.data, f"forms_head-{draft.id}-{state.editor_version()}"
    change = partial(state.apply_draft_change, context, person, draft.id, state.editor_version())

    saver = widget_saver(
        key, lambda name, value: change(lambda current: dict(current) | {name: value})
    )
    with st.expander(t("forms.about_form"), expanded=False):
        st.text_input(
            t("forms.name"), draft.title, key=f"{key}-title", on_change=saver("title"), max_chars=70
        )
        areas, subjects = [area.value for area in Area], [subject.value for subject in Subject]
        st.selectbox(
            t("forms.area"),
            areas,
            areas.index(str(data.get("area") or areas[0])),
            format_func=lambda area: t(f"forms.area.{area}"),
            key=f"{key}-area",
            on_change=saver("area"),
        )
        st.selectbox(
            t("forms.about"),
            subjects,
            subjects.index(str(data.get("subject") or subjects[0])),
            format_func=lambda subject: t(f"forms.about.{subject}"),
            key=f"{key}-subject",
            on_change=saver("subject"),
        )
        st.radio(
            t("forms.class"),
            _CRITICALITY_CLASSES,
            _CRITICALITY_CLASSES.index(str(data.get("criticality") or "A")),
            format_func=lambda letter: t(f"forms.class.{letter}"),
            key=f"{key}-criticality",
            on_change=saver("criticality"),
        )
        known_laws = {law_line(law): law for law in data.get("law") or []}
        st.text_area(
            t("forms.law"),
            "\n".join(known_laws),
            key=f"{key}-law",
            on_change=saver("law", partial(parse_laws, known_laws)),
            help=t("forms.law_help"),
            height=90,
        )
        _revisions_section(context, person, draft, key)


def law_line(law: YamlData) -> str:
    """Return a law as one line: its paragraph, or the duty whose paragraph depends on the day."""
    duty = load_law_duties().get(str(law.get("rule")))
    return duty.what if duty else str(law.get("rule") or law.get("ref"))


def parse_laws(known: dict[str, YamlData], text: str) -> list[YamlData]:
    """Return the laws of the text, one a line; a known one keeps its other data.

    The name of a duty stands for its paragraphs.
    """
    duties = {duty.what: {"rule": duty.rule} for duty in load_law_duties().values()}
    lines = filter(None, (line.strip() for line in text.splitlines()))
    return [
        known.get(line) or duties.get(line) or {"ref": line, "source": t("forms.law_source")}
        for line in lines
    ]


def _revisions_section(context: AppContext, person: Person, draft: Draft, key: str) -> None:
    files = list_revision_files(draft.folder.parent, draft.id)
    # The newest first, without the current one.
    numbers = [int(path.stem) for path in files][:-1][::-1][:_MAX_REVISIONS]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if numbers:
            chosen = st.selectbox(
                t("forms.earlier"),
                numbers,
                format_func=lambda number: t("forms.saving", number=number),
                key=f"{key}-earlier",
                width=220,
            )
            st.button(
                t("forms.restore"),
                key=f"{key}-restore",
                on_click=_restore_revision,
                args=(context, person, draft, chosen),
                icon=":material/history:",
            )
        st.button(
            t("forms.discard"),
            key=f"{key}-discard",
            on_click=_discard_draft,
            args=(context, person, draft),
            icon=":material/delete:",
        )


@requires_open_session
def _restore_revision(context: AppContext, person: Person, draft: Draft, revision: int) -> None:
    with errors_to(state.MESSAGE.failed, state.describe_error):
        state.note_shown_revision(actions.restore_draft(context.store, person, draft, revision))
    state.go_to("draft", draft.id)


@requires_open_session
def _discard_draft(context: AppContext, person: Person, draft: Draft) -> None:
    with errors_to(state.MESSAGE.failed, state.describe_error):
        actions.discard_draft(context.store, person, draft)
        state.MESSAGE.done(t("forms.discarded", title=draft.title))
        state.go_to("list")
