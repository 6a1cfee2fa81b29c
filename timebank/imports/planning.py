"""Making the plan of a file: one pass over its lines, with the answers given so far. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction

from timebank.imports.asking import ASKED, QUESTIONS
from timebank.imports.formats import Format, ReadFile
from timebank.imports.formats.amounts import read_day, read_minutes
from timebank.imports.people import MEMBER, TO_ADD, Found, MemberFacts, People, code_of
from timebank.imports.plan import (
    ENTRY_PART,
    MEMBER_PART,
    PAYEE_PART,
    Facts,
    Kind,
    Plan,
    Planned,
    Question,
    in_order,
    key_of,
)
from timebank.imports.rules import LEAVE_OUT, OPENING_ACCOUNT, Answers, exactly, rounded
from timebank.kit import durations, names
from timebank.kit.refusal import Refusal
from timebank.kit.text import shown
from timebank.members import rules as member_rules

MAX_WORDS = 500
MAX_WHO = 250
MAX_WHY = 500
FIRST_LINES = 8
MANY_STRANGERS = 3


def make_plan(wanted: Format, file: ReadFile, facts: Facts, answers: Answers) -> Plan:
    """Say what will happen to each line, with the answers given so far."""
    planner = _Planner(wanted, file, facts, answers)
    if not file.missing:
        for row in file.rows:
            texts = {name: text.replace("\0", "") for name, text in wanted.adapt(file.texts(row)).items()}
            if len(row.cells) < wanted.min_cells:
                message = f"This line has {len(row.cells)} columns, and {wanted.min_cells} are needed."
                planner.add(row.number, ENTRY_PART, "exchange", [_no("too_few_columns", message)], texts)
            elif wanted.kind == "exchanges":
                planner.exchange(row.number, texts)
            else:
                planner.member(row.number, texts)
    return planner.plan()


def _no(code: str, message: str) -> Refusal:
    return Refusal(code, message)


class _Planner:
    """One pass over the lines, with what has been seen so far."""

    def __init__(self, wanted: Format, file: ReadFile, facts: Facts, answers: Answers) -> None:
        self.format, self.file, self.facts, self.answers = wanted, file, facts, answers
        self.unit = answers.unit or wanted.unit
        self.people = People(
            facts.members,
            facts.known,
            answers,
            by_number=wanted.source == "spreadsheet",
            programme=wanted.programme,
        )
        self.lines: list[Planned] = []
        self.open: dict[str, list[int]] = defaultdict(list)
        self.occurrences: Counter[tuple[str, ...]] = Counter()
        self.adding: set[str] = set()
        self.first_line_of: dict[str, int] = {}
        self.balance_of: dict[str, int] = {}
        self.repeated = 0
        # What was read before, because the same texts come again and again.
        self.days: dict[str, date | Refusal] = {}
        self.amounts: dict[str, Fraction | Refusal] = {}
        self.moved: Counter[str] = Counter()

    def add(
        self,
        line: int,
        part: int,
        kind: Kind,
        problems: Sequence[Refusal | None],
        texts: Mapping[str, str],
        *,
        is_left_out: bool = False,
        key: bytes | None = None,
    ) -> Planned:
        """Note a part of a line in the state that its problems put it in."""
        found = [problem for problem in problems if problem is not None]
        questions = [problem for problem in found if problem.code in QUESTIONS]
        refusals = [problem for problem in found if problem.code not in QUESTIONS]
        who = " → ".join(text for text in (texts.get("payer", ""), texts.get("payee", "")) if text)
        one = Planned(
            line=line,
            part=part,
            kind=kind,
            key=key or key_of(self.format.source, kind, *texts.values()),
            who=(who or texts.get("name", "") or texts.get("code", ""))[:MAX_WHO],
            why=" ".join(dict.fromkeys(problem.message for problem in refusals or questions))[:MAX_WHY],
        )
        if refusals:
            one.state = "refused"
        elif is_left_out:
            one.state, one.why = "left_out", "Left out by choice."
        elif questions:
            one.state = "left_out" if self.answers.rest else "undecided"
            for problem in questions:
                self.open[QUESTIONS[problem.code]].append(line)
        self.lines.append(one)
        return one

    # Exchanges ------------------------------------------------------------------------------------------------------

    def exchange(self, line: int, texts: dict[str, str]) -> None:
        """A line on which one person gave another their time."""
        identity = tuple(texts.get(name, "") for name in _IDENTITY)
        nth = self.occurrences[identity]
        self.occurrences[identity] += 1
        key = key_of(self.format.source, "exchange", *identity, str(nth))
        if key in self.facts.done:
            self.add(line, ENTRY_PART, "exchange", (), texts, key=key).state = "there"
            return
        self.repeated += nth > 0
        payer, payee = (self.people.find(texts.get(name, "")) for name in ("payer", "payee"))
        day = self._day(texts)
        minutes, rounding, problem = self._minutes(texts.get("amount", ""), line)
        problems = [payer.problem, payee.problem, day if isinstance(day, Refusal) else None, problem]
        same_text = texts.get("payer", "").strip() == texts.get("payee", "").strip() != ""
        if same_text or (payer.target and payer.target == payee.target):
            problems.append(_no("to_oneself", "This person would give time to themselves."))
        if minutes is not None and minutes <= 0:
            problems.append(_not_positive(minutes))
        left_out = payer.is_left_out or payee.is_left_out or self._is_rounding_left_out(rounding)
        one = self.add(line, ENTRY_PART, "exchange", problems, texts, is_left_out=left_out, key=key)
        if one.state == "undecided":
            self.people.ask(payer, line)
            self.people.ask(payee, line)
        if one.state != "ready":
            return
        one.payer, one.payee, one.minutes, one.rounded = payer.target, payee.target, minutes, rounding
        one.happened_on = day if isinstance(day, date) else None
        one.words = names.tidy(texts.get("words", ""))[:MAX_WORDS]
        for found, text, part in (
            (payer, texts.get("payer", ""), MEMBER_PART),
            (payee, texts.get("payee", ""), PAYEE_PART),
        ):
            self._add_mentioned(found, text, line, part, one)
        self.moved[one.payer] -= minutes or 0
        self.moved[one.payee] += minutes or 0

    def _add_mentioned(self, found: Found, text: str, line: int, part: int, entry: Planned) -> None:
        """Somebody whom the file only mentions, and who is to be added."""
        code = found.target.removeprefix(TO_ADD)
        if not found.target.startswith(TO_ADD) or code in self.adding:
            return
        name = names.tidy(text)
        if not any(character.isalpha() for character in name):
            name = f"{self.format.label.partition(':')[0]} {name}"
        key = key_of(self.format.source, "member", code)
        problems: list[Refusal | None] = [*member_rules.check_name(name), self._gone(key)]
        one = self.add(line, part, "member", problems, {"name": text}, key=key)
        if one.state != "ready":
            entry.state, entry.why = "refused", one.why
            return
        self.adding.add(code)
        one.person, one.name, one.joined_on = code, name, entry.happened_on or self.facts.today

    # Members and balances -------------------------------------------------------------------------------------------

    def member(self, line: int, texts: dict[str, str]) -> None:
        """A line about one person: somebody to add, or a member already; perhaps with a balance."""
        if not texts.get("name"):
            texts["name"] = " ".join(texts.get(part, "") for part in ("first", "last")).strip()
        code, name, email = texts.get("code", ""), names.tidy(texts["name"]), texts.get("email", "")
        person = code_of(code or email or name)
        first = self.first_line_of.setdefault(person, line)
        if first != line:
            repeated = _no("line_repeated", f"Line {first} is about the same person. Keep one of them.")
            self.add(line, MEMBER_PART, "member", [repeated], texts)
            return
        if self.format.kind == "balances":
            found = self.people.find_any([text for text in (code, email, name) if text])
        else:
            found = self.people.find_member(code, name, email)
        target = self._member(line, texts, person, found)
        if target and texts.get("balance"):
            self._balance(line, texts, person, target, found.member)
        elif texts.get("balance") and self.lines[-1].state == "undecided":
            # Ask everything at once, and not about time only when the person is decided.
            _, _, problem = self._minutes(texts["balance"], line)
            if problem is not None and problem.code in QUESTIONS:
                self.open[QUESTIONS[problem.code]].append(line)

    def _member(self, line: int, texts: dict[str, str], person: str, found: Found) -> str:
        """The account of the person of this line, who may be added for it; "" when there is none."""
        key = key_of(self.format.source, "member", person)
        gone = None if person in self.facts.known else self._gone(key)
        if not found.target.startswith(TO_ADD):
            one = self.add(
                line, MEMBER_PART, "member", [found.problem, gone], texts, is_left_out=found.is_left_out, key=key
            )
            if one.state == "undecided":
                self.people.ask(found, line)
            if one.state == "ready" and not found.member:
                one.state, one.why = "there", "This is an account of the time bank."
            elif one.state == "ready" and person in self.facts.known:
                one.state, one.why = "there", "Is a member already."
            elif one.state == "ready" and found.member:
                one.why, one.person, one.member_id = "Is a member already.", person, found.member.id
            return found.target if one.state in ("ready", "there") else ""
        name, email = names.tidy(texts["name"]) or names.tidy(texts.get("email", "")), texts.get("email", "")
        phone, joined = texts.get("phone", ""), self._day_of(texts.get("joined", ""))
        problems: list[Refusal | None] = [*member_rules.check_name(name), gone]
        contacts = [*member_rules.check_email(email), *member_rules.check_phone(phone)]
        if contacts and self.answers.contacts == LEAVE_OUT:
            email = "" if member_rules.check_email(email) else email
            phone = "" if member_rules.check_phone(phone) else phone
        else:
            code = "contact_refused" if self.answers.contacts else "contact_unreadable"
            problems += [_no(code, problem.message) for problem in contacts]
        if isinstance(joined, Refusal):
            problems.append(joined)
        elif joined is not None:
            problems += member_rules.check_joined_on(joined, self.facts.today)
        problems.append(self._too_young(texts.get("born", "")))
        one = self.add(line, MEMBER_PART, "member", problems, texts, key=key)
        if one.state != "ready":
            return ""
        self.adding.add(person)
        one.person, one.name, one.email, one.phone = person, name, email, phone
        one.joined_on = joined if isinstance(joined, date) else self.facts.today
        return TO_ADD + person

    def _balance(self, line: int, texts: dict[str, str], person: str, target: str, member: MemberFacts | None) -> None:
        """The time somebody has in the file: entered where nothing is there yet, compared where something is."""
        text = texts["balance"]
        key = key_of(self.format.source, "balance", person, text)
        minutes, rounding, problem = self._minutes(text, line)
        if key in self.facts.done:
            self.add(line, ENTRY_PART, "balance", (), texts, key=key).state = "there"
            return
        problems = [problem]
        if (first := self.balance_of.setdefault(target, line)) != line:
            problems.append(_no("line_repeated", f"Line {first} has the balance of the same person."))
        posted = member.posted if member else 0
        differs = minutes is not None and member is not None and member.has_entries and posted != minutes
        if differs and not self.answers.difference:
            said, here = durations.in_words(minutes or 0), durations.in_words(posted)
            problems.append(_no("balance_differs", f"The file says {said}, the entries here add up to {here}."))
        is_left_out = self._is_rounding_left_out(rounding) or (differs and self.answers.difference == LEAVE_OUT)
        one = self.add(line, ENTRY_PART, "balance", problems, texts, is_left_out=is_left_out, key=key)
        if one.state != "ready" or minutes is None:
            return
        if minutes == posted:
            one.state, one.why = "there", "The balance agrees." if member and member.has_entries else "Nothing to add."
            return
        missing = minutes - posted
        one.payer, one.payee = (OPENING_ACCOUNT, target) if missing > 0 else (target, OPENING_ACCOUNT)
        one.minutes, one.rounded, one.happened_on = abs(missing), rounding, self.answers.day or self.facts.today
        self.moved[target] += missing

    # What the lines share -------------------------------------------------------------------------------------------

    def _gone(self, key: bytes) -> Refusal | None:
        """Somebody who was brought before and is not known any more has left, and stays forgotten."""
        message = "This person was brought over before and has left. Add them by hand if they are back."
        return _no("has_left", message) if key in self.facts.done else None

    def _minutes(self, text: str, line: int) -> tuple[int | None, str, Refusal | None]:
        """Whole minutes, what the file says where it is not whole, and what stands against it."""
        exact = self.amounts.get(text)
        if exact is None:
            exact = self.amounts[text] = read_minutes(text, self.unit)
        if isinstance(exact, Refusal):
            return None, "", exact
        if exact.denominator == 1:
            return int(exact), "", None
        said = exactly(exact)
        if not self.answers.rounding:
            return None, said, _no("not_whole_minutes", f"{said[0].upper()}{said[1:]} is not whole minutes.")
        if self.answers.rounding == LEAVE_OUT:
            return None, said, None
        return rounded(exact, self.answers.rounding), said, None

    def _is_rounding_left_out(self, rounding: str) -> bool:
        return bool(rounding) and self.answers.rounding == LEAVE_OUT

    def _day(self, texts: Mapping[str, str]) -> date | Refusal:
        """The day of an exchange; the one that a person chose, where the file has no column for it."""
        if "date" not in self.file.columns:
            return self.answers.day or _no("day_missing", "The file does not say when. Choose a day for its lines.")
        day = self._day_of(texts.get("date", ""))
        if day is None:
            return _no("date_missing", "This line does not say when. Add the day in the file.")
        if isinstance(day, date) and day > self.facts.today:
            return _no("date_in_future", f"{shown(texts['date'])} is still to come. Check the day.")
        return day

    def _day_of(self, text: str) -> date | Refusal | None:
        if not text.strip():
            return None
        if text not in self.days:
            self.days[text] = read_day(text, self.facts.zone)
        return self.days[text]

    def _too_young(self, text: str) -> Refusal | None:
        born, today = self._day_of(text), self.facts.today
        # Whoever was born before the first day that can be read is old enough, and 4/5/70 is read as 2070.
        if not isinstance(born, date) or born > today or not self.facts.minimum_age:
            return None
        age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
        if age >= self.facts.minimum_age:
            return None
        message = f"This person is younger than {self.facts.minimum_age}. Add them by hand, with a guardian's consent."
        return _no("too_young", message)

    def plan(self) -> Plan:
        """The whole of it."""
        for step, one in enumerate(in_order(self.lines), start=1):
            one.step = step
        answered = bool(self.answers.rest)
        return Plan(
            format=self.format,
            file=self.file,
            lines=tuple(self.lines),
            questions=() if answered else tuple(self._questions()),
            people=() if answered else tuple(self.people.asked.values()),
            notes=tuple(self._notes()),
        )

    def _questions(self) -> Sequence[Question]:
        asked = []
        for field, (text, hint) in ASKED.items():
            if lines := self.open.get(field):
                asked.append(Question(field, text, hint, len(lines), tuple(lines[:FIRST_LINES])))
        return asked

    def _notes(self) -> Sequence[str]:
        notes = []
        if self.file.unused:
            notes.append("Not used: " + ", ".join(self.file.unused[:20]) + ".")
        not_kept = [
            each.label for each in self.format.fields if each.name in _NOT_KEPT and each.name in self.file.columns
        ]
        if not_kept:
            notes.append(f"Read, and not kept here: {', '.join(not_kept)}.")
        strangers = len(self.people.asked)
        if self.format.source == "timeoverflow" and strangers > MANY_STRANGERS and not self.facts.known:
            notes.append("Nobody in this file is known yet. Bring the file of members first.")
        if self.repeated:
            notes.append(
                f"Lines that say the same as one before them: {self.repeated:,}. Each counts as its own exchange."
            )
        posted = {f"{MEMBER}{member.id}": member for member in self.facts.members}
        below = sum(
            (posted[target].posted if target in posted else 0) + change < self.facts.floor
            for target, change in self.moved.items()
            if target.startswith((MEMBER, TO_ADD))
        )
        if below:
            notes.append(f"People who will have less than the rules allow, as in the file: {below:,}.")
        twice = [t for t in self.moved if t in posted and posted[t].id in self.facts.brought]
        if twice and self.format.kind == "exchanges":
            notes.append(
                f"People who had a balance brought over before: {len(twice):,}. These exchanges come on top of it; "
                "leave them out if that balance counts them already."
            )
        return notes


def _not_positive(minutes: int) -> Refusal:
    if minutes == 0:
        return _no("amount_zero", "This line is about no time at all.")
    return _no("amount_negative", "This line is about less than no time. Swap who gave and who received.")


_NOT_KEPT = frozenset({"gender", "born", "limit"})
_IDENTITY = ("payer", "payee", "amount", "date", "words", "post", "number")
