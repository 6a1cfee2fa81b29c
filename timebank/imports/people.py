"""Who somebody in a file is here. Pure: members are given, nothing is guessed, whoever is unclear is asked about."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from timebank.imports.rules import (
    ADD,
    ISSUED_ACCOUNT,
    LEAVE_OUT,
    POT,
    POT_ACCOUNT,
    PROGRAMME,
    Answers,
)
from timebank.kit import names
from timebank.kit.refusal import Refusal
from timebank.kit.text import shown

MAX_CODE = 120
MAX_SUGGESTIONS = 5
TO_ADD = "person/"
MEMBER = "member/"
QUESTIONS = frozenset({"unknown_person", "doubtful_person"})


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """A member as an import needs them. ``posted`` are minutes; ``has_entries``: something was posted at some time."""

    id: int
    number: int
    display_name: str
    email: str
    status: str
    posted: int = 0
    has_entries: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """Where a text leads: ``target`` is an account here, or ``person/<code>`` for somebody to add; "" when unclear.

    ``key`` is what the answer about somebody unclear goes under, ``text`` what the file calls them.
    """

    target: str = ""
    member: MemberFacts | None = None
    problem: Refusal | None = None
    suggestions: tuple[MemberFacts, ...] = ()
    is_left_out: bool = False
    key: str = ""
    text: str = ""


@dataclass(slots=True)
class Asked:
    """Somebody a person has to decide about. ``key`` is what the answer goes under."""

    key: str
    text: str
    why: str
    suggestions: tuple[MemberFacts, ...]
    lines: list[int] = field(default_factory=list)


def code_of(text: str) -> str:
    """What a text in a file is compared and kept by."""
    return names.key(text)[:MAX_CODE]


class People:
    """Everybody who can be found: by what the source called them before, e-mail address, number, or name."""

    def __init__(
        self,
        members: Sequence[MemberFacts],
        known: Mapping[str, int],
        answers: Answers,
        *,
        by_number: bool,
        programme: str = "",
    ) -> None:
        self.by_id = {member.id: member for member in members}
        self.by_number = {str(member.number): member for member in members}
        self.known = known
        self.answers = answers
        self.numbers_are_ours = by_number
        self.programme = programme
        self.by_email: dict[str, list[MemberFacts]] = defaultdict(list)
        self.by_name: dict[str, list[MemberFacts]] = defaultdict(list)
        self.by_loose: dict[str, list[MemberFacts]] = defaultdict(list)
        for member in members:
            if member.status == "left":
                continue
            if member.email:
                self.by_email[member.email.casefold()].append(member)
            self.by_name[names.key(member.display_name)].append(member)
            self.by_loose[names.loose_key(member.display_name)].append(member)
        self.asked: dict[str, Asked] = {}
        self._found: dict[str, Found] = {}
        self.to_add: set[str] = set()

    def find(self, text: str) -> Found:
        """The account behind a text of an exchange."""
        return self.find_any([text])

    def find_any(self, texts: Sequence[str]) -> Found:
        """The account that the first of these texts leads to which leads anywhere; else what the last one leads to."""
        found = Found()
        for text in texts or [""]:
            known = self._found.get(text)
            found = self._found[text] = self._find(text) if known is None else known
            if found.target and not found.target.startswith(TO_ADD):
                break
        return found

    def ask(self, found: Found, line: int) -> None:
        """Note that a person has to decide about somebody, for a line that waits for it."""
        if found.problem is None or found.problem.code not in QUESTIONS:
            return
        asked = self.asked.setdefault(found.key, Asked(found.key, found.text, found.problem.message, found.suggestions))
        if line not in asked.lines[-1:]:
            asked.lines.append(line)

    def find_member(self, code: str, name: str, email: str) -> Found:
        """The member whom a line of a members' file is about; ``person/<code>`` for somebody new."""
        key = code_of(code or email or name)
        if answered := self._answered(key):
            return answered
        if key in self.known:
            return self._member(self.by_id.get(self.known[key]))
        by_email = self.by_email.get(email.casefold(), []) if email else []
        if len(by_email) == 1:
            return self._member(by_email[0])
        same = by_email or self.by_name.get(names.key(name), []) or self.by_loose.get(names.loose_key(name), [])
        if same and key not in self.to_add:
            message = f"There is already a member called {shown(same[0].display_name)}. Say whether this is them."
            return self._unclear("doubtful_person", message, same, key, name)
        return Found(target=TO_ADD + key)

    def _find(self, text: str) -> Found:
        code = code_of(text)
        if not code:
            return Found(problem=Refusal("person_missing", "This line does not say who. Add it in the file.", "who"))
        sure = self._answered(code) or self._known(code)
        return sure or self._searched(text, code)

    def _known(self, code: str) -> Found | None:
        """Whom the file's own program, or an earlier line, has made known."""
        if self.programme and code == self.programme:
            return Found(target=ISSUED_ACCOUNT)
        if code in self.to_add:
            return Found(target=TO_ADD + code)
        return self._member(self.by_id.get(self.known[code])) if code in self.known else None

    def _searched(self, text: str, code: str) -> Found:
        candidates = self.by_email.get(text.strip().casefold(), []) if "@" in text else []
        if not candidates and self.numbers_are_ours and code in self.by_number:
            candidates = [self.by_number[code]]
        candidates = candidates or self.by_name.get(code, [])
        if len(candidates) == 1:
            return self._member(candidates[0])
        if candidates:
            message = f"{len(candidates)} members are called {shown(text)}. Say who this is."
            return self._unclear("doubtful_person", message, candidates, code, text)
        alike = self.by_loose.get(names.loose_key(text), [])
        if alike:
            message = f"Is {shown(text)} {shown(alike[0].display_name)}?"
            return self._unclear("doubtful_person", message, alike, code, text)
        if self.answers.unknown == ADD:
            return Found(target=TO_ADD + code)
        if self.answers.unknown == LEAVE_OUT:
            return Found(is_left_out=True)
        message = f"We do not know {shown(text)}. Say who this is, or add them."
        return self._unclear("unknown_person", message, (), code, text)

    def _answered(self, code: str) -> Found | None:
        answer = self.answers.people.get(code, "")
        if answer == ADD:
            return Found(target=TO_ADD + code)
        if answer == LEAVE_OUT:
            return Found(is_left_out=True)
        if answer in (PROGRAMME, POT):
            return Found(target=ISSUED_ACCOUNT if answer == PROGRAMME else POT_ACCOUNT)
        if answer in self.by_number:
            return self._member(self.by_number[answer])
        return None

    @staticmethod
    def _member(member: MemberFacts | None) -> Found:
        if member is None or member.status == "left":
            return Found(problem=Refusal("has_left", "This person has left the time bank, so nothing is added.", "who"))
        return Found(target=f"{MEMBER}{member.id}", member=member)

    @staticmethod
    def _unclear(code: str, message: str, suggestions: Sequence[MemberFacts], key: str, text: str) -> Found:
        alike = tuple(suggestions[:MAX_SUGGESTIONS])
        return Found(problem=Refusal(code, message, "who"), suggestions=alike, key=key, text=text)
