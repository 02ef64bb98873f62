"""A client register for simulation, made of official test numbers: families, namesakes, twins, same-day births and people of a hundred years.

Names are invented, from common Swedish given names and surnames put together of two parts, some far more common than others, as in life.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from numpy.random import Generator

from pipeline.model import Client


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


GIVEN = _words(
    "Anna Maria Margareta Elisabeth Eva Kristina Birgitta Karin Elisabet Marie Ingrid Christina Sofia Linnéa Kerstin Lena Helena Marianne Emma Inger "
    "Johanna Linda Elin Monica Sara Ulla Viola Gun Astrid Märta Elsa Greta Svea Signe Barbro Britta Berit Siv Gunilla Lisa Agneta Susanne Åsa Ylva "
    "Erik Lars Karl Anders Johan Per Nils Carl Mikael Jan Hans Peter Olof Lennart Gunnar Sven Fredrik Bengt Bo Daniel Gustav Göran Åke Magnus Stefan "
    "Göte Sture Arne Rune Allan Holger Birger Evert Tage Östen Örjan Björn Leif Kjell Ingemar Tommy Roland Ulf Mats Thomas Henrik Oskar Viktor Axel "
    "Fatima Amina Mohammed Ali Ahmed Hassan Omar Leyla Mira Aino Väinö Eino Tuula Pirjo Ritva Matti Juhani"
)
COMMON = _words("Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Pettersson Jonsson Jansson Hansson")
FIRST = _words(
    "Lind Berg Sjö Sand Lund Ek Björk Ström Gran Hed Söder Norr Öst Väst Ny Fors Hög Dal Åker Sten Rönn Häll Vik Malm Ceder Blom Sved Holm"
)
LAST = _words("qvist berg ström gren man lund dahl holm mark vall stedt lind fors ner berger ås")
UNITS = 40
CLIENTS = 5_000
OLD, OLDER_THAN = 800, "1926"
GROWN_UP, YOUNGER_THAN = 1_000, "1980"
COORDINATION = 150
TWINS, FAMILIES = 200, 250


@dataclass(frozen=True, slots=True)
class Population:
    """The register, those not in it (numbers), and for each client by place the places of those easily taken for it."""

    clients: tuple[Client, ...]
    strangers: tuple[str, ...]
    alike: dict[int, tuple[int, ...]]


def numbers(folder: Path, half: int) -> tuple[list[str], list[str]]:
    """Personal and coordination numbers of the official lists whose birth date falls in a half (0 or 1); one is for choosing, one for reporting."""
    personal = (folder / "testpersonnummer.txt").read_text("utf-8").split()
    coordination: list[str] = json.loads((folder / "skatteverket-testsamordningsnummer.json").read_text("utf-8"))
    return [n for n in dict.fromkeys(personal) if _half(n) == half], [n for n in dict.fromkeys(coordination) if _half(n) == half]


def _half(number: str) -> int:
    return hashlib.sha256(number[:8].encode()).digest()[0] % 2


def population(folder: Path, half: int, rng: Generator) -> Population:
    """5,000 clients in 40 units. Members of a family are in one unit, mostly."""
    personal, coordination = numbers(folder, half)
    chosen, rest = _chosen(personal, rng)
    extra = [str(n) for n in rng.permutation(coordination)[:COORDINATION]]
    clients = [Client(number, _name(rng), _unit(rng)) for number in (*chosen, *extra)]
    alike: dict[int, set[int]] = defaultdict(set)
    _make_twins(clients, alike, rng)
    _make_families(clients, alike, rng)
    return Population(tuple(clients), tuple(rest), {place: tuple(sorted(others)) for place, others in alike.items()})


def _chosen(personal: Sequence[str], rng: Generator) -> tuple[list[str], list[str]]:
    shuffled = [str(n) for n in rng.permutation(personal)]
    old = [n for n in shuffled if n < OLDER_THAN]
    grown = [n for n in shuffled if OLDER_THAN <= n < YOUNGER_THAN]
    young = [n for n in shuffled if n >= YOUNGER_THAN]
    taken = old[:OLD] + grown[:GROWN_UP]
    taken += _with_siblings(young, CLIENTS - COORDINATION - len(taken))
    left = set(taken)
    return taken, [n for n in shuffled if n not in left]


def _with_siblings(numbers_: Sequence[str], count: int) -> list[str]:
    """So many, first those that share their birth date with another."""
    by_day: dict[str, list[str]] = defaultdict(list)
    for number in numbers_:
        by_day[number[:8]].append(number)
    shared = [n for day in by_day.values() if len(day) > 1 for n in day][: 4 * TWINS]
    others = [n for n in numbers_ if n not in set(shared)]
    return [*shared, *others][:count]


def _make_twins(clients: list[Client], alike: dict[int, set[int]], rng: Generator) -> None:
    by_day: dict[str, list[int]] = defaultdict(list)
    for place, client in enumerate(clients):
        by_day[client.pid[:8]].append(place)
    for one, other in [day[:2] for day in by_day.values() if len(day) > 1][:TWINS]:
        first, second = clients[one], clients[other]
        given = str(rng.choice(GIVEN)) if rng.random() < 0.7 else _near(first.name.split()[0], rng)
        clients[other] = Client(second.pid, f"{given} {first.name.split()[-1]}", first.unit)
        alike[one].add(other)
        alike[other].add(one)


def _near(given: str, rng: Generator) -> str:
    """Twins like Lena and Lisa: the same initial."""
    same = [name for name in GIVEN if name[0] == given[0] and name != given]
    return str(rng.choice(same)) if same else given


def _make_families(clients: list[Client], alike: dict[int, set[int]], rng: Generator) -> None:
    """Parents and children with the same name, 20 to 40 years apart."""
    places = [int(p) for p in rng.permutation(len(clients))]
    made = 0
    for one, other in zip(places[::2], places[1::2], strict=False):
        years = abs(int(clients[one].pid[:4]) - int(clients[other].pid[:4]))
        if not 20 <= years <= 40 or one in alike or other in alike:
            continue
        unit = clients[one].unit if rng.random() < 0.7 else clients[other].unit
        clients[other] = Client(clients[other].pid, clients[one].name, unit)
        alike[one].add(other)
        alike[other].add(one)
        made += 1
        if made == FAMILIES:
            return


def _name(rng: Generator) -> str:
    given = GIVEN[min(int(rng.exponential(30)), len(GIVEN) - 1)]
    if rng.random() < 0.35:
        return f"{given} {COMMON[min(int(rng.exponential(4)), len(COMMON) - 1)]}"
    return f"{given} {rng.choice(FIRST)}{rng.choice(LAST)}"


def _unit(rng: Generator) -> str:
    kind = ("Hemtjänsten", "Hemsjukvården", "Särskilt boende", "Boendestöd")
    number = int(rng.integers(UNITS))
    return f"{kind[number % 4]} {FIRST[number // 4]}{LAST[number % len(LAST)]}"
