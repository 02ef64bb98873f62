"""The form as a Questionnaire, and what an entry answers as a QuestionnaireResponse."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pipeline.domain.form.field import BoxMm, FieldSpec, Format
from pipeline.domain.form.form import Form
from pipeline.domain.law.duties import law_refs
from pipeline.domain.model import Value
from pipeline.domain.settings import Settings
from pipeline.export.exporter import DATA_LANGUAGE
from pipeline.export.fhir.observations import parse_number
from pipeline.export.fhir.resource_context import (
    AUTHOR_ANCHOR,
    PATIENT_TYPE,
    Resource,
    ResourceContext,
    absent_value,
    author,
    identifier_system,
    is_withheld,
    practitioner_role,
)
from pipeline.export.record_text import field_value, is_signature_missing, signature_presence
from pipeline.texts import Text


def questionnaire_url(form: Form, settings: Settings) -> str:
    """Return the URL of a form, whatever its version."""
    return identifier_system(settings, f"blankett/{form.id}")


def questionnaire_resource(form: Form, day: date, settings: Settings) -> Resource:
    """Return the form's questions in its sections; of a form with rows, those of one row.

    Its description names the law in force on `day`.
    """
    url = questionnaire_url(form, settings)
    law = " ".join(f"{law.ref}." for law in law_refs(form, day))
    return {
        "resourceType": "Questionnaire",
        "url": url,
        "version": str(form.version),
        "title": form.title,
        "status": "active",
        "subjectType": ["Patient"],
        "publisher": settings.care_provider,
        "description": Text("fhir_text.form_description", {"law": law}).in_language(DATA_LANGUAGE),
        "item": _group_by_section(
            form,
            {spec.column: _question_item(spec, url) for spec in _question_fields(form)},
            {"type": "group"},
        ),
    }


def response_resource(filing: ResourceContext, form: Form) -> Resource:
    """Return what was written, by the questions' names; an illegible answer is absent."""
    record = filing.record
    specs = (spec for spec in form.entry_fields(record.row) if spec.traits.filled_by_hand)
    answers = {spec.column: item for spec in specs if (item := _answered_item(filing, form, spec))}
    return {
        "resourceType": "QuestionnaireResponse",
        "meta": filing.meta(),
        "contained": [practitioner_role(filing, AUTHOR_ANCHOR, author(record))],
        "identifier": filing.identifier("version", filing.version),
        "questionnaire": f"{questionnaire_url(form, filing.settings)}|{form.version}",
        "status": "amended" if filing.item.amends else "completed",
        "subject": filing.reference(PATIENT_TYPE),
        **filing.written_time("authored"),
        "author": {"reference": f"#{AUTHOR_ANCHOR}", "type": "PractitionerRole"},
        "item": _group_by_section(form, answers, {}),
    }


def _question_fields(form: Form) -> list[FieldSpec]:
    rows = form.rows()
    return [
        spec for spec in form.entry_fields(rows[0] if rows else None) if spec.traits.filled_by_hand
    ]


def _group_by_section(form: Form, items: Mapping[str, Resource], kind: Resource) -> list[Resource]:
    """Return items in groups, as the form's sections hold them on paper.

    Args:
        items: by the column of their field. Those outside every section come last.
        kind: what a group has besides.
    """
    ungrouped, asked = dict(items), {spec.name for spec in _question_fields(form)}
    groups: list[Resource] = []
    sections = [(page, section) for page in form.pages for section in page.sections]
    for number, (page, section) in enumerate(sections, 1):
        # Each item goes to the first section whose box contains its field.
        columns = [
            spec.column
            for spec in page.all_fields
            if spec.name in asked and _is_inside(spec, section.box)
        ]
        if inside := [ungrouped.pop(column) for column in columns if column in ungrouped]:
            groups.append(
                {"linkId": f"avsnitt-{number}", "text": section.title} | kind | {"item": inside}
            )
    return [*groups, *ungrouped.values()]


def _is_inside(spec: FieldSpec, box: BoxMm) -> bool:
    x, y, w, h = spec.box
    return box[0] <= x + w / 2 <= box[0] + box[2] and box[1] <= y + h / 2 <= box[1] + box[3]


def _question_item(spec: FieldSpec, url: str) -> Resource:
    options = [{"valueCoding": _option_coding(spec, url, option.value)} for option in spec.options]
    return {
        "linkId": spec.column,
        "text": spec.label,
        "type": _answer_type(spec),
        "required": True if spec.required else None,
        "answerOption": options,
    }


def _answer_type(spec: FieldSpec) -> str:
    """Return the type of an answer; a time is text, since FHIR's time cannot be 24.00."""
    if spec.traits.is_boolean and not spec.traits.names_signer:
        return "boolean"
    if spec.traits.has_options:
        return "choice"
    if spec.traits.digits_only and spec.format is Format.DATE:
        return "date"
    if spec.traits.digits_only and spec.format is Format.NUMBER:
        return "decimal"
    return "text" if spec.traits.is_multiline else "string"


def _answered_item(filing: ResourceContext, form: Form, spec: FieldSpec) -> Resource | None:
    record = filing.record
    if spec.column in record.illegible:
        return {"linkId": spec.column, "text": spec.label} | absent_value("unknown")
    value = field_value(record, spec.column, filing.options.forms)
    is_unanswered = value in (None, "") or (
        value is False
        and (
            spec.traits.is_check_box
            or (spec.traits.is_signature and not is_signature_missing(record, spec))
        )
    )
    if is_unanswered or is_withheld(record, spec):
        return None
    return {
        "linkId": spec.column,
        "text": spec.label,
        "answer": [_answer_value(spec, value, questionnaire_url(form, filing.settings))],
    }


def _answer_value(spec: FieldSpec, value: Value, url: str) -> Resource:
    kind = _answer_type(spec)
    if kind == "boolean":
        return {"valueBoolean": bool(value)}
    if kind == "choice":
        return {"valueCoding": _option_coding(spec, url, str(value))}
    if kind == "date":
        return {"valueDate": value}
    if kind == "decimal":
        return {"valueDecimal": parse_number(str(value))}
    # In words whether there are initials, where only that is known.
    return {"valueString": signature_presence(present=value) if isinstance(value, bool) else value}


def _option_coding(spec: FieldSpec, url: str, value: str) -> Resource:
    label = next((option.label for option in spec.options if option.value == value), "")
    return {"system": f"{url}/{spec.column}", "code": value, "display": label}
