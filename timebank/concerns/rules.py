"""Decisions of this room: who answers a question, until when, and what an answer needs. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from timebank.kit import names
from timebank.kit.actor import ADMIN, APPROVER, COORDINATOR, Actor
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.kit.working_days import working_days_after

MAX_ASKED = 2_000
MAX_ANSWER = 2_000
MAX_REASON = 500
MAX_ROUNDS = 2
MAX_OPEN = 20  # questions of one member at a time
MAX_CHANGE_MINUTES = 60_000

State = Literal["open", "upheld", "corrected"]
ANSWERERS = (COORDINATOR, ADMIN, APPROVER)
"""Whoever has one of these roles may be asked to answer."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may answer questions: how many they have open, and when they were given one last."""

    member_id: int
    open_count: int = 0
    last_given_at: datetime | None = None


def choose_owner(candidates: Iterable[Candidate], excluded: Collection[int]) -> int | None:
    """Who answers: nobody who is excluded; who has the fewest open questions, then whose turn was longest ago.

    ``excluded`` are those who made or approved the entry, those whom it is about, and whoever asked. None when nobody
    is left: then the time bank's independent person answers.
    """
    free = [one for one in candidates if one.member_id not in excluded]
    if not free:
        return None
    return min(free, key=lambda one: (one.open_count, _since(one.last_given_at), one.member_id)).member_id


def _since(moment: datetime | None) -> datetime:
    return moment or datetime.min.replace(tzinfo=UTC)


def due_on(asked_on: date, answer_days: int, region: str) -> date:
    """The last day for an answer: ``answer_days`` working days of the region after the question was asked."""
    return working_days_after(asked_on, answer_days, region)


def answers(actor: Actor) -> bool:
    """True for whoever may be asked to answer."""
    return actor.member_id is not None and any(role in actor.roles for role in ANSWERERS)


def may_see(actor: Actor, *, member_id: int, owner_id: int | None) -> bool:
    """True for the member's own question, for its owner, and for coordinators."""
    if actor.subject_id == member_id:
        return True
    return answers(actor) and (actor.has(COORDINATOR) or actor.member_id == owner_id)


def check_question(words: str, *, earlier: Iterable[State], open_count: int = 0) -> Refusal | None:
    """What stands in the way of a question. ``earlier`` are the states of the questions about the same entry,
    ``open_count`` is how many of the member's have no answer yet.
    """
    before = list(earlier)
    if "open" in before:
        return Refusal("asked_already", say("You asked about this. The answer is on its way."))
    if len(before) >= MAX_ROUNDS:
        return Refusal("answered_twice", say("We looked at this twice. You can tell someone else about it."))
    if open_count >= MAX_OPEN:
        return Refusal(
            "too_many_open", say("{n} of your questions wait for an answer. Ask more after that.", n=MAX_OPEN)
        )
    if not names.tidy(words):
        return Refusal("words_missing", say("Say in a few words what is wrong."), "words")
    if len(words) > MAX_ASKED:
        return Refusal("words_too_long", say("Say it in up to {most} letters.", most=f"{MAX_ASKED:,}"), "words")
    return None


def check_answer(
    actor: Actor, *, state: State, owner_id: int | None, independent_person: str, words: str
) -> list[Refusal]:
    """What stands in the way of this answer.

    Only the owner answers. A question without an owner is answered by the independent person; somebody who may answer
    questions writes it down.
    """
    if not answers(actor):
        return [Refusal("not_allowed", "Only the person who was asked can answer.")]
    if state != "open":
        return [Refusal("answered_already", "This question has its answer. Nothing was changed.")]
    if owner_id is None and not independent_person:
        message = (
            "Nobody here is independent of this entry. Name an independent person in the rules, "
            "or make one more person a coordinator or approver."
        )
        return [Refusal("nobody_independent", message)]
    if owner_id is not None and owner_id != actor.member_id:
        return [Refusal("not_yours", "Somebody else was asked to answer this.")]
    if not names.tidy(words):
        return [Refusal("answer_missing", "Write what the member will read.", "words")]
    if len(words) > MAX_ANSWER:
        return [Refusal("answer_too_long", f"Write at most {MAX_ANSWER:,} characters.", "words")]
    return []


def check_change(minutes: int, *, field: str = "minutes") -> Refusal | None:
    """What stands in the way of moving this many minutes to a member (or, below zero, from them)."""
    if minutes == 0:
        return Refusal("minutes_zero", "Enter how much is to be put right, or choose “It stays as it is”.", field)
    if abs(minutes) > MAX_CHANGE_MINUTES:
        return Refusal("minutes_above_limit", "This is too much for one correction. Check the time.", field)
    return None


def taken(change: int, available: int) -> int:
    """What of a change really moves: all that comes to a member, and of what goes only what they still have.

    A mistake of ours never takes a member below zero.
    """
    return change if change >= 0 else -min(-change, max(available, 0))


def first_name(display_name: str) -> str:
    """What a member reads of whoever answers."""
    return next(iter(display_name.split(maxsplit=1)), display_name)
