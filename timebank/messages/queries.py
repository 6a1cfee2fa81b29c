"""Reading messages: what was sent to a member, and what people have to do about those that wait."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from timebank import languages
from timebank.banks import queries as banks
from timebank.db import Connection, offers_unread_languages
from timebank.kit.paging import Page, page_of
from timebank.messages import rules
from timebank.messages.rules import Letter, Note

MAX_LISTED = 200
MAX_LETTERS = 500
SENT_TO = """
select m.id, m.kind, m.subject, m.body, m.path, m.created_at, m.state, coalesce(d.channel, '') as channel,
       coalesce(d.state, '') as delivery_state, d.sent_at
  from message m
  left join delivery d on d.timebank_id = m.timebank_id and d.id = m.delivery_id
 where m.timebank_id = $1 and m.member_id = $2 and ($3::bigint is null or m.id < $3)
 order by m.id desc
 limit $4
"""
PATH = "select path from message where timebank_id = $1 and id = $2 and member_id = $3"
ARRIVAL = """
select coalesce(d.channel, '') as channel,
       case when m.state in ('kept', 'dropped') then m.created_at else d.sent_at end as at
  from message m
  left join delivery d on d.timebank_id = m.timebank_id and d.id = m.delivery_id
 where m.timebank_id = $1 and m.dedupe = $2
"""
WAITING = """
select (select count(*) from message where timebank_id = $1 and state = 'waiting') as gathering,
       count(*) filter (where channel = 'email') as emails,
       count(*) filter (where channel = 'sms') as texts,
       coalesce(max(trouble) filter (where channel = 'email'), '') as email_trouble,
       coalesce(max(trouble) filter (where channel = 'sms'), '') as text_trouble,
       count(*) filter (where channel = 'letter' and batch is null) as letters
  from delivery
 where timebank_id = $1 and state = 'waiting'
"""
DELIVERIES = """
select d.id, d.member_id, d.channel, d.state, d.attempts, d.trouble, d.batch, d.created_at, d.next_at, d.sent_at,
       p.display_name, p.number, p.format_preference, p.language, p.quiet_from, p.quiet_until,
       coalesce(nullif(d.only_address, ''), p.phone) as phone,
       coalesce(nullif(d.only_address, ''), p.postal_address) as postal_address,
       (select jsonb_agg(jsonb_build_object('id', m.id, 'subject', m.subject, 'body', m.body, 'path', m.path)
                         order by m.id)
          from message m where m.timebank_id = d.timebank_id and m.delivery_id = d.id) as notes
  from delivery d
  join member p on p.timebank_id = d.timebank_id and p.id = d.member_id
"""
BY_STATE = DELIVERIES + " where d.timebank_id = $1 and d.state = $2 and d.channel = any($3) order by d.id limit $4"
OF_BATCH = DELIVERIES + " where d.timebank_id = $1 and d.batch = $2 and d.channel = 'letter' order by p.name_key, d.id"
BATCHES = """
select batch as number, count(*) as letters, min(queued_at) as made_at
  from delivery where timebank_id = $1 and state = 'waiting' and batch is not null
 group by batch order by batch
"""
TEXTS = """
select t.body, t.at, p.display_name
  from text_outbox t
  join delivery d on d.timebank_id = t.timebank_id and d.id = t.delivery_id
  join member p on p.timebank_id = d.timebank_id and p.id = d.member_id
 where t.timebank_id = $1
 order by t.at desc, t.delivery_id desc
 limit $2
"""


class SentMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message to a member, and how it reached them."""

    id: int
    kind: str
    subject: str
    body: str
    path: str
    created_at: datetime
    state: str
    channel: str
    delivery_state: str
    sent_at: datetime | None

    @property
    def paragraphs(self) -> list[str]:
        """The body, paragraph by paragraph."""
        return [part.strip() for part in self.body.split("\n\n") if part.strip()]


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """How many wait. ``gathering`` are messages that may still get company; the rest are deliveries."""

    gathering: int
    emails: int
    texts: int
    email_trouble: str
    text_trouble: str
    letters: int


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One e-mail, text, call or letter as whoever takes care of it sees it."""

    id: int
    member_id: int
    channel: str
    state: str
    attempts: int
    trouble: str
    batch: int | None
    created_at: datetime
    next_at: datetime
    sent_at: datetime | None
    display_name: str
    number: int
    format_preference: str
    language: str
    quiet_from: int | None
    quiet_until: int | None
    phone: str
    postal_address: str
    notes: tuple[Note, ...]

    @property
    def seen(self) -> int:
        """The newest message in it: what a person who settles it has read up to."""
        return max((note.id for note in self.notes), default=0)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Letters that are being printed together."""

    number: int
    letters: int
    made_at: datetime


class PrintedLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A letter ready for paper: where it goes, what it says, and whether its reader likes large print."""

    display_name: str
    number: int
    is_large: bool
    address_lines: tuple[str, ...]
    letter: Letter


class KeptText(msgspec.Struct, frozen=True, kw_only=True):
    """A text message that the demo would have sent."""

    body: str
    at: datetime
    display_name: str


async def sent_to(
    connection: Connection, timebank_id: int, member_id: int, *, after: int | None, limit: int
) -> Page[SentMessage]:
    """The messages to one member, newest first; ``after`` is the id of the last one shown before."""
    rows = await connection.fetch(SENT_TO, timebank_id, member_id, after, limit + 1)
    found = [msgspec.convert(dict(row), SentMessage) for row in rows]
    return page_of(found, limit, lambda message: (message.id,))


async def path_of(connection: Connection, timebank_id: int, message_id: int, member_id: int) -> str | None:
    """Where a message to this member leads; None when there is none."""
    found: str | None = await connection.fetchval(PATH, timebank_id, message_id, member_id)
    return found


async def arrived_on(connection: Connection, timebank_id: int, dedupe: str) -> date | None:
    """The day from which limits count for what this message said (see :func:`timebank.messages.rules.arrived_on`);
    None while it is on its way, or when it was never written.
    """
    row = await connection.fetchrow(ARRIVAL, timebank_id, dedupe)
    if row is None or row["at"] is None:
        return None
    bank = await banks.by_id(connection, timebank_id)
    return rules.arrived_on(
        channel=row["channel"], sent_at=row["at"], time_zone=bank.time_zone, region=bank.holiday_region
    )


async def waiting(connection: Connection, timebank_id: int) -> Waiting:
    """How many messages wait, by channel."""
    return msgspec.convert(dict(await connection.fetchrow(WAITING, timebank_id)), Waiting)


async def failed(connection: Connection, timebank_id: int) -> list[Delivery]:
    """What could not be delivered, oldest first."""
    return await _by_state(connection, timebank_id, "failed", rules.CHANNELS)


async def calls(connection: Connection, timebank_id: int) -> list[Delivery]:
    """The calls to make, oldest first."""
    return await _by_state(connection, timebank_id, "waiting", (rules.PHONE,))


async def letters(connection: Connection, timebank_id: int) -> list[Delivery]:
    """The letters that wait for the printer, oldest first."""
    return await _by_state(connection, timebank_id, "waiting", (rules.LETTER,))


async def batches(connection: Connection, timebank_id: int) -> list[Batch]:
    """The letters that nobody has marked as printed yet."""
    return [msgspec.convert(dict(row), Batch) for row in await connection.fetch(BATCHES, timebank_id)]


async def batch(connection: Connection, timebank_id: int, number: int) -> list[Delivery]:
    """The letters of one print run, by name; empty when there is none of that number."""
    return _deliveries(await connection.fetch(OF_BATCH, timebank_id, number))


async def printed_letters(
    connection: Connection, timebank_id: int, deliveries: Sequence[Delivery], *, base_url: str
) -> list[PrintedLetter]:
    """What is on the paper of these letters."""
    bank = await banks.by_id(connection, timebank_id)
    unread = await offers_unread_languages(connection)
    return [
        PrintedLetter(
            display_name=each.display_name,
            number=each.number,
            is_large=each.format_preference in ("large_print", "easy_read"),
            address_lines=tuple(line.strip() for line in each.postal_address.splitlines() if line.strip()),
            letter=rules.compose(
                each.notes,
                display_name=each.display_name,
                timebank_name=bank.name,
                help_contact=bank.help_contact,
                base_url=base_url,
                channel=rules.LETTER,
                language=languages.spoken(each.language, unread=unread),
            ),
        )
        for each in deliveries
    ]


async def texts(connection: Connection, timebank_id: int) -> list[KeptText]:
    """The text messages that were kept instead of sent, newest first."""
    return [msgspec.convert(dict(row), KeptText) for row in await connection.fetch(TEXTS, timebank_id, MAX_LISTED)]


async def _by_state(connection: Connection, timebank_id: int, state: str, channels: tuple[str, ...]) -> list[Delivery]:
    return _deliveries(await connection.fetch(BY_STATE, timebank_id, state, list(channels), MAX_LISTED))


def _deliveries(rows: Sequence[object]) -> list[Delivery]:
    return [msgspec.convert({**row, "notes": row["notes"] or []}, Delivery) for row in rows]  # type: ignore[dict-item,index]
