"""Who may see and give hours, and the names of the ledger accounts that hold them. Pure.

A gift is one entry ``member/<id> -> member/<id>`` or ``member/<id> -> pot``, help from the pot ``pot -> member/<id>``;
an hour stays an hour, so nothing is converted.
"""

from datetime import date

from ledger.model import Leg, Post
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.refusal import Refusal
from timebank.kit.words import Minutes, say

UNIT = "MIN"
POT = "pot"
GIFT = "gift"
POT_HELP = "pot_help"
MAX_NOTE = 200
MEMBER_PREFIX = "member/"


def account_of(member_id: int) -> str:
    """The ledger account that holds a member's hours."""
    return f"{MEMBER_PREFIX}{member_id}"


def member_in(account: str) -> int | None:
    """The member whose hours an account holds; None for the pot and every other account."""
    number = account.removeprefix(MEMBER_PREFIX)
    return int(number) if number != account and number.isdigit() else None


def may_act_for(actor: Actor, member_id: int) -> bool:
    """True when the hours are the actor's own, or the actor coordinates."""
    return actor.subject_id == member_id or actor.has(COORDINATOR)


def check_gift(
    actor: Actor, *, from_member_id: int, to_member_id: int | None, minutes: int, most: int, known: frozenset[int]
) -> list[Refusal]:
    """What stands in the way of a gift, before the ledger is asked; ``known`` are the active members among the two,
    ``most`` the minutes that the rules of the time bank allow in one gift.

    Refusals: ``not_yours``, ``unknown_member``, ``to_yourself``, ``nobody_gains_for_another`` (whoever acts for
    somebody cannot receive from them), ``minutes_zero``, ``minutes_too_many``.
    """
    refusals = []
    if not may_act_for(actor, from_member_id):
        refusals.append(Refusal("not_yours", say("You can only give your own hours."), "from_member_id"))
    if from_member_id not in known:
        message = say("Choose a member of this time bank to give from.")
        refusals.append(Refusal("unknown_member", message, "from_member_id"))
    if to_member_id is not None and to_member_id == from_member_id:
        message = say("Choose someone else. You cannot give hours to yourself.")
        refusals.append(Refusal("to_yourself", message, "to_member_id"))
    elif to_member_id is not None and to_member_id not in known:
        refusals.append(Refusal("unknown_member", say("Choose a member of this time bank."), "to_member_id"))
    elif to_member_id is not None and to_member_id == actor.member_id and actor.member_id != from_member_id:
        message = say("Ask another coordinator: this gift would come to you.")
        refusals.append(Refusal("nobody_gains_for_another", message, "to_member_id"))
    if minutes <= 0:
        refusals.append(Refusal("minutes_zero", say("Give at least 1 minute."), "minutes"))
    elif minutes > most:
        message = say("Give up to {most} at a time.", most=Minutes(most))
        refusals.append(Refusal("minutes_too_many", message, "minutes"))
    return refusals


def check_note(note: str) -> list[Refusal]:
    """Refusal ``note_too_long``."""
    if len(note) <= MAX_NOTE:
        return []
    return [Refusal("note_too_long", say("Use up to {most} letters for the note.", most=MAX_NOTE), "note")]


def not_enough(available: int, minutes: int) -> Refusal:
    """Refusal ``not_enough_hours``: says how many there are, and how many more are needed."""
    if available <= 0:
        message = say("There are no hours free to give just now. They come back as you give time.")
    else:
        message = say(
            "You can give up to {have} now. That is {more} less than you want.",
            have=Minutes(available),
            more=Minutes(minutes - available),
        )
    return Refusal("not_enough_hours", message, "minutes")


def gift_entry(
    *,
    key: str,
    from_member_id: int,
    to_member_id: int | None,
    minutes: int,
    effective_on: date,
    rules_version: int,
    actor: Actor,
) -> Post:
    """The ledger entry of a gift; it cites the rules. Its legs say who gave and who received: it carries no names."""
    receiver = POT if to_member_id is None else account_of(to_member_id)
    return Post(
        key=key,
        kind=GIFT,
        unit=UNIT,
        legs=(Leg(account=account_of(from_member_id), amount=-minutes), Leg(account=receiver, amount=minutes)),
        effective_on=effective_on,
        actor=actor.name,
        meta={"rules": rules_version, **actor.meta},
    )


def pot_entry(*, key: str, member_id: int, minutes: int, effective_on: date, rules_version: int, actor: Actor) -> Post:
    """The ledger entry of help from the pot. What it was for stays out of the ledger; it cites the rules."""
    return Post(
        key=key,
        kind=POT_HELP,
        unit=UNIT,
        legs=(Leg(account=POT, amount=-minutes), Leg(account=account_of(member_id), amount=minutes)),
        effective_on=effective_on,
        actor=actor.name,
        meta={"rules": rules_version, **actor.meta},
    )
