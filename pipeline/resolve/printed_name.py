"""The name of a client as it was printed on the sheet: it was in the register, so what nobody there is called is misread or written by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.clients import ClientRegister
from pipeline.field_spec import FieldSpec, Meaning
from pipeline.issues import Issue, IssueCode
from pipeline.model import UNSEEN_P, Reading

_NUMBER = re.compile(r",\s*\S*\d\S*$")
"""What stands behind the name of somebody whose number is too long for its boxes."""


def printed_names(specs: Sequence[FieldSpec], fields: Mapping[str, Reading], register: ClientRegister) -> tuple[dict[str, Reading], list[Issue]]:
    """Printed names that are nobody's in the register, made doubtful; and their issues. An empty register knows nobody's."""
    found: dict[str, Reading] = {}
    for spec in specs:
        text = fields[spec.name].value
        if spec.means is Meaning.CLIENT_PRINTED and not spec.traits.filled_by_hand and isinstance(text, str) and not _is_known(text, register):
            found[spec.name] = replace(fields[spec.name], p=min(fields[spec.name].p, UNSEEN_P))
    return found, [Issue(IssueCode.PRINTED_OTHERWISE, name) for name in found]


def _is_known(text: str, register: ClientRegister) -> bool:
    return not register.clients or register.has_name(text) or register.has_name(_NUMBER.sub("", text))
