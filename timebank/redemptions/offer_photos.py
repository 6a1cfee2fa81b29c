"""The picture of an offer: one, made anew in three sizes, with words that say what it shows."""

from datetime import date, datetime
from typing import Final

import msgspec

from timebank.db import Connection, Database, once
from timebank.kit import names
from timebank.kit.actor import Actor
from timebank.kit.ids import sha256
from timebank.kit.paging import MAX_KEY
from timebank.kit.pictures import MEDIA_TYPE, SMALL_MEDIA_TYPE, Remade, smaller
from timebank.kit.refusal import Refusal
from timebank.redemptions import offer_rules
from timebank.redemptions.offer_queries import IN_GROUP, SMALL_SIDE, medium_size

MAX_WORDS = 200
# A page of offers weighs 25 KB with all its pictures.
MAX_SMALL_BYTES, MAX_MEDIUM_BYTES = 1_200, 11_000
# A picture that cannot be made that small (noise all over) may still be kept within what the table takes.
LIMITS: Final = ((MAX_SMALL_BYTES, 4_000), (MAX_MEDIUM_BYTES, 20_000))
MARK_CHARACTERS = 12

LOCK_OFFER = "select id from offer where timebank_id = $1 and id = $2 and kind <> 'peer_support' for no key update"
REMOVE = "delete from offer_photo where timebank_id = $1 and offer_id = $2 returning offer_id"
ADD = """
insert into offer_photo
       (timebank_id, offer_id, words, width, height, small, medium, content, mark, added_by, added_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
COPY = """
insert into offer_photo
       (timebank_id, offer_id, words, width, height, small, medium, content, mark, added_by, added_at)
select timebank_id, $3, words, width, height, small, medium, content, mark, $4, $5
  from offer_photo where timebank_id = $1 and offer_id = $2
"""
# Whoever may not see the offer does not see its picture.
CONTENT: Final = {
    size: f"""
select ph.{column} from offer_photo ph
  join offer o on o.timebank_id = ph.timebank_id and o.id = ph.offer_id
 where ph.timebank_id = $1 and ph.offer_id = $4 and ($5 or not o.is_for_groups or {IN_GROUP})
"""  # noqa: S608 - our own text
    for size, column in (("small", "small"), ("medium", "medium"), ("full", "content"))
}
MEDIA_TYPES: Final = {"small": SMALL_MEDIA_TYPE, "medium": SMALL_MEDIA_TYPE, "full": MEDIA_TYPE}


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """A photo in all its sizes; width and height in pixels are those of ``full``."""

    small: bytes
    medium: bytes
    full: bytes
    width: int
    height: int


async def sizes_of(remade: Remade) -> Sizes | Refusal:
    """Make the smaller pictures of a photo that ``kit.pictures.remake`` made.

    Refusals: ``photo_too_rough``.
    """
    shapes = (((SMALL_SIDE, SMALL_SIDE), True), (medium_size(remade.width, remade.height), False))
    made = []
    for (shape, square), limits in zip(shapes, LIMITS, strict=True):
        for limit in limits:
            try:
                made.append(await smaller(remade.content, shape, max_bytes=limit, square=square))
                break
            except ValueError:
                continue
        else:
            return Refusal(
                "photo_too_rough", "This photo has too much in it to be shown small. Choose another.", "photo"
            )
    return Sizes(small=made[0], medium=made[1], full=remade.content, width=remade.width, height=remade.height)


async def set_photo(
    db: Database, actor: Actor, offer_id: int, sizes: Sizes, words: str, *, key: str, now: datetime
) -> int | list[Refusal]:
    """Give an offer its picture, in place of the one before; return the offer's id. For staff.

    Refusals: ``not_allowed``, ``words_missing``, ``words_too_long``.

    Raises:
        LookupError: there is no such offer.
    """
    if refusals := offer_rules.may_manage(actor):
        return refusals
    tidy = names.tidy(words)
    if not tidy:
        return [Refusal("words_missing", "Say what the photo shows, for people who cannot see it.", "words")]
    if len(tidy) > MAX_WORDS:
        return [Refusal("words_too_long", f"Use at most {MAX_WORDS} characters for the words.", "words")]
    mark = sha256(sizes.full).hex()[:MARK_CHARACTERS]

    async def work(connection: Connection) -> int:
        await _locked(connection, actor.timebank_id, offer_id)
        await connection.execute(REMOVE, actor.timebank_id, offer_id)
        pictures = (sizes.width, sizes.height, sizes.small, sizes.medium, sizes.full)
        await connection.execute(ADD, actor.timebank_id, offer_id, tidy, *pictures, mark, actor.member_id, now)
        return offer_id

    return await once(db, actor, "set_offer_photo", key, [offer_id, tidy, mark], int, work)


async def remove_photo(db: Database, actor: Actor, offer_id: int, *, key: str, now: datetime) -> int | list[Refusal]:
    """Take the picture of an offer away; return the offer's id. There being none is fine. For staff.

    Refusals: ``not_allowed``.

    Raises:
        LookupError: there is no such offer.
    """
    del now
    if refusals := offer_rules.may_manage(actor):
        return refusals

    async def work(connection: Connection) -> int:
        await _locked(connection, actor.timebank_id, offer_id)
        await connection.execute(REMOVE, actor.timebank_id, offer_id)
        return offer_id

    return await once(db, actor, "remove_offer_photo", key, [offer_id], int, work)


async def copy_photo(connection: Connection, actor: Actor, from_id: int, to_id: int, *, now: datetime) -> None:
    """Give a new offer the picture of the one it was copied from, if that has one."""
    await connection.execute(COPY, actor.timebank_id, from_id, to_id, actor.member_id, now)


async def content(
    connection: Connection, timebank_id: int, member_id: int, offer_id: int, size: str, *, today: date, sees_all: bool
) -> bytes | None:
    """One picture as :data:`MEDIA_TYPES` says; None when there is none for this member. ``sees_all``: for staff."""
    if not 0 < offer_id <= MAX_KEY or size not in CONTENT:
        return None
    found = await connection.fetchval(CONTENT[size], timebank_id, member_id, today, offer_id, sees_all)
    return None if found is None else bytes(found)


async def _locked(connection: Connection, timebank_id: int, offer_id: int) -> None:
    if not 0 < offer_id <= MAX_KEY or await connection.fetchval(LOCK_OFFER, timebank_id, offer_id) is None:
        raise LookupError(offer_id)
