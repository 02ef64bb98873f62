"""Swedish care notes to render: phrases with slots, names, and words by their frequency.

The phrases (`handwriting_phrases.txt`, one per line) are written for this; they name no real
person. Words come from `wordfreq`, names from `Faker`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.random import Generator

from pipeline.reading.fields.handwriting.network import ALPHABET

CHARACTERS = (
    "".join(dict.fromkeys(ALPHABET.replace(" ", "") + "ßàâçèêëîïñóôùûæœøÀÂÇÈÊÎÔÆØš[]{}|~«»×•"))
    + " "
)
"""What the tuned network answers for: `ALPHABET`, and what else the training lines have.

The space comes last, as in the shipped network.
"""
_KNOWN = frozenset(CHARACTERS)
PHRASES_FILE = Path(__file__).parents[1] / "data" / "handwriting_phrases.txt"
CHARACTER_REPLACEMENTS = str.maketrans(
    {"’": "'", "‘": "'", "`": "'", "“": '"', "”": '"', "„": '"', "—": "–", "…": ".", "\u00a0": " "}
)
DRUGS = (
    "Alvedon Furix Waran Trombyl Metformin Insulin Novorapid Lantus Morfin Oxynorm Citodon "
    "Cilaxoral Movicol Zopiklon Levaxin Eliquis Bricanyl"
)
MONTHS = "jan feb mars april maj juni juli aug sept okt nov dec"


def normalize_label(text: str) -> str | None:
    """Return a label as it is trained on.

    None when it has a character that the network cannot answer or marks struck-out words.
    """
    # Unify quotes, dashes and white space; refuse unknown characters and deletions.
    text = " ".join(text.translate(CHARACTER_REPLACEMENTS).split())
    return text if text and not re.search(r"[<>]", text) and is_known(text) else None


def is_known(text: str) -> bool:
    """Return whether the network can answer all characters; of some, not of their capitals."""
    return set(text) <= _KNOWN


def draw_text(rng: Generator, known: Sequence[str] | None = None) -> str:
    """Return one line that staff in care might write, 1–60 characters.

    Of the phrases only those `known`, if given.
    """
    # Half phrases, then running text, names, and contents of single slots.
    kind = rng.random()
    if kind < 0.5:
        text = fill_slots(str(rng.choice(known or load_phrases())), rng)
    elif kind < 0.8:
        text = _draw_running_text(rng)
    elif kind < 0.9:
        text = _draw_slot("namn", rng)
    else:
        text = " ".join(
            _draw_slot(str(rng.choice(sorted(SLOT_DRAWERS))), rng)
            for _ in range(int(rng.integers(1, 4)))
        )
    # A few lines in capitals.
    if rng.random() < 0.03:
        text = text.upper()
    return _shorten(" ".join(text.split()), rng)


def draw_half_dose(rng: Generator) -> str:
    """Return a dose with a half, as 1½ tabl, ½ or 2 1/2 ml."""
    whole = str(rng.choice(["", "", "1", "1", "2", "3"]))
    half = str(rng.choice(["½", "½", "½", " 1/2", " ½"]))
    before = f"{rng.choice(DRUGS.split())} " if rng.random() < 0.3 else ""
    unit = rng.choice(["", " tabl", " tabl", " tablett", " st", " ml", " tim", " E"])
    return f"{before}{(whole + half).strip()}{unit}"


def fill_slots(phrase: str, rng: Generator) -> str:
    """Return a phrase with its `{slots}` filled at random."""
    return re.sub(r"\{(\w+)\}", lambda found: _draw_slot(found[1], rng), phrase)


def _shorten(text: str, rng: Generator) -> str:
    # A random limit, at a word, from the start or from inside.
    limit = int(rng.integers(14, 56))
    if len(text) <= limit:
        return text
    start = 0
    if rng.random() < 0.5:
        start = text.find(" ", int(rng.integers(0, len(text) - limit + 1))) + 1
    return text[start : start + limit].rsplit(" ", 1)[0].strip() or text[:limit].strip()


def _draw_running_text(rng: Generator) -> str:
    words, shares = _load_words()
    # One to seven words by weight, with capitals and punctuation at times.
    chosen = [words[i] for i in rng.choice(len(words), int(rng.integers(1, 8)), p=shares)]
    if rng.random() < 0.5:
        chosen[0] = chosen[0].capitalize()
    if len(chosen) > 3 and rng.random() < 0.4:
        chosen[int(rng.integers(1, 3))] += str(rng.choice([",", ".", ":", " –", "!", "?"]))
    return " ".join(chosen) + str(rng.choice(["", "", ".", "."]))


@lru_cache(maxsize=1)
def load_phrases() -> list[str]:
    """Return phrases with slots, as in the file."""
    lines = PHRASES_FILE.read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@lru_cache(maxsize=1)
def _load_words() -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Return frequent Swedish words.

    Rare ones and those with å, ä, ö more often than in print, since those are what has to be
    learnt.
    """
    from wordfreq import top_n_list, word_frequency

    words = [w for w in top_n_list("sv", 40_000) if normalize_label(w) and len(w) > 1]
    # Flatten the frequencies, and double those of words with Swedish letters.
    weights = np.array(
        [word_frequency(w, "sv") ** 0.4 * (2.0 if set(w) & set("åäöé") else 1.0) for w in words]
    )
    return words, weights / weights.sum()


