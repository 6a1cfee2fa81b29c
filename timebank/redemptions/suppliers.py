"""Suppliers without an account: the link behind the poster at their till, and who comes through it.

The secret of a link is worked out from the data key and a random mark, so that its poster can be printed again, while
the database holds a hash of it only.
"""

import os
from datetime import datetime, timedelta

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.identity.rules import MAX_SECRET_CHARACTERS
from timebank.kit.actor import ADMIN, COORDINATOR, FINANCE, Actor, supplier
from timebank.kit.ids import sha256
from timebank.kit.paging import MAX_KEY
from timebank.kit.refusal import Refusal
from timebank.kit.vault import KeyMissing, vault
from timebank.payees import queries as payee_queries
from timebank.payees.queries import PayeeFacts
from timebank.redemptions.vouchers import no_key

OPEN_PATH = "/till/open/"
LINK_VALID_FOR = timedelta(days=400)
WARN_BEFORE = timedelta(days=30)
PURPOSE = "supplier link"
MARK_BYTES = 32
MAX_SUPPLIERS = 200

FIND = "select * from find_supplier_link($1)"
LOCK = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
END = """
update supplier_link set ended_at = $3, ended_by = $4
 where timebank_id = $1 and payee_id = $2 and ended_at is null
returning id
"""
NEW = """
insert into supplier_link (timebank_id, payee_id, mark, token_sha256, made_by, made_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7) returning id
"""
LINK = """
select id, mark, token_sha256, made_at, expires_at from supplier_link
 where timebank_id = $1 and payee_id = $2 and ended_at is null
"""
SUPPLIERS = """
select p.id, p.name, l.made_at, l.expires_at,
       (select count(*) from voucher v where v.timebank_id = p.timebank_id and v.payee_id = p.id and v.state = 'live')
           as live_vouchers
  from payee p
  left join supplier_link l on l.timebank_id = p.timebank_id and l.payee_id = p.id and l.ended_at is null
 where p.timebank_id = $1 and p.member_id is null
 order by p.name limit $2
"""


class MakeLink(msgspec.Struct, frozen=True, kw_only=True):
    """Make a link for a supplier; the one before stops working."""

    payee_id: int


class MadeLink(msgspec.Struct, frozen=True, kw_only=True):
    """The new link."""

    link_id: int


class EndLink(msgspec.Struct, frozen=True, kw_only=True):
    """End the link of a supplier: its poster was lost, or they are no supplier any more."""

    payee_id: int


class EndedLink(msgspec.Struct, frozen=True, kw_only=True):
    """The link that does not work any more."""

    link_id: int


class Till(msgspec.Struct, frozen=True, kw_only=True):
    """Who stands at a till: a supplier of one time bank, by a link that is good."""

    link_id: int
    timebank_id: int
    timebank_name: str
    time_zone: str
    currency: str
    help_contact: str
    payee_id: int
    payee_name: str

    @property
    def actor(self) -> Actor:
        """The supplier as the actor of a use case."""
        return supplier(self.timebank_id, self.payee_id)


class SupplierRow(msgspec.Struct, frozen=True, kw_only=True):
    """A supplier and the state of their link; no times when there is none."""

    id: int
    name: str
    made_at: datetime | None
    expires_at: datetime | None
    live_vouchers: int


class LinkShown(msgspec.Struct, frozen=True, kw_only=True):
    """The link in use. ``path`` opens the till; it is as good as a key to it."""

    path: str
    made_at: datetime
    expires_at: datetime


def may_arrange(actor: Actor) -> list[Refusal]:
    """Refusal ``not_allowed`` unless the actor coordinates, keeps the money or administers."""
    if actor.member_id is not None and any(actor.has(role) for role in (COORDINATOR, FINANCE, ADMIN)):
        return []
    return [Refusal("not_allowed", "Only staff can do this. Ask your coordinator.")]


