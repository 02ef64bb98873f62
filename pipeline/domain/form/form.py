"""The definition of a form (`forms/<id>/form.yaml`), and the rules of signing and double checks.

Its keys are documented for form makers in `forms/README.md`; its pages are in `page.py`, their
fields in `field.py`. A form that was printed elsewhere, without Efterskrift's markers and codes,
names an image of the blank form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, LiteralString, Self

import yaml
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from pipeline.domain.errors import FormError
from pipeline.domain.form.field import FieldSpec, Format, Meaning, Name, StrictModel
from pipeline.domain.form.page import PageSpec
from pipeline.domain.form.rules import (
    FormLoader,
    FormRules,
    Signers,
    load_form_rules,
    load_rules_file,
)

FormId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
SIGNATURE_KEY = "signaturfortydligande"
"""The form of signers and their initials; confirmed rows are part of the staff list."""
COVER_SHEET = "forsattsblad"
"""The form on top of a bundle, which names it; the next pages of a scan belong to the bundle."""
INTERNAL_FORMS = frozenset({SIGNATURE_KEY, COVER_SHEET})
"""Forms for Efterskrift itself: their values go into its own lists, and to no care system."""


class NormChildFields(StrictModel):
    """The fields of children in a calculation by the national norm, `<prefix><number>_<name>`.

    `lunch` is ticked for a child who eats lunch free outside the home, `part` where the amount
    is for a part of the month.
    """

    prefix: Name
    count: Annotated[int, Field(ge=1, le=20)]
    age: Name
    lunch: Name
    part: Name
    amount: Name

    def fields(self) -> list[str]:
        """Return the names of all their fields."""
        return [
            f"{self.prefix}{n}_{name}"
            for n in range(1, self.count + 1)
            for name in (self.age, self.lunch, self.part, self.amount)
        ]


class NormWageFields(StrictModel):
    """The wages of a calculation: `all` of them, the `exempt` part, and the `counted` rest."""

    all: Name
    exempt: Name
    counted: Name


class NormFields(StrictModel):
    """The fields of a calculation of financial aid (`pipeline.domain.review.benefit_norm`).

    `month` is YYYYMM. `household` is a choice with the options `single` and `couple`, `outcome`
    one with `surplus` and `deficit`. `departs` is ticked where the calculation departs from the
    national norm.
    """

    month: Name
    household: Name
    single: Name
    couple: Name
    persons: Name
    departs: Name
    adults: Name
    children: NormChildFields
    shared: Name
    norm: Name
    costs: Name
    incomes: Name
    outcome: Name
    surplus: Name
    deficit: Name
    result: Name
    wages: NormWageFields | None = None

    def fields(self) -> list[str]:
        """Return all fields that it names."""
        single = (
            self.month,
            self.household,
            self.persons,
            self.departs,
            self.adults,
            self.shared,
            self.norm,
            self.costs,
            self.incomes,
        )
        wages = (self.wages.all, self.wages.exempt, self.wages.counted) if self.wages else ()
        return [*single, *wages, self.outcome, self.result, *self.children.fields()]


class LegalBasis(StrictModel):
    """A paragraph of law that the form is based on, with the source of its text.

    Instead of both, `rule` may name a duty of `data/law/paragraphs.yaml`, whose paragraph depends
    on the day.
    """

    ref: str = ""
    source: str = ""
    rule: str = ""

    @model_validator(mode="after")
    def _check_either(self) -> Self:
        if bool(self.rule) == bool(self.ref and self.source):
            message: LiteralString = "a law has either ref and source, or a rule"
            raise PydanticCustomError("law_twice", message)
        return self


class CodeList(StrictModel):
    """The code list of a choice: its publisher (`source`) and version.

    With them an answer can be understood long afterwards.
    """

    field: Name
    name: str
    version: str
    source: str


class Deadline(StrictModel):
    """A legal deadline of a form.

    `rule` is one of `pipeline.domain.law.duties`, `day` the field with the day that the time
    runs from, `met` the field that says when the duty was done. `after` is the rule by whose last
    day the decision is made that the time runs from, where the form does not have its day. `unless`
    are answers, by field, with which there is no such duty.
    """

    rule: FormId
    day: Name
    met: Name | None = None
    after: FormId | None = None
    unless: Mapping[Name, str | bool] = {}


class Depth(StrEnum):
    """How much of a sheet is typed: all of it, nothing but a title and a day, or deviations."""

    FULL = "full"
    ATTACHMENT = "attachment"
    DEVIATIONS = "deviations"


class EntriesPer(StrEnum):
    """How many entries a sheet has: one, or one per row of its table."""

    SHEET = "sheet"
    ROW = "row"


class Area(StrEnum):
    """Area of law; records of different areas are separated.

    ADM is what no law of care governs: the board, the management, the staff.
    """

    HSL = "HSL"
    SOL = "SoL"
    LSS = "LSS"
    IFO = "IFO"
    ADM = "ADM"


class Subject(StrEnum):
    """The subject of a form's entries: a client, or none (a diary, a meeting, a staff schedule)."""

    CLIENT = "client"
    NONE = "none"


