"""What people logged themselves, one of it with a photo, an approver and her deputy, and questions in every state."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from PIL import Image, ImageDraw

from timebank.banks.rules import TimeBankFacts
from timebank.concerns import queries
from timebank.concerns import service as concerns
from timebank.contributions import deputies, photos, self_log
from timebank.contributions import service as contributions
from timebank.contributions.deputies import NameDeputy
from timebank.contributions.self_log import LogTime
from timebank.contributions.service import Decide
from timebank.db import Database
from timebank.demo import people
from timebank.demo.steps import Refused, Step
from timebank.kit.actor import Actor

DEPUTY = "Francis Obi"
DEPUTY_DAYS = 60


@dataclass(frozen=True)
class OwnTime:
    """Something that a member logged: how many days ago, how long, in their words, and what became of it."""

    member: str
    days_ago: int
    minutes: int
    words: str
    becomes: Literal["waits", "approved", "not yet"] = "waits"
    has_photo: bool = False


@dataclass(frozen=True)
class Question:
    """A question about somebody's latest entry: how many days ago it was asked, and the answer."""

    days_ago: int
    words: str
    outcome: Literal["open", "upheld", "corrected"]
    answer: str = ""
    more_minutes: int = 0


OWN_TIMES = (
    OwnTime(
        people.PARTICIPANT,
        1,
        90,
        "I planted the beans along the fence and watered everything.",
        "waits",
        has_photo=True,
    ),
    OwnTime(
        people.PARTICIPANT, 9, 45, "I read the leaflet for the health centre and wrote down what is hard.", "approved"
    ),
    OwnTime(people.PARTICIPANT, 6, 240, "Phone calls", "not yet"),
    OwnTime("Umar Farooq", 3, 60, "Went to the pharmacy with Violet and waited with her."),
    OwnTime("Mina Soltani", 2, 120, "Translated the poster into Farsi. It took two evenings."),
    OwnTime("Nora Kelly", 2, 30, "Rang three people who live alone."),
    OwnTime("Isla Campbell", 1, 600, "Helped all day at the open day, from setting up to sweeping."),
)
NOT_YET = "Please tell us a little more about what you did."
QUESTIONS = (
    Question(40, "I stayed until the end, so it was half an hour more.", "corrected", "You are right. Noted now.", 30),
    Question(33, "I think this was another week.", "upheld", "I asked the group. They remember you there that day."),
    Question(24, "I was there for longer than it says.", "open"),
    Question(2, "This was not me. I was away that week.", "open"),
)
ASKERS = ("Tess Whitlock", "Winston Clarke", "Yolanda Ruiz", "Xin Li", "Violet Nash", "Samir Haddad", "Qadira Rahman")

LATEST = """
select c.id, c.member_id, c.minutes
  from contribution c
 where c.timebank_id = $1 and c.state = 'approved' and c.held_on <= $2 and c.member_id = any($3::bigint[])
   and c.query_state = ''
 order by array_position($3::bigint[], c.member_id), c.held_on desc, c.id
 limit 1
"""


