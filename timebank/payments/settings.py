"""How a time bank pays: the format of its files, and how many working days ahead."""

import msgspec

from timebank.db import Connection

FIND = """
select format, service_user_number, days_ahead, tax_year_month, tax_year_day
  from payment_settings where timebank_id = $1
"""


class PaymentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``days_ahead`` are working days from the export until money moves; the tax year begins on the day named."""

    format: str = "payments-csv"
    service_user_number: str = ""
    days_ahead: int = 1
    tax_year_month: int = 4
    tax_year_day: int = 6


async def payment_settings(connection: Connection, timebank_id: int) -> PaymentSettings:
    """What the time bank chose, or what holds until it chooses."""
    row = await connection.fetchrow(FIND, timebank_id)
    return msgspec.convert(dict(row), PaymentSettings) if row else PaymentSettings()