@lru_cache(maxsize=1)
def _load_names() -> list[str]:
    from faker import Faker

    # A fixed seed: the same names on every run.
    Faker.seed(1)
    fake = Faker("sv_SE")
    names = [f"{fake.first_name()} {fake.last_name()}" for _ in range(4_000)]
    return [n for n in names + [fake.street_address() for _ in range(1_000)] if normalize_label(n)]


def _draw_date(rng: Generator) -> str:
    day, month, year = (
        int(rng.integers(1, 29)),
        int(rng.integers(1, 13)),
        int(rng.integers(2019, 2028)),
    )
    name, short = MONTHS.split()[month - 1], f"{year % 100:02d}"
    ways = (
        f"{year}-{month:02d}-{day:02d}",
        f"{day}/{month}",
        f"{day}/{month} -{short}",
        f"{day} {name}",
        f"{short}{month:02d}{day:02d}",
    )
    return str(rng.choice(ways))


def _draw_time(rng: Generator) -> str:
    hour, minute = (
        int(rng.integers(0, 24)),
        int(rng.integers(12)) * 5 if rng.random() < 0.8 else int(rng.integers(60)),
    )
    ways = (
        f"{hour:02d}:{minute:02d}",
        f"{hour:02d}.{minute:02d}",
        f"kl {hour}",
        f"kl. {hour:02d}.{minute:02d}",
        f"{hour:02d}{minute:02d}",
    )
    return str(rng.choice(ways))


def _number_drawer(low: int, high: int) -> Callable[[Generator], str]:
    return lambda rng: str(int(rng.integers(low, high)))


SLOT_DRAWERS: dict[str, Callable[[Generator], str]] = {
    "datum": _draw_date,
    "tid": _draw_time,
    "namn": lambda rng: str(rng.choice(_load_names())),
    "fnamn": lambda rng: str(rng.choice(_load_names())).split()[0],
    "bt": lambda rng: f"{int(rng.integers(95, 195))}/{int(rng.integers(50, 110))}",
    "puls": _number_drawer(44, 125),
    "temp": lambda rng: f"{rng.uniform(35.4, 39.9):.1f}".replace(".", str(rng.choice([",", "."]))),
    "socker": lambda rng: f"{rng.uniform(3, 22):.1f}".replace(".", ","),
    "sat": _number_drawer(84, 100),
    "vikt": lambda rng: f"{rng.uniform(42, 110):.1f}".replace(".", ","),
    "mg": lambda rng: (
        f"{rng.choice([2.5, 5, 10, 20, 25, 40, 50, 75, 100, 250, 500, 665]):g} mg".replace(".", ",")
    ),
    "dos": lambda rng: str(
        rng.choice(
            [
                "1x1",
                "1x2",
                "1x3",
                "2x2",
                "1+0+1",
                "1 tabl",
                "2 tabl",
                "½ tabl",
                "4 E",
                "8 E",
                "12 E",
                "15 ml",
                "vb",
            ]
        )
    ),
    "medel": lambda rng: str(rng.choice(DRUGS.split())),
    "antal": _number_drawer(1, 31),
    "ml": lambda rng: f"{int(rng.integers(1, 16)) * 50} ml",
    "kr": lambda rng: f"{int(rng.integers(20, 9999))}{rng.choice([' kr', ':-', ',50 kr', ''])}",
    "tel": lambda rng: f"070-1740{int(rng.integers(605, 700))}",
}


def _draw_slot(name: str, rng: Generator) -> str:
    return SLOT_DRAWERS[name](rng)
