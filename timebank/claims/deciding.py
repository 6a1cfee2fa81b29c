"""From a sent claim to a payment: sent, asked about, answered, decided; and what was declined, looked at again."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from timebank.banks.rules import TimeBankFacts
from timebank.claims import paid_from, queries, rules, telling
from timebank.claims.deciders import as_decider
from timebank.claims.lines import own_claim, situation
from timebank.claims.queries import Claim
from timebank.claims.rules import ClaimFacts, UnknownClaim
from timebank.db import Connection, Database, Rollback, once
from timebank.kit import names
from timebank.kit.actor import Actor
from timebank.kit.ids import reference as new_reference
from timebank.kit.refusal import Refusal
from timebank.kit.words import say
from timebank.messages.service import send as tell
from timebank.payees.service import member_as_payee
from timebank.payments import entries as payment_entries
from timebank.payments import service as payments
from timebank.payments.rules import NewPayable

SENT_BY = """
update claim set state = 'sent', sent_by = $3, sent_at = $4, how_agreed = $5, changed_at = $4
 where timebank_id = $1 and id = $2
"""
BACK_TO_DRAFT = """
update claim set state = 'draft', sent_by = null, sent_at = null, how_agreed = '', changed_at = $3
 where timebank_id = $1 and id = $2
   and not exists (select from claim o
                    where o.timebank_id = $1 and o.member_id = claim.member_id and o.state = 'draft')
returning true
"""
MOVE = "update claim set state = $3, changed_at = $4 where timebank_id = $1 and id = $2"
DECIDED = """
update claim set state = $3, decided_by = $4, decided_at = $5, changed_at = $5 where timebank_id = $1 and id = $2
"""
DECLINE = """
update claim_line set is_declined = true, decline_reason = $4 where timebank_id = $1 and claim_id = $2 and n = $3
returning true
"""
ADD_EVENT = """
insert into claim_event (timebank_id, claim_id, n, step, actor_id, at, words)
select $1, $2, coalesce(max(n), 0) + 1, $3, $4, $5, $6 from claim_event where timebank_id = $1 and claim_id = $2
"""
FOLLOW = """
insert into claim (timebank_id, reference, member_id, state, made_by, made_at, changed_at, sent_by, sent_at, how_agreed,
                   follows_id)
values ($1, $2, $3, 'sent', $4, $5, $5, $4, $5, $6, $7)
on conflict (timebank_id, reference) do nothing
returning id
"""
COPY_DECLINED = """
insert into claim_line (timebank_id, claim_id, n, kind, day, what_for, session_id, tenths_of_mile, minutes, rate_pence,
                        rate_id, pence, receipt_id, no_receipt_why, duplicate_reason, contribution_id, added_by,
                        added_at)
select timebank_id, $3, n, kind, day, what_for, session_id, tenths_of_mile, minutes, rate_pence, rate_id, pence,
       receipt_id, no_receipt_why, duplicate_reason, contribution_id, $4, $5
  from claim_line
 where timebank_id = $1 and claim_id = $2 and is_declined
"""
REFERENCE_ATTEMPTS = 5
KIND: Final = "expense"


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """Send a draft. ``how_agreed`` is needed when somebody sends it for the member."""

    reference: str
    how_agreed: str = ""


class TakeBack(msgspec.Struct, frozen=True, kw_only=True):
    """Make a draft of it again, while nobody has decided."""

    reference: str


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """Ask the member something about a claim; it waits for their answer."""

    reference: str
    question: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Answer the question; the claim is looked at again."""

    reference: str
    answer: str


class DeclinedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A cost that is not paid, and why; the member reads it."""

    n: int
    reason: str


class Decide(msgspec.Struct, frozen=True, kw_only=True):
    """All costs are right but those named. ``seen`` is ``Claim.seen`` of what was looked at, "" when not known.

    ``budget_id``: the budget that pays; None for that of the group that the costs were for, if there is one.
    """

    reference: str
    declined: tuple[DeclinedLine, ...] = ()
    seen: str = ""
    budget_id: int | None = None


class LookAgain(msgspec.Struct, frozen=True, kw_only=True):
    """What was declined is sent once more, with what the member says to it. ``how_agreed`` as with :class:`Send`."""

    reference: str
    words: str
    how_agreed: str = ""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A claim, its state now, and the payment that it made, "" for none."""

    reference: str
    state: str
    payment: str = ""


async def send(db: Database, actor: Actor, command: Send, *, key: str, now: datetime) -> Moved | list[Refusal]:
    """Send a claim to be looked at. Refusals: those of ``rules.check_send``. Raises UnknownClaim."""

    async def work(connection: Connection) -> Moved:
        claim = await own_claim(connection, actor, command.reference)
        how_agreed = names.tidy(command.how_agreed) if actor.member_id != claim.member_id else ""
        _stop(rules.check_send(actor, claim, how_agreed))
        await connection.execute(SENT_BY, actor.timebank_id, claim.id, actor.member_id, now, how_agreed)
        await _note(connection, actor, claim.id, "sent", now, how_agreed)
        if actor.member_id != claim.member_id:
            await tell(connection, actor.timebank_id, [telling.sent_for_you(claim, now)], now=now)
        return Moved(reference=claim.reference, state=rules.SENT)

    return await once(db, actor, "send_claim", key, command, Moved, work)