class FormHead(StrictModel):
    """What a form and its outline say before their pages, in the order in which it is written.

    Attributes:
        deadline, deadlines: One legal deadline, or several.
        depth: How much of a sheet is typed unless the unit says otherwise.
        print_style: 1 prints labels in 7 points and hints in 6.5, 2 in 8 and 7.5.
    """

    id: FormId
    version: Annotated[int, Field(ge=1, le=99)]
    title: str
    area: Area
    criticality: Annotated[str, StringConstraints(pattern="^[ABC]$")]
    subject: Subject = Subject.CLIENT
    law: tuple[LegalBasis, ...]
    codes: tuple[CodeList, ...] = ()
    entries: EntriesPer
    deadline: Deadline | None = None
    deadlines: tuple[Deadline, ...] = ()
    depth: Depth = Depth.FULL
    print_style: Annotated[int, Field(ge=1, le=2)] = 1
    norm: NormFields | None = None


class Form(FormHead):
    """A form. A published version is frozen: printed paper outlives the program.

    Attributes:
        rules: What happens with its entries, from `rules.yaml` beside it: no key of `form.yaml`.
    """

    pages: Annotated[tuple[PageSpec, ...], Field(min_length=1)]
    rules: Annotated[FormRules, Field(exclude=True)] = FormRules()

    @cached_property
    def fields(self) -> tuple[FieldSpec, ...]:
        """All fields of all pages."""
        return tuple(spec for page in self.pages for spec in page.all_fields)

    @property
    def printed_elsewhere(self) -> bool:
        """Whether it has none of Efterskrift's codes and is identified by its print alone."""
        return any(page.blank for page in self.pages)

    @cached_property
    def by_name(self) -> dict[str, FieldSpec]:
        """Fields by name."""
        return {spec.name: spec for spec in self.fields}

    @cached_property
    def page_numbers(self) -> dict[str, int]:
        """The number of each field's page, from 1."""
        return {spec.name: no for no, page in enumerate(self.pages, 1) for spec in page.all_fields}

    @property
    def all_deadlines(self) -> tuple[Deadline, ...]:
        """Its legal deadlines; forms of the first style have at most one."""
        return (self.deadline, *self.deadlines) if self.deadline else self.deadlines

    def rows(self) -> Sequence[int | None]:
        """Return the rows that may have an entry, or `[None]` when the sheet is one entry."""
        if self.entries is EntriesPer.SHEET:
            return [None]
        return sorted({spec.row for spec in self.fields if spec.row is not None})

    def entry_fields(self, row: int | None) -> list[FieldSpec]:
        """Return the fields of one entry: the sheet's own and, in a table, those of its row."""
        return [spec for spec in self.fields if spec.row is None or spec.row == row]

    def entry_field(self, row: int | None, column: str) -> FieldSpec | None:
        """Return a field of one entry by its name without the row's prefix."""
        return self._columns.get(row, self._columns[None]).get(column)

    @cached_property
    def _columns(self) -> dict[int | None, dict[str, FieldSpec]]:
        # Where two fields have the same column, the first one counts.
        return {
            row: {spec.column: spec for spec in reversed(self.entry_fields(row))}
            for row in (None, *self.rows())
        }

    def meaning(self, meaning: Meaning, row: int | None = None) -> FieldSpec | None:
        """Return the field with a meaning in an entry; the row's own before the sheet's."""
        specs = [spec for spec in self.entry_fields(row) if spec.means is meaning]
        return max(specs, key=lambda spec: spec.row is not None, default=None)

    @model_validator(mode="after")
    def _check_references(self) -> Self:
        names = [spec.name for spec in self.fields]
        if repeated := {name for name, count in Counter(names).items() if count > 1}:
            raise PydanticCustomError(
                "name_twice", "the name {field} is used twice", {"field": sorted(repeated)[0]}
            )
        if self.printed_elsewhere and len(self.pages) > 1:
            message: LiteralString = (
                "nothing on a form printed elsewhere says which sides belong together: "
                "make each side a form of one page"
            )
            raise PydanticCustomError("sides_alone", message)
        dates = {spec.column for spec in self.fields if spec.format is Format.DATE}
        for name in [
            name for one in self.all_deadlines for name in (one.day, one.met) if name is not None
        ]:
            if name not in dates:
                message = "the deadline counts from {field}, which is no date on this form"
                raise PydanticCustomError("deadline_day", message, {"field": name})
        for name in [name for one in self.all_deadlines for name in one.unless]:
            if name not in names:
                message = "the deadline depends on {field}, which is no field of this form"
                raise PydanticCustomError("deadline_field", message, {"field": name})
        if self.norm and (unknown := [name for name in self.norm.fields() if name not in names]):
            raise PydanticCustomError(
                "norm_field",
                "the calculation names {field}, which is no field of this form",
                {"field": unknown[0]},
            )
        if self.entries is EntriesPer.ROW and not any(page.table for page in self.pages):
            raise PydanticCustomError("rows_need_table", "entries per row need a table")
        return self


