"""Use cases of this room, each one function and one transaction: ask, answer, give to somebody else, look after."""

from timebank.concerns.answering import Answer, Answered, answer
from timebank.concerns.asking import Ask, Asked, about, ask
from timebank.concerns.owning import GivenOn, HandOver, excluded_from, hand_over, look_after

__all__ = [
    "Answer",
    "Answered",
    "Ask",
    "Asked",
    "GivenOn",
    "HandOver",
    "about",
    "answer",
    "ask",
    "excluded_from",
    "hand_over",
    "look_after",
]
