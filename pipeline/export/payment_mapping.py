"""The mapping file `forms/<id>/export.pain001.yaml`: which fields of a form make a payment."""

from __future__ import annotations

from pipeline.export.mapping import ExportMapping


class PaymentMapping(ExportMapping):
    """A form's entries as payments. Names are fields of the form; the payee is the entry's client.

    `total` is the sum of the sheet's rows, paid or not, as the paper gives it. `paid` is the box that says that the payment is made already: such
    an entry is never carried. `with_clearing` puts the clearing number before the account number, as most banks ask for a Swedish BBAN.
    `purpose_code` and `service_level` are codes that the bank's own guide gives.
    """

    paid: str
    clearing: str
    account: str
    amount: str
    purpose: str = ""
    reference: str = ""
    total: str = ""
    with_clearing: bool = True
    purpose_code: str = "SSBE"
    service_level: str = "NURG"

    def fields(self) -> set[str]:
        """The form's fields that the mapping takes."""
        return {self.paid, self.clearing, self.account, self.amount, self.purpose, self.reference, self.total} - {""}
