"""Roles of a member, in any combination: given and taken away by an administrator."""

from datetime import datetime

import msgspec

from timebank.db import Connection, Database, Rollback, once
from timebank.identity.service import sign_out_member
from timebank.kit.actor import ADMIN, ROLES, Actor
from timebank.kit.refusal import Refusal
from timebank.members import queries
from timebank.members.access import note_within
from timebank.members.details import locked
from timebank.members.rules import role_words
from timebank.messages.service import Message, send

# One at a time in a time bank: two administrators who take each other's role away would leave none.
ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtextextended('roles of ' || $1::bigint, 0))"
GIVE = "insert into member_role (timebank_id, member_id, role) select $1, $2, unnest($3::text[]) on conflict do nothing"
TAKE = "delete from member_role where timebank_id = $1 and member_id = $2 and role = any($3::text[])"
OTHER_ADMIN = """
select exists (select from member_role r
                 join member m on m.timebank_id = r.timebank_id and m.id = r.member_id
                where r.timebank_id = $1 and r.role = 'admin' and r.member_id <> $2 and m.status = 'active')
"""


class SetRoles(msgspec.Struct, frozen=True, kw_only=True):
    """The roles that a member shall hold from now on, all of them."""

    member_id: int
    roles: tuple[str, ...]


class RolesSet(msgspec.Struct, frozen=True, kw_only=True):
    """The roles as they are now, and whether that is a change."""

    roles: tuple[str, ...]
    is_changed: bool


async def set_roles(
    db: Database, actor: Actor, command: SetRoles, *, key: str, now: datetime
) -> RolesSet | list[Refusal]:
    """Give a member exactly these roles. A change signs them out everywhere and tells them.

    Refusals: ``not_allowed`` for anyone but an administrator, ``role_unknown``, ``last_admin``,
    ``roles_not_for_groups``.

    Raises:
        LookupError: this time bank has no such member, or they have left.
    """
    if not actor.has(ADMIN) or actor.on_behalf_of is not None:
        return [Refusal("not_allowed", "Only an administrator can give somebody a role.", "roles")]
    wanted = tuple(role for role in ROLES if role in command.roles)
    if len(wanted) != len(set(command.roles)):
        return [Refusal("role_unknown", f"Choose roles from: {', '.join(ROLES)}.", "roles")]

    async def work(connection: Connection) -> RolesSet:
        await connection.execute(ONE_AT_A_TIME, actor.timebank_id)
        member = await locked(connection, actor.timebank_id, command.member_id)
        if member.kind != "person" and wanted:
            raise Rollback([Refusal("roles_not_for_groups", "Give roles to a person, not to a group.", "roles")])
        given, taken = set(wanted) - set(member.roles), set(member.roles) - set(wanted)
        if not given and not taken:
            return RolesSet(roles=wanted, is_changed=False)
        if ADMIN in taken and not await connection.fetchval(OTHER_ADMIN, actor.timebank_id, member.id):
            message = "This is the last administrator. Make somebody else administrator first."
            raise Rollback([Refusal("last_admin", message, "roles")])
        await connection.execute(GIVE, actor.timebank_id, member.id, sorted(given))
        await connection.execute(TAKE, actor.timebank_id, member.id, sorted(taken))
        await sign_out_member(connection, actor.timebank_id, member.id)
        await _tell(connection, actor, command.member_id, wanted, now)
        return RolesSet(roles=wanted, is_changed=True)

    return await once(db, actor, "set_roles", key, command, RolesSet, work)


async def _tell(connection: Connection, actor: Actor, member_id: int, roles: tuple[str, ...], now: datetime) -> None:
    words = role_words(roles)
    await note_within(connection, actor, member_id, f"changed what you do here to: {words}"[:200], now=now)
    (by_whom,) = (await queries.names(connection, actor.timebank_id, [actor.member_id or 0])).values() or ("We",)
    await send(
        connection,
        actor.timebank_id,
        [
            Message(
                member_id=member_id,
                kind="roles_changed",
                subject=f"You take part as: {words}"[:140],
                body=f"{by_whom} changed what you do here.\nYou take part as: {words}.\nSign in again to go on.",
                path="/me",
                dedupe=f"roles:{member_id}:{now.isoformat()}:{','.join(roles)}",
            )
        ],
        now=now,
    )