async def till_of(db: Database, token: str, *, now: datetime) -> Till | None:
    """Who stands behind a secret; None when it is unknown, ended or too old."""
    if not token or len(token) > MAX_SECRET_CHARACTERS:
        return None
    async with db.globally() as connection:
        row = await connection.fetchrow(FIND, sha256(token))
    if row is None or row["ended_at"] is not None or now >= row["expires_at"]:
        return None
    return msgspec.convert({name: row[name] for name in Till.__struct_fields__}, Till)


async def make_link(
    db: Database, actor: Actor, command: MakeLink, *, key: str, now: datetime
) -> MadeLink | list[Refusal]:
    """Make a link that lets a supplier confirm vouchers for 400 days; the one before stops working.

    Refusals: ``not_allowed``, ``no_data_key``. Raises LookupError for an unknown supplier.
    """
    if refusals := may_arrange(actor):
        return refusals

    async def work(connection: Connection) -> MadeLink:
        return await make_link_within(connection, actor, command, now)

    return await once(db, actor, "make_supplier_link", key, command, MadeLink, work)


async def make_link_within(connection: Connection, actor: Actor, command: MakeLink, now: datetime) -> MadeLink:
    """Do :func:`make_link` inside an open transaction."""
    timebank_id, payee_id = actor.timebank_id, command.payee_id
    await _known(connection, timebank_id, payee_id)
    try:
        mark = os.urandom(MARK_BYTES)
        token = vault().tokens(PURPOSE, mark)[0]
    except KeyMissing as error:
        raise Rollback([no_key(error)]) from error
    await connection.execute(LOCK, f"supplier link of {timebank_id}/{payee_id}")
    await connection.execute(END, timebank_id, payee_id, now, actor.member_id)
    link_id = await connection.fetchval(
        NEW, timebank_id, payee_id, mark, sha256(token), actor.member_id, now, now + LINK_VALID_FOR
    )
    return MadeLink(link_id=link_id)


async def end_link(
    db: Database, actor: Actor, command: EndLink, *, key: str, now: datetime
) -> EndedLink | list[Refusal]:
    """End a supplier's link at once. Refusals: ``not_allowed``, ``no_link``. Raises LookupError."""
    if refusals := may_arrange(actor):
        return refusals

    async def work(connection: Connection) -> EndedLink:
        await _known(connection, actor.timebank_id, command.payee_id)
        link_id = await connection.fetchval(END, actor.timebank_id, command.payee_id, now, actor.member_id)
        if link_id is None:
            raise Rollback([Refusal("no_link", "This supplier has no link.")])
        return EndedLink(link_id=link_id)

    return await once(db, actor, "end_supplier_link", key, command, EndedLink, work)


async def link_of(connection: Connection, timebank_id: int, payee_id: int) -> LinkShown | None:
    """The link of a supplier with its secret, for whoever prints the poster; None when there is none.

    Raises:
        KeyMissing: the key that it was made with is not here; make a new link.
    """
    row = await connection.fetchrow(LINK, timebank_id, payee_id)
    if row is None:
        return None
    token = next((t for t in vault().tokens(PURPOSE, row["mark"]) if sha256(t) == row["token_sha256"]), None)
    if token is None:
        raise KeyMissing("the key of this link is missing")
    return LinkShown(path=OPEN_PATH + token, made_at=row["made_at"], expires_at=row["expires_at"])


async def every_supplier(connection: Connection, timebank_id: int) -> list[SupplierRow]:
    """Every supplier by name, at most :data:`MAX_SUPPLIERS`."""
    rows = await connection.fetch(SUPPLIERS, timebank_id, MAX_SUPPLIERS)
    return [msgspec.convert(dict(row), SupplierRow) for row in rows]


async def _known(connection: Connection, timebank_id: int, payee_id: int) -> PayeeFacts:
    found = await payee_queries.payee(connection, timebank_id, payee_id) if 0 < payee_id <= MAX_KEY else None
    if found is None:
        raise LookupError(payee_id)
    return found
