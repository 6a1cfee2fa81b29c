"""Saying once more who one is, before a change that a thief would make."""

from litestar.exceptions import PermissionDeniedException

CONFIRM = "/confirm"


class ConfirmFirst(PermissionDeniedException):
    """This browser has not shown lately that its member is in front of it."""
