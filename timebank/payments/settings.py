"""How a time bank pays: the format of its files, how many working days ahead, and when its tax year begins."""

from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.kit.actor import ADMIN, FINANCE, Actor
from timebank.kit.refusal import Refusal
from timebank.payments.profiles import any_format

MAX_SHOWN = 50
SUN_DIGITS = 6
MAX_TAX_YEAR_DAY = 28  # every month has it
MAX_WORKING_DAYS_AHEAD = 14  # with any holidays in between within the 31 days that banks take

FIND = """
select format, service_user_number, days_ahead, tax_year_month, tax_year_day
  from payment_settings where timebank_id = $1
"""

LOCK = "select pg_advisory_xact_lock(hashtextextended('payment_settings', $1))"
SAVE = """
insert into payment_settings (timebank_id, format, service_user_number, days_ahead, tax_year_month, tax_year_day)
values ($1, $2, $3, $4, $5, $6)
on conflict (timebank_id) do update
   set format = excluded.format, service_user_number = excluded.service_user_number,
       days_ahead = excluded.days_ahead, tax_year_month = excluded.tax_year_month, tax_year_day = excluded.tax_year_day
"""
KEEP = """
insert into payment_settings_change (timebank_id, field, before, after, by_id, at) values ($1, $2, $3, $4, $5, $6)
"""
HISTORY = """
select c.field, c.before, c.after, c.at, m.display_name as who
  from payment_settings_change c join member m on m.timebank_id = c.timebank_id and m.id = c.by_id
 where c.timebank_id = $1 order by c.id desc limit $2
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


class ChangedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``fields``: what is different now."""

    fields: tuple[str, ...]


class SettingsChange(msgspec.Struct, frozen=True, kw_only=True):
    """One changed setting."""

    field: str
    before: str
    after: str
    at: datetime
    who: str


async def change_settings(
    db: Database, actor: Actor, command: PaymentSettings, *, key: str, now: datetime
) -> ChangedSettings | list[Refusal]:
    """Choose how the time bank pays. For finance and administrators; each change is kept with who made it.

    Refusals: ``not_finance``, ``format_unknown`` and those of :func:`check`.
    """
    refusals = check(command)
    if actor.member_id is None or not (actor.has(FINANCE) or actor.has(ADMIN)):
        refusals = [Refusal("not_finance", "Only finance and administrators can change this. Ask your finance team.")]
    if refusals:
        return refusals

    async def work(connection: Connection) -> ChangedSettings:
        await connection.execute(LOCK, actor.timebank_id)
        if await any_format(connection, actor.timebank_id, command.format) is None:
            raise Rollback([Refusal("format_unknown", "Choose a format from the list.", "format")])
        before = await payment_settings(connection, actor.timebank_id)
        old, new = msgspec.structs.asdict(before), msgspec.structs.asdict(command)
        changed = tuple(field for field in new if new[field] != old[field])
        if not changed:
            return ChangedSettings(fields=())
        await connection.execute(
            SAVE,
            actor.timebank_id,
            command.format,
            command.service_user_number,
            command.days_ahead,
            command.tax_year_month,
            command.tax_year_day,
        )
        for field in changed:
            row = (actor.timebank_id, field, str(old[field]), str(new[field]), actor.member_id, now)
            await connection.execute(KEEP, *row)
        return ChangedSettings(fields=changed)

    return await once(db, actor, "change_payment_settings", key, command, ChangedSettings, work)


def check(wanted: PaymentSettings) -> list[Refusal]:
    """Refusals ``service_user_number_wrong``, ``days_ahead_wrong``, ``tax_year_wrong``."""
    refusals = []
    sun = wanted.service_user_number
    if sun and not (len(sun) == SUN_DIGITS and sun.isascii() and sun.isdecimal()):
        message = f"Enter the {SUN_DIGITS} digits of the service user number, or leave it empty."
        refusals.append(Refusal("service_user_number_wrong", message, "service_user_number"))
    if not 0 <= wanted.days_ahead <= MAX_WORKING_DAYS_AHEAD:
        message = f"Enter a number of working days from 0 to {MAX_WORKING_DAYS_AHEAD}."
        refusals.append(Refusal("days_ahead_wrong", message, "days_ahead"))
    if not (1 <= wanted.tax_year_month <= 12 and 1 <= wanted.tax_year_day <= MAX_TAX_YEAR_DAY):
        message = f"Enter a day from 1 to {MAX_TAX_YEAR_DAY} and a month."
        refusals.append(Refusal("tax_year_wrong", message, "tax_year_day"))
    return refusals


async def changes(connection: Connection, timebank_id: int) -> list[SettingsChange]:
    """What was changed, newest first; at most :data:`MAX_SHOWN`."""
    rows = await connection.fetch(HISTORY, timebank_id, MAX_SHOWN)
    return [msgspec.convert(dict(row), SettingsChange) for row in rows]
