"""What `forms/<id>/export.fhir.yaml` may say: how a form's entries become FHIR resources."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.domain.form.field import Format
from pipeline.export.mapping import ExportMapping, NoteKind, StrictModel


class Concept(StrictModel):
    """What is measured: its name, and its codes in LOINC and SNOMED CT."""

    text: str
    loinc: str = ""
    snomed: str = ""


class MeasurementPart(Concept):
    """A number on the form with its unit: `unit` for people, `ucum` for programs.

    UCUM is The Unified Code for Units of Measure.
    """

    field: str
    unit: str
    ucum: str


class Measurement(Concept):
    """One observation: a `field` of its own, or `parts` that belong together, as blood pressure."""

    category: Literal["vital-signs", "laboratory", "survey", "exam"] = "vital-signs"
    field: str = ""
    unit: str = ""
    ucum: str = ""
    parts: tuple[MeasurementPart, ...] = ()

    @model_validator(mode="after")
    def _one_or_several(self) -> Self:
        if bool(self.field) == bool(self.parts):
            raise ValueError(f"{self.text} needs either field or parts")
        if self.field and not (self.unit and self.ucum):
            raise ValueError(f"{self.text} needs unit and ucum")
        return self

    def fields(self) -> set[str]:
        """Return the form's fields that the observation takes."""
        return {part.field for part in self.parts} or {self.field}


class Warned(StrictModel):
    """What care has to heed: a check box, the words beside it, and `more` fields about it.

    Of an allergy, `reaction` is the field with what happened, and `category` what all substances
    of this box are, where the form asks for one kind only.
    """

    kind: Literal["allergy", "flag"] = "flag"
    name: str
    mark: str
    text: str
    reaction: str = ""
    category: Literal["", "food", "medication", "environment", "biologic"] = ""
    more: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _allergy_only(self) -> Self:
        if self.kind != "allergy" and (self.reaction or self.category):
            raise ValueError(f"{self.name} is no allergy: it has neither reaction nor category")
        return self

    def fields(self) -> set[str]:
        """Return the form's fields that the warning takes."""
        return {self.mark, self.text, self.reaction, *self.more} - {""}


class FhirMapping(ExportMapping):
    """A form's entries as FHIR.

    `kind` is the type of note (KV Anteckningstyp), `remark` a field that is noted on each
    observation, as are the fields `notes` with their labels. `warnings` become AllergyIntolerance
    and Flag. `answers` says whether the form and its answers go along as Questionnaire and
    QuestionnaireResponse. `measures` are fields in which codes of KVÅ are written: the document has
    them as the acts that it is about. `local_id_system` is the URI of the customer's own reserve
    numbers, `signed_in` the field with the initials of the person who measured, if not the author.
    """

    kind: NoteKind = NoteKind()
    measurements: Annotated[tuple[Measurement, ...], Field(max_length=40)] = ()
    remark: str = ""
    notes: tuple[str, ...] = ()
    warnings: tuple[Warned, ...] = ()
    measures: tuple[str, ...] = ()
    signed_in: str = ""
    answers: bool = True
    local_id_system: str = ""
    approved_for_patient: bool = False

    def fields(self) -> set[str]:
        """Return the form's fields that the mapping takes."""
        named = {self.kind.field, self.remark, self.signed_in, *self.notes, *self.measures} - {""}
        measured = (part.fields() for part in self.measurements)
        return named.union(*measured, *(part.fields() for part in self.warnings))

    def formats(self) -> dict[str, Format]:
        """Return the measured fields: they are numbers."""
        return dict.fromkeys(
            (name for measurement in self.measurements for name in measurement.fields()),
            Format.NUMBER,
        )
