"""A number's boxes resolved by the register and the name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain.model import Client, Reading, State
from pipeline.reading.fields.digits.decoding import decode_digits
from pipeline.registers.clients import ClientRegister
from tests.unit.reading.resolve.weighed_values import (
    ASTRID,
    BIRGER,
    GUNHILD,
    NOTE,
    REGISTER,
    VISITS,
    number,
    read,
    resolved,
    seen,
)

SON = Client("193511275863", "Astrid Åkerström", "Hemtjänst Öst")


def person(
    reading: Reading, name: str = "", unit: str = "", register: ClientRegister = REGISTER
) -> tuple[Reading, list[str]]:
    """The person of a note."""
    more = {key: read(text) for key, text in (("namn", name), ("enhet", unit)) if text}
    fields, problems = resolved(NOTE, {"personnummer": reading, **more}, register)
    return fields["personnummer"], [p for p in problems if p.endswith(":personnummer")]


def test_number_name_and_unit_give_high_confidence_with_evidence() -> None:
    found, problems = person(number(ASTRID.pid), ASTRID.name, ASTRID.unit)
    assert (found.value, problems) == (ASTRID.pid, [])
    assert found.p >= 0.999
    assert set(found.evidence) >= {
        "check_ok",
        "number_clear",
        "name_like:1.00",
        "unit_same",
        "alone_alike",
    }


def test_number_alone_has_less_confidence_than_two_kinds_of_evidence() -> None:
    found, _ = person(number(ASTRID.pid))
    assert found.value == ASTRID.pid
    assert 0.9 < found.p < 0.999
    assert "name_missing" in found.evidence


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("192501012916", "number_swapped"),
        ("19250101916 ", "number_left_out"),
        ("1925 1019216", "number_differs:1"),
        ("192550101921", "number_extra"),
        ("2501019216  ", "number_ten"),
        ("  2501019216", "number_ten"),
        ("250101?9216 ", "number_ten"),
    ],
)
def test_writing_slips_are_corrected_with_name_and_named(row: str, reason: str) -> None:
    found, _ = person(number(row), "Astnd Akerstrom")
    assert found.value == ASTRID.pid
    assert reason in found.evidence


def test_illegible_box_is_completed_from_register() -> None:
    reading = Reading(None, 0.6, State.ILLEGIBLE, cell_probabilities=seen("192501#19216"))
    found, _ = person(reading, ASTRID.name)
    assert (found.value, found.state) == (ASTRID.pid, State.READ)


def test_unlisted_number_ranks_first_if_boxes_allow_it() -> None:
    """The reader has high confidence in a wrong digit, and the right one is not in its list."""
    found, problems = person(number("192501079216", b7=("1", 0.01)), ASTRID.name)
    assert found.value == ASTRID.pid
    assert found.p < 0.999
    assert "number_differs:personnummer" in problems


def test_other_clients_number_beside_name_has_low_confidence() -> None:
    found, problems = person(number(BIRGER.pid), GUNHILD.name, GUNHILD.unit)
    assert found.value == BIRGER.pid
    assert found.p < 0.99
    assert GUNHILD.pid in [value for value, _ in found.alternatives]
    assert "name_differs:personnummer" in problems


def test_namesake_lowers_confidence_of_number() -> None:
    found, _ = person(
        number(ASTRID.pid), ASTRID.name, ASTRID.unit, ClientRegister([ASTRID, BIRGER, SON])
    )
    assert found.value == ASTRID.pid
    assert found.p < 0.9995


def test_unregistered_number_is_kept() -> None:
    found, problems = person(number("201501012390"), "Okänd Person")
    assert found.value == "201501012390"
    assert problems == ["person_unknown:personnummer"]
    assert "not_in_register" in found.evidence


def test_nobody_is_unknown_to_an_empty_register() -> None:
    """Each number of a workspace without clients was an issue."""
    found, problems = person(number("201501012390"), "Okänd Person", register=ClientRegister([]))
    assert (found.value, problems) == ("201501012390", [])
    assert found.evidence == ("check_wrong",)
    assert found.p <= person(number("201501012390"), "Okänd Person")[0].p + 0.01
    half, problems = person(number("1925010?1921?"[:12]), "", register=ClientRegister([]))
    assert problems == []
    assert half.p < 0.99


@pytest.mark.parametrize("name", ["", "Karl Berg"])
@pytest.mark.parametrize("row", ["19640823    ", "19640823 234", "1964082?3234", "30640823???4"])
@pytest.mark.parametrize("register", [REGISTER, ClientRegister([BIRGER])])
def test_incomplete_unregistered_number_is_not_matched_to_client(
    row: str, name: str, register: ClientRegister
) -> None:
    """Only the birth date, a missing digit, an illegible box, a reserve number: no client of the
    small register is meant.
    """
    written = decode_digits(np.array(seen(row), np.float32), NOTE.by_name["personnummer"])
    found, problems = person(written, name, register=register)
    assert (found.value, found.state, found.p) == (written.value, written.state, written.p)
    assert all(p < 0.01 for _, p in found.alternatives)
    assert problems == ["person_unknown:personnummer"]


def test_birth_date_and_name_identify_client() -> None:
    found, problems = person(
        decode_digits(np.array(seen("19250101    "), np.float32), NOTE.by_name["personnummer"]),
        ASTRID.name,
    )
    assert (found.value, problems) == (ASTRID.pid, ["number_differs:personnummer"])


ALI = Client("50123456/1", "Ali Yusuf", "Hemtjänst Öst")


RESERVE = Client("30640823TF12", "Karl Berg", "Hemtjänst Öst")


@pytest.mark.parametrize("name", ["", ALI.name])
def test_short_local_number_identifies_client(name: str) -> None:
    written = decode_digits(
        np.array(seen("50123456?1  "), np.float32), NOTE.by_name["personnummer"]
    )
    found, problems = person(written, name, register=ClientRegister([ALI, RESERVE, ASTRID]))
    assert (found.value, found.state, problems) == (ALI.pid, State.READ, [])
    assert found.p > 0.9


@pytest.mark.parametrize(
    "row",
    [
        "?           ",
        "?????       ",
        "99999       ",
        "?????999    ",
        "19640823    ",
        "19640823 234",
    ],
)
def test_local_number_with_other_ink_identifies_nobody(row: str) -> None:
    short = Client("A2345", "Bo Ek", "Hemtjänst Öst")
    found, problems = person(
        decode_digits(np.array(seen(row), np.float32), NOTE.by_name["personnummer"]),
        register=ClientRegister([short, ALI]),
    )
    assert found.value not in (short.pid, ALI.pid)
    assert problems == ["person_unknown:personnummer"]


@pytest.mark.parametrize("text", ["okänd person", "121212-121", "se baksidan"])
def test_words_in_number_field_identify_nobody(text: str) -> None:
    found, problems = person(read(text, 0.3), register=ClientRegister([ALI, RESERVE, ASTRID]))
    assert (found.value, found.p, problems) == (text, 0.3, [])


def test_other_rows_of_sheet_are_evidence_for_client() -> None:
    unclear = number("195001182046", b4=("3", 0.5), b6=("7", 0.5), b9=("6", 0.45))
    alone, _ = resolved(VISITS, {"rad02.personnummer": unclear})
    beside, _ = resolved(
        VISITS,
        {
            "rad01.personnummer": number(BIRGER.pid),
            "rad01.namn": read(BIRGER.name),
            "rad02.personnummer": unclear,
        },
    )
    assert beside["rad02.personnummer"].p >= alone["rad02.personnummer"].p
    assert "on_sheet" in beside["rad02.personnummer"].evidence


@settings(deadline=None, max_examples=40)
@given(
    row=st.text("0123456789 #?", min_size=12, max_size=12),
    name=st.sampled_from(["", ASTRID.name, "Xyz"]),
    p=st.floats(0.3, 0.9999),
)
def test_probabilities_are_valid_for_any_input(row: str, name: str, p: float) -> None:
    reading = Reading(row.replace(" ", "") or "1", 0.5, State.READ, cell_probabilities=seen(row, p))
    found, _ = person(reading, name)
    assert 0 <= found.p <= 1
    # Each of them is rounded to six digits
    assert found.p + sum(q for _, q in found.alternatives) <= 1 + 1e-5
    assert found.p < 0.999 or name


def test_candidates_of_undecided_row_share_remaining_probability() -> None:
    found, _ = person(
        Reading("9007?483?8?", 0.5, State.READ, cell_probabilities=seen(" 9007?483?8?", 0.313)),
        ASTRID.name,
    )
    assert (found.value, found.p) == ("9007?483?8?", 0.5)
    assert found.alternatives[0][0] == ASTRID.pid
    assert sum(q for _, q in found.alternatives) <= 0.5 + 1e-5
