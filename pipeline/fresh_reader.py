"""A reader that knows at every page which forms and clients there are and who signs: all are added to while pages are being read."""

from __future__ import annotations

from dataclasses import replace

from pipeline.clients import ClientRegister
from pipeline.digitize import Digitized, Reader
from pipeline.form_library import FormLibrary
from pipeline.model import StaffMember
from pipeline.staff import Signed, StaffRegister
from pipeline.store.database import Store
from pipeline.store.registers import clients, clients_as_of
from pipeline.store.staff_list import staff_list
from pipeline.template import Forms


class FreshReader:
    """Reads pages like the reader that it is given, and knows the clients and who signs by now and, with a library, which forms were published."""

    def __init__(self, reader: Reader, store: Store, signed: Signed, library: FormLibrary | None = None) -> None:
        self._reader = reader
        self._library = library
        self._store = store
        self._signed = signed
        self._staff: tuple[StaffMember, ...] | None = None
        self._clients_as_of: int | None = None

    @property
    def forms(self) -> Forms:
        """The forms that a page may be of."""
        return self._reader.forms

    def read(self, data: bytes, media_type: str) -> Digitized:
        """Read one page.

        Raises:
            EfterskriftError: the page cannot be read.
            StoreUnavailableError: the staff list cannot be had now.
        """
        if self._library and (forms := self._library.forms()) is not self._reader.forms:
            self._reader = replace(self._reader, forms=forms)
        self._look()
        return self._reader.read(data, media_type)

    def _look(self) -> None:
        with self._store.read() as conn:
            staff = tuple(staff_list(conn))
            as_of = clients_as_of(conn)
            register = ClientRegister(clients(conn)) if as_of != self._clients_as_of else None
        if register is not None:
            self._clients_as_of = as_of
            self._reader = replace(self._reader, context=replace(self._reader.context, register=register))
        if staff != self._staff:
            self._staff = staff
            self._reader = replace(self._reader, context=replace(self._reader.context, staff=StaffRegister(staff, self._signed)))
