"""The words that target files use for the kind of record of each form.

A list from the care system often has the very words that our own file gave it. A word that is
neither these nor the form's title is not known to mean another kind: systems have words of their
own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rapidfuzz import utils

from pipeline.domain.errors import ExportError
from pipeline.export.authorities.erms.classification import load_plan
from pipeline.export.context import ExportContext
from pipeline.export.mapping import (
    ExportMapping,
    NoteMapping,
    TableMapping,
    load_mappings,
)
from pipeline.export.rivta.care_documentation import NOTE_TYPES
from pipeline.registers.care_system_list import is_same_kind


@dataclass(frozen=True, slots=True)
class KindWords:
    """The titles of the forms and the words of target files, by form id."""

    titles: Mapping[str, str]
    words: Mapping[str, frozenset[str]]

    def is_kind(self, form: str, title: str, word: str) -> bool | None:
        """Return whether a word of a list means the kind of record of a form.

        None where it does not tell: only the very words of another form mean another kind.

        Args:
            title: the form's title as the entry has it.
        """
        if not word:
            return None
        found = _normal_forms(word)
        if found & (self.words.get(form, frozenset()) | _normal_forms(title)):
            return True
        if any(found & words for each, words in self.words.items() if each != form):
            return False
        others = [each for form_id, each in self.titles.items() if form_id != form]
        return True if is_same_kind((title,), (word,), others) else None


def load_kind_words(context: ExportContext) -> KindWords:
    """Read the mapping files of all targets; a target whose files are wrong gives no words."""
    titles = {form.id: form.title for form in context.forms.values()}
    words = {form_id: set(_normal_forms(title)) for form_id, title in titles.items()}
    for form_id, word in _words_of_targets(context):
        words.setdefault(form_id, set()).update(_normal_forms(word))
    return KindWords(titles, {form_id: frozenset(each) for form_id, each in words.items()})


def _words_of_targets(context: ExportContext) -> Iterator[tuple[str, str]]:
    """Yield ids of forms, each with a word for its kind of record."""
    folders = context.settings.form_folders
    for name, exporter in context.targets.items():
        # Only these have words for a kind
        if exporter.mapping is None or not issubclass(
            exporter.mapping, (TableMapping, NoteMapping)
        ):
            continue
        try:
            mappings = load_mappings(folders, name, exporter.mapping)
        except ExportError:
            continue
        for form_id, mapping in mappings.items():
            yield from ((form_id, word) for word in _words_of_mapping(mapping))
    try:
        plan = load_plan(context.settings)
    except ExportError:
        return
    for version in plan.plan_versions if plan else ():
        for form_id, form in version.forms.items():
            yield form_id, form.document_type.otherwise


def _words_of_mapping(mapping: ExportMapping) -> Iterator[str]:
    if isinstance(mapping, TableMapping):
        yield from (column.constant for column in mapping.columns if column.constant)
    elif isinstance(mapping, NoteMapping):
        yield from filter(None, (mapping.document_title, mapping.note_title))
        # The title of a document has the type of the note before it
        for code in filter(None, (*mapping.kind.codes.values(), mapping.kind.otherwise)):
            yield f"{NOTE_TYPES[code]} {mapping.document_title}"


def _normal_forms(word: str) -> frozenset[str]:
    """Return a word without capitals, hyphens and spaces, in its own and in a fixed order."""
    parts = utils.default_process(word).split()
    return frozenset({"".join(parts), "".join(sorted(parts))} - {""})
