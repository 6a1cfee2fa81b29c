"""Photos of the place, for the advance sheet: the door, the room, the stop. Each with words that say what it shows."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from timebank.activities import rules
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import Actor
from timebank.kit.ids import sha256
from timebank.kit.paging import MAX_KEY
from timebank.kit.pictures import Remade
from timebank.kit.refusal import Refusal

MAX_PHOTOS = 6
MAX_WORDS = 200

LOCK_ACTIVITY = "select id from activity where timebank_id = $1 and id = $2 and not is_archived for update"
COUNT = "select count(*) from activity_photo where timebank_id = $1 and activity_id = $2"
ADD = """
insert into activity_photo (timebank_id, activity_id, words, width, height, content, added_by, added_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning id
"""
REMOVE = "delete from activity_photo where timebank_id = $1 and activity_id = $2 and id = $3 returning id"
OF_ACTIVITY = """
select id, activity_id, words, width, height from activity_photo where timebank_id = $1 and activity_id = $2 order by id
"""
FIRST_OF = """
select distinct on (activity_id) activity_id, id from activity_photo
 where timebank_id = $1 and activity_id = any($2::bigint[]) order by activity_id, id
"""
CONTENTS = """
select words, content from activity_photo where timebank_id = $1 and activity_id = $2 order by id
"""
CONTENT = "select content from activity_photo where timebank_id = $1 and id = $2"


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A photo of a place. ``words`` say what it shows, also to who cannot see it. Width and height are pixels."""

    id: int
    activity_id: int
    words: str
    width: int
    height: int


async def add_photo(
    db: Database, actor: Actor, activity_id: int, remade: Remade, words: str, *, key: str, now: datetime
) -> int | list[Refusal]:
    """Add a photo of the place and return its id. The picture comes from :func:`timebank.kit.pictures.remake`.

    Refusals: ``not_allowed``, ``words_missing``, ``words_too_long``, ``too_many_photos``.

    Raises:
        LookupError: there is no such activity, or it is archived.
    """
    if refusal := rules.may_arrange(actor):
        return [refusal]
    tidy = names.tidy(words)
    if not tidy:
        return [Refusal("words_missing", "Say what the photo shows, for people who cannot see it.", "words")]
    if len(tidy) > MAX_WORDS:
        return [Refusal("words_too_long", f"Use at most {MAX_WORDS} characters for the words.", "words")]

    async def work(connection: Connection) -> int:
        if await connection.fetchval(LOCK_ACTIVITY, actor.timebank_id, activity_id) is None:
            raise LookupError(activity_id)
        if await connection.fetchval(COUNT, actor.timebank_id, activity_id) >= MAX_PHOTOS:
            message = f"A group has at most {MAX_PHOTOS} photos. Remove one first."
            raise Rollback([Refusal("too_many_photos", message, "photo")])
        size = (remade.width, remade.height, remade.content)
        return int(await connection.fetchval(ADD, actor.timebank_id, activity_id, tidy, *size, actor.member_id, now))

    content = [activity_id, tidy, sha256(remade.content).hex()]
    return await once(db, actor, "add_activity_photo", key, content, int, work)


async def remove_photo(
    db: Database, actor: Actor, activity_id: int, photo_id: int, *, key: str, now: datetime
) -> int | list[Refusal]:
    """Remove a photo for good and return its id.

    Refusals: ``not_allowed``.

    Raises:
        LookupError: the activity has no such photo.
    """
    if refusal := rules.may_arrange(actor):
        return [refusal]

    async def work(connection: Connection) -> int:
        removed = await connection.fetchval(REMOVE, actor.timebank_id, activity_id, photo_id)
        if removed is None:
            raise LookupError(photo_id)
        return int(removed)

    return await once(db, actor, "remove_activity_photo", key, [activity_id, photo_id], int, work)


async def of_activity(connection: Connection, timebank_id: int, activity_id: int) -> list[Picture]:
    """The photos of an activity's place, the oldest first, without their content."""
    rows = await connection.fetch(OF_ACTIVITY, timebank_id, activity_id)
    return [msgspec.convert(dict(row), Picture) for row in rows]


async def first_of(connection: Connection, timebank_id: int, activity_ids: Collection[int]) -> dict[int, int]:
    """The id of the first photo of each of these activities that has one: what Easy Read shows beside its name."""
    rows = await connection.fetch(FIRST_OF, timebank_id, sorted(activity_ids))
    return {row["activity_id"]: row["id"] for row in rows}


async def contents(connection: Connection, timebank_id: int, activity_id: int) -> list[tuple[bytes, str]]:
    """The photos of an activity's place as JPEG, each with its words."""
    return [(row["content"], row["words"]) for row in await connection.fetch(CONTENTS, timebank_id, activity_id)]


async def content(connection: Connection, timebank_id: int, photo_id: int) -> bytes | None:
    """One photo as JPEG, or None."""
    if not 0 < photo_id <= MAX_KEY:
        return None
    found = await connection.fetchval(CONTENT, timebank_id, photo_id)
    return None if found is None else bytes(found)
