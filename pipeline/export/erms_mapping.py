"""The mapping file `forms/<id>/export.erms.yaml`: a form's entries as registered documents."""

from __future__ import annotations

from typing import Literal

from pipeline.export.mapping import ExportMapping, NoteSection, Strict

Direction = Literal["incoming", "outgoing", "internal_memo_for_follow-up", "internal_memo_without_follow-up", "case_draft"]
"""What `directionDefinition` may be in ERMS 2.1.2, except `other`, which would need a word of its own."""


class Classification(Strict):
    """The place in the organisation's classification structure (klassificeringsstruktur)."""

    code: str
    name: str


class Secrecy(Strict):
    """Which box and line of the form say that a document is secret (offentlighets- och sekretesslagen 5 kap. 5 §), and the words beside it."""

    mark: str = ""
    regulation: str = ""
    explanation: str = "Sekretess enligt anteckning på papperet"


class DocumentMapping(ExportMapping):
    """A form's entries as records of ERMS 2.1.2. What is empty is left out; names are fields of the form unless a comment says otherwise.

    `title` is what the document is about in short (OSL 5:2); without such a field the form's own title stands. `public_title` is a text, shown
    instead of the title where a document is secret. `case` is the diary number, `kind` and `dispatch` are choices whose labels are taken.
    """

    title: str = ""
    public_title: str = ""
    case: str = ""
    sender: str = ""
    handler: str = ""
    kind: str = ""
    dispatch: str = ""
    direction: Direction = "incoming"
    classification: Classification | None = None
    secrecy: Secrecy = Secrecy()
    decisions: tuple[str, ...] = ()
    sections: tuple[NoteSection, ...] = ()

    def fields(self) -> set[str]:
        """The form's fields that the mapping takes."""
        single = {self.title, self.case, self.sender, self.handler, self.kind, self.dispatch, self.secrecy.mark, self.secrecy.regulation}
        return (single | set(self.decisions) | {section.field for section in self.sections}) - {""}
