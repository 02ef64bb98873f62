"""A client register and a staff list of a made-up municipality.

Numbers are official test numbers; sex and age of a name are those of its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from numpy.random import Generator

from pipeline.domain.form.form import Area
from pipeline.domain.model import Client, StaffMember


def _split_words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


CLIENT_COUNT = 900
UNITS = {
    Area.HSL: "Hemsjukvården Öster",
    Area.SOL: "Hemtjänsten Kvarnbacken",
    Area.LSS: "Gruppbostaden Tallen",
    Area.IFO: "Enheten för vuxna och barn",
    Area.ADM: "Socialkontoret",
}
_SHARE_OF_OLD, _OLD_BEFORE = 0.7, "1950"
_STREETS = _split_words(
    "Storgatan Kyrkogatan Skolvägen Björkvägen Nygatan Parkvägen Ringvägen Östergatan "
    "Stationsgatan Ängsvägen Åkervägen Lingonstigen"
)
_WOMEN = {
    "old": "Astrid Ingegärd Maj Gunborg Rut Vera Sonja Inga-Lill Aina Dagny Gunvor Solveig",
    "grown": "Annika Carina Pernilla Ulrika Jessica Malin Anneli Camilla Petra Veronica Zahra",
    "young": "Alice Maja Ebba Wilma Alma Nora Saga Tyra Freja Hilda",
}
_MEN = {
    "old": "Folke Ragnar Torsten Sixten Verner Helge Einar Stig Yngve Henry Ture Sigvard",
    "grown": "Peter Håkan Jörgen Conny Patrik Robert Niklas Marcus Jimmy Dragan Abdi",
    "young": "Liam Elias Hugo Vidar Malte Noel Melker Sixten Adam Loke",
}
_SURNAMES = _split_words(
    "Andersson Johansson Nilsson Olsson Persson Svensson Bergström Lundgren Hallberg Wikström "
    "Sjögren Holmqvist Ekdahl Nordin Fransson Åberg Öberg Hägglund Löfgren Blomqvist Söderlund "
    "Wallin Forsberg Engström Hermansson Danielsson Bäckman Ahmadi Kovac Virtanen Lantz Rosén"
)
_STAFF = {
    Area.HSL: ("sjuksköterska", "sjuksköterska", "distriktssköterska", "undersköterska"),
    Area.SOL: ("undersköterska", "vårdbiträde", "undersköterska", "enhetschef"),
    Area.LSS: ("stödassistent", "stödpedagog", "stödassistent", "enhetschef"),
    Area.IFO: ("socialsekreterare", "socialsekreterare", "biståndshandläggare", "enhetschef"),
    Area.ADM: ("administratör", "ekonom", "nämndsekreterare", "registrator"),
}
_STAFF_EACH = 2
"""How many people of each row of a unit's titles."""


@dataclass(frozen=True, slots=True)
class Municipality:
    """Everybody who is named on paper, by area of law, and what the reader knows of them."""

    clients: tuple[Client, ...]
    staff: tuple[StaffMember, ...]

    def clients_of(self, area: Area) -> Sequence[Client]:
        """Return the clients of an area's unit; all of them in the office."""
        return [one for one in self.clients if one.unit == UNITS[area]] or self.clients

    def staff_of(self, area: Area) -> Sequence[StaffMember]:
        """Return the staff of an area's unit."""
        return [one for one in self.staff if one.unit == UNITS[area]]


def make_municipality(numbers_file: Path, rng: Generator) -> Municipality:
    """Make a register of `CLIENT_COUNT` clients and a staff list.

    Args:
        numbers_file: Skatteverket's test personal numbers, one a line.
        rng: chooses numbers and names.
    """
    numbers = [str(one) for one in rng.permutation(numbers_file.read_text("utf-8").split())]
    old = [one for one in numbers if "1922" < one < _OLD_BEFORE]
    others = [one for one in numbers if _OLD_BEFORE <= one < "2020"]
    count = round(CLIENT_COUNT * _SHARE_OF_OLD)
    chosen = [*old[:count], *others[: CLIENT_COUNT - min(count, len(old))]]
    areas = [area for area in UNITS if area is not Area.ADM]
    clients = tuple(
        Client(
            number,
            name_for(number, rng),
            UNITS[areas[int(rng.integers(len(areas)))]],
            address=f"{rng.choice(_STREETS)} {rng.integers(1, 60)}",
        )
        for number in chosen
    )
    return Municipality(clients, _make_staff(rng))


def name_for(number: str, rng: Generator) -> str:
    """Return a name as people of this personal number's sex and age have."""
    # The last digit but one is odd for men.
    names = _MEN if int(number[10]) % 2 else _WOMEN
    age = "old" if number < "1955" else "grown" if number < "1996" else "young"
    surname = str(rng.choice(_SURNAMES))
    return f"{rng.choice(names[age].split())} {surname}"


def _make_staff(rng: Generator) -> tuple[StaffMember, ...]:
    given = (_WOMEN["grown"] + " " + _MEN["grown"]).split()
    members: list[StaffMember] = []
    for area, titles in _STAFF.items():
        taken: set[str] = set()
        for title in titles * _STAFF_EACH:
            while True:
                name = f"{rng.choice(given)} {rng.choice(_SURNAMES)}"
                signature = "".join(part[0] for part in name.split())
                if signature not in taken:
                    break
            taken.add(signature)
            members.append(StaffMember(name, title, signature, UNITS[area]))
    return tuple(members)
