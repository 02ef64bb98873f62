"""Visit plans for the tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

from pipeline.domain.form.form import Forms
from pipeline.domain.settings import ROOT
from tests.support.store.ward import ASTA, BROR, CILLA

FORMS = Forms.load(ROOT / "forms")


LIST = FORMS.latest("korlista")


HEAD = "enhet;datum;tid;personnummer;namn;insats;rutt"


PLAN = f"""{HEAD}
Norr;2021-12-17;09.00;19890101-9802;Asta Provberg;Dusch;3
Norr;2021-12-17;07:30;189001019802;Asta Provberg;Tillsyn;3
Norr;2021-12-17;08:15;189001029819;Bror Testlund;;4
Söder;2021-12-17;08:15;189001039800;Cilla Modellgren;;
""".replace("19890101-9802", "18900101-9802")


def write_plan(tmp_path: Path, text: str = PLAN) -> Path:
    path = tmp_path / "plan.csv"
    path.write_text(text, "utf-8")
    return path


def names_on(pdf: Path) -> set[str]:
    printed = subprocess.run(
        ["pdftotext", "-layout", str(pdf), "-"], capture_output=True, check=True, text=True
    ).stdout
    return {client.name for client in (ASTA, BROR, CILLA) if client.name in printed}
