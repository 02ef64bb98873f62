"""Encrypt backups to public keys, in the format of age, which the program `age` opens too.

The public key lies on the machine that makes backups; the private one, which opens them, does not.
Without any key data stays as it is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pyrage
from pyrage.x25519 import Identity

from pipeline.domain.errors import UsageError
from pipeline.files.atomic import write_private

PLAIN = "plain"
"""The id of no key: what is written is not encrypted."""
_PRIVATE_PREFIX = "AGE-SECRET-KEY-"
_NO_KEY_FITS = "No matching keys"


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """Keys that a backup is encrypted to: the private key of each of them opens it."""

    keys: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """A short name of these keys."""
        if not self.keys:
            return PLAIN
        return hashlib.sha256(" ".join(sorted(self.keys)).encode()).hexdigest()[:16]

    def encrypt(self, data: bytes) -> bytes:
        """Return data encrypted.

        Raises:
            UsageError: one of the keys is no public key of age.
        """
        if not self.keys:
            return data
        if any(key.upper().startswith(_PRIVATE_PREFIX) for key in self.keys):
            raise UsageError("backup_public_key_private")
        try:
            recipients = [pyrage.x25519.Recipient.from_str(key) for key in self.keys]
        except pyrage.RecipientError:
            raise UsageError("backup_public_key_wrong") from None
        return bytes(pyrage.encrypt(data, recipients))


@dataclass(frozen=True, slots=True)
class PrivateKeys:
    """Keys that open backups; none for those that are not encrypted."""

    identities: tuple[Identity, ...] = ()
    file: Path | None = None

    def decrypt(self, data: bytes) -> bytes:
        """Return data decrypted.

        Raises:
            UsageError: the keys do not fit.
            ValueError: the data was changed or is incomplete.
        """
        if not self.identities:
            return data
        try:
            return bytes(pyrage.decrypt(data, list(self.identities)))
        except pyrage.DecryptError as error:
            if _NO_KEY_FITS in str(error):
                raise UsageError("backup_key_does_not_fit", file=self.file) from None
            raise ValueError("not what was encrypted") from None


def write_new_key(file: Path) -> str:
    """Write a new private key to a file that only its owner may read; return its public key.

    Raises:
        UsageError: there is such a file, or it cannot be written.
    """
    if file.exists():
        raise UsageError("backup_key_file_there", file=file)
    identity = pyrage.x25519.Identity.generate()
    public = str(identity.to_public())
    try:
        write_private(file, f"# public key: {public}\n{identity}\n".encode())
    except OSError as error:
        raise UsageError("no_room_to_write", file=file, reason=error.strerror) from error
    return public


def read_private_keys(file: Path) -> PrivateKeys:
    """Read a file of private keys, one a line, also as a person typed them from paper.

    Raises:
        UsageError: it cannot be read, or has no private key of age.
    """
    reason = "no private key"
    try:
        lines = ["".join(line.split()).upper() for line in file.read_text("utf-8").splitlines()]
        found = [line for line in lines if line.startswith(_PRIVATE_PREFIX)]
        identities = tuple(pyrage.x25519.Identity.from_str(line) for line in found)
    except (UnicodeDecodeError, pyrage.IdentityError):
        identities = ()
    except OSError as error:
        identities, reason = (), error.strerror or type(error).__name__
    if not identities:
        raise UsageError("backup_key_unreadable", file=file, reason=reason)
    return PrivateKeys(identities, file)
