"""What members are told about gifts and the community pot. Pure.

A subject stands alone, as a text message does: it names nobody and no reason, because others may see the phone.
"""

from timebank.kit.words import Minutes, joined, say
from timebank.messages.service import Message


def given(to: int, gift_id: int, giver: str, minutes: int, note: str) -> Message:
    """To whoever was given hours."""
    parts = [say("{giver} gave you {hours}. You can use them now.", giver=giver, hours=Minutes(minutes))]
    if note:
        parts.append(say("They wrote: {note}", note=note))
    parts.append(say("You can keep them or give them back. If something is not right, tell us."))
    return Message(
        member_id=to,
        kind="gift",
        subject=say("You were given {hours}", hours=Minutes(minutes)),
        body=joined(*parts),
        path=f"/gifts/{gift_id}",
        dedupe=f"gift:{gift_id}",
    )


def asked(to: int, ask_id: int, member: str, minutes: int) -> Message:
    """To those who decide: somebody asks the pot for hours."""
    return Message(
        member_id=to,
        kind="pot_ask",
        subject="Somebody asks the pot for hours",
        body=f"{member} asks the community pot for {Minutes(minutes)}. Please decide when you can.",
        path="/pot",
        dedupe=f"pot_ask:{ask_id}:asked:{to}",
    )


def answered(to: int, ask_id: int, *, asked_minutes: int, given_minutes: int, reason: str, is_offered: bool) -> Message:
    """To the member: what was decided, and why. ``given_minutes`` 0 is no."""
    given_hours = Minutes(given_minutes)
    if given_minutes and is_offered:
        subject = say("The community pot gave you {hours}", hours=given_hours)
        first = say("You have {hours} more. You can use them now.", hours=given_hours)
    elif given_minutes == asked_minutes:
        subject = say("The community pot gave you {hours}", hours=given_hours)
        first = say("You asked the community pot for {hours}. You have them now.", hours=given_hours)
    elif given_minutes:
        subject = say("The community pot gave you {hours}", hours=given_hours)
        first = say(
            "You asked for {asked}. You have {given} of it now.", asked=Minutes(asked_minutes), given=given_hours
        )
    else:
        subject = say("An answer from the community pot")
        first = say(
            "You asked the community pot for {asked}. It is not possible just now.", asked=Minutes(asked_minutes)
        )
    parts = [first]
    if reason:
        parts.append(say("Why: {reason}", reason=reason))
    if not given_minutes:
        parts.append(say("If you see it another way, talk to us."))
    return Message(
        member_id=to,
        kind="pot_answer",
        subject=subject,
        body=joined(*parts),
        path=f"/gifts/asks/{ask_id}",
        dedupe=f"pot_ask:{ask_id}:answered",
    )