async def take_back(db: Database, actor: Actor, command: TakeBack, *, key: str, now: datetime) -> Moved | list[Refusal]:
    """Take a claim back to change it. Refusals: ``wrong_state``, ``another_draft``. Raises UnknownClaim."""

    async def work(connection: Connection) -> Moved:
        claim = await own_claim(connection, actor, command.reference)
        if claim.state not in rules.WAITING:
            raise Rollback([Refusal("wrong_state", say("Somebody has decided about this already."))])
        if not await connection.fetchval(BACK_TO_DRAFT, actor.timebank_id, claim.id, now):
            raise Rollback([Refusal("another_draft", say("You have begun another claim. Send that one first."))])
        await _note(connection, actor, claim.id, "taken_back", now)
        return Moved(reference=claim.reference, state=rules.DRAFT)

    return await once(db, actor, "take_claim_back", key, command, Moved, work)


async def ask(db: Database, actor: Actor, command: Ask, *, key: str, now: datetime) -> Moved | list[Refusal]:
    """Ask about a claim. Refusals: those of ``rules.check_decider``, ``question_missing``, ``words_too_long``.

    Raises UnknownClaim.
    """
    question = command.question.strip()

    async def work(connection: Connection) -> Moved:
        claim = await _locked(connection, actor, command.reference)
        await _may_decide(connection, actor, claim, now)
        _stop(rules.check_words(question, "question_missing", "Write what you want to know.", "question"))
        await connection.execute(MOVE, actor.timebank_id, claim.id, rules.ASKED, now)
        await _note(connection, actor, claim.id, "asked", now, question)
        await tell(connection, actor.timebank_id, [telling.asked(claim, question, now)], now=now)
        return Moved(reference=claim.reference, state=rules.ASKED)

    return await once(db, actor, "ask_about_claim", key, command, Moved, work)


async def answer(db: Database, actor: Actor, command: Answer, *, key: str, now: datetime) -> Moved | list[Refusal]:
    """Answer a question. Refusals: ``wrong_state``, ``answer_missing``, ``words_too_long``. Raises UnknownClaim."""
    words = command.answer.strip()

    async def work(connection: Connection) -> Moved:
        claim = await own_claim(connection, actor, command.reference)
        if claim.state != rules.ASKED:
            raise Rollback([Refusal("wrong_state", say("This is answered already."))])
        _stop(rules.check_words(words, "answer_missing", say("Write your answer."), "answer"))
        await connection.execute(MOVE, actor.timebank_id, claim.id, rules.SENT, now)
        await _note(connection, actor, claim.id, "answered", now, words)
        return Moved(reference=claim.reference, state=rules.SENT)

    return await once(db, actor, "answer_about_claim", key, command, Moved, work)


async def decide(db: Database, actor: Actor, command: Decide, *, key: str, now: datetime) -> Moved | list[Refusal]:
    """Decide about every cost at once: what is right becomes one payment to the member, for finance to approve.

    Refusals: those of ``rules.check_decider``, ``changed_since_shown``, ``unknown_line``, ``reason_missing``,
    ``words_too_long``, those of ``budgets.service.check`` when the budget has not enough left, and what the ledger
    refuses. Raises UnknownClaim.
    """

    async def work(connection: Connection) -> Moved:
        facts = await _locked(connection, actor, command.reference)
        await _may_decide(connection, actor, facts, now)
        claim = await queries.by_reference(connection, actor.timebank_id, facts.reference)
        assert claim is not None, "it is locked"
        if command.seen and command.seen != claim.seen:
            message = "This claim changed while you were looking at it. Check it and decide again."
            raise Rollback([Refusal("changed_since_shown", message)])
        await _decline(connection, actor, facts, command.declined)
        declined = {line.n for line in command.declined}
        right = [line for line in claim.lines if line.n not in declined]
        bank, in_force, _ = await situation(connection, actor.timebank_id, now)
        payment = ""
        if right:
            payment = await _owe(connection, actor, claim, right, bank, in_force.payment_days, command.budget_id, now)
        state = rules.AGREED if right else rules.DECLINED
        await connection.execute(DECIDED, actor.timebank_id, facts.id, state, actor.member_id, now)
        await _note(connection, actor, facts.id, state, now)
        told = telling.decided(
            facts,
            sum(line.pence for line in right),
            [each.reason.strip() for each in command.declined],
            bank.currency,
            now,
        )
        await tell(connection, actor.timebank_id, [told], now=now)
        return Moved(reference=facts.reference, state=state, payment=payment)

    return await once(db, actor, "decide_claim", key, command, Moved, work)


