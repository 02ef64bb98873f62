"""What an export works with: store, settings and forms, and a target with its mapping files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.domain.form.form import Forms
from pipeline.domain.model import StaffMember
from pipeline.domain.settings import Settings
from pipeline.export.exporter import Exporter, ExportOptions
from pipeline.export.mapping import ManualEntryMapping, load_mappings, require_known_fields
from pipeline.export.targets import Targets, load_targets
from pipeline.store.database.store import Store


@dataclass(frozen=True, slots=True)
class ExportContext:
    """Where exports are made: the store, the settings and the form definitions."""

    store: Store
    settings: Settings
    forms: Forms

    @property
    def targets(self) -> Targets:
        """The targets that entries may go to."""
        return load_targets(self.settings.targets)


def load_export_options(
    context: ExportContext, target: str, exporter: Exporter, staff: Sequence[StaffMember] = ()
) -> ExportOptions:
    """Read the mapping files of a target and check them against the forms.

    Raises:
        ExportError: a mapping file is wrong.
    """
    mappings = load_mappings(
        context.settings.form_folders, target, exporter.mapping or ManualEntryMapping
    )
    require_known_fields(context.forms, target, mappings)
    return ExportOptions(context.settings, context.forms, mappings, staff, context.store.images.get)
