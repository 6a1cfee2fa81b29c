"""Asking the community pot for hours, and giving from it: what stands in the way. Pure.

Nobody has to prove that they need hours. Nobody decides about their own, nor about what they wrote down themselves, but
for what a coordinator may give alone.
"""

from typing import Literal

from timebank.hours.rules import may_act_for
from timebank.kit.actor import APPROVER, COORDINATOR, Actor
from timebank.kit.refusal import Refusal
from timebank.kit.words import Minutes, say, say_n

State = Literal["waiting", "given", "declined", "withdrawn"]
ASKED, OFFERED = "asked", "offered"
WAITING: State = "waiting"
GIVEN: State = "given"
DECLINED: State = "declined"
WITHDRAWN: State = "withdrawn"
MAX_WHAT_FOR = 300
MAX_REASON = 500
DECIDERS = (COORDINATOR, APPROVER)


def may_decide(actor: Actor) -> bool:
    """True for those who look after the pot. A person who acts for somebody decides nothing meanwhile."""
    return actor.on_behalf_of is None and any(actor.has(role) for role in DECIDERS)


def check_ask(actor: Actor, *, member_id: int, minutes: int, what_for: str, most: int) -> list[Refusal]:
    """What stands in the way of asking, before anything is looked up; ``most`` minutes at once, by the rules.

    Refusals: ``not_yours``, ``minutes_zero``, ``minutes_too_many``, ``what_for_too_long``.
    """
    refusals = []
    if not may_act_for(actor, member_id):
        refusals.append(Refusal("not_yours", say("You can only ask for yourself."), "member_id"))
    return refusals + check_minutes(minutes, most) + _check_length(what_for)


def check_minutes(minutes: int, most: int) -> list[Refusal]:
    """Refusals ``minutes_zero``, ``minutes_too_many``."""
    if minutes <= 0:
        return [Refusal("minutes_zero", say("Ask for at least 1 minute."), "minutes")]
    if minutes > most:
        message = say("The pot gives up to {most} at once. Ask for that, or for less.", most=Minutes(most))
        return [Refusal("minutes_too_many", message, "minutes")]
    return []


def _check_length(what_for: str) -> list[Refusal]:
    if len(what_for) <= MAX_WHAT_FOR:
        return []
    return [Refusal("what_for_too_long", say("Use up to {most} letters.", most=MAX_WHAT_FOR), "what_for")]


def check_room(*, is_one_waiting: bool, asked_this_year: int, most_per_year: int) -> list[Refusal]:
    """Refusals ``ask_waiting`` (one at a time) and ``asked_often`` (as often in a year as the rules allow)."""
    if is_one_waiting:
        return [Refusal("ask_waiting", say("You asked already. Wait for the answer, or take it back first."))]
    if asked_this_year >= most_per_year:
        message = say_n(
            most_per_year,
            "Our rules let you ask once in a year. You have asked. Talk to us if you need more.",
            "Our rules let you ask {n} times in a year. You have done that. Talk to us if you need more.",
        )
        return [Refusal("asked_often", message)]
    return []


def check_decider(actor: Actor, *, member_id: int, asked_by: int) -> list[Refusal]:
    """Refusals ``not_allowed``, ``own_ask`` (about yourself), ``own_writing`` (you wrote it down for them)."""
    if not may_decide(actor):
        return [Refusal("not_allowed", "Only a coordinator or an approver decides about the pot.")]
    if actor.member_id == member_id:
        return [Refusal("own_ask", "This is about your own hours. Somebody else decides.")]
    if actor.member_id == asked_by:
        return [Refusal("own_writing", "You wrote this down yourself. Somebody else decides.")]
    return []


def check_decision(*, given_minutes: int, asked_minutes: int, reason: str) -> list[Refusal]:
    """Refusals ``minutes_too_many`` (more than asked), ``reason_missing`` (a no, or less, needs one),
    ``reason_too_long``.
    """
    if not 0 <= given_minutes <= asked_minutes:
        return [Refusal("minutes_too_many", f"Give up to {Minutes(asked_minutes)}, as was asked.", "minutes")]
    if given_minutes < asked_minutes and not reason:
        return [Refusal("reason_missing", "Say why, in a sentence that they can read.", "reason")]
    if len(reason) > MAX_REASON:
        return [Refusal("reason_too_long", f"Use up to {MAX_REASON} letters.", "reason")]
    return []


def pot_has(available: int) -> Refusal:
    """Refusal ``pot_not_enough``: says what is in the pot."""
    if available <= 0:
        return Refusal("pot_not_enough", "There are no hours in the pot just now.", "minutes")
    return Refusal("pot_not_enough", f"The pot has {Minutes(available)} just now. Give that, or less.", "minutes")
