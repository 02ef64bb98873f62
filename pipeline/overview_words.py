"""What the print and the file of Läge say, in Swedish and English. A word that goes with a count has two forms, for one and for others."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.model import EntryState


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language, by what they say."""

    language: str
    print: dict[str, str]
    counted: dict[str, tuple[str, str]]
    columns: tuple[str, ...]
    file: dict[str, str]
    states: dict[EntryState, str]

    def count(self, name: str, number: int, **values: object) -> str:
        """The text of a count in the form that its number asks for."""
        return self.counted[name][number != 1].format(count=grouped(number), **values)


def grouped(number: int) -> str:
    """With a gap between thousands, which reads alike in both languages."""
    return f"{number:,}".replace(",", "\u00a0")


SWEDISH = Words(
    language="sv",
    print={
        "name": "Läge",
        "title": "Läge: efterregistrering från papper",
        "what": "Siffrorna räknar papper och poster, aldrig personer.",
        "in": "Sidor in",
        "done": "Klara",
        "waiting": "Väntar",
        "failed": "Misslyckade",
        "open": "Poster kvar att granska",
        "over": "Frist passerad",
        "soon": "Frist i dag eller i morgon",
        "missing": "Utlämnade ark saknas",
        "burn_down": "Poster kvar att granska, dag för dag",
        "nothing_scanned": "Inget papper har skannats ännu.",
        "nothing_open": "Inget väntar på granskning.",
        "early": "Ingen prognos än: det behövs tre dagars arbete.",
        "far": "I den här takten blir det inte klart inom fyra månader.",
        "beyond": "mer än 120 dagar",
        "outlook": "Klart om ungefär {middle} (mellan {best} och {worst}), om det går som de senaste två veckorna.",
        "oldest": "Äldsta händelse som inte är införd: {day}.",
        "oldest_none": "Äldsta händelse som inte är införd: ingen.",
        "second": "Klass {criticality}: {twice} av {confirmed} bekräftade är granskade av två.",
        "tempo": "Arbete kvar vid skärmen: ungefär {hours} i uppmätt takt.",
        "unit": "Enhet",
        "unit_waiting": "Sidor väntar",
        "unit_left": "Poster ej införda",
        "unit_persons": "Personer med A-poster",
        "unit_oldest": "Äldsta händelse",
        "unit_missing": "Ark saknas",
        "unit_unknown": "Okänd enhet",
    },
    counted={
        "days": ("{count} dag", "{count} dagar"),
        "silent": ("{count} exporterad post saknar kvittens, {runs}.", "{count} exporterade poster saknar kvittens, {runs}."),
        "runs": ("i {count} körning", "i {count} körningar"),
        "hours": ("{count} timme", "{count} timmar"),
        "more_units": ("Och {count} enhet till: se Läge.", "Och {count} enheter till: se Läge."),
    },
    columns=("tidpunkt", "vad", "enhet", "blankett", "klass", "grupp", "värde"),
    file={
        "pages": "sidor",
        "in": "in",
        "done": "klara",
        "waiting": "väntar",
        "failed": "misslyckade",
        "entries": "poster",
        "age": "{state}, {age} dagar",
        "void": "makulerad",
        "not_entered": "poster inte införda",
        "persons_a": "personer med poster i klass A som inte är införda",
        "oldest": "äldsta händelse inte införd",
        "due": "poster med lagfrist",
        "due.over": "passerad",
        "due.today": "i dag",
        "due.tomorrow": "i morgon",
        "due.3": "2–3 dagar",
        "due.7": "4–7 dagar",
        "due.later": "senare",
        "confirmed": "bekräftade",
        "second": "granskade av två",
        "sheets": "ark",
        "issued": "utlämnade",
        "back": "åter",
        "unused": "oanvända",
        "missing": "saknas",
        "silent": "poster utan kvittens",
        "day": "dag",
        "made": "in",
        "ended": "klara",
        "open": "kvar",
        "days_left": "dagar kvar",
        "fastest": "snabbast",
        "likely": "troligt",
        "slowest": "långsammast",
        "arriving": "sidor in om dagen",
        "seconds": "sekunder",
        "a_field": "per fält",
        "an_entry": "per post",
        "people": "personer i arbete om dagen",
        "hours_left": "timmar kvar vid skärmen",
        "wrong": "fel i bekräftade fält",
        "missed": "inlagda fel som inte ändrades",
        "controlled": "av så många",
    },
    states={state: state.value for state in EntryState},
)

