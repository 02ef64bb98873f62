"""Settings are kept as long as nothing that they come from has changed."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.domain.errors import SettingsError, UsageError
from pipeline.domain.settings import load_settings, read_environment_file


def test_unchanged_settings_are_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path))
    assert load_settings() is load_settings()


def test_what_is_set_anew_counts_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path))
    monkeypatch.delenv("EFTERSKRIFT_LANGUAGE", raising=False)
    assert load_settings().language == "sv"
    (tmp_path / "settings.yaml").write_text("language: en", "utf-8")
    assert load_settings().language == "en"
    (tmp_path / "settings.yaml").write_text("language: sv", "utf-8")
    assert load_settings().language == "sv"
    monkeypatch.setenv("EFTERSKRIFT_LANGUAGE", "en")
    assert load_settings().language == "en"


def test_wrong_settings_stay_wrong_until_they_are_corrected(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path))
    (tmp_path / "settings.yaml").write_text("page_seconds: soon", "utf-8")
    for _ in range(2):
        with pytest.raises(UsageError, match="page_seconds"):
            load_settings()
    (tmp_path / "settings.yaml").write_text("page_seconds: 7", "utf-8")
    assert load_settings().page_seconds == 7


def test_an_outage_ends_after_it_has_begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path))
    (tmp_path / "settings.yaml").write_text(
        "outage_start: 2021-12-16T03:00:00\noutage_end: 2021-01-10T08:00:00\n", "utf-8"
    )
    with pytest.raises(UsageError, match="outage_end"):
        load_settings()
    (tmp_path / "settings.yaml").write_text(
        "outage_start: 2021-12-16T03:00:00\noutage_end: 2022-01-10T08:00:00\n", "utf-8"
    )
    assert load_settings().outage_end


def test_a_workspace_that_may_not_be_looked_into_is_told_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path / "closed"))
    real = Path.is_file

    def refused(path: Path) -> bool:
        if path.name == "settings.yaml":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path)

    monkeypatch.setattr(Path, "is_file", refused)
    with pytest.raises(
        SettingsError, match="closed cannot be looked into: Permission denied"
    ) as error:
        load_settings()
    assert "rights" in error.value.remedy


def test_a_setting_that_no_longer_exists_is_called_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("EFTERSKRIFT_WORKSPACE", str(tmp_path))
    (tmp_path / "settings.yaml").write_text("fhir_url: https://fhir.example/R4\nlanguage: sv\n")
    with pytest.raises(SettingsError, match="no longer exist: fhir_url") as error:
        load_settings()
    assert "settings.yaml" in error.value.remedy


VALUES: Sequence[tuple[str, str]] = (
    ("A=Hemsjukvården Centrum", "Hemsjukvården Centrum"),
    ('A="Hemsjukvården Centrum"', "Hemsjukvården Centrum"),
    ("A='Hemsjukvården Centrum'  ", "Hemsjukvården Centrum"),
    ("A=  två  mellanslag  ", "två  mellanslag"),
    (r'A="ett \"citat\" och $HOME \n"', r'ett "citat" och $HOME \n'),
    (r"A=C:\\mapp", "C:\\mapp"),
    (r"A='C:\mapp'", r"C:\mapp"),
    ("A=Kalle's", "Kalle's"),
    ("A=1 # inte en kommentar", "1 # inte en kommentar"),
    ('A="a""b"c', "abc"),
    ("A=", ""),
    ("A=x=y", "x=y"),
)
"""Lines of a file, and what `EnvironmentFile=` of systemd.exec(5) makes of them."""


@pytest.mark.parametrize(("line", "value"), VALUES)
def test_values_are_read_with_quotes_as_systemd_does(line: str, value: str, tmp_path: Path) -> None:
    file = tmp_path / "efterskrift.env"
    file.write_text(f"# a comment\n; another\nnot a variable\n\n{line}\n")
    assert read_environment_file(file) == {"A": value}