def load_form(path: Path) -> Form:
    """Load one `form.yaml`.

    Raises:
        FormError: the file is missing, is not YAML, or breaks a rule; the message names the place.
    """
    try:
        return _parse_form(path.read_text("utf-8"), path.parent.resolve())
    except OSError as error:
        raise FormError("form_unreadable", path=path, reason=error.strerror) from error
    except yaml.YAMLError as error:
        raise FormError("form_not_yaml", path=path, reason=error) from error
    except ValidationError as error:
        places = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise FormError("form_has_errors", path=path, places="; ".join(places)) from error


@lru_cache(maxsize=512)
def _parse_form(text: str, folder: Path) -> Form:
    """Parse a form. Cached, as that takes fifty times as long as reading the file."""
    return Form.model_validate(yaml.load(text, Loader=FormLoader), context={"folder": folder})


class SigningRule(StrictModel):
    """The entries that have to be signed before export, and by whom, from the day `since` on.

    Rules are numbered data: a signature records the version that it was given under.

    Attributes:
        areas: The areas of law whose entries have to be signed.
        forms: Exceptions by form id.
        by_unit: Forms that are used in every area: the area of the entry decides, or else that of
            its unit.
        same_name: An author who shares a name with another account may state so as the reason
            for signing.
        signers: Who may sign, by area of law; nobody in an area that is not named.
        form_signers: Exceptions by form id.
        by_sheet: Forms of class A whose author may sign all rows of a sheet at once.
        reserved: Forms that are not for anybody to type: no typist sees or confirms them.
    """

    version: Annotated[int, Field(ge=1)]
    since: date
    law: tuple[LegalBasis, ...]
    areas: frozenset[Area]
    forms: Mapping[FormId, bool] = {}
    by_unit: frozenset[FormId] = frozenset()
    same_name: bool = False
    signers: Mapping[Area, Signers] = {}
    form_signers: Mapping[FormId, Signers] = {}
    by_sheet: frozenset[FormId] = frozenset()
    reserved: frozenset[FormId] = frozenset()

    def with_forms(self, of_forms: Mapping[FormId, FormRules]) -> SigningRule:
        """Return the rule with the exceptions that the forms themselves name."""
        # Of each form the last ones that begin with this version or an earlier one.
        named = {
            form_id: each
            for form_id, rules in of_forms.items()
            for first_version, each in sorted(rules.signing.items())
            if first_version <= self.version
        }
        return self.model_copy(
            update={
                name: getattr(self, name)
                | {key for key, each in named.items() if getattr(each, name)}
                for name in ("by_unit", "by_sheet", "reserved")
            }
            | {
                "forms": dict(self.forms)
                | {key: each.required for key, each in named.items() if each.required is not None},
                "form_signers": dict(self.form_signers)
                | {key: each.signers for key, each in named.items() if each.signers},
            }
        )

    def requires_signature(self, form: Form, area: str) -> bool:
        """Whether an entry of this area of law, on this form, has to be signed."""
        if form.id in self.forms:
            return self.forms[form.id]
        return self._deciding_area(form, area) in {each.value for each in self.areas}

    def may_sign(self, form: Form, area: str, profession: str, *, own: bool) -> bool:
        """Whether a profession may sign an entry: its own, or that of an absent author."""
        by_area = {each.value: signers for each, signers in self.signers.items()}
        signers = self.form_signers.get(form.id) or by_area.get(self._deciding_area(form, area))
        return signers is not None and profession in (signers.author if own else signers.absent)

    def _deciding_area(self, form: Form, area: str) -> str:
        return area if form.id in self.by_unit else form.area.value


