"""A table's columns against the header line of the customer's own system."""

from __future__ import annotations

import pytest

from pipeline.domain.errors import ExportError
from pipeline.export.runs import ExportContext
from pipeline.export.tables.csv_table import check_header, parse_header

pytest_plugins = ("tests.support.store.databases", "tests.support.store.offices")


def test_what_is_lacking_and_unknown_and_out_of_order_is_told(office: ExportContext) -> None:
    (check,) = check_header(office, "mat-exempel", "Namn;Personnummer;Kund\n1;2;3")
    assert check.form == "matbestallning"
    assert check.lacking == ("Kund",)
    assert "Portion" in check.unknown
    assert not check.in_order
    assert not check.is_match


def test_the_files_own_header_fits_whatever_the_delimiter_and_the_case(
    office: ExportContext,
) -> None:
    (check,) = check_header(office, "ciceron-exempel", "Personnummer")
    own = check.unknown
    for delimiter in ";\t,":
        (again,) = check_header(
            office, "ciceron-exempel", "\ufeff" + delimiter.join(name.upper() for name in own)
        )
        assert again.is_match
    assert parse_header("sep=,\nNamn,Dag;Tid\n1,2\n") == ["Namn", "Dag;Tid"]


def test_what_is_no_table_or_no_line_is_refused(office: ExportContext) -> None:
    with pytest.raises(ExportError, match="no table"):
        check_header(office, "rivta", "Namn")
    with pytest.raises(ExportError, match="empty"):
        parse_header(" ; ;\n")
