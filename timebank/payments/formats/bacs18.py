"""Bacs Standard 18: credits of one payment run, as the labels and records that UK banks and Bacs bureaux read.

The formal specification is for members of Bacs only; the positions are those of ``finance.md``. Every label and record
ends with a return and a line feed, the last one too, as files are that come from and go to Windows programs; the length
of 80, 100 or 106 characters is without them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from timebank.kit.refusal import Refusal
from timebank.payees.model import Account
from timebank.payments.formats import bacs18_reader, checks, letters
from timebank.payments.formats.model import Batch, ControlTotal, Payment, Use

NOTE = "Send a test file to your bank first."
NEEDS = (
    "A Bacs service user number, our own UK account, and a sort code and account number of every payee. Pounds only."
)
LINE_END = "\r\n"
LABEL = 80
KEPT_DAYS = 7  # until the file may be written over, counted from the day on which money moves
MAX_SERIAL = 999_999
MAX_FILE_NUMBER = 999
FIELD = 18  # characters of a name or a reference

Places = Mapping[int, str]
"""Where texts stand in a record: the position of the first character, counted from 1, and the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bacs18:
    """Standard 18, for one processing day in its header, or with the day in every record (``is_multi``)."""

    is_multi: bool = False
    code: str = "bacs18"
    name: str = "Bacs Standard 18"
    use: Use = "bank"
    note: str = NOTE
    needs: str = NEEDS
    media_type: str = "text/plain; charset=us-ascii"
    extension: str = "txt"

    def reaches(self, account: Account | None) -> bool:
        """Everybody with a sort code and an account number."""
        return is_uk_account(account)

    def as_sent(self, payment: Payment) -> str:
        """The payee's name as the bank is sent it."""
        return letters.bacs(name_of(payment), FIELD)

    def check(self, batch: Batch) -> list[Refusal]:
        """What stands in the way.

        Refusals: ``no_own_account``, ``no_service_user_number``, ``own_name_cannot_be_sent``, and those of
        :mod:`timebank.payments.formats.checks`.
        """
        refusals = checks.check_currency(batch, "GBP", "Bacs")
        if not is_uk_account(batch.account):
            text = "Bacs needs the sort code and account number that we pay from. Add our own account first."
            refusals.append(Refusal("no_own_account", text, "format"))
        number = batch.service_user_number
        if len(number) != 6 or not (number.isascii() and number.isdecimal()):
            text = "Bacs needs our service user number: six digits that your bank gave you."
            refusals.append(Refusal("no_service_user_number", text, "format"))
        if not letters.bacs(batch.payer):
            text = f"Nothing of our own name can be sent to a bank: {batch.payer}."
            refusals.append(Refusal("own_name_cannot_be_sent", text))
        return [
            *refusals,
            *checks.check_uk_day(batch),
            *checks.check_amounts(batch, most_in_all=checks.MAX_PENCE),
            *checks.check_payees(
                (one for one in batch.payments if not is_uk_account(one.account)), "the sort code and account number"
            ),
            *checks.check_names(one for one in batch.payments if not self.as_sent(one)),
            *checks.check_references(batch.payments),
        ]

    def write(self, batch: Batch) -> bytes:
        """Return the file in ASCII."""
        records = [
            *self._headers(batch),
            *(self._credit(batch, payment) for payment in batch.payments),
            self._contra(batch),
            *self._trailers(batch),
        ]
        return "".join(record + LINE_END for record in records).encode("ascii")

    def read_back(self, content: bytes, batch: Batch) -> ControlTotal:
        """Read the file with a table of positions of its own, and compare every record with the run."""
        return bacs18_reader.read(content, batch, is_multi=self.is_multi)

    @property
    def _record(self) -> int:
        return 106 if self.is_multi else 100

    def _headers(self, batch: Batch) -> list[str]:
        number = batch.service_user_number
        return [
            _placed(LABEL, {1: "VOL1", 5: _serial(batch), 42: number, 80: "1"}),
            _placed(LABEL, {1: "HDR1", **_file_label(batch)}),
            _placed(LABEL, {1: "HDR2", **self._length_label()}),
            _placed(
                LABEL,
                {
                    1: "UHL1",
                    5: julian(batch.processing_on),
                    11: "999999",
                    21: "00",
                    23: "000000",
                    29: "4 MULTI  " if self.is_multi else "1 DAILY  ",
                    38: f"{(batch.number - 1) % MAX_FILE_NUMBER + 1:03d}",
                },
            ),
        ]

    def _trailers(self, batch: Batch) -> list[str]:
        total = f"{batch.total.pence:013d}"
        return [
            _placed(LABEL, {1: "EOF1", **_file_label(batch)}),
            _placed(LABEL, {1: "EOF2", **self._length_label()}),
            # Debits are the contra, credits the payments: the two sums are the same.
            _placed(LABEL, {1: "UTL1", 5: total, 18: total, 31: f"{1:07d}", 38: f"{batch.total.payments:07d}"}),
        ]

    def _length_label(self) -> Places:
        return {5: "F", 6: "02000", 11: f"{self._record:05d}", 51: "00"}

    def _credit(self, batch: Batch, payment: Payment) -> str:
        ours, theirs = _account(batch.account), _account(payment.account)
        return self._data(
            batch,
            {
                1: theirs.sort_code + theirs.number,
                15: "0",
                16: "99",
                18: ours.sort_code + ours.number,
                36: f"{payment.pence:011d}",
                47: letters.bacs(batch.payer, FIELD),
                65: letters.bacs(payment.reference, FIELD),
                83: self.as_sent(payment),
            },
        )

    def _contra(self, batch: Batch) -> str:
        ours = _account(batch.account)
        return self._data(
            batch,
            {
                1: ours.sort_code + ours.number,
                15: "0",
                16: "17",
                18: ours.sort_code + ours.number,
                36: f"{batch.total.pence:011d}",
                47: f"PAY RUN {batch.number}",
                65: "CONTRA",
                83: letters.bacs(batch.payer, FIELD),
            },
        )

    def _data(self, batch: Batch, places: Places) -> str:
        day = {101: julian(batch.processing_on)} if self.is_multi else {}
        return _placed(self._record, {**places, **day})


