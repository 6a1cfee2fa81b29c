"""What members agreed to: asked by topic, every answer kept with its date and how it was given, withdrawn at once."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from timebank.banks import queries as banks
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.clock import today
from timebank.kit.refusal import Refusal
from timebank.kit.words import Words, joined, mark, say
from timebank.members.access import note_within
from timebank.members.details import locked
from timebank.members.rules import EARLIEST_JOINED
from timebank.messages.service import Message, send

MAX_TITLE = 100
MAX_EXPLANATION = 500
MAX_TOPICS = 50
MAX_ANSWERS = 200
HOW = {
    "in_person": mark("in person"),
    "phone": mark("by phone"),
    "letter": mark("by letter"),
    "online": mark("online"),
}
# Asked in every time bank. Each time bank adds its own, and partners by name.
BUILT_IN = (
    ("photos", mark("Photos of me"), mark("The time bank may show photos with me in them.")),
    ("newsletter", mark("The newsletter"), mark("The time bank may send me its news.")),
)

TOPICS = """
select id, kind, title, explanation, is_asked from consent_topic where timebank_id = $1 order by kind desc, title, id
"""
ANSWERS = """
select c.topic, c.title, c.is_given, c.decided_on, c.how, c.recorded_at, m.display_name as recorded_by
  from consent c
  left join member m on m.timebank_id = c.timebank_id and m.id = c.recorded_by
 where c.timebank_id = $1 and c.member_id = $2
 order by c.decided_on desc, c.id desc
 limit $3