ENGLISH = Words(
    language="en",
    print={
        "name": "Progress",
        "title": "Progress: entering what was written on paper",
        "what": "The figures count paper and entries, never people.",
        "in": "Pages in",
        "done": "Done",
        "waiting": "Waiting",
        "failed": "Failed",
        "open": "Entries left to review",
        "over": "Deadline passed",
        "soon": "Due today or tomorrow",
        "missing": "Sheets handed out missing",
        "burn_down": "Entries left to review, day by day",
        "nothing_scanned": "No paper has been scanned yet.",
        "nothing_open": "Nothing waits for review.",
        "early": "No forecast yet: it needs three days of work.",
        "far": "At this pace it will not be done within four months.",
        "beyond": "more than 120 days",
        "outlook": "Done in about {middle} (between {best} and {worst}), if it goes on as in the last two weeks.",
        "oldest": "Oldest event not entered: {day}.",
        "oldest_none": "Oldest event not entered: none.",
        "second": "Class {criticality}: {twice} of {confirmed} confirmed have been seen by two.",
        "tempo": "Work left at the screen: about {hours} at the measured pace.",
        "unit": "Unit",
        "unit_waiting": "Pages waiting",
        "unit_left": "Entries not entered",
        "unit_persons": "People with class A",
        "unit_oldest": "Oldest event",
        "unit_missing": "Sheets missing",
        "unit_unknown": "Unknown unit",
    },
    counted={
        "days": ("{count} day", "{count} days"),
        "silent": ("{count} exported entry has no receipt, {runs}.", "{count} exported entries have no receipt, {runs}."),
        "runs": ("in {count} run", "in {count} runs"),
        "hours": ("{count} hour", "{count} hours"),
        "more_units": ("And {count} more unit: see Progress.", "And {count} more units: see Progress."),
    },
    columns=("moment", "what", "unit", "form", "class", "group", "value"),
    file={
        "pages": "pages",
        "in": "in",
        "done": "done",
        "waiting": "waiting",
        "failed": "failed",
        "entries": "entries",
        "age": "{state}, {age} days",
        "void": "void",
        "not_entered": "entries not entered",
        "persons_a": "persons with class A not entered",
        "oldest": "oldest event not entered",
        "due": "entries with a legal deadline",
        "due.over": "passed",
        "due.today": "today",
        "due.tomorrow": "tomorrow",
        "due.3": "2–3 days",
        "due.7": "4–7 days",
        "due.later": "later",
        "confirmed": "confirmed",
        "second": "confirmed by two",
        "sheets": "sheets",
        "issued": "handed out",
        "back": "come back",
        "unused": "unused",
        "missing": "missing",
        "silent": "entries without receipt",
        "day": "day",
        "made": "in",
        "ended": "done",
        "open": "left",
        "days_left": "days left",
        "fastest": "fastest",
        "likely": "likely",
        "slowest": "slowest",
        "arriving": "pages in a day",
        "seconds": "seconds",
        "a_field": "a field",
        "an_entry": "an entry",
        "people": "people at work a day",
        "hours_left": "hours left at the screen",
        "wrong": "errors in confirmed fields",
        "missed": "planted errors that were not changed",
        "controlled": "of so many",
    },
    states={
        EntryState.REVIEW: "in review",
        EntryState.SECOND: "in second review",
        EntryState.CONFIRMED: "confirmed",
        EntryState.SIGNED: "signed",
        EntryState.EXPORTED: "exported",
        EntryState.RECEIPTED: "receipted",
        EntryState.REJECTED: "rejected",
    },
)
WORDS = {"sv": SWEDISH, "en": ENGLISH}
