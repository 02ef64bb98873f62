"""Mappings of the RIVTA contracts for measurements and for signed activities."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from pipeline.domain.form.field import Format
from pipeline.export.mapping import CareUnit, ExportMapping, StrictModel


class Code(StrictModel):
    """A code, the OID or URI of its code system, and the names of both."""

    code: Annotated[str, Field(min_length=1)]
    system: Annotated[str, Field(min_length=1)]
    system_name: str = ""
    version: str = ""
    name: str = ""


class Outcome(StrEnum):
    """What became of a planned measure; `NULLIFIED` withdraws it."""

    GIVEN = "given"
    NOT_GIVEN = "not_given"
    DECLINED = "declined"
    NULLIFIED = "nullified"


class GroupMapping(ExportMapping):
    """What both contracts need besides the form.

    That is the performer's role code, where neither staff list nor title gives one, HSA-ids of
    units that go before those of the register, and whether a patient may read it.
    """

    requires_all_fields = True
    performer_role: Code
    units: Mapping[str, CareUnit] = {}
    approved_for_patient: bool = False


class Observation(StrictModel):
    """A number on the form as one observation, in a unit by UCUM.

    `also` are codes of the same in other code systems.
    """

    field: str
    type: Code
    also: tuple[Code, ...] = ()
    unit: Annotated[str, Field(min_length=1)]


class ObservationMapping(GroupMapping):
    """A form's entries as observations of GetObservations 1.0.

    `remarks` are fields whose words are in every observation's description, `signed_in` the field
    with the initials of the person who measured, if a row has them.
    """

    observations: Annotated[tuple[Observation, ...], Field(min_length=1)]
    remarks: tuple[str, ...] = ()
    signed_in: str = ""
    final: Code
    nullified: Code

    def fields(self) -> set[str]:
        """Return the form's fields that the mapping takes."""
        return (
            {observation.field for observation in self.observations}
            | set(self.remarks)
            | ({self.signed_in} if self.signed_in else set())
        )

    def formats(self) -> dict[str, Format]:
        """Return the observed fields: they are numbers."""
        return dict.fromkeys(
            (observation.field for observation in self.observations), Format.NUMBER
        )


class Slot(StrictModel):
    """One time of the day at which something is given, by the names of its fields.

    `given` holds the initials, `time` the ordered time. `deviation` is a choice whose options
    `deviations` explains; `not_given` and `declined` are marks. `amount` says how much was given:
    on a form without deviations, initials without it may be beside what was only ordered, or
    refused. Without a `time` the entry's own time is when it was done.
    """

    given: str
    time: str = ""
    deviation: str = ""
    not_given: str = ""
    declined: str = ""
    amount: str = ""

    def fields(self) -> set[str]:
        """Return the form's fields that the slot takes."""
        return {
            name
            for name in (
                self.given,
                self.time,
                self.deviation,
                self.not_given,
                self.declined,
                self.amount,
            )
            if name
        }


class ActivityKind(StrictModel):
    """The code of an activity, by a choice on the form."""

    field: str = ""
    codes: Mapping[str, Code] = {}
    otherwise: Code


class ActivityMapping(GroupMapping):
    """A form's entries as activities of ProcessActivities 1.0.

    `what` are fields whose words say what was ordered.
    """

    kind: ActivityKind
    what: tuple[str, ...] = ()
    slots: Annotated[tuple[Slot, ...], Field(min_length=1)]
    deviations: Mapping[str, Outcome] = {}
    status: Mapping[Outcome, Code]

    @model_validator(mode="after")
    def _every_outcome_has_its_own_status(self) -> Self:
        if missing := [outcome.value for outcome in Outcome if outcome not in self.status]:
            raise ValueError(f"there is no status for {missing[0]}")
        # A receiver must not take a dose that was not given for one that was.
        given = self.status[Outcome.GIVEN]
        if any(
            (code.code, code.system) == (given.code, given.system)
            for outcome, code in self.status.items()
            if outcome is not Outcome.GIVEN
        ):
            raise ValueError("the status of what was given is also that of something else")
        return self

    def fields(self) -> set[str]:
        """Return the form's fields that the mapping takes."""
        return (
            set(self.what)
            | ({self.kind.field} if self.kind.field else set())
            | set[str]().union(*(slot.fields() for slot in self.slots))
        )

    def formats(self) -> dict[str, Format]:
        """Return the fields of the slots' times: they are times."""
        return dict.fromkeys((slot.time for slot in self.slots if slot.time), Format.TIME)


class AlertKind(StrEnum):
    """What an alert is about: the element of the contract that carries it."""

    HYPERSENSITIVITY = "hypersensitivity"
    DISEASE = "seriousDisease"
    TREATMENT = "treatment"
    COMMUNICABLE = "communicableDisease"
    RESTRICTION = "restrictionOfCare"


class Alert(StrictModel):
    """A warning: a check box, the words beside it, `more` fields about it, and its type by code."""

    kind: AlertKind
    name: str
    type: Code
    mark: str
    text: str
    more: tuple[str, ...] = ()

    def fields(self) -> set[str]:
        """Return the form's fields that the warning takes."""
        return {self.mark, self.text, *self.more}


class AlertMapping(ExportMapping):
    """A form's warnings as alerts of GetAlertInformation 2.0.

    What else is filled in on the form is named in the alerts' comments and not carried.
    """

    alerts: Annotated[tuple[Alert, ...], Field(min_length=1)]
    units: Mapping[str, CareUnit] = {}
    local_id_type: str = ""
    approved_for_patient: bool = False

    def fields(self) -> set[str]:
        """Return the form's fields that the mapping takes."""
        return set[str]().union(*(alert.fields() for alert in self.alerts))
