"""Match initials on a page to the staff who may have signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pipeline.domain.form.field import FieldSpec, Meaning
from pipeline.domain.form.form import Form
from pipeline.domain.model import Reading, State
from pipeline.registers.staff import StaffRegister


def name_signers(
    specs: tuple[FieldSpec, ...], form: Form, fields: Mapping[str, Reading], staff: StaffRegister
) -> dict[str, Reading]:
    """Name the persons who may have signed in the alternatives of initials.

    For instance "MA – Maria Andersson", each with its probability; whether the initials are
    there is not changed.
    """
    named = {}
    # Only initials that were read have letter probabilities.
    for spec in specs:
        reading = fields[spec.name]
        if spec.traits.names_signer and reading.state is State.READ and reading.cell_probabilities:
            named[spec.name] = _add_signer_names(reading, staff, signing_unit(form, spec, fields))
    return named


def _add_signer_names(reading: Reading, staff: StaffRegister, unit: str) -> Reading:
    """Return the reading with signers as alternatives, before what says that it is empty."""
    shares: dict[str, float] = {}
    for signer in staff.signers(reading.cell_probabilities, unit):
        # A person may be on the lists of two units.
        shares[signer.words] = shares.get(signer.words, 0.0) + reading.p * signer.p
    ranked = sorted(shares.items(), key=lambda pair: -pair[1])
    absent = tuple((value, p) for value, p in reading.alternatives if not isinstance(value, str))
    return replace(reading, alternatives=(*ranked, *absent))


def signing_unit(form: Form, spec: FieldSpec, fields: Mapping[str, Reading]) -> str:
    """Return the unit of the row or the sheet as read; empty if it was not read."""
    unit_spec = form.meaning(Meaning.UNIT, spec.row)
    reading = fields.get(unit_spec.name) if unit_spec else None
    return reading.value if reading is not None and isinstance(reading.value, str) else ""
