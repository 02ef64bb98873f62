"""Make a client register for simulation from official test numbers.

It has families, namesakes, twins, same-day births and people of a hundred years. Names are
invented, from common Swedish given names and surnames put together of two parts, some far more
common than others, as in life.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from numpy.random import Generator

from pipeline.domain.model import Client


def _split_words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GIVEN_NAMES = _split_words(
    "Anna Maria Margareta Elisabeth Eva Kristina Birgitta Karin Elisabet Marie Ingrid Christina "
    "Sofia Linnéa Kerstin Lena Helena Marianne Emma Inger "
    "Johanna Linda Elin Monica Sara Ulla Viola Gun Astrid Märta Elsa Greta Svea Signe Barbro "
    "Britta Berit Siv Gunilla Lisa Agneta Susanne Åsa Ylva "
    "Erik Lars Karl Anders Johan Per Nils Carl Mikael Jan Hans Peter Olof Lennart Gunnar Sven "
    "Fredrik Bengt Bo Daniel Gustav Göran Åke Magnus Stefan "
    "Göte Sture Arne Rune Allan Holger Birger Evert Tage Östen Örjan Björn Leif Kjell Ingemar "
    "Tommy Roland Ulf Mats Thomas Henrik Oskar Viktor Axel "
    "Fatima Amina Mohammed Ali Ahmed Hassan Omar Leyla Mira Aino Väinö Eino Tuula Pirjo Ritva "
    "Matti Juhani"
)
COMMON_SURNAMES = _split_words(
    "Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson "
    "Pettersson Jonsson Jansson Hansson"
)
SURNAME_BEGINNINGS = _split_words(
    "Lind Berg Sjö Sand Lund Ek Björk Ström Gran Hed Söder Norr Öst Väst Ny Fors Hög Dal Åker "
    "Sten Rönn Häll Vik Malm Ceder Blom Sved Holm"
)
SURNAME_ENDINGS = _split_words(
    "qvist berg ström gren man lund dahl holm mark vall stedt lind fors ner berger ås"
)
UNIT_COUNT = 40
CLIENT_COUNT = 5_000
OLD_CLIENT_COUNT, OLDER_THAN = 800, "1926"
YOUNG_CLIENT_COUNT, YOUNGER_THAN = 1_000, "1980"
COORDINATION_COUNT = 150
TWIN_COUNT, FAMILY_COUNT = 200, 250


@dataclass(frozen=True, slots=True)
class Population:
    """The register and the numbers not in it.

    For each client by place, the places of those easily confused with it.
    """

    clients: tuple[Client, ...]
    strangers: tuple[str, ...]
    alike: dict[int, tuple[int, ...]]


def load_numbers(folder: Path, half: int) -> tuple[list[str], list[str]]:
    """Return personal and coordination numbers of the official lists.

    The birth date is in a half (0 or 1); one is for tuning, one for reporting.
    """
    personal = (folder / "testpersonnummer.txt").read_text("utf-8").split()
    coordination: list[str] = json.loads(
        (folder / "skatteverket-testsamordningsnummer.json").read_text("utf-8")
    )
    return [n for n in dict.fromkeys(personal) if _number_half(n) == half], [
        n for n in dict.fromkeys(coordination) if _number_half(n) == half
    ]


def _number_half(number: str) -> int:
    # A hash of the birth date: people of one day are in the same half.
    return hashlib.sha256(number[:8].encode()).digest()[0] % 2


def make_population(folder: Path, half: int, rng: Generator) -> Population:
    """Return 5,000 clients in 40 units.

    Members of a family are mostly in one unit.
    """
    personal, coordination = load_numbers(folder, half)
    # Clients, and numbers that stay out of the register as strangers.
    chosen, rest = _choose_numbers(personal, rng)
    extra = [str(n) for n in rng.permutation(coordination)[:COORDINATION_COUNT]]
    clients = [Client(number, _random_name(rng), _random_unit(rng)) for number in (*chosen, *extra)]
    alike: dict[int, set[int]] = defaultdict(set)
    # Rename some clients to resemble others.
    _make_twins(clients, alike, rng)
    _make_families(clients, alike, rng)
    return Population(
        tuple(clients),
        tuple(rest),
        {place: tuple(sorted(others)) for place, others in alike.items()},
    )


def _choose_numbers(personal: Sequence[str], rng: Generator) -> tuple[list[str], list[str]]:
    shuffled = [str(n) for n in rng.permutation(personal)]
    # Care has many very old people: their share is fixed.
    old = [n for n in shuffled if n < OLDER_THAN]
    grown = [n for n in shuffled if OLDER_THAN <= n < YOUNGER_THAN]
    young = [n for n in shuffled if n >= YOUNGER_THAN]
    taken = old[:OLD_CLIENT_COUNT] + grown[:YOUNG_CLIENT_COUNT]
    # The remainder is of people born later, first those that share their birthday.
    taken += _choose_same_birthdays(young, CLIENT_COUNT - COORDINATION_COUNT - len(taken))
    left = set(taken)
    return taken, [n for n in shuffled if n not in left]


def _choose_same_birthdays(numbers_: Sequence[str], count: int) -> list[str]:
    """Return so many clients, first those that share their birth date with another."""
    by_day: dict[str, list[str]] = defaultdict(list)
    # Group by birth date, the first eight digits.
    for number in numbers_:
        by_day[number[:8]].append(number)
    shared = [n for day in by_day.values() if len(day) > 1 for n in day][: 4 * TWIN_COUNT]
    others = [n for n in numbers_ if n not in set(shared)]
    return [*shared, *others][:count]


def _make_twins(clients: list[Client], alike: dict[int, set[int]], rng: Generator) -> None:
    by_day: dict[str, list[int]] = defaultdict(list)
    for place, client in enumerate(clients):
        by_day[client.pid[:8]].append(place)
    # Same surname and unit; the given name in 30 % of pairs similar.
    for one, other in [day[:2] for day in by_day.values() if len(day) > 1][:TWIN_COUNT]:
        first, second = clients[one], clients[other]
        given = (
            str(rng.choice(GIVEN_NAMES))
            if rng.random() < 0.7
            else _similar_name(first.name.split()[0], rng)
        )
        clients[other] = Client(second.pid, f"{given} {first.name.split()[-1]}", first.unit)
        alike[one].add(other)
        alike[other].add(one)


def _similar_name(given: str, rng: Generator) -> str:
    """Return a similar name with the same initial, as twins have (Lena and Lisa)."""
    same = [name for name in GIVEN_NAMES if name[0] == given[0] and name != given]
    return str(rng.choice(same)) if same else given


def _make_families(clients: list[Client], alike: dict[int, set[int]], rng: Generator) -> None:
    """Add parents and children with the same name, 20 to 40 years apart."""
    # Random pairs of clients, until enough are a generation apart.
    places = [int(p) for p in rng.permutation(len(clients))]
    made = 0
    for one, other in zip(places[::2], places[1::2], strict=False):
        years = abs(int(clients[one].pid[:4]) - int(clients[other].pid[:4]))
        if not 20 <= years <= 40 or one in alike or other in alike:
            # 70 % of families are in one unit.
            continue
        unit = clients[one].unit if rng.random() < 0.7 else clients[other].unit
        clients[other] = Client(clients[other].pid, clients[one].name, unit)
        alike[one].add(other)
        alike[other].add(one)
        made += 1
        if made == FAMILY_COUNT:
            return


def _random_name(rng: Generator) -> str:
    # Exponential rank: common names are more frequent.
    given = GIVEN_NAMES[min(int(rng.exponential(30)), len(GIVEN_NAMES) - 1)]
    # A third has a common surname, the others a composed one.
    if rng.random() < 0.35:
        return f"{given} {COMMON_SURNAMES[min(int(rng.exponential(4)), len(COMMON_SURNAMES) - 1)]}"
    return f"{given} {rng.choice(SURNAME_BEGINNINGS)}{rng.choice(SURNAME_ENDINGS)}"


def _random_unit(rng: Generator) -> str:
    kind = ("Hemtjänsten", "Hemsjukvården", "Särskilt boende", "Boendestöd")
    number = int(rng.integers(UNIT_COUNT))
    return (
        f"{kind[number % 4]} "
        f"{SURNAME_BEGINNINGS[number // 4]}{SURNAME_ENDINGS[number % len(SURNAME_ENDINGS)]}"
    )
