"""The staff list: reading it, and who may have written initials."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.domain.errors import UsageError
from pipeline.domain.form.field import FieldSpec, Kind
from pipeline.domain.form.form import Forms
from pipeline.domain.model import SIGNATURE_LETTERS, CellProbabilities, Reading, StaffMember, State
from pipeline.domain.settings import ROOT
from pipeline.reading.fields.field_image import FieldImage
from pipeline.reading.fields.handwriting.signature import read_initials
from pipeline.reading.resolve.resolve import ReadingContext, resolve_page
from pipeline.registers.staff import StaffRegister, find_member, load_staff

CENTRE, NORTH = "Hemsjukvården Centrum", "Hemtjänsten Norr"
EVA = StaffMember("Eva Marklund", "sjuksköterska", "EM", CENTRE)
ERIK = StaffMember("Erik Molin", "undersköterska", "EM", CENTRE)
JONAS = StaffMember("Jonas Hedström", "sjuksköterska", "JH", CENTRE)
LEILA = StaffMember("Leila Hassan", "undersköterska", "LH", NORTH)
ROWS = (
    "Namn;Titel;Signatur;Enhet\nEva Marklund;sjuksköterska;EM;Hemsjukvården Centrum\nLeila "
    "Hassan;undersköterska;LH;Hemtjänsten Norr\n"
)


def steps_of(text: str, sure: float = 0.98) -> CellProbabilities:
    """What the network sees when these letters are written clearly."""
    rows = []
    for letter in text:
        for symbol in (letter, None):
            row = np.full(1 + len(SIGNATURE_LETTERS), (1 - sure) / len(SIGNATURE_LETTERS))
            row[SIGNATURE_LETTERS.index(symbol) + 1 if symbol else 0] = sure
            rows.append(tuple(row.tolist()))
    return tuple(rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("separator", [";", ","])
def test_a_staff_list_in_every_usual_form(tmp_path: Path, encoding: str, separator: str) -> None:
    path = tmp_path / "personal.csv"
    path.write_bytes(ROWS.replace(";", separator).encode(encoding))
    assert load_staff(path).members == (EVA, LEILA)


def test_hsa_ids_are_an_optional_column_in_any_case(tmp_path: Path) -> None:
    path = tmp_path / "personal.csv"
    path.write_text(ROWS, "utf-8")
    assert load_staff(path).missing_columns == {"hsa_id", "role_code"}
    path.write_text("namn;titel;signatur;enhet;HSA-id\nEva Ek;ssk;EE;C;se5560000000-ee\n", "utf-8")
    register = load_staff(path)
    assert register.missing_columns == {"role_code"}
    assert [member.hsa_id for member in register] == ["SE5560000000-EE"]


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ("Eva;ssk;EM;C;1234", "no HSA-id"),
        ("Eva;ssk;EM;C;SE5560000000-A;1234", "six digits"),
        ("Eva;a;EM;C;SE5560000000-A\nErik;b;EM;C;SE5560000000-A", "another name"),
    ],
)
def test_a_wrong_hsa_id_is_named_without_its_value(tmp_path: Path, rows: str, what: str) -> None:
    path = tmp_path / "personal.csv"
    titles = "namn;titel;signatur;enhet;hsa-id" + ";befattningskod" * ("-A;1" in rows)
    path.write_text(f"{titles}\n{rows}\n", "utf-8")
    with pytest.raises(UsageError, match=what) as caught:
        load_staff(path)
    assert "1234" not in str(caught.value)
    assert "SE5560000000-A\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("author", "found"),
    [
        ("eva  marklund", EVA),
        ("EM – Eva Marklund", EVA),
        ("JH", JONAS),
        ("EM", None),
        ("Leila Hassan", None),
        ("EM – Okänd Person", None),
        ("", None),
    ],
)
def test_the_member_whom_a_paper_names_is_of_its_unit_and_the_only_one(
    author: str, found: StaffMember | None
) -> None:
    assert find_member((EVA, ERIK, JONAS, LEILA), CENTRE, author) == found


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("Eva;ssk;;Centrum", "signatur"),
        ("Eva;ssk;12;Centrum", "without letters"),
        ("Eva;ssk;EM", "3 columns"),
        ("Eva;a;EM;C\nEva;b;EM;C", "earlier row"),
    ],
)
def test_a_wrong_row_is_named_without_its_values(tmp_path: Path, row: str, what: str) -> None:
    path = tmp_path / "personal.csv"
    path.write_text(f"namn;titel;signatur;enhet\n{row}\n", "utf-8")
    with pytest.raises(UsageError, match=what) as caught:
        load_staff(path)
    assert "Eva" not in str(caught.value)


def test_the_staff_list_of_the_samples_is_right() -> None:
    assert len(load_staff(ROOT / "data" / "samples" / "personal.csv")) == 40


def test_initials_of_the_units_staff_name_their_person() -> None:
    best, *others = StaffRegister([EVA, JONAS, LEILA]).signers(steps_of("JH"), CENTRE)
    assert best.words == "JH – Jonas Hedström"
    assert best.p > 0.9
    assert sum(signer.p for signer in (best, *others)) <= 1 + 1e-9


def test_two_persons_of_a_unit_with_the_same_initials_share_the_probability() -> None:
    first, second, *_ = StaffRegister([EVA, ERIK, JONAS]).signers(steps_of("EM"), CENTRE)
    assert {first.member, second.member} == {EVA, ERIK}
    assert first.p == pytest.approx(second.p)
    assert 0.4 < first.p <= 0.5


def test_staff_of_another_unit_are_named_with_less_certainty_than_ones_own() -> None:
    register = StaffRegister([EVA, JONAS, LEILA])
    lent, own = (register.signers(steps_of("LH"), unit)[0] for unit in (CENTRE, NORTH))
    assert lent.member == own.member == LEILA
    assert lent.p < own.p
    # Read badly, the unit's own JH is likelier than another unit's LH.
    unclear = register.signers(tuple(_between("J", "L")) + steps_of("H"), CENTRE)
    assert unclear[0].member == JONAS


def test_initials_that_the_list_lacks_are_nobodys() -> None:
    best = StaffRegister([EVA, JONAS, LEILA]).signers(steps_of("ZQ"), CENTRE)[0]
    assert (best.member, best.words) == (None, "ZQ")


def test_a_unit_without_a_list_has_no_sure_signer() -> None:
    signers = StaffRegister([LEILA]).signers(steps_of("LH"), "Okänd enhet")
    assert max(signer.p for signer in signers) < 0.99
    assert StaffRegister([]).signers(steps_of("LH"), CENTRE)[0].member is None


@pytest.mark.parametrize(
    "read", ["Hemsjukvarden Centrum", "HEMSJUKVÅRDEN  CENTRUM", "Hemsjukvärden Centrum."]
)
def test_a_unit_whose_print_is_not_read_to_the_dot_has_its_staff(read: str) -> None:
    register = StaffRegister([EVA, JONAS, LEILA])
    assert register.signers(steps_of("JH"), read) == register.signers(steps_of("JH"), CENTRE)


def test_nothing_seen_names_nobody() -> None:
    assert StaffRegister([EVA]).signers((), CENTRE) == []


def test_initials_on_a_page_name_the_persons_of_its_unit() -> None:
    form = Forms.load(ROOT / "forms")["besokslista", 1]
    fields = {
        spec.name: Reading.empty(0.99, False if spec.kind is Kind.MARK else None)
        for spec in form.fields
    }
    fields |= {
        "enhet": Reading(CENTRE, 0.9, State.READ),
        "rad01.signatur": read_initials([_written("EM")])[0],
    }
    resolved, _ = resolve_page(
        form.fields, form, fields, ReadingContext(staff=StaffRegister([EVA, ERIK, JONAS, LEILA]))
    )
    sign = resolved["rad01.signatur"]
    named = [value for value, _ in sign.alternatives if isinstance(value, str)]
    assert sign.value is True
    assert set(named[:2]) == {"EM – Eva Marklund", "EM – Erik Molin"}
    assert sum(p for _, p in sign.alternatives) <= 1.0 + 1e-9


def _between(a: str, b: str) -> list[tuple[float, ...]]:
    both = np.array([steps_of(a)[0], steps_of(b)[0]]).mean(axis=0)
    return [tuple(both.tolist()), steps_of(a)[1]]


def _written(text: str) -> FieldImage:
    blank = np.full((96, 160), 250, np.uint8)
    page = blank.copy()
    cv2.putText(page, text, (25, 70), cv2.FONT_HERSHEY_SIMPLEX, 1.8, 40, 4, cv2.LINE_AA)
    return FieldImage(
        page,
        FieldSpec(name="sign", label="sign", kind=Kind.INITIALS, box=(10, 10, 16, 8)),
        blank,
        8.0,
        2.0,
    )
