"""What a hurried person writes on a page: who, when and what, much of it left empty.

Numbers and names belong together, rows are used from the top, times go forwards, sums are right.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from numpy.random import Generator

from pipeline.domain.form.field import FieldSpec, Format, Kind, Meaning
from pipeline.domain.form.form import Area, Form
from pipeline.domain.model import Client, StaffMember, Value
from research.evaluation.apart.people import UNITS, Municipality
from research.evaluation.apart.words import CARE_NOTES, OFFICE_NOTES, phrases_for

OUTAGE_START, OUTAGE_END = datetime(2026, 2, 9, 6), datetime(2026, 2, 14, 20)
CORRECTED_SHARE, CANCELLED_SHARE = 0.012, 0.03
"""Share of written fields with a slip that is put right, and of marks that are taken back."""
_CHANCES = {
    Meaning.CLIENT_PID: 0.97,
    Meaning.CLIENT_NAME: 0.95,
    Meaning.CLIENT_PRINTED: 0.9,
    Meaning.CLIENT_CODE: 0.7,
    Meaning.EVENT_DATE: 0.97,
    Meaning.EVENT_TIME: 0.9,
    Meaning.WRITTEN_DATE: 0.15,
    Meaning.WRITTEN_TIME: 0.15,
    Meaning.AUTHOR_NAME: 0.95,
    Meaning.AUTHOR_TITLE: 0.75,
    Meaning.AUTHOR_SIGNATURE: 0.92,
}
"""How often a field is filled in, by its meaning."""
_KIND_CHANCES = {Kind.MARK: 0.22, Kind.CHOICE: 0.75, Kind.LINES: 0.75, Kind.SIGNATURE: 0.4}
_REQUIRED, _MAIN, _IN_ROW, _MONEY, _OTHER, _GRID = 0.96, 0.92, 0.55, 0.3, 0.4, 0.94
_MAIN_COLUMNS = re.compile(
    r"insats|lakemedel|personnummer|_vad$|belopp|datum|tid$|namn|_uttaget|_saldo"
)
"""Columns that a row is for."""
_CHILDREN = frozenset({"orosanmalan", "skyddsbedomning", "lvu-omhandertagande"})
"""Forms about a child."""
_BORN_FROM = "2008"
_PART = re.compile(r"([a-z]+)(\d+)(?:_|$)")
"""Fields of a row that is no table's: `barn2_namn`."""
_MOST_ROWS = 9
_MANY = 1000
_NUMBERS = (
    (r"puls", 56, 110),
    (r"saturation", 88, 99),
    (r"temp", 36.0, 39.2),
    (r"bt_sys", 105, 190),
    (r"bt_dia", 50, 98),
    (r"glukos", 4.2, 15),
    (r"vikt", 47, 104),
    (r"langd", 151, 189),
    (r"urin", 100, 900),
    (r"andning", 12, 26),
    (r"smarta", 0, 9),
    (r"avv\d+_dag", 9, 14),
    (r"avv\d+_rad", 1, 6),
    (r"kod$|orsak|slag", 1, 6),
    (r"alder", 1, 17),
    (r"antal|sidor|bilagor|blad|bunt|motesnummer", 1, 6),
    (r"rast", 15, 60),
    (r"uttaget|kasserat", 1, 4),
    (r"tillfort", 10, 50),
    (r"omfattning", 1, 30),
    (r"paragraf", 12, 240),
    (r"saldo", 4, 90),
    (r"", 60, 9400),
)


@dataclass(frozen=True, slots=True)
class FilledPage:
    """What is on a page.

    Attributes:
        values: of the fields that are filled in, as they are written; a date, a time and a
            personal number in boxes in their usual form.
        cancelled: marks that are filled solid, and so taken back.
        corrected: fields whose value was first written wrong and then put right.
        author: who writes.
    """

    form: Form
    page_no: int
    values: Mapping[str, Value]
    cancelled: frozenset[str]
    corrected: frozenset[str]
    author: StaffMember


@dataclass(slots=True)
class _Story:
    """What a page is about, and what has been written so far."""

    town: Municipality
    form: Form
    rng: Generator
    client: Client
    author: StaffMember
    clock: datetime
    rows: dict[str, int] = field(default_factory=dict)
    people: dict[str, Client] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    floor: dict[str, datetime] = field(default_factory=dict)

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def one_of(self, things: tuple[str, ...]) -> str:
        return things[int(self.rng.integers(len(things)))]


