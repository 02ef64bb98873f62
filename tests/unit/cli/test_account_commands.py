"""`efterskrift person` and `efterskrift block`, as an operator calls them."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from pipeline.cli.app import build_app
from pipeline.domain.errors import EfterskriftError, UsageError
from pipeline.domain.model import Person, Role
from pipeline.domain.settings import Settings
from pipeline.store.accounts import people, sessions
from pipeline.store.accounts.login import access_changes
from pipeline.store.database.store import Store, open_store
from pipeline.store.registers import blocks, client_register
from pipeline.store.schema.clock import utc_now
from tests.support.store.passwords import hashed, logged_in
from tests.support.store.ward import ADMIN, ASTA, NORTH, SOUTH, Ward, whole_log

pytestmark = pytest.mark.slow

REASON = ("--reason", "Klienten har begärt det.")
LISA = ("--name", "Lisa Ek", "--title", "sjuksköterska", "--role", "granskare")
KEEPER = Person(
    "olle", "Olle Ek", "systemförvaltare", Role.SYSTEM_ADMINISTRATOR, frozenset(), frozenset()
)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path))
    return Ward(open_store(Settings(workspace=tmp_path), create=True)).begin().store


def run(*arguments: str, given: str | bytes = "") -> Result:
    result = CliRunner().invoke(build_app(), arguments, input=given, catch_exceptions=True)
    if isinstance(result.exception, EfterskriftError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def test_a_client_is_blocked_by_a_number_that_is_read_and_unblocked_by_one_in_a_file(
    store: Store, tmp_path: Path
) -> None:
    set_now = run("block", NORTH, *REASON, given=f"{ASTA.pid}\n")
    assert f"Blocked for all units but {NORTH}" in set_now.stderr
    block_id = set_now.stdout.strip()
    with store.read() as conn:
        assert [(one.id, one.client_pid, one.unit) for one in blocks.list_blocks(conn, ADMIN)] == [
            (block_id, ASTA.pid, NORTH)
        ]
    file = tmp_path / "nummer.txt"
    file.write_text("18900101-9802\n", "utf-8-sig")
    said = run("block", NORTH, *REASON, "--file", str(file), "--lift")
    assert said.stdout.strip() == block_id
    assert "The block is lifted" in said.stderr
    with store.read() as conn:
        assert blocks.list_blocks(conn, ADMIN) == []
        assert ASTA.pid not in whole_log(conn) + said.output


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "given", ["", f"{ASTA.pid}\n{ASTA.pid}\n", "189001019803", "Asta Provberg"]
)
def test_what_is_no_single_number_is_refused_without_being_repeated(given: str) -> None:
    with pytest.raises(UsageError) as error:
        run("block", NORTH, *REASON, given=given)
    assert not given or given.strip() not in str(error.value)


@pytest.mark.usefixtures("store")
def test_a_number_in_any_encoding_is_refused_and_not_broken_off_at() -> None:
    with pytest.raises(UsageError, match="no such client"):
        run("block", NORTH, *REASON, given=b"\xff\xfe1\x00")


def test_areas_come_from_the_profession_unless_they_are_given(store: Store) -> None:
    common = ("--name", "Petra Holm", "--role", "granskare", "--unit", SOUTH)
    run("person", "petra", *common, "--title", "planerare", given="fyra små blå hästar\n")
    assert (
        "No unit"
        not in run(
            "person",
            "lisa",
            *common,
            "--title",
            "trollkarl",
            "--area",
            "IFO",
            given="fyra små blå hästar\n",
        ).stderr
    )
    alone = ("person", "maj", "--name", "Maj Ek", "--role", "granskare", "--title", "planerare")
    assert (
        "No unit is named with --unit, so maj sees nothing of any unit"
        in run(*alone, given="fyra små blå hästar\n").stderr
    )
    with pytest.raises(UsageError, match="no known profession"):
        run("person", "trolle", *common, "--title", "trollkarl", given="fyra små blå hästar\n")
    with store.read() as conn:
        found = people.people_by_login(conn)
    assert {login: found[login].areas for login in ("petra", "lisa")} == {
        "petra": {"SoL", "LSS"},
        "lisa": {"IFO"},
    }
    assert "trolle" not in found


def test_without_a_terminal_the_password_is_a_line_of_standard_input_or_asked_for_in_a_sentence(
    store: Store,
) -> None:
    lisa = (
        "person",
        "lisa",
        "--name",
        "Lisa Ek",
        "--title",
        "sjuksköterska",
        "--role",
        "granskare",
        "--unit",
        NORTH,
    )
    with pytest.raises(UsageError, match="No password was given") as error:
        run(*lisa)
    assert "standard input" in error.value.remedy
    with pytest.raises(UsageError, match="is new and needs a password") as error:
        run(*lisa, given="\n")
    assert error.value.remedy
    run(*lisa, given="fyra små blå hästar\r\n")
    run(*lisa, given="\n")
    assert logged_in(store, "lisa", "fyra små blå hästar") is not None


def test_what_is_not_named_of_a_known_account_stays_and_both_are_told(store: Store) -> None:
    run("person", "lisa", *LISA, "--unit", NORTH, "--unit", SOUTH, given="fyra små blå hästar\n")
    told = run("person", "lisa", "--title", "planerare", given="\n").stderr
    assert (
        "Changed for lisa: title planerare (was sjuksköterska), areas LSS, SoL (was HSL)." in told
    )
    assert (
        f"Kept: name Lisa Ek, role granskare, units {NORTH}, {SOUTH}, account ordinary, password."
        in told
    )
    with store.read() as conn:
        found = people.find_person(conn, "lisa")
    assert logged_in(store, "lisa", "fyra små blå hästar") == found
    assert found == Person(
        "lisa",
        "Lisa Ek",
        "planerare",
        Role.REVIEWER,
        frozenset({NORTH, SOUTH}),
        frozenset({"SoL", "LSS"}),
    )


def test_areas_that_were_chosen_outlive_another_title(store: Store) -> None:
    run("person", "lisa", *LISA, "--area", "IFO", "--unit", NORTH, given="fyra små blå hästar\n")
    assert (
        "Kept: name Lisa Ek, role granskare, units"
        in run("person", "lisa", "--title", "planerare", given="\n").stderr
    )
    with store.read() as conn:
        assert people.people_by_login(conn)["lisa"].areas == {"IFO"}


@pytest.mark.usefixtures("store")
def test_units_are_taken_away_only_when_that_is_asked_for() -> None:
    run("person", "lisa", *LISA, "--unit", NORTH, given="fyra små blå hästar\n")
    told = run("person", "lisa", given="\n").stderr
    assert "Nothing is changed for lisa." in told
    assert f"units {NORTH}" in told
    with pytest.raises(UsageError, match="--no-units"):
        run("person", "lisa", "--no-units", "--unit", NORTH, given="\n")
    told = run("person", "lisa", "--no-units", given="\n").stderr
    assert f"Changed for lisa: units none (was {NORTH})." in told
    assert "lisa sees nothing of any unit" in told
    assert f"units {SOUTH} (was none)" in run("person", "lisa", "--unit", SOUTH, given="\n").stderr


def test_an_account_for_emergencies_and_a_password_to_be_changed_stay_so(store: Store) -> None:
    run(
        "person",
        "nod",
        "--name",
        "Nödkonto",
        "--title",
        "nödkonto",
        "--role",
        "administratör",
        "--unit",
        NORTH,
        "--break-glass",
    )
    run("person", "nod", "--title", "reserv", given="\n")
    with store.begin() as conn:
        people.save_person(
            conn,
            Person("lisa", "Lisa Ek", "planerare", Role.REVIEWER, frozenset(), frozenset({"SoL"})),
            hashed("fyra små blå hästar"),
            must_change=True,
        )
    run("person", "lisa", "--unit", NORTH, given="\n")
    with store.read() as conn:
        held = {
            account.person.login: account for account in access_changes.list_accounts(conn, KEEPER)
        }
    assert held["nod"].person.break_glass
    assert held["lisa"].must_change
    assert (
        "Changed for nod: account ordinary (was for emergencies)."
        in run("person", "nod", "--no-break-glass", given="\n").stderr
    )


def test_a_new_account_says_what_it_lacks(store: Store) -> None:
    with pytest.raises(
        UsageError, match=r"The account lisa is new and needs --title, --role\."
    ) as error:
        run("person", "lisa", "--name", "Lisa Ek", "--unit", NORTH, given="fyra små blå hästar\n")
    assert "Check the login" in error.value.remedy
    with store.read() as conn:
        assert "lisa" not in people.people_by_login(conn)
    assert (
        f"Added lisa: role granskare, units {NORTH}, areas HSL."
        in run("person", "lisa", *LISA, "--unit", NORTH, given="fyra små blå hästar\n").stderr
    )


@pytest.mark.usefixtures("store")
def test_a_role_and_an_area_are_taken_in_any_case_and_a_misspelt_one_is_answered_with_all() -> None:
    run("unit", "Västra", "sol")
    lisa = ("person", "lisa", "--name", "Lisa Ek", "--title", "trollkarl", "--unit", NORTH)
    assert (
        "areas IFO, SoL"
        in run(
            *lisa,
            "--role",
            "GRANSKARE",
            "--area",
            "ifo",
            "--area",
            "SOL",
            given="fyra små blå hästar\n",
        ).stderr
    )
    for misspelt, there in (
        (("unit", "Östra", "HSK"), "LSS"),
        ((*lisa, "--role", "chief"), "chef"),
        ((*lisa, "--area", "so"), "SoL"),
    ):
        said = CliRunner().invoke(build_app(), misspelt, standalone_mode=False)
        assert isinstance(said.exception, typer.TyperException)
        assert f"'{there.casefold()}'" in said.exception.format_message().casefold()


@pytest.mark.usefixtures("store")
def test_a_wrong_unit_is_told_of_before_the_password_is_asked_for() -> None:
    with pytest.raises(UsageError, match="There is no unit Nowhere"):
        run(
            "person",
            "lisa",
            "--name",
            "Lisa Ek",
            "--title",
            "sjuksköterska",
            "--role",
            "granskare",
            "--unit",
            "Nowhere",
        )


def test_an_account_for_emergencies_gets_a_password_that_is_printed_once(store: Store) -> None:
    password = run(
        "person",
        "nod",
        "--name",
        "Nödkonto",
        "--title",
        "nödkonto",
        "--role",
        "administratör",
        "--unit",
        NORTH,
        "--break-glass",
    ).stdout.strip()
    found = logged_in(store, "nod", password, oidc=True)
    assert found is not None
    assert found.break_glass


def test_a_new_password_of_an_account_for_emergencies_ends_the_sessions_that_the_old_one_began(
    store: Store,
) -> None:
    sealed = (
        "person",
        "nod",
        "--name",
        "Nödkonto",
        "--title",
        "nödkonto",
        "--role",
        "administratör",
        "--unit",
        NORTH,
        "--break-glass",
    )
    run(*sealed)
    with store.begin() as conn:
        token = sessions.start_session(conn, "nod", utc_now())
    run(*sealed)
    with store.read() as conn:
        assert sessions.find_session(conn, token) is None
        assert "new_password" in whole_log(conn)


def test_a_closed_account_is_not_opened_by_changing_it(store: Store) -> None:
    with store.begin() as conn:
        people.deactivate_person(conn, "eva")
    with pytest.raises(UsageError, match="closed"):
        run(
            "person",
            "eva",
            "--name",
            "Eva Ek",
            "--title",
            "sjuksköterska",
            "--role",
            "granskare",
            "--unit",
            NORTH,
            given="\n",
        )
    with store.read() as conn:
        assert people.find_person(conn, "eva") is None


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "command",
    [
        ("block", "Norra", *REASON),
        ("archive", "--unit", "Norra"),
        ("backlog", "-o", "kvar.csv", "--unit", "Norra"),
        ("clashes", __file__, "--unit", "Norra"),
        ("watch", ".", "--unit", "Norra"),
    ],
    ids=lambda command: command[0],
)
def test_a_unit_that_is_misspelt_is_told_with_those_there_are(command: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=r"There is no unit Norra\.") as error:
        run(*command, given=ASTA.pid)
    assert NORTH in error.value.remedy


def test_no_second_unit_is_made_by_a_name_that_differs_in_case_or_blanks_only(store: Store) -> None:
    with pytest.raises(UsageError, match=f"There is a unit {NORTH} already"):
        run("unit", NORTH.upper() + " ", "HSL")
    run("unit", NORTH, "HSL")
    with store.read() as conn:
        assert set(client_register.areas_by_unit(conn)) == {NORTH, SOUTH}


@pytest.mark.usefixtures("store")
def test_units_of_a_register_that_are_not_known_here_are_told_of(tmp_path: Path) -> None:
    clients, staff = tmp_path / "k.csv", tmp_path / "p.csv"
    clients.write_text(f"personnummer;namn;enhet\n{ASTA.pid};Asta Prov;{NORTH.lower()}\n", "utf-8")
    staff.write_text(
        (
            f"namn;titel;signatur;enhet\nEva Ek;sjuksköterska;EE;{NORTH}\n"
            "Eva Ek;sjuksköterska;EE;Annan\n"
        ),
        "utf-8",
    )
    assert (
        f"Not known here: the unit {NORTH.lower()} (1 line)." in run("clients", str(clients)).stderr
    )
    told = run("staff", str(staff)).stderr
    assert "the unit Annan (1 line)" in told
    assert NORTH not in told


def test_a_role_is_given_next_to_the_others_replaced_and_removed(store: Store) -> None:
    run("person", "lisa", *LISA, "--unit", NORTH, given="fyra små blå hästar\n")
    run("person", "lisa", "--further", "--role", "administratör", "--unit", SOUTH, given="\n")
    said = run(
        "person", "lisa", "--person-key", "E-117", "--title", "distriktssköterska", given="\n"
    )
    assert "administratör" in said.stderr

    def lisa() -> Person:
        with store.read() as conn:
            found = people.find_person(conn, "lisa")
        assert found is not None
        return found

    assert (lisa().title, lisa().units, lisa().key) == (
        "distriktssköterska",
        frozenset({NORTH}),
        "E-117",
    )
    assert [(one.role, one.units) for one in lisa().further] == [
        (Role.ADMINISTRATOR, frozenset({SOUTH}))
    ]
    run("person", "lisa", "--further", "--role", "administratör", "--unit", NORTH, given="\n")
    assert [one.units for one in lisa().further] == [frozenset({NORTH})]
    run("person", "lisa", "--no-further", given="\n")
    assert lisa().further == ()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("login", ["lisa", "nobody"])
def test_a_further_role_needs_an_account_and_a_role(login: str) -> None:
    run("person", "lisa", *LISA, "--unit", NORTH, given="fyra små blå hästar\n")
    role = ("--role", "administratör") if login == "nobody" else ()
    with pytest.raises(UsageError, match=login):
        run("person", login, "--further", *role)
