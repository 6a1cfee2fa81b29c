"""ISO 20022 credit transfers (pain.001), for UK accounts and for SEPA, in the versions .09 and .03.

Ids and times come from the payment run alone, so that the same run is the same bytes for ever. Before a file leaves it
is validated against the XSD that the package ``sepaxml`` ships; its writer is not used, because it invents ids and asks
the clock.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NoReturn

from lxml import etree
from lxml.builder import ElementMaker

from timebank.kit import money
from timebank.kit.refusal import Refusal
from timebank.payees.model import Account
from timebank.payments.formats import checks, letters
from timebank.payments.formats.bacs18 import is_uk_account, name_of
from timebank.payments.formats.model import Batch, ControlTotal, Payment, UnreadableFileError, Use

Element = Any  # lxml has no types of its own
Version = Literal["09", "03"]
Scheme = Literal["uk", "sepa"]

MAX_ID = 35
MAX_NAME = {"sepa": 70, "uk": 140}
MAX_TEXT = 140
MAX_TOWN = 35
CURRENCY = {"sepa": "EUR", "uk": "GBP"}
NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001."
NOTE = {
    "09": "The version that banks moved to in 2025. Send a test file to your bank first.",
    "03": "For banks that do not take version .09 yet. Send a test file to your bank first.",
}
NEEDS = {
    "uk": "Our own UK account, and a sort code and account number of every payee. Pounds only.",
    "sepa": "Our own IBAN, and the IBAN of every payee. Euros only.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pain001:
    """One scheme in one version. UK: the sort code is a member of GBDSC, the account stands in ``Othr/Id``."""

    scheme: Scheme
    version: Version
    code: str
    name: str
    use: Use = "bank"
    media_type: str = "application/xml"
    extension: str = "xml"

    @property
    def note(self) -> str:
        """What somebody must know first."""
        return NOTE[self.version]

    @property
    def needs(self) -> str:
        """What it cannot be made without."""
        return NEEDS[self.scheme]

    def reaches(self, account: Account | None) -> bool:
        """Everybody with an account of the scheme."""
        if self.scheme == "uk":
            return is_uk_account(account)
        return account is not None and bool(account.iban)

    def as_sent(self, payment: Payment) -> str:
        """The payee's name as the bank is sent it."""
        return letters.sepa(name_of(payment), MAX_NAME[self.scheme])

    def check(self, batch: Batch) -> list[Refusal]:
        """What stands in the way; at last, what the XSD says.

        Refusals: ``no_own_account``, ``own_name_cannot_be_sent``, ``file_not_valid``, and those of
        :mod:`timebank.payments.formats.checks`.
        """
        refusals = checks.check_currency(batch, CURRENCY[self.scheme], "UK payments" if self.scheme == "uk" else "SEPA")
        kind = "sort code and account number" if self.scheme == "uk" else "IBAN"
        if not self.reaches(batch.account):
            text = f"This format needs the {kind} that we pay from. Add our own account first."
            refusals.append(Refusal("no_own_account", text, "format"))
        if not letters.sepa(batch.payer):
            text = f"Nothing of our own name can be sent to a bank: {batch.payer}."
            refusals.append(Refusal("own_name_cannot_be_sent", text))
        refusals += checks.check_uk_day(batch) if self.scheme == "uk" else checks.check_sepa_day(batch)
        refusals += checks.check_amounts(batch)
        refusals += checks.check_payees((one for one in batch.payments if not self.reaches(one.account)), f"the {kind}")
        refusals += checks.check_names(one for one in batch.payments if not self.as_sent(one))
        refusals += checks.check_references(batch.payments)
        if refusals:
            return refusals
        error = _not_valid(self._document(batch), self.version)
        if error is None:
            return []
        return [Refusal("file_not_valid", f"A bank would not take this file: {error}", "format")]

    def write(self, batch: Batch) -> bytes:
        """Return the file in UTF-8.

        Raises:
            UnreadableFileError: it is not valid, although :meth:`check` found nothing.
        """
        document = self._document(batch)
        error = _not_valid(document, self.version)
        if error is not None:
            raise UnreadableFileError(f"pain.001.001.{self.version}: {error}")
        content: bytes = etree.tostring(document, encoding="UTF-8", xml_declaration=True, pretty_print=True)
        return content

    def read_back(self, content: bytes, batch: Batch) -> ControlTotal:
        """Read the file event by event, and compare every transaction with the run."""
        found = list(_transactions(content, self.version))
        head, transactions = found[0], found[1:]
        pence = sum(_minor(one["amount"], batch.currency) for one in transactions)
        totals = {(str(len(transactions)), _minor(total, batch.currency)) for total in head["sums"].split()}
        if totals != {(head["count"], pence)}:
            _wrong("its totals are not those of its transactions")
        if len(transactions) != len(batch.payments):
            _wrong("it holds another number of payments")
        for one, payment in zip(transactions, batch.payments, strict=True):
            wanted = (payment.reference, payment.pence, batch.currency, *self._numbers(payment.account))
            if (
                one["id"],
                _minor(one["amount"], batch.currency),
                one["currency"],
                one["bank"],
                one["account"],
            ) != wanted:
                _wrong(f"payment {payment.reference} reads differently")
        return ControlTotal(batch.currency, len(transactions), pence)

    def _numbers(self, account: Account | None) -> tuple[str, str]:
        """The bank and the account as a transaction names them."""
        if account is None:
            return ("", "")
        return (account.sort_code, account.number) if self.scheme == "uk" else (account.bic, account.iban)

    def _document(self, batch: Batch) -> Element:
        """Mandatory elements, and those that every bank asks for: control sums, creditor, creditor's account."""
        space = NAMESPACE + self.version
        make = ElementMaker(namespace=space, nsmap={None: space})
        run = f"{batch.slug[:20]}-RUN-{batch.number:04d}"[:MAX_ID]
        count, total = str(batch.total.payments), money.decimal(batch.total.pence, batch.currency)
        ours = make.Nm(letters.sepa(batch.payer, MAX_NAME[self.scheme]))
        day = batch.processing_on.isoformat()
        created = batch.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        information = make.PmtInf(
            make.PmtInfId(run),
            make.PmtMtd("TRF"),
            make.NbOfTxs(count),
            make.CtrlSum(total),
            make.PmtTpInf(make.SvcLvl(make.Cd("SEPA" if self.scheme == "sepa" else "NURG"))),
            make.ReqdExctnDt(day) if self.version == "03" else make.ReqdExctnDt(make.Dt(day)),
            make.Dbtr(ours),
            make.DbtrAcct(self._account(make, batch.account), make.Ccy(batch.currency)),
            make.DbtrAgt(self._bank(make, batch.account)),
        )
        if self.scheme == "sepa":
            information.append(make.ChrgBr("SLEV"))
        information.extend(self._transaction(make, batch, payment) for payment in batch.payments)
        return make.Document(
            make.CstmrCdtTrfInitn(
                make.GrpHdr(
                    make.MsgId(run),
                    make.CreDtTm(created),
                    make.NbOfTxs(count),
                    make.CtrlSum(total),
                    make.InitgPty(make.Nm(letters.sepa(batch.payer, MAX_NAME[self.scheme]))),
                ),
                information,
            )
        )

    def _transaction(self, make: ElementMaker, batch: Batch, payment: Payment) -> Element:
        creditor = make.Cdtr(make.Nm(self.as_sent(payment)))
        town = letters.sepa(payment.town, MAX_TOWN)
        if town and payment.country:
            creditor.append(make.PstlAdr(make.TwnNm(town), make.Ctry(payment.country)))
        transaction = make.CdtTrfTxInf(
            make.PmtId(make.EndToEndId(payment.reference)),
            make.Amt(make.InstdAmt(money.decimal(payment.pence, batch.currency), Ccy=batch.currency)),
        )
        if self.scheme == "uk" or (payment.account is not None and payment.account.bic):
            transaction.append(make.CdtrAgt(self._bank(make, payment.account)))
        transaction.append(creditor)
        transaction.append(make.CdtrAcct(self._account(make, payment.account)))
        transaction.append(make.RmtInf(make.Ustrd(remittance_text(payment))))
        return transaction

    def _account(self, make: ElementMaker, account: Account | None) -> Element:
        if account is None:
            raise ValueError("check() lets no run without accounts through")
        return (
            make.Id(make.IBAN(account.iban)) if self.scheme == "sepa" else make.Id(make.Othr(make.Id(account.number)))
        )

    def _bank(self, make: ElementMaker, account: Account | None) -> Element:
        if account is None:
            raise ValueError("check() lets no run without accounts through")
        if self.scheme == "uk":
            member = make.ClrSysMmbId(make.ClrSysId(make.Cd("GBDSC")), make.MmbId(account.sort_code))
            return make.FinInstnId(member)
        if not account.bic:
            return make.FinInstnId(make.Othr(make.Id("NOTPROVIDED")))
        return make.FinInstnId(make.BIC(account.bic) if self.version == "03" else make.BICFI(account.bic))