def fill_in(form: Form, page_no: int, town: Municipality, rng: Generator) -> FilledPage:
    """Return what a member of staff writes on a page during the outage."""
    clients, staff = town.clients_of(form.area), town.staff_of(form.area)
    if form.id in _CHILDREN:
        clients = _children(town)
    day = OUTAGE_START + timedelta(days=int(rng.integers((OUTAGE_END - OUTAGE_START).days + 1)))
    story = _Story(
        town,
        form,
        rng,
        clients[int(rng.integers(len(clients)))],
        staff[int(rng.integers(len(staff)))],
        day + timedelta(minutes=int(rng.integers(60, 12 * 60))),
    )
    specs = [spec for spec in form.pages[page_no - 1].all_fields if spec.traits.filled_by_hand]
    for prefix, count in _count_rows(specs).items():
        usual = count if count <= 2 else min(count, _MOST_ROWS)
        story.rows[prefix] = int(rng.integers(1, usual + 1))
    for spec in specs:
        if not spec.sum_of and _is_filled(spec, story):
            value = _make_value(spec, story)
            if value is not None:
                story.values[spec.name] = value
    for spec in specs:
        if spec.sum_of:
            _add_up(spec, story)
    cancelled = {
        spec.name for spec in specs if spec.kind is Kind.MARK and story.chance(CANCELLED_SHARE)
    }
    corrected = {
        spec.name
        for spec in specs
        if spec.name in story.values
        and spec.kind in (Kind.DIGITS, Kind.TEXT, Kind.CHOICE)
        and story.chance(CORRECTED_SHARE)
    }
    values = {name: value for name, value in story.values.items() if name not in cancelled}
    return FilledPage(
        form, page_no, values, frozenset(cancelled), frozenset(corrected), story.author
    )


def _row_of(spec: FieldSpec) -> tuple[str, int] | None:
    """Return the kind of row and the number of the row that a field belongs to."""
    if spec.row is not None:
        return "table", spec.row
    part = _PART.match(spec.name)
    return (part[1], int(part[2])) if part else None


