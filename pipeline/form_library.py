"""The forms in use, as they are now: those of the program and those that this workspace has published, also while the program runs."""

from __future__ import annotations

from pipeline.published import FILE
from pipeline.settings import Settings
from pipeline.template import Forms

Stamp = tuple[int, int]


class FormLibrary:
    """Loads the forms anew once one was published here, and at no other time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stamp = self._seen()
        self._forms = Forms.load(*settings.form_folders)

    def forms(self) -> Forms:
        """All forms; the same object as long as nothing was published.

        Raises:
            FormError: a form's file is wrong.
        """
        if (now := self._seen()) != self._stamp:
            self._forms = Forms.load(*self._settings.form_folders)
            self._stamp = now
        return self._forms

    def _seen(self) -> Stamp:
        """When the workspace's list of published forms was written, and its size; a form is in use once it stands there."""
        try:
            state = (self._settings.own_forms / FILE).stat()
        except OSError:
            return (0, 0)
        return state.st_mtime_ns, state.st_size
