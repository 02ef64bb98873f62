"""What is proved of each form: `forms/<id>/quality.yaml`, and one small validator a rule.

A rule is done, exempt (and why) or todo. Validators check what a program can check: a rule that
says done and is not is a fault. That a person of the trade has practised on a form is never set
here by the team: it needs the day and the profession.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from pipeline.domain.dates import today_in_sweden
from pipeline.domain.form.field import StrictModel
from pipeline.domain.form.form import INTERNAL_FORMS, Form, LegalBasis
from pipeline.domain.form.rules import load_rules_file
from pipeline.domain.law.duties import load_law_duties
from pipeline.domain.law.permissions import load_professions
from pipeline.domain.record import MANUAL_ENTRY_TARGET as KEY_IN
from pipeline.domain.settings import ROOT
from tests.support.store.export_examples import FORMS
from tests.support.validators.carried_fields import routes

QUALITY_FILE = "quality.yaml"
READ_BACK_TEST = ROOT / "tests" / "contract" / "forms" / "test_forms_read_back.py"
_SAMPLES = ROOT / "data" / "samples"
_DATED = re.compile(r"lydelse (?:\d{4}-\d{2}-\d{2}|enligt \d{4}:\d+)|ändrad genom .*\d{4}:\d+")
_UNREAD = re.compile(r"kontrollera|(?:inte|delvis) (?:läst|jämförd)")


class Claim(StrictModel):
    """What is said of a rule.

    Attributes:
        comment: Why it is exempt, or what is missing.
        day, version: The day and the version of the form that a person looked at or practised on.
        profession: Of who practised, an id of data/professions.yaml.
    """

    status: Literal["done", "exempt", "todo"]
    comment: str = ""
    day: date | None = None
    version: int | None = None
    profession: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: object) -> object:
        return {"status": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exempt_says_why(self) -> Self:
        if self.status == "exempt" and not self.comment:
            raise ValueError("what is exempt says why")
        return self


class RecordKind(StrictModel):
    """A kind of record of the customer's document that is written on the form.

    Attributes:
        paper, goes_to: What is added to the form's name, and to its targets.
        proof: What proves that it arrives.
    """

    kind: str
    paper: str = ""
    goes_to: str = ""
    proof: str


class Quality(StrictModel):
    """The quality of a form: its kinds of record, and rule by rule what is proved."""

    kinds: Annotated[tuple[RecordKind, ...], Field(min_length=1)]
    rules: Mapping[str, Claim]


def targets_of(form_id: str) -> list[str]:
    """The targets that the form is mapped to, and the key-in list."""
    mapped = sorted(
        path.name.split(".")[1] for path in (ROOT / "forms" / form_id).glob("export.*.yaml")
    )
    return mapped if form_id in INTERNAL_FORMS or KEY_IN in mapped else [*mapped, KEY_IN]


def _printed(form: Form, claim: Claim) -> str:
    if claim.version != form.version or claim.day is None:
        return f"no day on which version {form.version} was looked at"
    return "" if claim.day <= today_in_sweden() else "looked at on a day to come"


def _read_back(form: Form, _claim: Claim) -> str:
    text = READ_BACK_TEST.read_text("utf-8")
    # The test takes every form with markers of its own, in every version.
    return "" if "FORMS.values()" in text and not form.printed_elsewhere else "read back by no test"


def _practised(_form: Form, claim: Claim) -> str:
    if claim.day is None or claim.profession not in {one.id for one in load_professions()}:
        return "no day and profession of who practised"
    return "" if claim.day <= today_in_sweden() else "practised on a day to come"


def _way_back(form: Form, _claim: Claim) -> str:
    # A mapping may be of an earlier version alone.
    proved = {route.target for route in routes() if route.form.id == form.id}
    missing = sorted(set(targets_of(form.id)) - proved)
    return f"not read back and compared: {', '.join(missing)}" if missing else ""


def _law(form: Form, _claim: Claim) -> str:
    undated = [law.rule or law.ref for law in form.law if not _is_dated(law)]
    return f"without a date, or not read: {'; '.join(undated)}" if undated else ""


def _is_dated(law: LegalBasis) -> bool:
    if law.rule:
        return load_law_duties()[law.rule].versions[-1].read
    return bool(_DATED.search(law.source)) and not _UNREAD.search(law.source)


def _declared(form: Form, _claim: Claim) -> str:
    return "" if "double_check" in form.rules.model_fields_set else "rules.yaml has no double_check"


def _signing(form: Form, _claim: Claim) -> str:
    rule = FORMS.signing_rule(today_in_sweden())
    missing = sorted(
        f"{area} ({whose})"
        for area in {form.area.value, *form.rules.areas.values()}
        for whose in ("own", "absent")
        if rule is None
        or not any(
            rule.may_sign(form, area, one.id, own=whose == "own") for one in load_professions()
        )
    )
    return f"no profession signs: {', '.join(missing)}" if missing else ""


def _handbook(form: Form, _claim: Claim) -> str:
    page = ROOT / "forms" / form.id / "handbook.md"
    return "" if page.exists() and page.read_text("utf-8").strip() else f"no {page.name}"


def _sample(form: Form, _claim: Claim) -> str:
    return "" if form.id in _sampled() else "no page with values in data/samples/expected.json"


@cache
def _sampled() -> frozenset[str]:
    pages = json.loads((_SAMPLES / "expected.json").read_text("utf-8"))
    return frozenset(
        page["form"]
        for page in pages
        if page["outcome"] == "read"
        and page.get("values")
        and (_SAMPLES / "stack" / page["file"]).exists()
    )


RULES: Mapping[str, tuple[str, Callable[[Form, Claim], str]]] = {
    "printed": ("printed and looked at", _printed),
    "read-back": ("filled in, spoilt and read back", _read_back),
    "practised": ("practised by a person of the trade", _practised),
    "way-back": ("every export read back and compared", _way_back),
    "law": ("law read, with its date", _law),
    "declared": ("double check decided", _declared),
    "signing": ("who signs decided", _signing),
    "handbook": ("page of the handbook", _handbook),
    "sample": ("filled sample with truth", _sample),
}
"""What each rule is about, and its validator: it returns why the rule is not met, or nothing."""


@cache
def load_quality(form_id: str) -> Quality:
    """The quality of a form."""
    return load_rules_file(ROOT / "forms" / form_id / QUALITY_FILE, TypeAdapter(Quality))


def find_faults(form_id: str, quality: Quality) -> list[str]:
    """What is wrong with what is said of a form."""
    form = FORMS.latest(form_id)
    strange = sorted(set(quality.rules) ^ set(RULES))
    faults = [f"{form_id}: {rule}: missing or no rule" for rule in strange]
    for rule, claim in quality.rules.items():
        if claim.status == "done" and rule in RULES and (why := RULES[rule][1](form, claim)):
            faults.append(f"{form_id}: {rule} is not done: {why}")
    return faults


def form_ids() -> list[str]:
    """The ids of all forms."""
    return sorted({form_id for form_id, _ in FORMS})


def quality_path(form_id: str) -> Path:
    """The file of a form."""
    return ROOT / "forms" / form_id / QUALITY_FILE
