"""Measure names and titles weighed by lists: of people on them, and of people who are not.

    python -m research.evaluation.persons.listed_names --data FOLDER --pages 34

Held-out writers write names, titles and clients' numbers on pages (`apart`), which are scanned and
registered. Each line is read with a staff list of 1,000, whose units are not known, or a register
of 5,000 clients: with the person on it; without, but with another name one letter away; and without
anybody alike. What to look for is a line of high confidence although another person is meant.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.random import Generator
from rapidfuzz.distance import Levenshtein

from pipeline.domain.errors import RegistrationError
from pipeline.domain.form.confidence import PREFILL_FROM_BY_KIND, Share
from pipeline.domain.form.field import Kind, Meaning
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Client, Reading, StaffMember, Value
from pipeline.domain.settings import ROOT
from pipeline.files.images import decode_image
from pipeline.reading.identify.identify import identify_page
from pipeline.reading.page_checks.page_context import PageContext
from pipeline.reading.read_page import expected_names, known_texts, read_fields
from pipeline.reading.register.register import register_page
from pipeline.reading.register.template_images import template_image
from pipeline.reading.resolve.known_names import weigh_client_names, weigh_staff
from pipeline.reading.resolve.resolve import ReadingContext
from pipeline.registers.client_check import split_words
from pipeline.registers.clients import ClientRegister
from pipeline.registers.staff import StaffRegister
from research.evaluation.apart.hands import Hand, load_hands
from research.evaluation.apart.pages import write_page
from research.evaluation.apart.values import FilledPage
from research.evaluation.measure import EvaluationData
from research.evaluation.persons.measure import IDENTITY_FOLDER, REPORTING_HALF
from research.evaluation.persons.register import (
    COMMON_SURNAMES,
    GIVEN_NAMES,
    SURNAME_BEGINNINGS,
    SURNAME_ENDINGS,
    make_population,
)

SEED = 20261203
STAFF_COUNT, WRITERS_ON_LIST = 1_000, 500
SURE_FROM = PREFILL_FROM_BY_KIND[Kind.TEXT]
TITLES = tuple(
    """
    sjuksköterska undersköterska vårdbiträde enhetschef arbetsterapeut fysioterapeut skötare dietist
    distriktssköterska stödassistent stödpedagog socialsekreterare biståndshandläggare kurator
    administratör boendestödjare läkare samordnare verksamhetschef
    """.split()  # noqa: SIM905
)
SURNAMES = tuple(
    dict.fromkeys([*COMMON_SURNAMES, *(a + b for a in SURNAME_BEGINNINGS for b in SURNAME_ENDINGS)])
)
_ALIKE = dict(zip("aoeinmrvtlugyåäöbhk", "oaclunvrltnqjäaohbh", strict=True))
"""A letter that looks like each letter."""
NAMES_FORM, WIDE_FORM = "signaturfortydligande", "matbestallning"
NAME, TITLE = "namn", "yrkestitel"


@dataclass(frozen=True, slots=True)
class WrittenPage:
    """A page that was written, scanned and registered, and what is in its fields."""

    context: PageContext
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class WeighedLine:
    """A line as it was read by itself, and weighed by a list."""

    truth: str
    alone: Reading
    weighed: Reading


@dataclass(frozen=True, slots=True)
class Finding:
    """What a list did to lines of one kind."""

    name: str
    lines: tuple[WeighedLine, ...]


def write_pages(
    form: Form, texts: Mapping[str, Sequence[str]], hands: Sequence[Hand], count: int
) -> list[WrittenPage]:
    """Write texts in the columns of so many pages, scan and register these.

    Args:
        form: with the columns in its table.
        texts: to choose from, by column.
        hands: who write, one page each in turn.
        count: of pages.
    """
    pages = []
    for number in range(count):
        rng = np.random.default_rng([SEED, number])
        specs = [spec for spec in form.pages[0].all_fields if spec.row and spec.column in texts]
        values = {spec.name: str(rng.choice(texts[spec.column])) for spec in specs}
        nobody = StaffMember("", "", "", "")
        filled = FilledPage(form, 1, values, frozenset(), frozenset(), nobody)
        page = write_page(filled, hands[number % len(hands)], rng)
        image = decode_image(page.scan.data, page.scan.media_type)
        try:
            registration = register_page(image, identify_page(image), template_image(form, 1))
        except RegistrationError:
            continue
        context = PageContext.of(image, form, 1, registration, frozenset({Kind.TEXT}))
        pages.append(WrittenPage(context, page.filled.values))
    return pages


def read_lines(
    pages: Sequence[WrittenPage], column: str, means: Meaning | None, known: ReadingContext
) -> Iterator[WeighedLine]:
    """Read a column of pages as if it meant something, by itself and weighed by what is known."""
    for page in pages:
        form = with_meaning(page.context.form, column, means)
        context = replace(page.context, form=form)
        alone = read_fields(context, expected_names(known), known_texts(known))
        weighed = dict(alone)
        if known.staff is not None:
            weighed |= weigh_staff(context.fields, form, alone, known.staff)
        if known.register is not None:
            weighed |= weigh_client_names(context.fields, form, alone, known.register)
        for spec in context.fields:
            if spec.column == column and spec.name in page.values:
                truth = str(page.values[spec.name])
                yield WeighedLine(truth, alone[spec.name], weighed[spec.name])


def with_meaning(form: Form, column: str, means: Meaning | None) -> Form:
    """Return a form of which only a column is read, and means something."""
    stored = form.model_dump(mode="json")
    page = stored["pages"][0]
    page["fields"] = []
    page["table"]["fields"] = [one for one in page["table"]["fields"] if one["name"] == column]
    page["table"]["fields"][0]["means"] = means
    return Form.model_validate(stored)


def name_alike(name: str, rng: Generator) -> str:
    """Return another name one letter away: of a common one, else with a letter that looks alike."""
    given, surname = name.split(" ", 1)
    others = [f"{one} {surname}" for one in GIVEN_NAMES if Levenshtein.distance(one, given) == 1]
    others += [f"{given} {one}" for one in SURNAMES if Levenshtein.distance(one, surname) == 1]
    if others:
        return str(rng.choice(others))
    place = int(rng.choice([i for i, letter in enumerate(name) if letter in _ALIKE]))
    return name[:place] + _ALIKE[name[place]] + name[place + 1 :]


def make_names(count: int, rng: Generator) -> list[str]:
    """Return so many different full names."""
    names: dict[str, None] = {}
    while len(names) < count:
        names[f"{rng.choice(GIVEN_NAMES)} {rng.choice(SURNAMES)}"] = None
    return list(names)


def make_staff(names: Sequence[str], titles: Sequence[str], rng: Generator) -> StaffRegister:
    """Return a staff list of these people and titles."""
    return StaffRegister(
        StaffMember(name, str(rng.choice(titles)), "AB", f"Enhet {place // 20}")
        for place, name in enumerate(names)
    )


def measure_staff(hands: Sequence[Hand], count: int) -> Iterator[Finding]:
    """Measure the names of authors and in other lines, and titles.

    Half of the titles are on the list, and so are written by whom it lists or not.
    """
    rng = np.random.default_rng([SEED, 10_000])
    names = make_names(WRITERS_ON_LIST + STAFF_COUNT, rng)
    writers, others = names[:WRITERS_ON_LIST], names[WRITERS_ON_LIST:]
    form = Forms.load(ROOT / "forms").latest(NAMES_FORM)
    pages = write_pages(form, {NAME: writers, TITLE: TITLES}, hands, count)
    rest = others[: STAFF_COUNT - WRITERS_ON_LIST]
    alike = [name_alike(name, rng) for name in writers]
    lists = {
        "listed": [*writers, *rest],
        "not listed, another one letter away": [*(set(alike) - set(writers)), *rest],
        "not listed": others,
    }
    for says, listed in lists.items():
        known = ReadingContext(staff=make_staff(listed, TITLES, rng))
        lines = tuple(read_lines(pages, NAME, Meaning.AUTHOR_NAME, known))
        yield Finding(f"author, {says}", lines)
        yield Finding(f"any line, {says}", tuple(read_lines(pages, NAME, None, known)))
    known = ReadingContext(staff=make_staff(rest, TITLES[::2], rng))
    lines = tuple(read_lines(pages, TITLE, Meaning.AUTHOR_TITLE, known))
    yield Finding("title, listed", tuple(one for one in lines if one.truth in TITLES[::2]))
    yield Finding("title, not listed", tuple(one for one in lines if one.truth in TITLES[1::2]))


def measure_clients(hands: Sequence[Hand], count: int) -> Iterator[Finding]:
    """Measure names with numbers, written by hand: of clients, and of people of their families."""
    people = make_population(IDENTITY_FOLDER, REPORTING_HALF, np.random.default_rng([SEED, 20_000]))
    chosen = sorted(people.alike)[:WRITERS_ON_LIST]
    form = Forms.load(ROOT / "forms").latest(WIDE_FORM)
    texts = [_client_line(people.clients[i]) for i in chosen]
    pages = write_pages(form, {NAME: texts}, hands, count)
    left_out = set(chosen)
    registers = {
        "registered": people.clients,
        "not registered": [one for i, one in enumerate(people.clients) if i not in left_out],
    }
    for says, clients in registers.items():
        known = ReadingContext(ClientRegister(clients))
        lines = tuple(read_lines(pages, NAME, Meaning.CLIENT_PRINTED, known))
        yield Finding(f"name with number, {says}", lines)


def _client_line(client: Client) -> str:
    return f"{client.name} {client.pid[:8]}-{client.pid[8:]}"


def _is_right(line: WeighedLine, reading: Reading) -> bool:
    read, truth = (
        "".join(split_words(str(text).replace("-", ""))) for text in (reading.value, line.truth)
    )
    return read == truth


def format_table(findings: Sequence[Finding]) -> str:
    """Return a Markdown table: lines that are right, sure, and sure but wrong, before and after."""
    rows = ["| lines | read | right | | sure | | wrong of these | |", "|---|" + "--:|" * 7]
    for one in findings:
        cells = [one.name, f"{len(one.lines):,}"]
        pairs = [
            [(line, line.alone) for line in one.lines],
            [(line, line.weighed) for line in one.lines],
        ]
        right = [sum(_is_right(*pair) for pair in way) / max(1, len(way)) for way in pairs]
        sure = [[pair for pair in way if pair[1].p >= SURE_FROM] for way in pairs]
        wrong = [Share(sum(not _is_right(*pair) for pair in way), len(way)) for way in sure]
        cells += [f"{share:.1%}" for share in right]
        cells += [f"{len(way) / max(1, len(one.lines)):.1%}" for way in sure]
        cells += [f"{share.wrong} of {share.of} (≤ {share.interval[1]:.1%})" for share in wrong]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with handwriting/")
    parser.add_argument("--pages", type=int, default=34)
    parser.add_argument("--wrong", action="store_true", help="list the wrong sure ones too")
    args = parser.parse_args()
    strokes = EvaluationData(args.data, None).find("handwriting", "unipen_strokes.npz")
    if not strokes:
        parser.error("The strokes are not in the folder.")
    hands, _ = load_hands(strokes)
    findings = [*measure_staff(hands, args.pages), *measure_clients(hands, args.pages)]
    print(format_table(findings))
    for one in findings:
        for line in one.lines:
            if args.wrong and line.weighed.p >= SURE_FROM and not _is_right(line, line.weighed):
                print(
                    f"{one.name}: {line.truth} as {line.alone.value} ({line.alone.p:.2f}), "
                    f"{line.weighed.value} ({line.weighed.p:.3f})"
                )


if __name__ == "__main__":
    main()
