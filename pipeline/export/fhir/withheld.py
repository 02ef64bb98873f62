"""What leaves here of nobody whose identity is protected (skyddade personuppgifter): name, address and telephone numbers."""

from __future__ import annotations

from pipeline.field_spec import FieldSpec, Format, Meaning
from pipeline.record import Record

_TELLS = frozenset({Meaning.CLIENT_NAME, Meaning.CLIENT_PRINTED, Meaning.CLIENT_ADDRESS})


def withheld(record: Record, spec: FieldSpec) -> bool:
    """Whether what a field says stays here."""
    return record.client.protected and (spec.means in _TELLS or spec.format is Format.PHONE)
