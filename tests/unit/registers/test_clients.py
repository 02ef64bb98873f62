"""The client register: reading it, and finding people by what was read on paper."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.domain.errors import UsageError
from pipeline.domain.model import Client, StaffMember, register_columns
from pipeline.registers.client_check import MIN_NAME_SIMILARITY, text_similarity
from pipeline.registers.clients import ClientRegister, load_client_register
from pipeline.store.schema import registers

ASTRID = Client("192501019216", "Astrid Åkerström", "Hemtjänst Öst")
BIRGER = Client("195001182046", "Birger Näslund", "Hemtjänst Väst")
GUNHILD = Client("195004112354", "Gunhild Åkerström", "Hemtjänst Väst", protected=True)
ROWS = (
    "Personnummer;Namn;Enhet;Skyddad\n"
    "19250101-9216;Astrid Åkerström;Hemtjänst Öst;nej\n"
    "195001182046;Birger Näslund;Hemtjänst Väst;\n"
    "19500411-2354;Gunhild Åkerström;Hemtjänst Väst;Ja\n"
)


@pytest.fixture
def register() -> ClientRegister:
    return ClientRegister([ASTRID, BIRGER, GUNHILD])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_a_register_in_every_usual_form(tmp_path: Path, encoding: str, separator: str) -> None:
    path = tmp_path / "klienter.csv"
    path.write_bytes(ROWS.replace(";", separator).replace("\n", "\r\n").encode(encoding))
    assert load_client_register(path).clients == (ASTRID, BIRGER, GUNHILD)


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
def test_the_line_in_which_excel_says_the_separator_is_none_of_the_register(
    tmp_path: Path, first: str
) -> None:
    path = tmp_path / "klienter.csv"
    path.write_text(f"{first}\n{ROWS}", "utf-8-sig", newline="\r\n")
    assert load_client_register(path).clients == (ASTRID, BIRGER, GUNHILD)
    path.write_text(f"{first}\n{ROWS}19500411;utan;rätt;nummer\n", "utf-8")
    with pytest.raises(UsageError, match="row 6"):  # as a person counts who opens the file
        load_client_register(path)


def test_the_column_skyddad_and_the_order_are_free(tmp_path: Path) -> None:
    path = tmp_path / "klienter.csv"
    path.write_text(
        "enhet;Anteckning; namn ;personnummer\nHemtjänst Öst;;Astrid Åkerström;192501019216\n\n",
        "utf-8",
    )
    assert load_client_register(path).clients == (ASTRID,)


@pytest.mark.parametrize(
    "header", ["skyddad identitet", "Skyddade personuppgifter", "sekretessmarkering"]
)
def test_a_column_of_protection_by_another_name_is_not_passed_over(
    tmp_path: Path, header: str
) -> None:
    path = tmp_path / "klienter.csv"
    path.write_text(
        f"personnummer;namn;enhet;{header}\n192501019216;Astrid Åkerström;Hemtjänst Öst;ja\n",
        "utf-8",
    )
    with pytest.raises(UsageError, match="skyddad") as caught:
        load_client_register(path)
    assert "Astrid" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("250101-9216;Astrid;Öst;", "century"),
        ("192501019217;Astrid;Öst;", "check digit"),
        ("192501019216;;Öst;", "namn"),
        ("192501019216;Astrid;Öst;kanske", "skyddad"),
        ("192501019216;Astrid;Öst", "3 columns"),
        ("192501019216;Astrid;Öst;\n19250101-9216;Astrid;Öst;", "earlier row"),
    ],
)
def test_a_wrong_row_is_named_without_its_values(tmp_path: Path, row: str, what: str) -> None:
    path = tmp_path / "klienter.csv"
    path.write_text("personnummer;namn;enhet;skyddad\n" + row + "\n", "utf-8")
    with pytest.raises(UsageError, match=what) as caught:
        load_client_register(path)
    assert f"row {2 + row.count(chr(10))}" in str(caught.value) or what == "century"
    assert "Astrid" not in str(caught.value)
    assert "9216" not in str(caught.value)


def test_a_file_without_the_columns_or_without_itself(tmp_path: Path) -> None:
    path = tmp_path / "klienter.csv"
    with pytest.raises(UsageError, match="cannot be read"):
        load_client_register(path)
    path.write_text("namn;enhet\n", "utf-8")
    with pytest.raises(UsageError, match="personnummer"):
        load_client_register(path)
    path.write_bytes(b"")
    with pytest.raises(UsageError, match="personnummer"):
        load_client_register(path)


@pytest.mark.parametrize("twice", ["Namn", "Skyddad", "Adress"])
def test_a_second_name_or_address_is_refused_and_what_is_not_read_is_not(
    tmp_path: Path, twice: str
) -> None:
    """The second may be a relative's: sheets would be printed with that name."""
    file = tmp_path / "klienter.csv"
    file.write_text(
        (
            f"Personnummer;Namn;Enhet;Skyddad;Adress;Telefon;Telefon;{twice}\n"
            "19250101-9216;Astrid;Öst;nej;Storgatan 1;1;2;Birger\n"
        ),
        "utf-8",
    )
    with pytest.raises(UsageError, match=f"has the column {twice.lower()} more than once"):
        load_client_register(file)
    file.write_text(
        "Personnummer;Namn;Enhet;Telefon;Telefon\n19250101-9216;Astrid;Öst;1;2\n", "utf-8"
    )
    assert [client.name for client in load_client_register(file)] == ["Astrid"]


def test_a_workbook_is_told_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "klienter.csv"
    path.write_bytes(b"PK\x03\x04 and the rest of a workbook")
    with pytest.raises(UsageError, match="is a workbook") as caught:
        load_client_register(path)
    assert "CSV" in caught.value.remedy