def remittance_text(payment: Payment) -> str:
    """What the payee reads: our reference first, then invoice and purpose, in letters that banks carry."""
    parts = (payment.reference, payment.invoice_number, payment.description)
    return letters.sepa(" ".join(part for part in parts if part), MAX_TEXT)


@cache
def _schema(version: Version) -> etree.XMLSchema:
    source = files("sepaxml") / "schemas" / f"pain.001.001.{version}.xsd"
    return etree.XMLSchema(etree.fromstring(source.read_bytes(), _parser()))


def _not_valid(document: Element, version: Version) -> str | None:
    """What the XSD has against a document, without the address of its namespace; None when it is valid."""
    schema = _schema(version)
    if schema.validate(document):
        return None
    return str(schema.error_log[0].message).replace(f"{{{NAMESPACE}{version}}}", "")


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


_LEAVES = {"EndToEndId": "id", "InstdAmt": "amount", "MmbId": "bank", "BICFI": "bank", "BIC": "bank", "IBAN": "account"}


class _Target:
    """Collects what matters while the parser runs, so that the whole file is never a tree again."""

    def __init__(self, space: str) -> None:
        self.space = f"{{{space}}}"
        self.head: dict[str, str] = {"sums": "", "counts": ""}
        self.found: list[dict[str, str]] = []
        self.path: list[str] = []
        self.text: list[str] = []
        self.currency = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not tag.startswith(self.space):
            _wrong("it has another namespace")
        name = tag.removeprefix(self.space)
        self.path.append(name)
        self.text.clear()
        if name == "CdtTrfTxInf":
            self.found.append({"id": "", "amount": "", "currency": "", "bank": "", "account": ""})
        elif name == "InstdAmt":
            self.currency = attributes.get("Ccy", "")

    def data(self, text: str) -> None:
        self.text.append(text)

    def end(self, tag: str) -> None:
        name = self.path.pop()
        text = "".join(self.text).strip()
        self.text.clear()
        if name in ("NbOfTxs", "CtrlSum"):
            key = "sums" if name == "CtrlSum" else "counts"
            self.head[key] += f" {text}"
        elif "CdtTrfTxInf" in self.path:
            one = self.found[-1]
            if name in _LEAVES:
                one[_LEAVES[name]] = text
            elif self.path[-1] == "Othr" and self.path[-3] == "CdtrAcct":
                one["account"] = text
            if name == "InstdAmt":
                one["currency"] = self.currency

    def close(self) -> list[dict[str, str]]:
        counts = set(self.head["counts"].split())
        if len(counts) != 1 or not self.head["sums"]:
            _wrong("its counts differ")
        return [{"count": counts.pop(), "sums": self.head["sums"]}, *self.found]


