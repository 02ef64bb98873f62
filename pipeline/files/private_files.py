"""Files and folders that only the program's own user may open, since they hold secrets or care.

The database's tables, images and exports, and the keys to other systems. A mode that lets others
in is repaired where the file is the user's own, and otherwise refused.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from pipeline.domain.errors import SettingsError
from pipeline.domain.settings import Settings

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
"""The permissions of the group and of everybody."""


def find_open_paths(settings: Settings) -> list[Path]:
    """Return the private files and folders that others may open."""
    return [path for path in _private_paths(settings) if _read_mode(path) & _OTHERS]


def describe_mode(path: Path) -> str:
    """Return the permissions of a file as `chmod` writes them: 644."""
    return f"{_read_mode(path) & 0o777:o}"


def close_private_paths(settings: Settings) -> list[Path]:
    """Take away what others may do with private files and folders; return those it changed.

    Raises:
        SettingsError: one belongs to another user, so that its permissions cannot be changed.
    """
    changed = find_open_paths(settings)
    for path in changed:
        try:
            path.chmod(_read_mode(path) & ~_OTHERS)
        except OSError as error:
            raise SettingsError("file_not_private", file=path, mode=describe_mode(path)) from error
    return changed


def require_private(file: Path) -> None:
    """Check that nobody else may open a file with secrets.

    Raises:
        SettingsError: others may.
    """
    if _read_mode(file) & _OTHERS:
        raise SettingsError("file_not_private", file=file, mode=describe_mode(file))


def _private_paths(settings: Settings) -> Iterator[Path]:
    workspace = settings.workspace
    yield workspace
    yield settings.images
    for name in ("secrets.toml", "settings.yaml"):
        yield workspace / name
    # Databases with SQLite's own files beside them, and keys: of second factors, of backups
    for pattern in ("*.db", "*.db-*", "*.key"):
        yield from sorted(workspace.glob(pattern))
    if settings.log_file is not None:
        # With the older ones that were renamed
        log = workspace / settings.log_file
        yield from sorted(log.parent.glob(f"{log.name}*"))
    named = [settings.images_key_file, settings.second_factor_key]
    yield from (file for file in named if file is not None)
    # Of the connection to PostgreSQL: the key of TLS, and a file of passwords
    options = dict(parse_qsl(urlsplit(settings.database_url).query))
    yield from (Path(options[name]) for name in ("sslkey", "passfile") if name in options)


def _read_mode(path: Path) -> int:
    """Return the mode of a file; 0 if there is none, or on a system without such modes."""
    if os.name != "posix":
        return 0
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0
