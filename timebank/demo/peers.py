"""Help between the demo's members: what they offer and would like, and asks in every state."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from timebank.banks.rules import TimeBankFacts
from timebank.db import Database
from timebank.demo import people
from timebank.demo.steps import Refused, Step
from timebank.kit.actor import Actor
from timebank.peers import service
from timebank.peers.service import AskFor, Close, Keep, Offered, Say, SayYes, Thank

AMINA = people.PARTICIPANT
WALK, READING, FORMS, PHONES, GUITAR = (
    "A slow walk by the river", "Reading aloud", "Sorting out letters together", "Making friends with your phone",
    "Playing the guitar together",
)  # fmt: skip
GARDEN = "A second pair of hands for the walled garden"
HOUR = 60
Known = dict[tuple[bool, str, str], int]

# Who, what about, the words, how long, when and how.
OFFERS = (
    (AMINA, "walks", WALK, HOUR, ("weekend",), ("in_person",)),
    (AMINA, "reading", READING, HOUR, ("evening",), ("phone", "in_person")),
    ("Bernard O'Leary", "reading", FORMS, HOUR, ("weekday",), ("in_person", "phone")),
    ("Chidi Okafor", "phones", PHONES, 90, ("weekday", "evening"), ("in_person",)),
    ("Eun-ji Park", "cooking", "Cooking something from Korea", 120, ("weekend",), ("in_person",)),
    ("Grace Adeyemi", "languages", "Spanish for beginners", HOUR, ("evening", "weekend"), ("online", "in_person")),
    ("Lena Björk", "crafts", GUITAR, HOUR, ("evening",), ("in_person",)),
    ("Maryam al-Hashimi", "gardening", "Help with pots and herbs", HOUR, ("weekend",), ("in_person",)),
    ("Peter Quill-Hughes", "gardening", "Pruning and planting", 120, ("weekend", "weekday"), ("in_person",)),
    ("Hana Nováková", "getting_about", "Going by bus together for the first time", 90, ("weekday",), ("in_person",)),
    ("Violet Nash", "company", "A chat on the phone", 30, ("evening",), ("phone",)),
    ("مريم الهاشمي", "languages", "محادثة بالعربية", HOUR, ("weekend",), ("online",)),
)
WISHES = (
    (AMINA, "languages", "Somebody to practise Spanish with", HOUR, ("evening",), ("in_person", "online")),
    ("Maryam al-Hashimi", "gardening", GARDEN, HOUR, ("weekend",), ()),
    ("Idris Walker", "phones", "Learning to make video calls", HOUR, (), ("in_person",)),
    ("Tess Whitlock", "walks", "Somebody to walk with on Sundays", HOUR, ("weekend",), ("in_person",)),
    ("Winston Clarke", "company", "A game of dominoes", HOUR, ("weekday", "evening"), ("in_person",)),
)


@dataclass(frozen=True)
class Plan:
    """One ask of the demo. Days before (minus: after) the evening before the first start; what each said afterwards."""

    receiver: str
    helper: str
    title: str
    asked_days_ago: int
    meets_days_ago: int
    is_wish: bool = False
    ending: str = "asked"
    receiver_said: int | None = None
    helper_said: int | None = None
    note: str = ""
    thanks: str = ""


PLANS = (
    Plan("Grace Adeyemi", AMINA, WALK, 1, -5, note="I have not been out much. Could we go slowly?"),
    Plan("Hana Nováková", AMINA, READING, 5, 1, ending="agreed"),
    Plan("Qadira Rahman", AMINA, WALK, 14, 9, ending="agreed", receiver_said=HOUR, helper_said=HOUR,
         thanks="Thank you. It was good to be outside again."),
    Plan("Peter Quill-Hughes", "Chidi Okafor", PHONES, 8, 4, ending="agreed", receiver_said=30, helper_said=90),
    Plan("Maryam al-Hashimi", "Peter Quill-Hughes", GARDEN, 1, -6, is_wish=True),
    Plan("Eun-ji Park", "Lena Björk", GUITAR, 2, -4, ending="agreed"),
    Plan("Umar Farooq", "Bernard O'Leary", FORMS, 6, 3, ending="declined"),
    Plan("Samir Haddad", "Bernard O'Leary", FORMS, 9, 6, ending="agreed", receiver_said=0, helper_said=0),
)  # fmt: skip


async def add_peers(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> list[Step]:
    """Keep what people offer and would like; return the steps of every ask."""
    known: Known = {}
    for is_wish, rows in ((False, OFFERS), (True, WISHES)):
        for n, (name, category, title, minutes, times, hows) in enumerate(rows):
            offered = Offered(title=title, category=category, minutes=minutes, times=times, hows=hows)
            keep = service.keep_wish if is_wish else service.keep_offer
            key = f"demo-{'wish' if is_wish else 'skill'}-{n}"
            kept = await keep(db, actors[name], Keep(offered=offered), key=key, now=anchor - timedelta(days=30))
            known[is_wish, name, title] = _accepted(kept).id
    say(f"{facts.name}: {len(OFFERS)} offers of members, {len(WISHES)} wishes, {len(PLANS)} asks")
    return [step for n, plan in enumerate(PLANS) for step in _ask(db, actors, plan, n, known, anchor)]


def _ask(db: Database, actors: dict[str, Actor], plan: Plan, n: int, known: Known, anchor: datetime) -> list[Step]:
    receiver, helper = actors[plan.receiver], actors[plan.helper]
    asker, other = (helper, receiver) if plan.is_wish else (receiver, helper)
    row_id = known[plan.is_wish, plan.receiver if plan.is_wish else plan.helper, plan.title]
    # A meeting is at two in the afternoon; the day itself is what the demo needs.
    meets_at = anchor - timedelta(days=plan.meets_days_ago, hours=4)
    asked_at = anchor - timedelta(days=plan.asked_days_ago) + timedelta(hours=1)
    after = meets_at + timedelta(hours=3)
    ask = AskFor(
        offer_id=None if plan.is_wish else row_id,
        wish_id=row_id if plan.is_wish else None,
        minutes=HOUR,
        starts_at=meets_at,
        place="Central Library, by the entrance",
        note=plan.note,
        reach="Text 01632 960 299 (demo)",
    )
    made: dict[str, str] = {}

    async def begin() -> None:
        done = await service.ask(db, asker, ask, key=f"demo-ask-{n}", now=asked_at)
        made["reference"] = _accepted(done).reference

    async def agree() -> None:
        _accepted(await service.say_yes(db, other, SayYes(reference=made["reference"]), key=f"demo-ask-{n}-yes",
                                        now=asked_at + timedelta(minutes=30)))  # fmt: skip

    async def decline() -> None:
        _accepted(await service.close(db, other, Close(reference=made["reference"]), key=f"demo-ask-{n}-no",
                                      now=asked_at + timedelta(minutes=30)))  # fmt: skip

    def said(who: Actor, name: str, minutes: int, at: datetime) -> Callable[[], Awaitable[None]]:
        async def tell() -> None:
            command = Say(reference=made["reference"], minutes=minutes)
            _accepted(await service.happened(db, who, command, key=f"demo-ask-{n}-{name}", now=at))

        return tell

    async def thank() -> None:
        command = Thank(reference=made["reference"], words=plan.thanks)
        _accepted(await service.thank(db, receiver, command, key=f"demo-ask-{n}-thanks", now=after))

    steps = [Step(asked_at, begin)]
    if plan.ending == "declined":
        steps.append(Step(asked_at + timedelta(minutes=30), decline))
    elif plan.ending == "agreed":
        steps.append(Step(asked_at + timedelta(minutes=30), agree))
    for who, name, minutes in ((receiver, "receiver", plan.receiver_said), (helper, "helper", plan.helper_said)):
        # A helper who says that it did not happen ends it; what the other would say is not needed.
        if minutes is not None and not (name == "receiver" and minutes == 0 == plan.helper_said):
            steps.append(Step(after, said(who, name, minutes, after)))
    if plan.thanks:
        steps.append(Step(after, thank))
    return steps


def _accepted(result: Any) -> Any:
    if isinstance(result, list):
        raise Refused(result)
    return result