def _transactions(content: bytes, version: Version) -> Iterator[dict[str, str]]:
    """The counts and sums of the heads first, then every transaction."""
    parser = etree.XMLParser(
        target=_Target(NAMESPACE + version), resolve_entities=False, no_network=True, load_dtd=False
    )
    try:
        yield from etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        _wrong(str(error))


def _minor(text: str, currency: str) -> int:
    try:
        minor = Decimal(text).scaleb(money.minor_digits(currency))
    except InvalidOperation:
        _wrong(f"{text!r} is not an amount")
    if not minor.is_finite() or minor != int(minor):
        _wrong(f"{text!r} is not an amount")
    return int(minor)


def _wrong(what: str) -> NoReturn:
    raise UnreadableFileError(f"pain.001: {what}")


FORMATS = (
    Pain001(scheme="uk", version="09", code="pain001-uk", name="ISO 20022 for UK accounts (pain.001.001.09)"),
    Pain001(scheme="sepa", version="09", code="pain001-sepa", name="ISO 20022 for SEPA (pain.001.001.09)"),
    Pain001(scheme="uk", version="03", code="pain001-uk-03", name="ISO 20022 for UK accounts, older (pain.001.001.03)"),
    Pain001(scheme="sepa", version="03", code="pain001-sepa-03", name="ISO 20022 for SEPA, older (pain.001.001.03)"),
)
