"""Where each kind of cost goes in the accounts: the codes that files for accounting packages carry."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from timebank.db import Connection, Database, once
from timebank.kit.actor import Actor
from timebank.kit.names import tidy
from timebank.kit.refusal import Refusal
from timebank.payments import rules
from timebank.payments.formats.accounts import BANK, CREDIT

CODED = (*rules.KINDS, BANK, CREDIT)
"""What has a code: the kinds of cost, the bank that payments leave from, and what payees owe us."""
MAX_CODE = 40

CODES = "select kind, code from nominal_default where timebank_id = $1 and code <> '' order by kind"
SET = """
insert into nominal_default (timebank_id, kind, code, set_by, set_at)
select $1, x.kind, x.code, $4, $5 from unnest($2::text[], $3::text[]) as x(kind, code)
on conflict (timebank_id, kind) do update
   set code = excluded.code, set_by = excluded.set_by, set_at = excluded.set_at
 where nominal_default.code <> excluded.code
"""


class SetCodes(msgspec.Struct, frozen=True, kw_only=True):
    """Codes by kind (:data:`CODED`); "" for none. What is not named stays."""

    codes: dict[str, str]


class Codes(msgspec.Struct, frozen=True, kw_only=True):
    """Every code that is chosen, by kind."""

    codes: dict[str, str]


async def account_codes(connection: Connection, timebank_id: int) -> dict[str, str]:
    """The codes chosen by kind; what has none is not in it."""
    return {row["kind"]: row["code"] for row in await connection.fetch(CODES, timebank_id)}


async def set_codes(db: Database, actor: Actor, command: SetCodes, *, key: str, now: datetime) -> Codes | list[Refusal]:
    """Choose codes. Files that are made keep what they hold; the next one carries the new codes.

    Refusals: ``not_finance``, ``unknown_kind``, ``account_code_too_long``.
    """
    codes = {kind: tidy(code) for kind, code in command.codes.items()}
    refusals = rules.check_finance(actor) or check_codes(codes)
    if refusals:
        return refusals

    async def work(connection: Connection) -> Codes:
        kinds = sorted(codes)
        chosen = [codes[kind] for kind in kinds]
        await connection.execute(SET, actor.timebank_id, kinds, chosen, actor.member_id, now)
        return Codes(codes=await account_codes(connection, actor.timebank_id))

    return await once(db, actor, "set_account_codes", key, command, Codes, work)


def check_codes(codes: Mapping[str, str]) -> list[Refusal]:
    """Refusals ``unknown_kind``, ``account_code_too_long``. Pure."""
    refusals = [
        Refusal("unknown_kind", f"Choose from: {', '.join(CODED)}.", "codes") for kind in codes if kind not in CODED
    ]
    return refusals + [
        Refusal("account_code_too_long", f"Shorten the code to {MAX_CODE} characters or fewer.", f"code_{kind}")
        for kind, code in codes.items()
        if len(code) > MAX_CODE
    ]
