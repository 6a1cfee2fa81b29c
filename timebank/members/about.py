"""What was agreed with a member and where they belong, for their own page and for their record."""

import msgspec

from timebank.db import Connection
from timebank.members import consents, groups, queries, supporters
from timebank.members.consents import Consents
from timebank.members.groups import Belongs
from timebank.members.queries import MemberRecord
from timebank.members.supporters import SupporterShown


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a member agreed to, who acts for them and for whom they act, their groups; of a group its people."""

    consents: Consents
    supporters: tuple[SupporterShown, ...]
    supported: tuple[SupporterShown, ...]
    groups: tuple[Belongs, ...]
    people: tuple[Belongs, ...]
    contact: MemberRecord | None


async def about(connection: Connection, timebank_id: int, member: MemberRecord) -> About:
    """All of it as it stands now; agreements that have ended and groups that were left are not in it."""
    is_person = member.kind == "person"
    helpers = await supporters.supporters_of(connection, timebank_id, member.id)
    belongs = await groups.groups_of(connection, timebank_id, member.id) if is_person else []
    people = [] if is_person else await groups.people_in(connection, timebank_id, member.id)
    return About(
        consents=await consents.consents(connection, timebank_id, member.id),
        supporters=tuple(one for one in helpers if one.ended_at is None),
        supported=tuple(await supporters.supported_by(connection, timebank_id, member.id)),
        groups=tuple(one for one in belongs if one.until_on is None),
        people=tuple(one for one in people if one.until_on is None),
        contact=await queries.by_id(connection, timebank_id, member.contact_member_id or 0),
    )
