"""What an export is made of, and what every kind of target can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipeline.domain.errors import ExportError
from pipeline.domain.form.form import Area, Forms
from pipeline.domain.model import StaffMember
from pipeline.domain.record import PreviousExport, Record, Run
from pipeline.domain.settings import Settings
from pipeline.export.mapping import ExportMapping, MappingType
from pipeline.texts import Text, Words

DATA_LANGUAGE = "sv"
"""Language of what files say. Screens use the language of their reader."""
data_text = Words(DATA_LANGUAGE)
TEMPORARY_CLIENT = Text("export_reason.temporary_client")
"""Why a file cannot carry an entry about a client who is in no register."""
MOVED_TO_OTHER_CLIENT = Text("late_entry.moved")
"""Why a target voids what it has of an entry under an earlier client; never who the new one is."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a run. `number` counts from 1.

    `amends` is set when the entry corrects one that was exported before. `is_reported` is of
    statistics alone: an earlier file or list has the entry as it is now.
    """

    number: int
    record: Record
    amends: PreviousExport | None = None
    is_reported: bool = False

    @property
    def is_withdrawal(self) -> bool:
        """Whether this makes void what the target has under an earlier client."""
        return self.record.voided == MOVED_TO_OTHER_CLIENT.in_language(DATA_LANGUAGE)


def insert_withdrawals(items: Sequence[Item]) -> Iterator[Item]:
    """Yield the items, each that has moved to another client after its withdrawals.

    A withdrawal (makulering) makes void what the target has under an earlier client. It is for
    targets that find an entry by its client; those that find it by its name alone replace the
    old version with the new one.
    """
    for item in items:
        if item.amends is not None:
            amends = replace(item.amends, exported_record=None, possible_records=())
            earlier = (item.amends.exported_record, *item.amends.possible_records)
            for record in filter(None, earlier):
                voided = replace(
                    record,
                    voided=MOVED_TO_OTHER_CLIENT.in_language(DATA_LANGUAGE),
                    revision=item.record.revision,
                )
                yield Item(item.number, voided, amends)
        yield item


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What an exporter needs besides the entries.

    `mappings` are the target's mapping files by form id. `load_image` gives the bytes of an image
    by its name in `Record.pages` (StoreError if it is missing); None leaves images out.
    `place` is the system and module that the route of a list to key in names.
    `whole_months` (`ÅÅÅÅ-MM`) are those that a file of statistics may stand for alone; of others
    there is a list of what to add to the file of the care system.
    """

    settings: Settings
    forms: Forms
    mappings: Mapping[str, ExportMapping] = field(default_factory=dict)
    staff: Sequence[StaffMember] = ()
    load_image: Callable[[str], bytes] | None = None
    place: tuple[str, str] = ("", "")
    whole_months: frozenset[str] = frozenset()

    def takes(self, record: Record) -> bool:
        """Return whether the target has a mapping for the record's form in its version."""
        mapping = self.mappings.get(record.form)
        return mapping is not None and mapping.takes_version(record.version)

    def mapping(self, form: str, kind: type[MappingType]) -> MappingType:
        """Return the form's mapping for this target.

        Raises:
            ExportError: the form has none, or one of another kind.
        """
        mapping = self.mappings.get(form)
        if not isinstance(mapping, kind):
            raise ExportError("form_without_mapping", form=form)
        return mapping


class TargetError(Exception):
    """A target cannot write its file; the sentence says why, without any value of an entry."""


class TargetConfigurationError(TargetError):
    """Something has to be set first, so that trying again is of no use."""


class TargetUnavailableError(TargetError):
    """What the target needs is out of reach for now; the program tries again a few times."""


def plain_text(words: str) -> Text:
    """Return words that are in no catalogue, such as the title of another package's target."""
    return Text("export_text.plain", {"words": words})


class Exporter(ABC):
    """One kind of target: how confirmed entries become a file. It is made with its own name.

    A target is idempotent: whatever it needs besides its arguments is the same each time.
    """

    media_type: str
    """Media type of the file."""
    suffix: str
    """File name ending with its dot."""
    mapping: type[ExportMapping] | None = None
    """Model of `forms/<id>/export.<target>.yaml`; None: it takes every form, without a file."""
    needs_hsa_ids: bool = False
    """Whether it takes no entry without the HSA-ids of the care provider and of this system."""
    is_payment: bool = False
    """Whether no other route pays what it carried, and the bank alone corrects it."""
    is_partial: bool = False
    """Whether it carries a part of an entry: all of it goes to another route of its form too."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def title(self) -> Text:
        """The target's name for people."""
        return Text(f"target.{self.name}")

    @abstractmethod
    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """Return why the target cannot carry a record, without its values; None when it can."""

    def unsupported_reasons(self, record: Record, options: ExportOptions) -> Iterator[Text]:
        """Yield all that keeps a record out that the target can say at once."""
        if reason := self.unsupported_reason(record, options):
            yield reason

    def example_notice(self, options: ExportOptions) -> Text | None:
        """Return that the file would have values that are examples, and what to set; else None."""
        del options
        return None

    @abstractmethod
    def make(self, items: Sequence[Item], run: Run, options: ExportOptions) -> bytes:
        """Build the file. The same arguments give the same bytes."""


class DetailedExporter(Exporter):
    """A target that can say at once all that keeps a record out."""

    def unsupported_reason(self, record: Record, options: ExportOptions) -> Text | None:
        """Return the first of what keeps a record out."""
        return next(self.unsupported_reasons(record, options), None)

    @abstractmethod
    def unsupported_reasons(self, record: Record, options: ExportOptions) -> Iterator[Text]:
        """Yield all that is missing, not only the first."""


class StatisticsExporter(Exporter):
    """A target that reports whole months: it takes no entry and gets no receipt of any.

    See `authorities/monthly.py`.
    """

    area: Area
    """The area of law that is reported."""
    is_by_event: bool
    """Whether the month is that of the event; else a field says it."""
    settled_reasons: frozenset[str]
    """Keys of the reasons why an entry is rightly in no file: a month is whole without it."""

    @abstractmethod
    def month(self, record: Record, options: ExportOptions) -> str:
        """Return the month that reports an entry, `ÅÅÅÅ-MM`; empty if it belongs in none."""

    @abstractmethod
    def notice(self, options: ExportOptions) -> Text | None:
        """Return what to do with the files before they are handed in; None if nothing."""