def test_find_is_exact(register: ClientRegister) -> None:
    assert register.find(ASTRID.pid) is ASTRID
    assert register.find("192501019217") is None


def test_an_address_is_read_where_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "klienter.csv"
    path.write_text(
        "personnummer;namn;enhet;adress\n192501019216;Astrid Åkerström;Hemtjänst Öst;Storgatan 3\n",
        "utf-8",
    )
    assert load_client_register(path).clients[0].address == "Storgatan 3"


def test_a_register_says_nothing_of_what_it_has_no_column_for(tmp_path: Path) -> None:
    path = tmp_path / "klienter.csv"
    path.write_text(
        "personnummer;namn;enhet\n192501019216;Astrid Åkerström;Hemtjänst Öst\n", "utf-8"
    )
    optional = [column for column in register_columns(Client) if column.is_optional]
    assert load_client_register(path).missing_columns == {column.field for column in optional}
    headers = ["personnummer", "namn", "enhet", *(column.header for column in optional)]
    path.write_text(
        f"{';'.join(headers)}\n192501019216;Astrid Åkerström;Hemtjänst Öst{';' * len(optional)}\n",
        "utf-8",
    )
    assert load_client_register(path).missing_columns == frozenset()


def test_names_are_compared_with_all_clients_at_once(register: ClientRegister) -> None:
    scores = register.search.names.scores("Nislund, Birger")
    assert scores.argmax() == 1
    assert scores[1] > MIN_NAME_SIMILARITY > max(scores[0], scores[2])


@pytest.mark.parametrize(
    ("unit", "members"),
    [
        ("Hemtjänst Väst", [1, 2]),
        ("Hemtjanst Vas", [1, 2]),
        ("Särskilt boende", []),
        ("Hemtjänst Xst", []),
    ],
)
def test_a_unit_is_found_as_read_unless_it_is_like_several(
    register: ClientRegister, unit: str, members: list[int]
) -> None:
    assert register.search.of_unit(unit).tolist() == members


def test_namesakes_and_twins_are_known() -> None:
    son = Client("195001182046", "Astrid Åkerström", "Hemtjänst Väst")
    twin = Client("192501019232", "Märta Åkerström", "Hemtjänst Öst")
    search = ClientRegister([ASTRID, BIRGER, son, twin]).search
    assert search.namesakes.tolist() == [0, 1, 0, 2]
    assert search.twins.tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize(
    ("read", "true", "least", "most"),
    [
        ("Astrid Åkerström", "Astrid Åkerström", 1.0, 1.0),
        ("åkerström, ASTRID", "Astrid Åkerström", 1.0, 1.0),
        ("Astnd Akerstrom", "Astrid Åkerström", 0.75, 0.95),
        ("Astrid", "Astrid Åkerström", 0.8, 0.95),
        ("Birger Näslund", "Astrid Åkerström", 0.0, 0.5),
        ("", "Astrid Åkerström", 0.0, 0.0),
        ("...", "Astrid Åkerström", 0.0, 0.0),
    ],
)
def test_how_well_names_agree(read: str, true: str, least: float, most: float) -> None:
    assert least <= text_similarity(read, true) <= most


@pytest.mark.parametrize(
    "number", ["1,93001E+11", "1.93001E+11", "19300101659", "1930010165950", "101011234"]
)
def test_what_a_spreadsheet_made_of_a_number_is_no_reserve_number(
    tmp_path: Path, number: str
) -> None:
    path = tmp_path / "klienter.csv"
    path.write_text(f"personnummer;namn;enhet\n{number};Elsa;Norra\n", "utf-8")
    with pytest.raises(UsageError, match="row 2, has a number that is neither") as caught:
        load_client_register(path)
    assert number not in caught.value.message


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "klienter.csv"
    path.write_text(
        "personnummer;namn;enhet;Personnummer\n193001016595;Elsa;Norra;189002099811\n", "utf-8"
    )
    with pytest.raises(UsageError, match="personnummer more than once"):
        load_client_register(path)


def test_an_lma_number_is_one_that_cannot_be_checked(tmp_path: Path) -> None:
    register = tmp_path / "klienter.csv"
    register.write_text("personnummer;namn;enhet\n50-017845/6;Asta Provberg;Norr\n", "utf-8")
    assert [client.pid for client in load_client_register(register).clients] == ["50017845/6"]


def test_the_tables_of_the_registers_have_the_columns_of_their_rows() -> None:
    assert {column.field for column in register_columns(Client)} == set(registers.client.c.keys())
    staff = {column.field for column in register_columns(StaffMember)}
    assert staff == set(registers.staff_signature.c.keys())


def test_a_register_says_what_it_has_no_column_for(tmp_path: Path) -> None:
    (tmp_path / "k.csv").write_text(ROWS, "utf-8")
    optional = {column.field for column in register_columns(Client) if column.is_optional}
    assert load_client_register(tmp_path / "k.csv").missing_columns == optional - {"protected"}


def test_days_of_death_and_move_are_optional_columns(tmp_path: Path) -> None:
    head = "personnummer;namn;enhet;avliden;flyttad\n"
    file = tmp_path / "klienter.csv"
    file.write_text(f"{head}189001019802;Asta Ek;Norr;20211220;\n", "utf-8")
    (client,) = load_client_register(file)
    assert (client.deceased_on, client.moved_on) == ("2021-12-20", "")
    file.write_text(f"{head}189001019802;Asta Ek;Norr;;i våras\n", "utf-8")
    with pytest.raises(UsageError, match="flyttad"):
        load_client_register(file)
