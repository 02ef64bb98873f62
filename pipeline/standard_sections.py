"""Sections that are the same on every form: whom it is about, when it happened, when it was written down, who wrote it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipeline.field_spec import FieldSpec, Format, Kind, Meaning
from pipeline.outline import OutlineField, OutlineSection, Standard
from pipeline.template import Area, Subject

UNIT = FieldSpec(name="enhet", label="Enhet", kind=Kind.PRINTED, means=Meaning.UNIT, box=(22.5, 28.5, 110, 6))
"""Above the first section of every form."""
REGISTERED_WIDTH = 86.0
"""Room for the name according to the register, at the right of the client section's title, mm."""
_DAY, _CLOCK = "ÅÅÅÅ-MM-DD", "TT.MM"
_APART = 33.0
"""When it was written stands at the right of when it happened, with so much more room between them, mm."""


def standard_rows(use: Standard, area: Area, subject: Subject) -> tuple[tuple[OutlineField, ...], ...]:
    """The rows of a standard section."""
    return _ROWS[use](area, subject)


def standard_title(section: OutlineSection, area: Area) -> str:
    """The section's own title, else the one that the standard section has in this area of law."""
    titles = {
        Standard.CLIENT_IF_ANY: "Patient" if area is Area.HSL else "Klient",
        Standard.CLIENT: "Patient" if area is Area.HSL else "Klient",
        Standard.EVENT: "Tid",
        Standard.WRITTEN: "Skrivet i efterhand",
        Standard.AUTHOR: "Den som har skrivit",
        Standard.AUTHOR_LATER: "Den som har skrivit",
    }
    return section.title or (titles[section.use] if section.use else "")


def registered_name(top: float, right: float) -> FieldSpec:
    """The client's name according to the register, beside the title of a section that begins at `top`, mm."""
    box = (right - REGISTERED_WIDTH - 0.7, round(top + 0.8, 2), REGISTERED_WIDTH, 5.0)
    return FieldSpec(name="registrerat_namn", label="Enligt klientregistret", kind=Kind.PRINTED, means=Meaning.CLIENT_PRINTED, box=box)


def following_page(page_no: int, left: float, right: float) -> FieldSpec:
    """Who a further page is about, above its first section: every page names its client (Vårdhandboken)."""
    label = "Klientens namn och personnummer"
    box = (left + 46, 28.0, right - left - 46, 8.0)
    return FieldSpec(name=f"klient_sida{page_no}", label=label, label_at="left", kind=Kind.TEXT, means=Meaning.CLIENT_PRINTED, box=box)


def _client(_area: Area, subject: Subject) -> tuple[tuple[OutlineField, ...], ...]:
    return _named(required=subject is Subject.CLIENT)


def _client_if_any(_area: Area, _subject: Subject) -> tuple[tuple[OutlineField, ...], ...]:
    """Of something that may be about nobody in particular: whoever reviews has to say so."""
    return _named(required=False)


def _named(*, required: bool) -> tuple[tuple[OutlineField, ...], ...]:
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
    return ((number, OutlineField(name="namn", label="Förnamn och efternamn", kind=Kind.TEXT, means=Meaning.CLIENT_NAME)),)


def _event(_area: Area, _subject: Subject) -> tuple[tuple[OutlineField, ...], ...]:
    happened = _date("handelsedatum", "Datum då det hände", Meaning.EVENT_DATE, required=True, critical=True)
    at = _time("handelsetid", "Klockslag", Meaning.EVENT_TIME, critical=True)
    written, at_time = _when_written()
    return ((happened, at, written.model_copy(update={"gap": _APART}), at_time),)


def _written(_area: Area, _subject: Subject) -> tuple[tuple[OutlineField, ...], ...]:
    return (_when_written(),)


def _when_written() -> tuple[OutlineField, OutlineField]:
    return _date("skrivet_datum", "Skrivet datum, om senare", Meaning.WRITTEN_DATE), _time("skriven_tid", "Klockslag", Meaning.WRITTEN_TIME)


def _author(_area: Area, _subject: Subject) -> tuple[tuple[OutlineField, ...], ...]:
    return (
        (
            OutlineField(name="skribent", label="Namn", kind=Kind.TEXT, required=True, means=Meaning.AUTHOR_NAME, width=71),
            OutlineField(name="yrkestitel", label="Yrkestitel", kind=Kind.TEXT, means=Meaning.AUTHOR_TITLE, width=40),
            OutlineField(name="underskrift", label="Underskrift", kind=Kind.SIGNATURE, required=True, means=Meaning.AUTHOR_SIGNATURE),
        ),
    )


def _author_later(area: Area, subject: Subject) -> tuple[tuple[OutlineField, ...], ...]:
    return (*_author(area, subject), _when_written())


_ROWS: Mapping[Standard, Callable[[Area, Subject], tuple[tuple[OutlineField, ...], ...]]] = {
    Standard.CLIENT_IF_ANY: _client_if_any,
    Standard.CLIENT: _client,
    Standard.EVENT: _event,
    Standard.WRITTEN: _written,
    Standard.AUTHOR: _author,
    Standard.AUTHOR_LATER: _author_later,
}


def _date(name: str, label: str, means: Meaning, *, required: bool = False, critical: bool = False) -> OutlineField:
    kind, form = Kind.DIGITS, Format.DATE
    return OutlineField(name=name, label=label, hint=_DAY, kind=kind, format=form, critical=critical, required=required, means=means)


def _time(name: str, label: str, means: Meaning, *, critical: bool = False) -> OutlineField:
    return OutlineField(name=name, label=label, hint=_CLOCK, kind=Kind.DIGITS, format=Format.TIME, critical=critical, means=means)
