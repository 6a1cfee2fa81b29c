"""Merkle trees as in RFC 6962, section 2.1: one hash for any number of leaves, and a short path from each leaf to it.

A leaf is hashed behind a zero byte and a node behind a one, so that neither can pass for the other. Pure.
"""

import hashlib
from collections.abc import Sequence


def leaf_hash(text: str) -> bytes:
    """The hash of a leaf that says ``text``."""
    return hashlib.sha256(b"\x00" + text.encode()).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree over leaves that arrive one by one. Its memory grows with its height, not with the number of leaves.

    ``follow`` is the index of the leaf, counted from 0, whose ``path`` is wanted: its siblings from the bottom up,
    complete once ``root`` has been called.
    """

    def __init__(self, *, follow: int | None = None) -> None:
        self.size = 0
        self.path: list[bytes] = []
        self._follow = follow
        # The complete subtrees so far, each smaller than the one before: leaves, hash, whether it is followed.
        self._subtrees: list[tuple[int, bytes, bool]] = []

    def add(self, leaf: bytes) -> None:
        """Append the hash of a leaf."""
        subtree = (1, leaf, self.size == self._follow)
        self.size += 1
        while self._subtrees and self._subtrees[-1][0] == subtree[0]:
            subtree = self._join(self._subtrees.pop(), subtree)
        self._subtrees.append(subtree)

    def root(self) -> bytes:
        """The hash over all leaves. The tree takes no more of them."""
        while len(self._subtrees) > 1:
            right = self._subtrees.pop()
            self._subtrees.append(self._join(self._subtrees.pop(), right))
        return self._subtrees[0][1] if self._subtrees else hashlib.sha256().digest()

    def _join(self, left: tuple[int, bytes, bool], right: tuple[int, bytes, bool]) -> tuple[int, bytes, bool]:
        if left[2] or right[2]:
            self.path.append(right[1] if left[2] else left[1])
        return left[0] + right[0], node_hash(left[1], right[1]), left[2] or right[2]


def root_of_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root to which ``path`` leads from the leaf at ``index`` of ``size``; None if no such tree has this path.

    RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return None
    node, here, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            return None
        if here % 2 == 1 or here == last:
            node = node_hash(sibling, node)
            while here % 2 == 0 and here > 0:
                here, last = here // 2, last // 2
        else:
            node = node_hash(node, sibling)
        here, last = here // 2, last // 2
    return node if last == 0 else None
