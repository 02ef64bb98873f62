"""What an export is made of, and what every kind of target can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from pipeline.errors import ExportError
from pipeline.export.mapping import ExportMapping
from pipeline.model import StaffMember
from pipeline.record import Earlier, Record, Run
from pipeline.settings import Settings
from pipeline.template import Forms

TEMPORARY_CLIENT = (
    "Klienten har en tillfällig identitet. Enhetens granskare flyttar posten till klienten i registret under Uppföljning. "
    "Eller skriv in den för hand."
)
"""Why a file for a system cannot carry an entry about somebody whom the register lacks a number of."""


MOVED = "Posten är flyttad till en annan klient."
"""Why a target makes void what it has of an entry under the client that it was about before; it never says who the other is."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a run. `number` counts from 1; `amends` is set when the entry corrects one that was exported before."""

    number: int
    record: Record
    amends: Earlier | None = None


def with_withdrawals(items: Sequence[Item]) -> Iterator[Item]:
    """The items, each that has been moved to another client after a makulering of what the target has of it under the first.

    For targets that find an entry by its client; those that find it by its name alone put the new version in the place of the old.
    """
    for item in items:
        if item.amends is not None:
            still = replace(item.amends, carried=None, perhaps=())
            for then in filter(None, (item.amends.carried, *item.amends.perhaps)):
                yield Item(item.number, replace(then, voided=MOVED, revision=item.record.revision), still)
        yield item


M = TypeVar("M", bound=ExportMapping)


@dataclass(frozen=True, slots=True)
class Terms:
    """What an exporter needs besides the entries: settings, form definitions, the target's mapping files by form id, and the staff list.

    `picture` gives the bytes of a picture by its name in `Record.pages`, StoreError if it is missing; None: no pictures at hand, so none are put in.
    """

    settings: Settings
    forms: Forms
    mappings: Mapping[str, ExportMapping] = field(default_factory=dict)
    staff: Sequence[StaffMember] = ()
    picture: Callable[[str], bytes] | None = None

    def mapping(self, form: str, kind: type[M]) -> M:
        """The form's mapping for this target.

        Raises:
            ExportError: the form has none, or one of another kind.
        """
        found = self.mappings.get(form)
        if not isinstance(found, kind):
            raise ExportError("form_no_mapping_target", form=form)
        return found


class Exporter(Protocol):
    """One kind of target: how confirmed entries become a file.

    `mapping` is the model of `forms/<id>/export.<target>.yaml`; None means that every form goes, without a file.
    """

    @property
    def title(self) -> str:
        """The target's name for people, Swedish."""

    @property
    def media_type(self) -> str:
        """Media type of the file."""

    @property
    def suffix(self) -> str:
        """File name ending with its dot."""

    @property
    def mapping(self) -> type[ExportMapping] | None:
        """Model of the mapping file, if the target needs one."""

    def unfit(self, record: Record, terms: Terms) -> str:
        """Why the target cannot carry this record, in Swedish and without any value from it; empty when it can."""

    def make(self, items: Sequence[Item], run: Run, terms: Terms) -> bytes:
        """The file. The same arguments give the same bytes."""


class Statistics(Exporter, Protocol):
    """A target that is told of whole months and takes no entry: see `monthly.py`."""

    def month(self, record: Record, terms: Terms) -> str:
        """The month that an entry is told in, `ÅÅÅÅ-MM`; empty if it belongs in none."""

    def notice(self, terms: Terms) -> str:
        """What has to be done with the files before they are handed in, in Swedish; empty if nothing."""
