"""The paragraphs of law behind a duty, by the day: `data/law/paragraphs.yaml`.

A form names a duty. What it prints is the law of its print day; what goes out with a record is the
law of the record's own day.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, TypeAdapter, model_validator

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import StrictModel
from pipeline.domain.form.form import Form, LegalBasis
from pipeline.domain.form.rules import load_rules_file

PARAGRAPHS_FILE = Path(__file__).resolve().parents[3] / "data" / "law" / "paragraphs.yaml"


class ParagraphVersion(StrictModel):
    """The paragraph from a day on, and its source; `read` says whether its text has been read."""

    from_: Annotated[date, Field(alias="from")]
    ref: str
    source: str
    read: bool


class LawDuty(StrictModel):
    """A duty with its paragraphs, the oldest first."""

    rule: str
    what: str
    versions: Annotated[tuple[ParagraphVersion, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if any(older.from_ >= newer.from_ for older, newer in pairwise(self.versions)):
            raise ValueError(f"the versions of {self.rule} are not in the order of their days")
        return self


@cache
def load_law_duties(file: Path = PARAGRAPHS_FILE) -> Mapping[str, LawDuty]:
    """Load all duties by their id.

    Raises:
        FormError: the file is missing or does not match the schema.
    """
    return {duty.rule: duty for duty in load_rules_file(file, TypeAdapter(tuple[LawDuty, ...]))}


def law_refs(form: Form, day: date) -> tuple[LegalBasis, ...]:
    """Return the law that a form is based on, as in force on a day, each paragraph once.

    Raises:
        FormError: the form names a duty that is not known.
    """
    duties = load_law_duties()
    by_ref: dict[str, LegalBasis] = {}
    for law in form.law:
        basis = _resolve(law, duties, day)
        by_ref.setdefault(basis.ref, basis)
    return tuple(by_ref.values())


def _resolve(law: LegalBasis, duties: Mapping[str, LawDuty], day: date) -> LegalBasis:
    if not law.rule:
        return law
    if law.rule not in duties:
        raise FormError("no_law_duty", name=law.rule, file=PARAGRAPHS_FILE.name)
    versions = duties[law.rule].versions
    # The version in force on the day; before the first, the first.
    version = next((each for each in reversed(versions) if each.from_ <= day), versions[0])
    return LegalBasis(ref=version.ref, source=version.source)
