"""Saying once more who one is, before a change that a thief would make."""

from litestar.exceptions import PermissionDeniedException

CONFIRM = "/confirm"
MAX_NEXT_CHARACTERS = 500
"""How long the address of the page to go on with may be."""


class ConfirmFirst(PermissionDeniedException):
    """This browser has not shown lately that its member is in front of it.

    ``then``: the page to go on with, where the address asked for is not it.
    """

    then: str = ""
