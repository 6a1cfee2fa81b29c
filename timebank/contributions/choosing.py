"""Choosing a member from a list by text, as a browser's list of suggestions does. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

from timebank.contributions.register_names import KnownMember
from timebank.kit import names


def labels(members: Iterable[KnownMember]) -> dict[str, KnownMember]:
    """Every member by the text that stands for them: the name, with the member number where several share the name."""
    everyone = list(members)
    count = Counter(names.key(member.display_name) for member in everyone)
    return {_label(member, count): member for member in everyone}


def _label(member: KnownMember, count: Mapping[str, int]) -> str:
    if count[names.key(member.display_name)] > 1 and member.member_number:
        return f"{member.display_name} ({member.member_number})"
    return member.display_name


class Chooser:
    """Finds the member that a typed text stands for, when it is one of the labels."""

    def __init__(self, members: Iterable[KnownMember]) -> None:
        self._by_key = {names.key(text): member for text, member in labels(members).items()}

    def chosen(self, typed: str) -> KnownMember | None:
        """The member of this label, spelling of capitals and spaces aside; None when it is no label."""
        return self._by_key.get(names.key(typed))