"""
ANSWER = """
insert into consent (timebank_id, member_id, topic, title, is_given, decided_on, how, recorded_by, recorded_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id
"""
ADD_TOPIC = """
insert into consent_topic (timebank_id, kind, title, explanation, added_by, added_at) values ($1, $2, $3, $4, $5, $6)
on conflict (timebank_id, kind, title) do update set is_asked = true, explanation = excluded.explanation
returning id
"""
GIVEN = """
select member_id from (
    select distinct on (member_id) member_id, is_given from consent
     where timebank_id = $1 and topic = $2 and member_id = any($3::bigint[])
     order by member_id, decided_on desc, id desc) latest
 where is_given
"""


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """Something members are asked to agree to. ``code`` is ``photos``, ``newsletter`` or ``topic/<number>``."""

    code: str
    title: str
    explanation: str = ""
    is_asked: bool = True


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, given or withdrawn: on which day, how, and who wrote it down (None: the service itself)."""

    topic: str
    title: str
    is_given: bool
    decided_on: date
    how: str
    recorded_at: datetime
    recorded_by: str | None

    @property
    def how_words(self) -> Words:
        """How it was given, as people read it."""
        return say(HOW[self.how])


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A topic with the answer in force; None when the member was never asked."""

    topic: Topic
    answer: Answer | None

    @property
    def is_given(self) -> bool:
        """True only when the member agreed and has not withdrawn it."""
        return self.answer is not None and self.answer.is_given


class Consents(msgspec.Struct, frozen=True, kw_only=True):
    """All topics with a member's answers in force, and every answer there was, newest first."""

    standing: tuple[Standing, ...]
    history: tuple[Answer, ...]


class Decide(msgspec.Struct, frozen=True, kw_only=True):
    """A member's answer about a topic, on a day, given in one of the ways of :data:`HOW`."""

    member_id: int
    topic: str
    is_given: bool
    decided_on: date
    how: str


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """The answer is kept. ``is_new`` is False when it was in force already."""

    is_new: bool


class AddTopic(msgspec.Struct, frozen=True, kw_only=True):
    """Something more to ask members: sharing with a ``partner`` by name, or the time bank's ``own`` wording."""

    kind: str
    title: str
    explanation: str = ""


class TopicAdded(msgspec.Struct, frozen=True, kw_only=True):
    """The topic is asked from now on."""

    code: str


async def topics(connection: Connection, timebank_id: int) -> list[Topic]:
    """Everything members are or were asked to agree to; the two of every time bank first."""
    own = [
        Topic(
            code=f"topic/{row['id']}",
            title=f"Sharing with {row['title']}" if row["kind"] == "partner" else row["title"],
            explanation=row["explanation"],
            is_asked=row["is_asked"],
        )
        for row in await connection.fetch(TOPICS, timebank_id)
    ]
    return [Topic(code=code, title=title, explanation=words) for code, title, words in BUILT_IN] + own


async def consents(connection: Connection, timebank_id: int, member_id: int) -> Consents:
    """What a member agreed to and every answer there was. Topics no longer asked stay while an answer to them does."""
    rows = await connection.fetch(ANSWERS, timebank_id, member_id, MAX_ANSWERS)
    history = [msgspec.convert(dict(row), Answer) for row in rows]
    in_force: dict[str, Answer] = {}
    for answer in history:
        in_force.setdefault(answer.topic, answer)
    standing = [
        Standing(topic=topic, answer=in_force.get(topic.code))
        for topic in await topics(connection, timebank_id)
        if topic.is_asked or topic.code in in_force
    ]
    return Consents(standing=tuple(standing), history=tuple(history))


async def gave_consent(
    connection: Connection, timebank_id: int, topic: str, member_ids: Sequence[int]
) -> frozenset[int]:
    """Those of the members who agree to a topic (``photos``, ``newsletter``, ``topic/<number>``) as of now."""
    rows = await connection.fetch(GIVEN, timebank_id, topic, list(member_ids))
    return frozenset(row["member_id"] for row in rows)


async def decide(db: Database, actor: Actor, command: Decide, *, key: str, now: datetime) -> Decided | list[Refusal]:
    """Keep a member's answer. Members answer for themselves; a coordinator writes down what a member said.

    The answer of the latest day is in force, of one day the one written down last. When somebody else writes it down
    the member is told. Refusals: ``not_allowed``, ``topic_unknown``, ``how_missing``, ``day_in_future``,
    ``day_too_early``.

    Raises:
        LookupError: this time bank has no such member, or they have left.
    """
    is_self = actor.member_id == command.member_id
    if actor.on_behalf_of is not None or not (is_self or actor.has(COORDINATOR)):
        return [Refusal("not_allowed", say("Only the member or a coordinator can answer this."))]

    async def work(connection: Connection) -> Decided:
        timebank_id = actor.timebank_id
        await locked(connection, timebank_id, command.member_id)
        bank = await banks.by_id(connection, timebank_id)
        known = {topic.code: topic for topic in await topics(connection, timebank_id)}
        if refusals := _check(command, known, today(now, bank.time_zone)):
            raise Rollback(refusals)
        before = await consents(connection, timebank_id, command.member_id)
        latest = {one.topic.code: one.answer for one in before.standing}.get(command.topic)
        if latest and (latest.is_given, latest.decided_on) == (command.is_given, command.decided_on):
            return Decided(is_new=False)
        title = known[command.topic].title
        answer_id = await connection.fetchval(
            ANSWER,
            timebank_id,
            command.member_id,
            command.topic,
            title,
            command.is_given,
            command.decided_on,
            command.how,
            actor.member_id,
            now,
        )
        what = mark("wrote down that you agreed to") if command.is_given else mark("wrote down that you withdrew")
        await note_within(connection, actor, command.member_id, f"{what}: {title}", now=now)
        if not is_self:
            await send(connection, timebank_id, [_told(command, title, answer_id)], now=now)
        return Decided(is_new=True)

    return await once(db, actor, "decide_consent", key, command, Decided, work)


async def add_topic(
    db: Database, actor: Actor, command: AddTopic, *, key: str, now: datetime
) -> TopicAdded | list[Refusal]:
    """Ask members something more from now on. One that was asked before is asked again.

    Refusals: ``not_allowed``, ``kind_unknown``, ``title_missing``, ``title_too_long``, ``explanation_too_long``,
    ``too_many_topics``.
    """
    title, explanation = names.tidy(command.title), command.explanation.strip()
    refusals = []
    if not actor.has(COORDINATOR):
        return [Refusal("not_allowed", say("Only a coordinator can add this."))]
    if command.kind not in ("partner", "own"):
        refusals.append(Refusal("kind_unknown", say("Choose a partner or your own question."), "kind"))
    if not title:
        refusals.append(Refusal("title_missing", say("Say what members agree to, in a few words."), "title"))
    # “Sharing with” goes before a partner's name.
    elif len(title) > MAX_TITLE - 20:
        refusals.append(
            Refusal("title_too_long", say("Say it in up to {value} letters.", value=MAX_TITLE - 20), "title")
        )
    if len(explanation) > MAX_EXPLANATION:
        words = f"Say it in up to {MAX_EXPLANATION} letters."
        refusals.append(Refusal("explanation_too_long", words, "explanation"))
    if refusals:
        return refusals

    async def work(connection: Connection) -> TopicAdded:
        if len(await topics(connection, actor.timebank_id)) >= MAX_TOPICS:
            raise Rollback(
                [
                    Refusal(
                        "too_many_topics", say("A time bank can ask up to {max_topics} things.", max_topics=MAX_TOPICS)
                    )
                ]
            )
        topic_id = await connection.fetchval(
            ADD_TOPIC, actor.timebank_id, command.kind, title, explanation, actor.member_id, now
        )
        return TopicAdded(code=f"topic/{topic_id}")

    return await once(db, actor, "add_consent_topic", key, command, TopicAdded, work)


def _check(command: Decide, known: dict[str, Topic], day: date) -> list[Refusal]:
    refusals = []
    if command.topic not in known:
        refusals.append(Refusal("topic_unknown", say("Choose what it is about."), "topic"))
    if command.how not in HOW:
        refusals.append(Refusal("how_missing", say("Say how they told you."), "how"))
    if command.decided_on > day:
        refusals.append(Refusal("day_in_future", say("Enter today or an earlier day."), "decided_on"))
    if command.decided_on < EARLIEST_JOINED:
        refusals.append(
            Refusal("day_too_early", say("Enter a day after {value}.", value=EARLIEST_JOINED.year - 1), "decided_on")
        )
    return refusals


def _told(command: Decide, title: str, answer_id: int) -> Message:
    # What the service itself asks is in the catalogues; what a time bank asks in its own words is in them already.
    named = say(title) if any(title == built_in for _, built_in, _ in BUILT_IN) else title
    decided = (
        say("You agreed to: {what}.", what=named)
        if command.is_given
        else say("You no longer agree to: {what}.", what=named)
    )
    return Message(
        member_id=command.member_id,
        kind="consent_recorded",
        subject=say("We wrote down your choice: {what}", what=named),
        body=joined(
            decided,
            say("You told us {how}.", how=say(HOW[command.how])),
            say("You can change your mind at any time."),
            by="\n",
        ),
        path="/me",
        dedupe=f"consent:{answer_id}",
    )