def _count_rows(specs: list[FieldSpec]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for spec in specs:
        if row := _row_of(spec):
            counts[row[0]] = max(counts[row[0]], row[1])
    return counts


def _is_filled(spec: FieldSpec, story: _Story) -> bool:
    row = _row_of(spec)
    if row and row[1] > story.rows[row[0]]:
        return False
    if spec.day:
        is_within = OUTAGE_START.day <= spec.day <= OUTAGE_END.day
        return is_within and story.chance(_GRID)
    if spec.planned_by and spec.row and f"rad{spec.row:02d}.{spec.planned_by}" not in story.values:
        return False
    if spec.means is Meaning.CLIENT_PID and row:
        # Of a row with the client's code the number is left out.
        code = story.form.meaning(Meaning.CLIENT_CODE, spec.row)
        if code and code.name in story.values:
            return False
    if spec.means in _CHANCES:
        return story.chance(_CHANCES[spec.means])
    if spec.required:
        return story.chance(_REQUIRED)
    if spec.kind in _KIND_CHANCES:
        return story.chance(_KIND_CHANCES[spec.kind])
    if row and _MAIN_COLUMNS.search(spec.column):
        return story.chance(_MAIN)
    is_money = spec.format is Format.NUMBER and spec.cell_count >= 5
    return story.chance(_IN_ROW if row else _MONEY if is_money else _OTHER)


def _make_value(spec: FieldSpec, story: _Story) -> Value:
    match spec.kind:
        case Kind.MARK | Kind.SIGNATURE:
            return True
        case Kind.CHOICE:
            return spec.options[int(story.rng.integers(len(spec.options)))].value
        case Kind.INITIALS:
            if spec.codes and story.chance(0.04):
                return story.one_of(tuple(code.value for code in spec.codes))
            staff = story.town.staff_of(story.form.area)
            is_own = story.chance(0.7)
            return (
                story.author if is_own else staff[int(story.rng.integers(len(staff)))]
            ).signature
        case Kind.LETTERS:
            letters = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
            is_name = (spec.cells or 0) <= 4
            code = "".join(story.one_of(tuple(letters)) for _ in range(spec.cell_count))
            return story.author.signature if is_name else code
        case Kind.LINES:
            count = int(story.rng.integers(1, max(2, (spec.lines or 1) * 2 // 3 + 1)))
            office = story.form.area in (Area.IFO, Area.ADM)
            notes = OFFICE_NOTES if office else CARE_NOTES
            chosen = story.rng.permutation(notes)[:count]
            return " ".join(str(one) for one in chosen)
        case Kind.DIGITS:
            return _make_digits(spec, story)
        case _:
            return _make_text(spec, story)


def _person(spec: FieldSpec, story: _Story) -> Client:
    """Return the person a field is about: the page's client, the row's, a child, a relative."""
    key, row = spec.name.split("_")[0], _row_of(spec)
    has_own = bool(row and row[0] == "table" and story.form.meaning(Meaning.CLIENT_PID, spec.row))
    if spec.means in (Meaning.CLIENT_PID, Meaning.CLIENT_NAME, Meaning.CLIENT_ADDRESS):
        number = story.form.meaning(Meaning.CLIENT_PID, spec.row)
        if not (has_own and number and number.row is not None):
            return story.client
        key = f"row{spec.row}"
        fitting = list(story.town.clients_of(story.form.area))
    elif spec.means is Meaning.CLIENT_PRINTED or key == "epost":
        return story.client
    elif key.startswith("barn") and key != "barnet":
        fitting = _children(story.town)
    else:
        fitting = [one for one in story.town.clients if "1950" < one.pid < "2002"]
    if key not in story.people:
        story.people[key] = fitting[int(story.rng.integers(len(fitting)))]
    return story.people[key]


def _children(town: Municipality) -> list[Client]:
    return [one for one in town.clients if one.pid > _BORN_FROM]


def _next_time(spec: FieldSpec, story: _Story) -> datetime | None:
    """Return a time after the one before it; None after midnight."""
    start = story.floor.get(spec.name, story.clock)
    step = 5 if spec.name in story.floor else 0
    at = start + timedelta(minutes=int(story.rng.integers(step, 45)) if story.values else 0)
    if at.date() != story.clock.date():
        return None
    story.clock = max(story.clock, at)
    if spec.less_than:
        prefix = spec.name.rpartition(".")[0]
        story.floor[f"{prefix}.{spec.less_than}" if prefix else spec.less_than] = at
    return at


def _make_digits(spec: FieldSpec, story: _Story) -> Value:
    rng = story.rng
    match spec.format:
        case Format.PERSONAL_NUMBER:
            return _person(spec, story).pid
        case Format.TIME:
            at = _next_time(spec, story)
            return at.strftime("%H:%M") if at else None
        case Format.DATE:
            return _make_date(spec, story)
        case Format.CODE:
            count = spec.cell_count
            length = count if count <= 4 else int(rng.integers(max(4, count - 3), count + 1))
            return "".join(str(digit) for digit in rng.integers(10, size=length))
        case _:
            return _make_number(spec, story)


def _make_date(spec: FieldSpec, story: _Story) -> str:
    day = story.clock.date()
    if spec.means is Meaning.EVENT_DATE or spec.row is not None:
        return day.isoformat()
    if spec.means is Meaning.WRITTEN_DATE:
        later = min(day + timedelta(days=int(story.rng.integers(0, 2))), OUTAGE_END.date())
        return later.isoformat()
    if re.search(r"tom$|till$|frist|forfaller|klart|uppfoljning|period", spec.name):
        return (day + timedelta(days=int(story.rng.integers(5, 90)))).isoformat()
    return (day + timedelta(days=int(story.rng.integers(-4, 3)))).isoformat()


def _make_number(spec: FieldSpec, story: _Story) -> str:
    if spec.column.endswith("manad"):
        return f"{OUTAGE_START:%Y}{OUTAGE_START.month + int(story.rng.integers(2)):02d}"
    low, high = next((a, b) for pattern, a, b in _NUMBERS if re.search(pattern, spec.column))
    top = 10 ** (spec.cell_count - spec.decimals) - 1
    if spec.maximum is not None:
        top = min(top, spec.maximum)
    number = float(story.rng.uniform(low, min(high, top)))
    if high > _MANY:
        # Small sums are commoner than large ones, and many are round.
        number = low * (min(high, top) / low) ** float(story.rng.random())
        number = round(number, -1) if story.chance(0.5) else number
    return f"{max(number, spec.minimum or 0):.{spec.decimals}f}"


def _add_up(spec: FieldSpec, story: _Story) -> None:
    parts = [
        value
        for name, value in story.values.items()
        if name.rpartition(".")[2] in spec.sum_of and isinstance(value, str)
    ]
    total = f"{sum(float(part) for part in parts):.{spec.decimals}f}"
    if parts and len(total.replace(".", "")) <= spec.cell_count and story.chance(0.85):
        story.values[spec.name] = total


def _make_text(spec: FieldSpec, story: _Story) -> Value:
    rng = story.rng
    match spec.format:
        case Format.PHONE:
            # Numbers that the Swedish authority keeps for films.
            return f"070-174 06 {rng.integers(5, 100):02d}"
        case Format.CODE:
            return "".join(str(digit) for digit in rng.integers(10, size=9))
        case Format.DATE:
            day = story.clock.date()
            return day.isoformat() if story.chance(0.6) else f"{day.day}/{day.month}"
        case Format.TIME:
            at = _next_time(spec, story)
            return at.strftime("%H.%M" if story.chance(0.5) else "%H:%M") if at else None
    person = _person(spec, story)
    given = person.name.split()[0]
    staff = story.town.staff_of(story.form.area)
    return story.one_of(phrases_for(spec.column)).format(
        client=person.name,
        client_number=f"{person.pid[:8]}-{person.pid[8:]}",
        address=person.address,
        mail=f"{given.lower().replace('å', 'a').replace('ö', 'o')}@mail.se",
        stranger=given if spec.label == "Förnamn" else person.name,
        author=story.author.name,
        title=story.author.title,
        colleague=staff[int(rng.integers(len(staff)))].name,
        unit=UNITS[story.form.area],
        short_date=f"{story.clock.day}/{story.clock.month}",
        digits=str(rng.integers(10_000, 99_999_999)),
    )