def load_signing_rules(folder: Path) -> tuple[SigningRule, ...]:
    """Load the rules of a folder's `signing.yaml` with what its forms say, oldest first.

    There are none if there is no such file.

    Raises:
        FormError: a file breaks a rule; the message names the place.
    """
    path, of_forms = folder / "signing.yaml", load_form_rules(folder)
    rules = load_rules_file(path, TypeAdapter(list[SigningRule] | None)) if path.exists() else ()
    return tuple(
        rule.with_forms(of_forms)
        for rule in sorted(rules or (), key=lambda rule: (rule.since, rule.version))
    )


class Forms(dict[tuple[str, int], Form]):
    """All forms by id and version, with the rules of signing and the forms of `double_check`.

    Critical fields of the latter always need a second reviewer.
    """

    signing: tuple[SigningRule, ...] = ()
    double_check: frozenset[FormId] = frozenset()

    @classmethod
    def load(cls, folder: Path, *more_folders: Path) -> Forms:
        """Load every form under the folders, and the rules of the first folder.

        Forms are `<id>/form.yaml` and older published versions `<id>/v<N>/form.yaml`.

        Raises:
            FormError: a file is wrong, or the folder is one of an earlier release.
        """
        # Of before rules.yaml: ignored, entries would be confirmed by one person
        if (folder / "double_check.yaml").exists():
            raise FormError("double_check_moved", folder=folder)
        paths = [
            path
            for root in (folder, *more_folders)
            for path in sorted([*root.glob("*/form.yaml"), *root.glob("*/v*/form.yaml")])
        ]
        rules = load_form_rules(folder, *more_folders)
        forms = cls(
            {
                (form.id, form.version): form.model_copy(
                    update={"rules": rules.get(form.id, FormRules())}
                )
                for form in map(load_form, paths)
            }
        )
        forms.signing = load_signing_rules(folder)
        forms.double_check = frozenset(
            form_id for form_id, _ in forms if form_id in rules and rules[form_id].double_check
        )
        return forms

    def signing_rule(self, day: date) -> SigningRule | None:
        """Return the rule in force on a day."""
        return next((rule for rule in reversed(self.signing) if rule.since <= day), None)

    def latest(self, form_id: str) -> Form:
        """Return the newest version of a form.

        Raises:
            FormError: there is no such form.
        """
        versions = [form for (known, _), form in self.items() if known == form_id]
        if not versions:
            raise FormError("no_form_in_library", form_id=form_id)
        return max(versions, key=lambda form: form.version)
