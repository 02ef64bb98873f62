"""Measure how many fields a person need not type, and how many of these are wrong unseen.

A field need not be typed if its reading has at least the p from which review shows it filled in
(`prefill_from`); critical fields are typed all the same. By kind and by what is true of the field:

    python -m research.evaluation.untyped                                  # the demo stack
    python -m research.evaluation.untyped --pages 86 --data FOLDER --mnist FOLDER
    python -m research.evaluation.untyped --apart 200 --data FOLDER           # pages drawn apart
    python -m research.evaluation.untyped --apart 200 --judge --data FOLDER   # by other writers
    python -m research.evaluation.untyped --scans --data FOLDER               # real sheets

A second table counts false flags: nothing on these pages is struck out, covered, in red or beside
its field, but for what was corrected or taken back, which is left out. `--scans` reads the three
real sheets of others for it.

With `--pages` own pages are printed, filled in the fonts and digits of people that no curve was
fitted to, scanned at 300 and 200 dpi, grey, in colour and in black and white, and read as any page
is. With `--apart` they are filled in by code that shares nothing with the training (`apart`), and
the fields of a page that is not read have to be typed. `--judge` takes pages and writers that
nothing was improved with. `--curves FILE` reads with other curves.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
import yaml

from pipeline.domain.errors import AnswerError
from pipeline.domain.form.confidence import Share
from pipeline.domain.form.field import FieldSpec, Format, Meaning
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.issues import IssueCode, Scope, Severity, parse_issues
from pipeline.domain.model import Outcome, Reading, State, Value
from pipeline.domain.review.rules import Answer, agrees_with_reading, normalize_answer, prefill_from
from pipeline.domain.settings import ROOT, Settings
from pipeline.files.page_files import read_pages
from pipeline.preparation.practice.fill_sheet import SOLID_MARK
from pipeline.reading.calibration import curves
from pipeline.reading.read_page import PageReader
from pipeline.registers.clients import load_client_register
from pipeline.registers.staff import StaffRegister, load_staff
from research.evaluation.apart.pages import PageSet, ScannedPage, draw_pages, make_town
from research.evaluation.apart.values import OUTAGE_END, OUTAGE_START
from research.evaluation.fields.boxes import load_unseen_digits
from research.evaluation.fields.field_values import make_values
from research.evaluation.fields.filled_pages import make_digit_writers
from research.evaluation.fields.scanned_pages import (
    SCANNER_MODES,
    fill_printed_page,
    scan_printed_page,
)
from research.evaluation.measure import EvaluationData
from research.training.handwriting.lines import find_fonts

SEED = 20261130
_SAMPLES = ROOT / "data" / "samples"
_WRITERS = 12
_ELSEWHERE = ROOT / "tests" / "data" / "forms_elsewhere"
_SEEN_AMISS = frozenset(
    code
    for code in IssueCode
    if code.severity is Severity.LOW_CONFIDENCE and code.scope in (Scope.FIELD, Scope.PAGE)
) | {IssueCode.STRUCK_OUT}
"""What lowers p for something seen in the image."""
_CLIENT_MEANINGS = frozenset({Meaning.CLIENT_PID, Meaning.CLIENT_NAME})
"""What is printed on the sheets of known clients, and so not written."""


@dataclass(frozen=True, slots=True)
class ReadField:
    """A field that a person is asked for: what is true of it, and what was read.

    `flags` are what the program saw amiss in its image, or in that of its page.
    """

    spec: FieldSpec
    says: str
    reading: Reading
    right: bool
    flags: frozenset[IssueCode] = frozenset()

    @property
    def is_sure(self) -> bool:
        """Whether review shows the reading, and does not ask for it."""
        is_read = self.reading.state is not State.ILLEGIBLE
        return is_read and self.reading.p >= prefill_from(self.spec)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=0, help="own filled pages, not the stack")
    parser.add_argument("--apart", type=int, default=0, help="pages filled in by code apart")
    parser.add_argument("--judge", action="store_true", help="other pages apart, by other writers")
    parser.add_argument("--scans", action="store_true", help="real sheets of others")
    parser.add_argument("--data", type=Path, help="folder with handwriting/")
    parser.add_argument("--mnist", type=Path)
    parser.add_argument("--curves", type=Path, default=curves.SHIPPED_CALIBRATION)
    parser.add_argument("--wrong", action="store_true", help="list the wrong ones too")
    args = parser.parse_args()
    with patch.object(curves, "SHIPPED_CALIBRATION", args.curves):
        data = EvaluationData(args.data, args.mnist)
        fields = list(
            read_own_pages(args.pages, data)
            if args.pages
            else read_pages_apart(
                args.apart, PageSet.JUDGING if args.judge else PageSet.DEVELOPMENT, data
            )
            if args.apart
            else read_scans(data)
            if args.scans
            else read_stack()
        )
    print(format_table(fields))
    print(f"\n{format_flags(fields)}")
    for one in fields:
        if args.wrong and one.is_sure and not one.right:
            print(f"{one.spec.kind} {one.spec.name} {one.says}: {one.reading}")


def read_stack() -> Iterator[ReadField]:
    """Read the demo stack, with its registers and outage; yield the fields of each known page."""
    settings = Settings(
        workspace=_SAMPLES,
        outage_start=datetime(2021, 12, 16, 3),
        outage_end=datetime(2022, 1, 10, 8),
    )
    reader = PageReader.of(
        settings,
        load_client_register(_SAMPLES / "klienter.csv").clients,
        load_staff(_SAMPLES / "personal.csv"),
    )
    with (_SAMPLES / "utlamnade.csv").open(encoding="utf-8") as stream:
        printed = {
            row["löpnummer"] for row in csv.DictReader(stream, delimiter=";") if row["personnummer"]
        }
    wanted: dict[str, dict[int, Any]] = defaultdict(dict)
    for page in json.loads((_SAMPLES / "expected.json").read_text("utf-8")):
        if page["outcome"] == "read" and page["values"]:
            wanted[page["file"]][page["page"]] = page
    for file, pages in wanted.items():
        for scan in read_pages(_SAMPLES / "stack" / file):
            page = pages.get(scan.source_page)
            if page and scan.data is not None:
                yield from (
                    one
                    for one in _read_page(reader, scan.data, scan.media_type, page["values"])
                    if not (page["serial"] in printed and one.spec.means in _CLIENT_MEANINGS)
                )


def read_own_pages(count: int, data: EvaluationData) -> Iterator[ReadField]:
    """Print, fill in, scan and read so many pages of the project's forms.

    Raises:
        FileNotFoundError: the fonts or digits are not there.
    """
    digits, fonts = load_unseen_digits(data), data.find("handwriting", "fonts_train")
    if not digits or not fonts:
        raise FileNotFoundError("Own pages need --data with handwriting/ and --mnist.")
    # Every other held-out font judges; the curves were fitted to the rest.
    random = np.random.default_rng(SEED)
    people = make_digit_writers(find_fonts(fonts, held=True)[1::2], digits, _WRITERS, random)
    forms = Forms.load(ROOT / "forms")
    reader = PageReader.of_forms(forms, load_client_register(_SAMPLES / "klienter.csv").clients)
    latest = [forms.latest(form_id) for form_id in sorted({form_id for form_id, _ in forms})]
    for number in range(count):
        form, person = latest[number % len(latest)], people[number % len(people)]
        values = make_values(form, random)
        paper = fill_printed_page(form, 1, values, person, random)
        image = scan_printed_page(paper, SCANNER_MODES[number % len(SCANNER_MODES)], random)
        encoded = cv2.imencode(".png", image)[1].tobytes()
        yield from _read_page(reader, encoded, "image/png", values)


def read_pages_apart(count: int, pages: PageSet, data: EvaluationData) -> Iterator[ReadField]:
    """Read so many pages that share no code with the training; see `research.evaluation.apart`.

    Raises:
        FileNotFoundError: the strokes or the test numbers are not there.
    """
    strokes = data.find("handwriting", "unipen_strokes.npz")
    numbers = data.find("schemas", "identity", "testpersonnummer.txt")
    if not strokes or not numbers:
        raise FileNotFoundError("Pages apart need --data with handwriting/ and schemas/identity/.")
    town = make_town(numbers, pages)
    settings = Settings(workspace=_SAMPLES, outage_start=OUTAGE_START, outage_end=OUTAGE_END)
    reader = PageReader.of(settings, town.clients, StaffRegister(town.staff))
    latest = [reader.forms.latest(form_id) for form_id in sorted({one for one, _ in reader.forms})]
    for page in islice(draw_pages(latest, pages, town, strokes), count):
        yield from read_page_apart(reader, page)


def read_page_apart(reader: PageReader, page: ScannedPage) -> Iterator[ReadField]:
    """Read a page; where it is not read, all its fields are unsure and wrong."""
    filled = page.filled
    values = {
        **{name: _complete_day(filled.form.by_name[name], v) for name, v in filled.values.items()},
        **dict.fromkeys(filled.cancelled, SOLID_MARK),
    }
    fields = list(_read_page(reader, page.scan.data, page.scan.media_type, values))
    unread = Reading(None, 0.0, State.ILLEGIBLE)
    for one in fields or [
        ReadField(spec, "written" if spec.name in values else "empty", unread, right=False)
        for spec in _asked_fields(filled.form, filled.page_no)
    ]:
        yield replace(one, says="corrected") if one.spec.name in filled.corrected else one


def read_scans(data: EvaluationData) -> Iterator[ReadField]:
    """Read the real sheets of others that the tests describe.

    Raises:
        FileNotFoundError: the scans are not there.
    """
    scans = data.find("scans")
    if not scans:
        raise FileNotFoundError("Real sheets need --data with scans/.")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shutil.copytree(_ELSEWHERE, folder, dirs_exist_ok=True)
        truths = [yaml.safe_load(path.read_text("utf-8")) for path in folder.glob("*/truth.yaml")]
        for path, truth in zip(folder.glob("*/truth.yaml"), truths, strict=True):
            blank = scans / truth["blank"]
            shutil.copy(blank, path.with_name(f"blank{blank.suffix}"))
        reader = PageReader.of_forms(Forms.load(folder))
        for truth in truths:
            for sheet, values in truth["sheets"].items():
                page = next(read_pages(scans / sheet))
                yield from _read_page(reader, page.data or b"", page.media_type, values)


def _complete_day(spec: FieldSpec, value: Value) -> Value:
    """Return the day of the outage that a person wrote without its year."""
    if spec.format is not Format.DATE or "/" not in str(value):
        return value
    day, month = map(int, str(value).split("/"))
    return date(OUTAGE_START.year, month, day).isoformat()


def _asked_fields(form: Form, page_no: int) -> Iterator[FieldSpec]:
    """Yield the fields of which a person would type a value that can be judged."""
    for spec in form.pages[page_no - 1].all_fields:
        if spec.traits.filled_by_hand and not spec.traits.is_multiline and not spec.takes_code:
            yield spec


def _read_page(
    reader: PageReader, data: bytes, media_type: str, values: Mapping[str, Value]
) -> Iterator[ReadField]:
    reading = reader.read(data, media_type).reading
    if reading.outcome is not Outcome.READ or reading.code is None:
        return
    form = reader.forms[reading.code.form, reading.code.version]
    issues = [one for one in parse_issues(reading.issues) if one.code in _SEEN_AMISS]
    # Of a list of a month the orders may be printed, which is not said.
    has_days = any(spec.day for spec in form.fields)
    for spec in _asked_fields(form, reading.code.page_no):
        if spec.name in values or not has_days:
            flags = frozenset(one.code for one in issues if one.field in ("", spec.name))
            yield replace(
                _judge(spec, values.get(spec.name), reading.fields[spec.name]), flags=flags
            )


def _judge(spec: FieldSpec, value: Value, reading: Reading) -> ReadField:
    if value in (None, False, ""):
        return ReadField(spec, "empty", reading, reading.is_seen_empty or not reading.value)
    if value == SOLID_MARK:
        return ReadField(spec, "cancelled", reading, reading.value is False)
    if spec.traits.names_signer or spec.traits.is_signature:
        return ReadField(spec, "written", reading, reading.state is State.READ)
    try:
        right = agrees_with_reading(spec, normalize_answer(spec, Answer(value)), reading)
    except AnswerError:
        right = reading.value == value
    return ReadField(spec, "written", reading, right)


def format_table(fields: Iterable[ReadField]) -> str:
    """Return a Markdown table: by kind and state the sure ones, the wrong of these, the limits."""
    groups: dict[tuple[str, str], list[ReadField]] = defaultdict(list)
    for one in fields:
        kind = f"{one.spec.kind} {one.spec.format or ''}".strip()
        groups[kind, one.says].append(one)
        groups["all", ""].append(one)
    head = (
        "| kind | says | fields | critical | need not be typed | wrong of these | limit | best p |"
    )
    rows = [head, "|---|---|--:|--:|--:|--:|--:|--:|"]
    return "\n".join([*rows, *(_row(key, groups[key]) for key in sorted(groups))])


def format_flags(fields: Sequence[ReadField]) -> str:
    """Return a Markdown table: how many of the fields have a false flag, by its code."""
    clean = [one for one in fields if one.says in ("written", "empty")]
    counts = Counter(code for one in clean for code in one.flags)
    counts_empty = Counter(code for one in clean if one.says == "empty" for code in one.flags)
    rows = [
        f"| {code} | {counts[code]} | {counts_empty[code]} | {counts[code] / len(clean):.2%} |"
        for code in sorted(counts)
    ]
    flagged = [one for one in clean if one.flags]
    empty = sum(one.says == "empty" for one in flagged)
    total = f"| any | {len(flagged)} | {empty} | {len(flagged) / max(1, len(clean)):.2%} |"
    head = f"| false flag, {len(clean)} fields | fields | of these empty | share |"
    return "\n".join([head, "|---|--:|--:|--:|", *rows, total])


def _row(key: tuple[str, str], fields: Sequence[ReadField]) -> str:
    sure = [one for one in fields if one.is_sure]
    wrong = Share(sum(not one.right for one in sure), len(sure))
    limits = sorted({prefill_from(one.spec) for one in fields})
    limit = f"{limits[0]}–{limits[-1]}" if len(limits) > 1 else f"{limits[0]}"
    critical = sum(one.spec.critical for one in fields)
    return (
        f"| {key[0]} | {key[1]} | {len(fields)} | {critical} | {len(sure) / len(fields):.1%} "
        f"| {wrong.wrong}/{wrong.of} (≤ {wrong.interval[1]:.2%}) | {limit} "
        f"| {max(one.reading.p for one in fields):.4f} |"
    )


if __name__ == "__main__":
    main()