async def add_concerns(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> list[Step]:
    """A step for everything that somebody logged or asked; the approver has named her deputy."""
    steps = [_own_time(db, actors, n, anchor) for n in range(len(OWN_TIMES))]
    steps += [_question(db, facts, actors, n, anchor) for n in range(len(QUESTIONS))]

    async def name_deputy() -> None:
        command = NameDeputy(
            deputy_id=_id(actors[DEPUTY]),
            starts_on=anchor.date(),
            ends_on=anchor.date() + timedelta(days=DEPUTY_DAYS),
        )
        _accepted(await deputies.name_deputy(db, actors[people.APPROVER], command, key="demo-deputy", now=anchor))

    say(f"{facts.name}: {len(OWN_TIMES)} things that members logged, {len(QUESTIONS)} questions about entries")
    return [*steps, Step(anchor, name_deputy)]


def _own_time(db: Database, actors: dict[str, Actor], n: int, anchor: datetime) -> Step:
    plan = OWN_TIMES[n]
    member, coordinator = actors[plan.member], actors[people.SECOND_COORDINATOR]
    moment = anchor - timedelta(days=plan.days_ago) + timedelta(hours=2)

    async def log() -> None:
        photo_id = None
        if plan.has_photo:
            remade = await photos.remake(_picture())
            if not isinstance(remade, photos.Remade):
                raise Refused(remade.message)
            photo_id = await photos.keep(db, member, remade, now=moment)
        command = LogTime(
            activity_id=None,
            held_on=(anchor - timedelta(days=plan.days_ago)).date(),
            minutes=plan.minutes,
            words=plan.words,
            photo_id=photo_id,
        )
        logged = _accepted(await self_log.log_time(db, member, command, key=f"demo-own-{n}", now=moment))
        if plan.becomes == "waits":
            return
        approve = plan.becomes == "approved"
        decide = Decide(contribution_id=logged.contribution_id, approve=approve, reason="" if approve else NOT_YET)
        _accepted(
            await contributions.decide(db, coordinator, decide, key=f"demo-own-{n}", now=moment + timedelta(hours=12))
        )

    return Step(moment, log)


def _question(db: Database, facts: TimeBankFacts, actors: dict[str, Actor], n: int, anchor: datetime) -> Step:
    plan = QUESTIONS[n]
    moment = anchor - timedelta(days=plan.days_ago) + timedelta(hours=3)

    async def ask() -> None:
        # The first of these who has an entry by then: the same one on whatever day the demo starts.
        ids = {_id(actors[name]): actors[name] for name in (*ASKERS[n:], *ASKERS[:n])}
        async with db.reading(facts.id) as connection:
            row = await connection.fetchrow(LATEST, facts.id, moment.date(), list(ids))
        if row is None:
            raise Refused("nobody of those who ask has an entry yet")
        command = concerns.Ask(words=plan.words, contribution_id=row["id"])
        asked = _accepted(await concerns.ask(db, ids[row["member_id"]], command, key=f"demo-ask-{n}", now=moment))
        if plan.outcome == "open":
            return
        async with db.reading(facts.id) as connection:
            concern = await queries.one(connection, facts.id, asked.concern_id)
        owner = next(actor for actor in actors.values() if concern and actor.member_id == concern.owner_id)
        answer = concerns.Answer(
            concern_id=asked.concern_id,
            outcome=plan.outcome,
            words=plan.answer,
            minutes=row["minutes"] + plan.more_minutes if plan.outcome == "corrected" else None,
        )
        _accepted(await concerns.answer(db, owner, answer, key=f"demo-answer-{n}", now=moment + timedelta(days=4)))

    return Step(moment, ask)


def _picture() -> bytes:
    """A drawing of a garden: the demo has no photos of anybody."""
    picture = Image.new("RGB", (1200, 900), "#cfe6f2")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((930, 70, 1090, 230), fill="#ffc94d")
    draw.rectangle((0, 560, 1200, 900), fill="#7a4f2e")
    for x in range(40, 1200, 130):
        draw.rectangle((x, 300, x + 26, 600), fill="#b58a5a")
    draw.rectangle((0, 380, 1200, 410), fill="#b58a5a")
    for x in range(90, 1200, 150):
        draw.line((x, 780, x + 8, 560), fill="#245c40", width=10)
        for y in (590, 650, 710):
            draw.ellipse((x - 44, y, x + 4, y + 30), fill="#3f8f5f")
            draw.ellipse((x + 8, y + 18, x + 56, y + 48), fill="#3f8f5f")
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _id(actor: Actor) -> int:
    if actor.member_id is None:
        raise Refused("the system has no member id")
    return actor.member_id


def _accepted(outcome: Any) -> Any:
    if isinstance(outcome, list):
        raise Refused([refusal.message for refusal in outcome])
    return outcome
