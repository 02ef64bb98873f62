"""What the tests of the form editor try a form with."""

from __future__ import annotations

import cv2

from pipeline.domain.form.form import Area, Forms, Subject
from pipeline.domain.model import Image, Person, Role
from pipeline.domain.settings import Settings
from pipeline.preparation.form_editor import actions
from pipeline.preparation.form_editor.drafts import (
    Draft,
)
from pipeline.store.database.store import Store

ANNA = Person(
    "anna",
    "Anna Sundin",
    "administratör",
    Role.ADMINISTRATOR,
    frozenset({"Norr"}),
    frozenset({"HSL"}),
)


ROUND = actions.NewFormInfo("Rond på natten", Area.HSL, Subject.CLIENT)


def begun(store: Store, settings: Settings) -> Draft:
    return actions.begin_outline_draft(
        store, settings, Forms.load(*settings.form_folders), ANNA, ROUND
    )


def png(picture: Image) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()