async def look_again(
    db: Database, actor: Actor, command: LookAgain, *, key: str, now: datetime
) -> Moved | list[Refusal]:
    """Answer what was declined: it comes back as a claim of its own, which somebody else may decide about.

    Refusals: ``wrong_state``, ``answer_missing``, ``words_too_long``, ``how_agreed_missing``. Raises UnknownClaim.
    """
    words = command.words.strip()

    async def work(connection: Connection) -> Moved:
        facts = await own_claim(connection, actor, command.reference)
        claim = await queries.by_reference(connection, actor.timebank_id, facts.reference)
        assert claim is not None, "it is locked"
        if not claim.declined or claim.followed_by:
            raise Rollback([Refusal("wrong_state", say("There is nothing here to look at again."))])
        _stop(rules.check_words(words, "answer_missing", say("Say why you see it another way."), "words"))
        how_agreed = names.tidy(command.how_agreed) if actor.member_id != facts.member_id else ""
        again = msgspec.structs.replace(facts, state=rules.DRAFT, lines=len(claim.declined))
        _stop(rules.check_send(actor, again, how_agreed))
        made, reference = await _follow(connection, actor, facts, how_agreed, now)
        await connection.execute(COPY_DECLINED, actor.timebank_id, facts.id, made, actor.member_id, now)
        await _note(connection, actor, made, "sent", now, how_agreed)
        await _note(connection, actor, made, "answered", now, words)
        return Moved(reference=reference, state=rules.SENT)

    return await once(db, actor, "look_at_claim_again", key, command, Moved, work)


async def _follow(
    connection: Connection, actor: Actor, facts: ClaimFacts, how_agreed: str, now: datetime
) -> tuple[int, str]:
    for _ in range(REFERENCE_ATTEMPTS):
        reference = new_reference()
        made = await connection.fetchval(
            FOLLOW, actor.timebank_id, reference, facts.member_id, actor.member_id, now, how_agreed, facts.id
        )
        if made is not None:
            return made, reference
    raise RuntimeError(f"no free reference in {REFERENCE_ATTEMPTS} attempts")


async def _may_decide(connection: Connection, actor: Actor, claim: ClaimFacts, now: datetime) -> None:
    """Raises Rollback when this person may not look at this claim today."""
    _, _, on = await situation(connection, actor.timebank_id, now)
    _stop(rules.check_decider(await as_decider(connection, actor, on) or actor, claim))


async def _decline(connection: Connection, actor: Actor, claim: ClaimFacts, declined: Sequence[DeclinedLine]) -> None:
    for each in declined:
        _stop(
            rules.check_words(
                each.reason, "reason_missing", "Say why this is not paid. They read it.", f"reason-{each.n}"
            )
        )
        is_there = 0 < each.n < 2**31 and await connection.fetchval(
            DECLINE, actor.timebank_id, claim.id, each.n, each.reason.strip()
        )
        if not is_there:
            raise Rollback([Refusal("unknown_line", "This claim has no such cost.")])


async def _owe(
    connection: Connection,
    actor: Actor,
    claim: Claim,
    right: Sequence[queries.Line],
    bank: TimeBankFacts,
    payment_days: int,
    budget_id: int | None,
    now: datetime,
) -> str:
    """The one payment of a claim: expense -> payable, in the transaction's one ledger call."""
    sessions, given = [line.session_id for line in right], [line.contribution_id for line in right]
    paid_by = await paid_from.chosen(connection, actor.timebank_id, budget_id, sessions, given)
    day = await payments.local_day(connection, actor.timebank_id, now)
    payee_id = await member_as_payee(connection, actor.timebank_id, claim.member_id, claim.member_name)
    await payments.open_expense_account(connection, actor.timebank_id, KIND)
    new = NewPayable(
        kind=KIND,
        payee_id=payee_id,
        pence=sum(line.pence for line in right),
        currency=bank.currency,
        description=f"Expenses, claim {claim.reference}",
        source_kind="claim",
        source_id=claim.id,
        earned_on=max(line.day for line in right),
        due_on=day + timedelta(days=payment_days),
        budget_id=paid_by,
    )
    item = payment_entries.expense_entry(new, key=f"decide_claim:{claim.id}:1", actor=actor, effective_on=day)
    [entry_id] = await payments.post(connection, actor, [item])
    payment = await payments.record_payable(
        connection, actor, new, entry_id=entry_id, made_by=claim.sent_by, now=now, is_promised=True
    )
    await paid_from.check(connection, actor.timebank_id, paid_by, new.pence, new.earned_on)
    return payment


async def _locked(connection: Connection, actor: Actor, reference: str) -> ClaimFacts:
    claim = await queries.lock(connection, actor.timebank_id, reference)
    if claim is None:
        raise UnknownClaim(reference)
    return claim


async def _note(connection: Connection, actor: Actor, claim_id: int, step: str, now: datetime, words: str = "") -> None:
    await connection.execute(ADD_EVENT, actor.timebank_id, claim_id, step, actor.member_id, now, words)


def _stop(refusals: list[Refusal]) -> None:
    if refusals:
        raise Rollback(refusals)
