"""What is written on which form, in a line each for the instructions: as `data/pack/numbers.yaml` says it, else by the form's own sections."""

from __future__ import annotations

from pipeline.outline import OutlineSection, Standard
from pipeline.pack.numbers import rules
from pipeline.standard_sections import standard_title
from pipeline.template import Area, Form

_MOST_LETTERS = 60
_EVERYWHERE = {standard_title(OutlineSection(use=use), area) for use in Standard for area in Area}
"""Titles that say nothing of what a form is for: whom it is about, when, and who wrote."""
_OWN = "Enhetens egen blankett"


def use_of(form: Form) -> str:
    """What the form is for; of a form that the municipality has made the titles of its sections, as many as a line has room for."""
    return rules().uses.get(form.id) or _sections(form) or _OWN


def _sections(form: Form) -> str:
    said = ""
    for title in dict.fromkeys(section.title for page in form.pages for section in page.sections if section.title not in _EVERYWHERE):
        longer = f"{said}, {title[:1].lower()}{title[1:]}" if said else title
        if len(longer) > _MOST_LETTERS:
            break
        said = longer
    return said
