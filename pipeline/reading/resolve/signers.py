"""Initials on a page → who of the staff may have signed."""

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
    """Fields of initials whose alternatives now name persons ("MA – Maria Andersson"), each with
    its probability; whether they are there stays.
    """
    found = {}
    for spec in specs:
        reading = fields[spec.name]
        if spec.traits.names_signer and reading.state is State.READ and reading.cell_probabilities:
            found[spec.name] = _add_signer_names(reading, staff, _signing_unit(form, spec, fields))
    return found


def _add_signer_names(reading: Reading, staff: StaffRegister, unit: str) -> Reading:
    shares: dict[str, float] = {}
    for signer in staff.signers(reading.cell_probabilities, unit):
        shares[signer.words] = (
            shares.get(signer.words, 0.0) + reading.p * signer.p
        )  # somebody may be on the list of two units
    ranked = sorted(shares.items(), key=lambda pair: -pair[1])
    absent = tuple((value, p) for value, p in reading.alternatives if not isinstance(value, str))
    return replace(reading, alternatives=(*ranked, *absent))


def _signing_unit(form: Form, spec: FieldSpec, fields: Mapping[str, Reading]) -> str:
    where = form.meaning(Meaning.UNIT, spec.row)
    reading = fields.get(where.name) if where else None
    return reading.value if reading is not None and isinstance(reading.value, str) else ""
