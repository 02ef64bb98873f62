"""How a form's entries become records of ERMS: `forms/<id>/export.erms.yaml`."""

from __future__ import annotations

from typing import Literal

from pipeline.export.authorities.erms.classification import PlanClass
from pipeline.export.mapping import ExportMapping, NoteSection, StrictModel

Direction = Literal[
    "incoming",
    "outgoing",
    "internal_memo_for_follow-up",
    "internal_memo_without_follow-up",
    "case_draft",
]
"""Values of `directionDefinition` in ERMS 2.1.2, except `other`, which needs words of its own."""


class Secrecy(StrictModel):
    """The box and line of a form that say that a document is secret, and the words beside them.

    Offentlighets- och sekretesslagen 5 kap. 5 §.
    """

    mark: str = ""
    regulation: str = ""
    explanation: str = "Sekretess enligt anteckning på papperet"


class DocumentMapping(ExportMapping):
    """A form's entries as records of ERMS 2.1.2, by names of fields; empty ones are left out.

    `title` is what the document is about in short (OSL 5:2); without such a field it is the form's
    own title. `public_title` is a text, shown instead of the title where a document is secret.
    `case` is the diary number, `dispatch` a choice whose label is taken. `kind` and
    `classification` take the place of the plan's type and class, where the plan has none.
    """

    title: str = ""
    public_title: str = ""
    case: str = ""
    sender: str = ""
    recipient: str = ""
    handler: str = ""
    kind: str = ""
    dispatch: str = ""
    direction: Direction = "incoming"
    classification: PlanClass | None = None
    secrecy: Secrecy = Secrecy()
    decisions: tuple[str, ...] = ()
    sections: tuple[NoteSection, ...] = ()

    def fields(self) -> set[str]:
        """Return the form's fields that the mapping takes."""
        single = {
            self.title,
            self.case,
            self.sender,
            self.recipient,
            self.handler,
            self.kind,
            self.dispatch,
            self.secrecy.mark,
            self.secrecy.regulation,
        }
        return (single | set(self.decisions) | {section.field for section in self.sections}) - {""}
