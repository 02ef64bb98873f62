"""Codes of measures (KVÅ) that people wrote on paper."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

KVA_SYSTEM = "urn:oid:1.2.752.116.1.3.2.1.4"
"""Klassifikation av vårdåtgärder. Source: Inera's description of GetCareContacts and of the
contracts for referrals, which name the system so; Socialstyrelsen keeps it."""
_PATTERN = r"[A-Z]{2}[A-Z0-9]{3}"


def _require_detailed_code(code: str) -> str:
    if code.endswith("000"):
        raise ValueError(
            f"the code {code} is a heading of KVÅ: "
            "give the most detailed level, which does not end with 000"
        )
    return code


KvaCode = Annotated[
    str, StringConstraints(pattern=f"^{_PATTERN}$"), AfterValidator(_require_detailed_code)
]


def find_measure_codes(text: str) -> list[str]:
    """Return the codes that a text consists of; none if any of it is no code of a measure.

    What is no code, or the heading of a group of codes, stays the words that it is.
    """
    words = re.split(r"[\s,;+/]+", text.strip().upper())
    is_coded = all(re.fullmatch(_PATTERN, word) and not word.endswith("000") for word in words)
    return list(dict.fromkeys(words)) if is_coded else []
