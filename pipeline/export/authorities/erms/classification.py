"""The organisation's classification plan: the class and type of document of each form.

The plan is `classification.yaml` in the folder of the forms; one in the workspace's own folder of
forms takes its place. The version in force on the document's day applies. A plan that calls itself
an example is said to be one wherever it is written, so that nobody takes its classes for real.
Which class a form has is in the plan, or else in the form's `rules.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from pipeline.domain.form.rules import Classification, load_form_rules
from pipeline.domain.record import Record
from pipeline.domain.settings import Settings
from pipeline.export.exporter import data_text
from pipeline.export.mapping import ExportMapping, StrictModel, load_mapping
from pipeline.export.record_text import record_day

PLAN_FILE = "classification.yaml"


class PlanClass(StrictModel):
    """A class of the plan (klass i klassificeringsstrukturen)."""

    code: str
    name: str


class PlanVersion(StrictModel):
    """The plan as it is from a day on; without `forms` each form's own rules place it."""

    version: str
    valid_from: Annotated[date, Field(alias="from")]
    classes: Annotated[tuple[PlanClass, ...], Field(min_length=1)]
    forms: Mapping[str, Classification] = {}

    @model_validator(mode="after")
    def _classes_exist(self) -> Self:
        codes = {each.code for each in self.classes}
        for form_id, form in self.forms.items():
            if form.classification not in codes:
                raise ValueError(f"{form_id} has the class {form.classification}, which is missing")
        return self


class ClassificationPlan(ExportMapping):
    """All versions of the plan. `source` is the decision by which it is in force."""

    name: str
    example: bool
    source: str = ""
    plan_versions: Annotated[tuple[PlanVersion, ...], Field(min_length=1)]

    def fields(self) -> set[str]:
        """Return no fields: the plan is of all forms."""
        return set()

    def classify(self, record: Record) -> tuple[PlanClass, str] | None:
        """Return the class and type of a record's document; None where the plan has none."""
        version = self._version_on(record_day(record))
        form = version.forms.get(record.form) if version else None
        codes = {each.code: each for each in version.classes} if version else {}
        # A form of the program may name a class that the municipality's plan does not have
        found = codes.get(form.classification) if form else None
        if form is None or found is None:
            return None
        name = data_text("erms_text.example", text=found.name) if self.example else found.name
        kind = form.document_type
        value = None if kind.field in record.illegible else record.fields.get(kind.field)
        return PlanClass(code=found.code, name=name), kind.values.get(str(value), kind.otherwise)

    def describe(self, record: Record) -> str:
        """Return the plan's name, version and decision in words; empty where it has none."""
        version = self._version_on(record_day(record))
        if version is None:
            return ""
        words = data_text("erms_text.plan", name=self.name, version=version.version)
        if self.source:
            words = f"{words}, {self.source}"
        return data_text("erms_text.example", text=words) if self.example else words

    def _version_on(self, day: date) -> PlanVersion | None:
        holding = [each for each in self.plan_versions if each.valid_from <= day]
        return max(holding, key=lambda each: each.valid_from, default=None)


def load_plan(settings: Settings) -> ClassificationPlan | None:
    """Return the plan of the workspace, else that of the program; None where there is none.

    Raises:
        ExportError: it is wrong; the text names the place.
    """
    paths = (folder / PLAN_FILE for folder in reversed(settings.form_folders))
    path = next((path for path in paths if path.exists()), None)
    if path is None:
        return None
    plan = load_mapping(path, ClassificationPlan)
    forms = {
        form_id: rules.classification
        for form_id, rules in load_form_rules(*settings.form_folders).items()
        if rules.classification
    }
    versions = [
        version if version.forms else version.model_copy(update={"forms": forms})
        for version in plan.plan_versions
    ]
    return plan.model_copy(update={"plan_versions": tuple(versions)})
