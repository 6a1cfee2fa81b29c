"""What a person is told when money that is theirs moves: it leaves, it is paid, it came back, it was stopped. Pure.

The rooms that owe it (fees, claims) find the steps and send the message; the words are the same for all. The subject
stands alone in a text message, so it says neither the amount nor what it is for.
"""

from datetime import timedelta
from typing import Final

from timebank.kit.money import in_words
from timebank.kit.words import Words, joined, say
from timebank.payments.rules import CANCELLED, EXPORTED, PAID, REJECTED, RETURNED

STEPS: Final = (EXPORTED, PAID, REJECTED, RETURNED, CANCELLED)
"""The states of a payable that its person is told of, each once."""
NEWS_FOR = timedelta(days=14)
"""What happened longer ago is no news; what a new version finds from years before is not told either."""

# One step of payable p: a payment that is sent again is another step. And how much it is about, in minor units.
_STEP = "p.state || '/' || coalesce(p.batch_number, 0)"
_PENCE = """case p.state when 'paid' then p.pence
            when 'exported' then coalesce((select t.pence from payment_attempt t where t.timebank_id = p.timebank_id
                                              and t.payable_id = p.id and t.is_live), p.pence)
            else p.pence - p.settled_pence end"""


def untold(statement: str) -> str:
    """A statement that selects from payables ``p``, with its ``{step}`` and ``{pence}`` filled in."""
    return statement.replace("{step}", _STEP).replace("{pence}", _PENCE)


def news(
    state: str, pence: int, currency: str, what_for: Words, *, reason: str = "", charity: str = ""
) -> tuple[Words, Words]:
    """Subject and body for one of :data:`STEPS`. ``charity`` is the name of who gets it instead of the person.

    ``reason`` is what the bank, or finance, said about it.
    """
    amount = in_words(pence, currency)
    parts: list[str] = [_sentence(state, amount, charity), what_for]
    if reason and state in (REJECTED, RETURNED, CANCELLED):
        parts.append(say("The reason: {reason}", reason=reason))
    parts += _MORE.get(state, [])
    return _SUBJECTS[state], joined(*parts)


def _sentence(state: str, amount: str, charity: str) -> Words:
    if charity:
        sentences = {
            EXPORTED: say("{amount} is on its way to {name}.", amount=amount, name=charity),
            PAID: say("We paid {amount} to {name}.", amount=amount, name=charity),
            CANCELLED: say("{name} will not get {amount}.", amount=amount, name=charity),
        }
        return sentences.get(state) or say("The bank could not pay {amount} to {name}.", amount=amount, name=charity)
    sentences = {
        EXPORTED: say("{amount} is on its way to you.", amount=amount),
        PAID: say("We paid you {amount}.", amount=amount),
        CANCELLED: say("You will not get {amount}.", amount=amount),
    }
    return sentences.get(state) or say("The bank could not pay you {amount}.", amount=amount)


_CAME_BACK = say("A payment came back")
_SUBJECTS = {
    EXPORTED: say("Money is on its way"),
    PAID: say("We have made a payment"),
    REJECTED: _CAME_BACK,
    RETURNED: _CAME_BACK,
    CANCELLED: say("A payment was stopped"),
}
_AGAIN: list[str] = [say("You do not lose it. We find out what was wrong and send it again.")]
_MORE: dict[str, list[str]] = {
    EXPORTED: [say("The page says when it should arrive.")],
    REJECTED: _AGAIN,
    RETURNED: _AGAIN,
    CANCELLED: [say("Please ask us why.")],
}
