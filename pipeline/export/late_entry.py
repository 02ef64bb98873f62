"""The words that say that an entry was written on paper and brought in afterwards (efterregistrering).

Care systems know one author and no transcriber, so who wrote on paper, when, who brought it in and where the paper is must stand in the text
itself: patientdatalagen 3 kap. 6 § (who wrote and when) and 14 § (a correction shows when it was made).
"""

from __future__ import annotations

from datetime import datetime

from pipeline.authors import is_in_place_of
from pipeline.export.exporter import Item
from pipeline.record import Record, Stamp
from pipeline.settings import Settings
from pipeline.swedish_time import SWEDEN


def local(moment: datetime) -> datetime:
    """Swedish wall-clock time. A time without zone was written on paper in Sweden and is local already."""
    return moment if moment.tzinfo is None else moment.astimezone(SWEDEN).replace(tzinfo=None)


def minute(moment: datetime | None) -> str:
    """`2021-12-17 08:15`, as the fields beside it say a time, or what is said when the paper does not tell."""
    return f"{local(moment):%Y-%m-%d %H:%M}" if moment else "okänd tid"


def late_entry_text(record: Record, settings: Settings) -> str:
    """One paragraph: the outage, when it happened, the paper's author and time, who entered and verified it, the scan's id and the paper's place."""
    return " ".join((_outage(settings), f"Gäller {event_time(record)}.", _original(record), *_people(record), _whereabouts(record)))


def event_time(record: Record) -> str:
    """When it happened, in words; a day whose time of day the paper does not tell stands alone."""
    return _time(record, record.event_at, "event_at")


def written_time(record: Record) -> str:
    """When the paper was written. The forms ask for it only if it is another time than the event's."""
    if record.written_at is None:
        return event_time(record)
    return _time(record, record.written_at, "written_at")


def amendment_text(item: Item) -> str:
    """That this corrects what an earlier run carried, when and by whom; empty for a first export."""
    if item.amends is None:
        return ""
    record = item.record
    kind = "Makulering" if record.voided else "Rättelse"
    kind = "Flytt från en annan klient" if item.amends.carried and record.voided is None else kind
    return (
        f"{kind} av tidigare överförd post (körning {item.amends.run}, {minute(item.amends.made_at)}). "
        f"Version {record.revision}, {minute(record.entered.at)} av {record.entered.by}."
    )


def _time(record: Record, moment: datetime | None, name: str) -> str:
    if moment is not None and name in record.clock_unknown:
        return f"{local(moment):%Y-%m-%d} (klockslag saknas)"
    return minute(moment)


def _outage(settings: Settings) -> str:
    start, end = settings.outage_start, settings.outage_end
    if start is None:
        return "Efterregistrering efter IT-avbrott."
    if end is None:
        return f"Efterregistrering efter IT-avbrott som började {local(start):%Y-%m-%d}."
    return f"Efterregistrering efter IT-avbrott {local(start):%Y-%m-%d}–{local(end):%Y-%m-%d}."


def _original(record: Record) -> str:
    author = ", ".join(part for part in (record.author, record.author_title) if part) or "okänd (namnet framgår inte av papperet)"
    return f"Originalanteckning på papper av {author}, skriven {written_time(record)}."


def _people(record: Record) -> list[str]:
    sentences = [f"Inskriven av {_stamp(record.entered)}."]
    if record.verified:
        sentences.append(f"Kontrollerad av {_stamp(record.verified)}.")
    if record.signed:
        instead = " i stället för den som skrev" if is_in_place_of(record.signed_why) else ""
        why = f" ({record.signed_why})" if record.signed_why else ""
        sentences.append(f"Signerad av {_stamp(record.signed)}{instead}{why}.")
    return sentences


def _stamp(stamp: Stamp) -> str:
    return f"{stamp.by} {minute(stamp.at)}"


def _whereabouts(record: Record) -> str:
    place = f" Papperet finns i {record.place}." if record.place else ""
    return f"Skan-id {record.entry_id}.{place}"
