"""More ways to record time in the demo: a guest, paid staff, hours brought forward, a register that was only begun."""

from collections.abc import Callable
from datetime import datetime, timedelta

from timebank.banks.rules import TimeBankFacts
from timebank.contributions import queries
from timebank.contributions.brought_forward import BringForward, bring_forward
from timebank.contributions.drafts import SaveDraft, save_draft
from timebank.contributions.register_people import directory
from timebank.contributions.service import AddActivity, Line, SaveRegister, add_activity, save_register
from timebank.db import Database
from timebank.demo import people
from timebank.demo.steps import Refused, Step
from timebank.kit import names
from timebank.kit.actor import Actor

GUEST = "Marek, a neighbour"
GUEST_GROUP = "Easy Read checkers"
DRAFT_GROUP = "Interview panel"
EXCHANGE = "Help between neighbours"
HELPER, HELPED = "Harpreet Gill", "Dorothy Akintola"
BROUGHT_FORWARD = "Winston Clarke"
STANDS_FOR_GUEST = 1


async def add_registers(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> list[Step]:
    """Steps for a register with a guest and a paid worker, an exchange, hours brought forward, and a draft."""
    coordinator = actors[people.COORDINATOR]
    async with db.reading(facts.id) as connection:
        groups = await queries.group_names(connection, facts.id)
    guests, interviews = groups[names.key(GUEST_GROUP)][0], groups[names.key(DRAFT_GROUP)][0]
    day = anchor - timedelta(weeks=3)

    async def with_a_guest() -> None:
        on = day.date()
        lines = (
            Line(member_id=0, guest_id=STANDS_FOR_GUEST, held_on=on, minutes=75, what="Came along to try it"),
            Line(member_id=coordinator.member_id or 0, held_on=on, minutes=90, kind="staff", what="Led the session"),
        )
        command = SaveRegister(activity_id=guests, lines=lines, new_guests=((STANDS_FOR_GUEST, GUEST),))
        _check(await save_register(db, coordinator, command, key="demo-register-guest", now=day))

    async def between_neighbours() -> None:
        command = AddActivity(
            name=EXCHANGE, place="At people’s homes", default_minutes=60, work_kind="peer_exchange", is_listed=False
        )
        added = await add_activity(db, coordinator, command, key="demo-exchange", now=day)
        if isinstance(added, list):
            raise Refused(added)
        line = Line(
            member_id=actors[HELPER].member_id or 0,
            held_on=day.date(),
            minutes=60,
            what="Shopping and a chat",
            kind="exchange",
            receiver_ids=(actors[HELPED].member_id or 0,),
            how_agreed="by phone",
        )
        register = SaveRegister(activity_id=added, lines=(line,))
        _check(await save_register(db, coordinator, register, key="demo-register-exchange", now=day))

    async def from_before() -> None:
        command = BringForward(
            member_id=actors[BROUGHT_FORWARD].member_id or 0,
            minutes=38 * 60 + 30,
            as_of=(anchor - timedelta(weeks=12)).date(),
            evidence="The hours book of the old scheme, page 12, signed by both",
        )
        _check(await bring_forward(db, coordinator, command, key="demo-brought-forward", now=anchor))

    async def begun() -> None:
        async with db.reading(facts.id) as connection:
            known = await directory(connection, facts.id, only_first_names=False)
        came = tuple(f"m{member_id}" for member_id in sorted(known.members)[4:7])
        fields = {
            "date": (anchor.date().isoformat(),),
            "length": ("2 hours",),
            "rows": (",".join(came),),
            "came": came,
            "extras": ("3",),
            "who-x0": ("Maria from the library",),
            "what-x0": ("Took notes. Is she a member?",),
            "draft": ("demo-draft",),
        }
        command = SaveDraft(
            token="demo-draft",  # noqa: S106 - names the draft, opens nothing
            activity_id=interviews,
            held_on=anchor.date(),
            people=len(came) + 1,
            fields=fields,
        )
        _check(await save_draft(db, coordinator, command, now=anchor))

    say(f"{facts.name}: a guest, paid staff time, hours brought forward, a register begun")
    return [Step(day, with_a_guest), Step(day, between_neighbours), Step(anchor, from_before), Step(anchor, begun)]


def _check(answer: object) -> None:
    if isinstance(answer, list) and answer:
        raise Refused(answer)