def julian(day: date) -> str:
    """A date as Bacs writes it: a space, the year in two digits, the day of the year in three."""
    return f" {day.year % 100:02d}{day.timetuple().tm_yday:03d}"


def is_uk_account(account: Account | None) -> bool:
    """True for six and eight digits, and nothing else."""
    if account is None:
        return False
    pairs = ((account.sort_code, 6), (account.number, 8))
    return all(len(text) == length and text.isascii() and text.isdecimal() for text, length in pairs)


def name_of(payment: Payment) -> str:
    """The name that the payee's account is held in, else the payee's own."""
    return (payment.account.holder if payment.account else "") or payment.payee_name


def _file_label(batch: Batch) -> Places:
    """What HDR1 and EOF1 share, from position 5."""
    number = batch.service_user_number
    return {
        5: f"A{number}",
        12: "S",
        15: "1",
        16: number,
        22: _serial(batch),
        28: "0001",
        32: "0001",
        42: julian(batch.created_at.date()),
        48: julian(batch.processing_on + timedelta(days=KEPT_DAYS)),
        55: "000000",
    }


def _serial(batch: Batch) -> str:
    """Six digits from the number of the run, so that the same run is never taken twice; never six zeros."""
    return f"{(batch.number - 1) % MAX_SERIAL + 1:06d}"


def _account(account: Account | None) -> Account:
    if account is None:
        raise ValueError("check() lets no run without accounts through")
    return account


def _placed(length: int, places: Places) -> str:
    """Spaces with the texts at their positions. Raises ValueError when two meet or one does not fit."""
    parts: list[str] = []
    end = 0
    for position, text in sorted(places.items()):
        if position <= end:
            raise ValueError(f"position {position} is taken already, up to {end}")
        parts.append(" " * (position - 1 - end) + text)
        end = position - 1 + len(text)
    if end > length:
        raise ValueError(f"{end} characters do not fit into {length}")
    return "".join(parts).ljust(length)


FORMATS = (
    Bacs18(),
    Bacs18(is_multi=True, code="bacs18-multi", name="Bacs Standard 18, multi-day"),
)
