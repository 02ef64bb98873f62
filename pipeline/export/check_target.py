"""The conformance kit of targets: what every one has to keep, tried on sample entries.

Each form that the target takes is exported whole, empty, corrected and void, twice. Sample
entries have no pages and are of a client that does not exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pipeline.domain.errors import EfterskriftError
from pipeline.domain.form.field import FieldSpec
from pipeline.domain.form.form import Form, Forms
from pipeline.domain.model import Client, Value
from pipeline.domain.record import PreviousExport, Record, Run, Stamp
from pipeline.domain.settings import Settings
from pipeline.export.exporter import Exporter, ExportOptions, Item, TargetError
from pipeline.export.mapping import ManualEntryMapping, load_mappings, require_known_fields
from pipeline.texts import LANGUAGES

_LANGUAGE = "en"
"""Of what is found, as on the command line."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_SUFFIX = re.compile(r"(\.[a-z0-9]+)+")
_MEDIA_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+")
_CLIENT = Client("191212121212", "Tolvan Tolvansson", "Enheten")
"""An official test number."""
_DAY = datetime(2022, 1, 12, 8, 15)
_STAMP = Stamp(_DAY.replace(tzinfo=UTC), "Anna Anka")
_FORMATS: Mapping[str, Value] = {
    "date": "2022-01-12",
    "time": "08:15",
    "personnummer": _CLIENT.pid,
    "number": "37.5",
}


@dataclass(frozen=True, slots=True)
class TargetProblem:
    """A rule that a target does not keep, and where."""

    rule: str
    where: str


@dataclass(frozen=True, slots=True)
class TargetCheck:
    """What the kit found: how many sample entries the target carries, why not all, and problems."""

    entries: int
    carried: int
    reasons: tuple[str, ...]
    problems: tuple[TargetProblem, ...]


def check_target(exporter: Exporter, settings: Settings, forms: Forms) -> TargetCheck:
    """Try a target on sample entries of all forms that it takes."""
    problems = [TargetProblem("declared", each) for each in _find_undeclared(exporter)]
    try:
        options = _load_options(exporter, settings, forms)
    except EfterskriftError as error:
        return TargetCheck(0, 0, (), (*problems, TargetProblem("mapped", error.message)))
    ids = sorted({form_id for form_id, _ in forms})
    taken = ids if exporter.mapping is None else sorted(set(ids) & options.mappings.keys())
    if not taken:
        problems.append(TargetProblem("mapped", f"export.{exporter.name}.yaml"))
    items = [item for form_id in taken for item in _sample_items(forms.latest(form_id))]
    carried, left_out = 0, dict[str, None]()
    for item in items:
        where = f"{item.record.form}, {_state(item)}"
        try:
            if reasons := list(exporter.unsupported_reasons(item.record, options)):
                left_out |= dict.fromkeys(each.in_language(_LANGUAGE) for each in reasons)
                said = " ".join(each.in_language(one) for each in reasons for one in LANGUAGES)
                # A reason is shown to people who may not see the entry.
                if any(value in said for value in (_CLIENT.pid, _CLIENT.name)):
                    problems.append(TargetProblem("reasons", where))
                continue
            carried += 1
            if not _is_repeatable(exporter, item, options):
                problems.append(TargetProblem("repeated", where))
        except (EfterskriftError, TargetError) as error:
            problems.append(TargetProblem("errors", f"{where}: {error}"))
        except Exception as error:
            # A target says what keeps it from writing with a `TargetError`.
            problems.append(TargetProblem("errors", f"{where}: {type(error).__name__}"))
    return TargetCheck(len(items), carried, tuple(left_out), tuple(problems))


def _find_undeclared(exporter: Exporter) -> Iterator[str]:
    """Yield the properties of a target that are missing or of no use."""
    for name, pattern in (("name", _NAME), ("media_type", _MEDIA_TYPE), ("suffix", _SUFFIX)):
        value = getattr(exporter, name, None)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            yield name
    try:
        exporter.title.in_language("sv")
    except (AttributeError, KeyError):
        yield "title"


def _load_options(exporter: Exporter, settings: Settings, forms: Forms) -> ExportOptions:
    mapping = exporter.mapping or ManualEntryMapping
    mappings = load_mappings(settings.form_folders, exporter.name, mapping)
    require_known_fields(forms, exporter.name, mappings)
    return ExportOptions(settings, forms, mappings)


def _is_repeatable(exporter: Exporter, item: Item, options: ExportOptions) -> bool:
    """Return whether the same arguments give the same bytes, and some."""
    run_id, made_at = f"20220112-091500-{exporter.name[:10]}-check", _STAMP.at
    run = Run(run_id, exporter.name, f"x{exporter.suffix}", made_at, _STAMP.by, 1)
    first, again = (exporter.make([item], run, options) for _ in range(2))
    return isinstance(first, bytes) and first == again


def _sample_items(form: Form) -> Iterator[Item]:
    """Yield an entry of a form whole, empty, corrected and void."""
    row = form.rows()[0]
    specs = form.entry_fields(row)
    whole = Record(
        entry_id="PR0V00-00",
        revision=1,
        form=form.id,
        version=form.version,
        title=form.title,
        area=form.area.value,
        unit=_CLIENT.unit,
        client=_CLIENT,
        fields={spec.column: _sample_value(spec) for spec in specs},
        labels={spec.column: spec.label for spec in specs},
        event_at=_DAY,
        written_at=_DAY,
        author="Anna Anka",
        author_title="sjuksköterska",
        serial="PR0V00",
        row=row,
        place="",
        scanned=_STAMP,
        read_at=_STAMP.at,
        reader_version="1",
        entered=_STAMP,
        verified=_STAMP,
    )
    earlier = PreviousExport("20220110-091500-earlier-check", "", _STAMP.at)
    empty = {spec.column: False if _is_mark(spec) else None for spec in specs}
    yield Item(1, whole)
    yield Item(1, replace(whole, fields=empty))
    yield Item(1, replace(whole, revision=2), earlier)
    yield Item(1, replace(whole, revision=2, voided="fel person"), earlier)


def _sample_value(spec: FieldSpec) -> Value:
    if spec.options:
        return spec.options[0].value
    if _is_mark(spec):
        return "AA" if spec.traits.names_signer else True
    return _FORMATS.get(str(spec.format), "Rad ett\nrad två & <tre> åäö")


def _is_mark(spec: FieldSpec) -> bool:
    return spec.traits.is_boolean or spec.traits.names_signer


def _state(item: Item) -> str:
    if item.record.voided is not None:
        return "void"
    if item.amends is not None:
        return "corrected"
    return "whole" if any(item.record.fields.values()) else "empty"
