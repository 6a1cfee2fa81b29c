"""What an activity may be. Pure."""

from collections.abc import Container

from timebank.kit import names
from timebank.kit.actor import COORDINATOR, Actor
from timebank.kit.durations import MAX_MINUTES, in_words
from timebank.kit.refusal import Refusal

MAX_ACTIVITY_NAME = 100
MAX_PLACE = 100


def may_arrange(actor: Actor) -> Refusal | None:
    """Why this actor may not arrange activities, or None. Every change needs a person behind it."""
    if actor.member_id is None or not actor.has(COORDINATOR):
        return Refusal("not_allowed", "Only a coordinator can do this. Ask a coordinator of your time bank.")
    return None


def check_activity(*, name: str, place: str, default_minutes: int, taken: Container[str]) -> list[Refusal]:
    """What stands in the way of a new group; ``taken`` holds the name keys that are in use."""
    refusals = []
    tidy = names.tidy(name)
    if not tidy:
        refusals.append(Refusal("name_missing", "Give the group a name, like “Tuesday lunch club”.", "name"))
    elif len(tidy) > MAX_ACTIVITY_NAME:
        refusals.append(Refusal("name_too_long", f"Use at most {MAX_ACTIVITY_NAME} characters for the name.", "name"))
    elif names.key(tidy) in taken:
        message = f"There is already a group called “{tidy}”. Choose another name, or log that group."
        refusals.append(Refusal("name_taken", message, "name"))
    if len(names.tidy(place)) > MAX_PLACE:
        refusals.append(Refusal("place_too_long", f"Use at most {MAX_PLACE} characters for the place.", "place"))
    if not 1 <= default_minutes <= MAX_MINUTES:
        message = f"Give a usual length between 1 minute and {in_words(MAX_MINUTES)}."
        refusals.append(Refusal("bad_default_minutes", message, "default_minutes"))
    return refusals
