"""The standard sections of every form: client, time of the event and of writing, author."""

from __future__ import annotations

from pipeline.domain.form.field import FieldSpec, Format, Kind, Meaning
from pipeline.domain.form.form import Area, Subject
from pipeline.forms.layout.outline import OutlineField, OutlineSection, StandardSection

UNIT_FIELD = FieldSpec(
    name="enhet", label="Enhet", kind=Kind.PRINTED, means=Meaning.UNIT, box=(22.5, 28.5, 110, 6)
)
"""The field above the first section of every form."""
REGISTERED_WIDTH = 86.0
"""Width of the registered name, on the right of the client section's title, mm."""
_WRITTEN_OFFSET = 33.0
"""Extra room between the time of the event and that of writing on its right, mm."""
_DAY_HINT, _CLOCK_HINT = "ÅÅÅÅ-MM-DD", "TT.MM"


def standard_rows(use: StandardSection, subject: Subject) -> tuple[tuple[OutlineField, ...], ...]:
    """Return the rows of a standard section."""
    rows = {
        # A form that may be about no client: the reviewer has to confirm that.
        StandardSection.CLIENT_IF_ANY: _client_name_rows(required=False),
        StandardSection.CLIENT: _client_name_rows(required=subject is Subject.CLIENT),
        StandardSection.EVENT: _event_rows(),
        StandardSection.WRITTEN: (_written_fields(),),
        StandardSection.AUTHOR: _author_rows(),
        StandardSection.AUTHOR_LATER: (*_author_rows(), _written_fields()),
    }
    return rows[use]


def standard_title(section: OutlineSection, area: Area) -> str:
    """Return the section's own title, else that of the standard section in this area of law."""
    titles = {
        StandardSection.CLIENT_IF_ANY: "Patient" if area is Area.HSL else "Klient",
        StandardSection.CLIENT: "Patient" if area is Area.HSL else "Klient",
        StandardSection.EVENT: "Tid",
        StandardSection.WRITTEN: "Skrivet i efterhand",
        StandardSection.AUTHOR: "Den som har skrivit",
        StandardSection.AUTHOR_LATER: "Den som har skrivit",
    }
    return section.title or (titles[section.use] if section.use else "")


def registered_name_field(top: float, right: float) -> FieldSpec:
    """Return the field of the registered name, next to the title of a section at `top`, mm."""
    # Right-aligned, 0.7 mm clear of the edge and 0.8 mm below the section's top.
    box = (right - REGISTERED_WIDTH - 0.7, round(top + 0.8, 2), REGISTERED_WIDTH, 5.0)
    return FieldSpec(
        name="registrerat_namn",
        label="Enligt klientregistret",
        kind=Kind.PRINTED,
        means=Meaning.CLIENT_PRINTED,
        box=box,
    )


def continuation_label(area: Area) -> str:
    """Return the label of the line for the client on further pages."""
    return f"{'Patientens' if area is Area.HSL else 'Klientens'} namn och personnummer"


def continuation_field(page_no: int, label: str, left: float, right: float) -> FieldSpec:
    """Return the field of the client above the first section of a further page.

    Every page names its client (Vårdhandboken).
    """
    # 46 mm for the label on the left.
    box = (left + 46, 28.0, right - left - 46, 8.0)
    return FieldSpec(
        name=f"klient_sida{page_no}",
        label=label,
        label_at="left",
        kind=Kind.TEXT,
        means=Meaning.CLIENT_PRINTED,
        box=box,
    )


def _client_name_rows(*, required: bool) -> tuple[tuple[OutlineField, ...], ...]:
    number = OutlineField(
        name="personnummer",
        label="Personnummer",
        hint="ÅÅÅÅMMDD-NNNN",
        kind=Kind.DIGITS,
        format=Format.PERSONAL_NUMBER,
        critical=True,
        required=required,
        means=Meaning.CLIENT_PID,
    )
    return (
        (
            number,
            OutlineField(
                name="namn",
                label="Förnamn och efternamn",
                kind=Kind.TEXT,
                means=Meaning.CLIENT_NAME,
            ),
        ),
    )


def _event_rows() -> tuple[tuple[OutlineField, ...], ...]:
    event_date = _date_field(
        "handelsedatum", "Datum då det hände", Meaning.EVENT_DATE, required=True, critical=True
    )
    event_time = _time_field("handelsetid", "Klockslag", Meaning.EVENT_TIME, critical=True)
    # Event and writing share a row, apart by an offset.
    written_date, written_time = _written_fields()
    written_date = written_date.model_copy(update={"gap": _WRITTEN_OFFSET})
    return ((event_date, event_time, written_date, written_time),)


def _written_fields() -> tuple[OutlineField, OutlineField]:
    return _date_field(
        "skrivet_datum", "Skrivet datum, om senare", Meaning.WRITTEN_DATE
    ), _time_field("skriven_tid", "Klockslag", Meaning.WRITTEN_TIME)


def _author_rows() -> tuple[tuple[OutlineField, ...], ...]:
    return (
        (
            OutlineField(
                name="skribent",
                label="Namn",
                kind=Kind.TEXT,
                required=True,
                means=Meaning.AUTHOR_NAME,
                width=71,
            ),
            OutlineField(
                name="yrkestitel",
                label="Yrkestitel",
                kind=Kind.TEXT,
                means=Meaning.AUTHOR_TITLE,
                width=40,
            ),
            OutlineField(
                name="underskrift",
                label="Underskrift",
                kind=Kind.SIGNATURE,
                required=True,
                means=Meaning.AUTHOR_SIGNATURE,
            ),
        ),
    )


def _date_field(
    name: str, label: str, meaning: Meaning, *, required: bool = False, critical: bool = False
) -> OutlineField:
    return OutlineField(
        name=name,
        label=label,
        hint=_DAY_HINT,
        kind=Kind.DIGITS,
        format=Format.DATE,
        critical=critical,
        required=required,
        means=meaning,
    )


def _time_field(name: str, label: str, meaning: Meaning, *, critical: bool = False) -> OutlineField:
    return OutlineField(
        name=name,
        label=label,
        hint=_CLOCK_HINT,
        kind=Kind.DIGITS,
        format=Format.TIME,
        critical=critical,
        means=meaning,
    )
