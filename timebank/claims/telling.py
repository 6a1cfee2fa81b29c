"""What the member is told about their claims and what is arranged for them; and the job that follows their money."""

from collections.abc import Sequence
from datetime import date, datetime

from timebank.claims.rules import ClaimFacts
from timebank.db import Connection, Database, retrying
from timebank.kit.money import in_words
from timebank.kit.words import Words, joined, say
from timebank.messages.service import Message, send
from timebank.payments.telling import NEWS_FOR, STEPS, news, untold

KIND = "claims"
BATCH = 200

# Steps of payments to members that nobody was told of yet: of claims, and of what an advance did not cover. What a
# supplier is paid for them is no news of theirs.
UNTOLD_CLAIMS = untold("""
select c.id, c.reference, c.member_id, p.state, p.currency, p.reason, {step} as step, {pence} as pence, d.first, d.last
  from claim c
  join payable p on p.timebank_id = c.timebank_id and p.source_kind = 'claim' and p.source_id = c.id
  cross join lateral (select min(l.day) as first, max(l.day) as last from claim_line l
                       where l.timebank_id = c.timebank_id and l.claim_id = c.id and not l.is_declined) d
 where c.timebank_id = $1 and p.state = any($2::text[]) and p.changed_at > $4 and c.told <> {step}
 order by c.id limit $3
   for update of c skip locked
""")
UNTOLD_ADVANCES = untold("""
select c.id, '' as reference, c.member_id, p.state, p.currency, p.reason, {step} as step, {pence} as pence,
       c.day as first, c.day as last
  from access_cost c
  join payable p on p.timebank_id = c.timebank_id and p.source_kind = 'access_cost' and p.source_id = c.id
 where c.timebank_id = $1 and c.way = 'advance' and p.state = any($2::text[]) and p.changed_at > $4
   and c.told <> {step}
 order by c.id limit $3
   for update of c skip locked
""")
TOLD = """
update {table} c set told = u.step from unnest($2::bigint[], $3::text[]) as u (id, step)
 where c.timebank_id = $1 and c.id = u.id
"""
FOLLOWED = (
    ("claim", UNTOLD_CLAIMS, TOLD.format(table="claim")),
    ("access", UNTOLD_ADVANCES, TOLD.format(table="access_cost")),
)


def sent_for_you(claim: ClaimFacts, now: datetime) -> Message:
    """Somebody sent a claim for them."""
    return _message(
        claim.member_id,
        say("A claim was sent for you"),
        say("Somebody sent a claim for your costs. Please look at it."),
        f"claim:{claim.id}:sent:{now.isoformat()}",
        claim.reference,
    )


def asked(claim: ClaimFacts, question: str, now: datetime) -> Message:
    """There is a question about their claim."""
    return _message(
        claim.member_id,
        say("We have a question about your claim"),
        joined(say("We have a question about your claim."), question, say("Please answer it, so that we can pay you.")),
        f"claim:{claim.id}:asked:{now.isoformat()}",
        claim.reference,
    )


def decided(claim: ClaimFacts, pence: int, reasons: Sequence[str], currency: str, now: datetime) -> Message:
    """What is paid, and what is not and why."""
    amount = in_words(pence, currency)
    parts: list[str] = []
    if pence:
        subject = say("We will pay you back {amount}", amount=amount)
        parts.append(say("Your claim is right. We will pay you back {amount}.", amount=amount))
    else:
        subject = say("About your claim")
    if reasons:
        parts.append(say("This is why some of it is not paid:") if pence else say("This is why it is not paid:"))
        parts += reasons
        parts.append(say("Do you see it another way? Tell us on the page of your claim."))
    body = joined(*parts)
    return _message(claim.member_id, subject, body, f"claim:{claim.id}:decided:{now.isoformat()}", claim.reference)


def booked_for_you(cost_id: int, member_id: int, kind: str, day: date) -> Message:
    """A taxi, a carer or an interpreter is booked for them."""
    words = {
        "taxi": say("A taxi is booked for you for {day}. We pay for it.", day=day),
        "carer": say("A carer is booked for you for {day}. We pay for it.", day=day),
        "interpreter": say("An interpreter is booked for you for {day}. We pay for it.", day=day),
    }
    body = words.get(kind) or say("Something is booked for you for {day}. We pay for it.", day=day)
    return _message(member_id, say("Something is booked for you"), body, f"access:{cost_id}:booked")


def booking_cancelled(cost_id: int, member_id: int, day: date, reason: str) -> Message:
    """What was booked for them is cancelled."""
    body = joined(say("What we booked for you for {day} is cancelled.", day=day), reason)
    return _message(member_id, say("A booking for you is cancelled"), body, f"access:{cost_id}:cancelled")


def money_given(cost_id: int, member_id: int, pence: int, currency: str, day: date) -> Message:
    """They were given money in advance."""
    amount = in_words(pence, currency)
    body = joined(
        say("We gave you {amount} for your costs on {day}.", amount=amount, day=day),
        say("Please bring the receipts, and what is left."),
    )
    return _message(member_id, say("Money for your costs"), body, f"access:{cost_id}:given")


def settled(cost_id: int, member_id: int, owed_pence: int, currency: str) -> Message:
    """Their advance is accounted for."""
    parts = [say("Thank you. The money we gave you is settled.")]
    if owed_pence:
        parts.append(say("You spent more. We will pay you {amount}.", amount=in_words(owed_pence, currency)))
    return _message(member_id, say("Your costs are settled"), joined(*parts), f"access:{cost_id}:settled")


async def tell_due(db: Database, timebank_id: int, now: datetime) -> int:
    """Tell members what became of the money for their costs; return how many steps there were. Harmless to repeat."""
    told = 0
    for about, which, mark_told in FOLLOWED:

        async def batch(about: str = about, which: str = which, mark_told: str = mark_told) -> int:
            async with db.writing(timebank_id) as connection:
                return await _tell(connection, timebank_id, about, which, mark_told, now)

        while (done := await retrying(batch)) == BATCH:
            told += done
        told += done
    return told


async def _tell(connection: Connection, timebank_id: int, about: str, which: str, mark_told: str, now: datetime) -> int:
    rows = await connection.fetch(which, timebank_id, list(STEPS), BATCH, now - NEWS_FOR)
    messages = []
    for row in rows:
        what_for = say("It is for your costs on {day}.", day=row["last"])
        if row["first"] != row["last"]:
            what_for = say("For costs from {first} to {last}.", first=row["first"], last=row["last"])
        subject, body = news(row["state"], row["pence"], row["currency"], what_for, reason=row["reason"])
        dedupe = f"{about}:{row['id']}:money:{row['step']}"
        messages.append(_message(row["member_id"], subject, body, dedupe, row["reference"]))
    if rows:
        await send(connection, timebank_id, messages, now=now)
        await connection.execute(mark_told, timebank_id, [row["id"] for row in rows], [row["step"] for row in rows])
    return len(rows)


def _message(member_id: int, subject: Words, body: Words, dedupe: str, reference: str = "") -> Message:
    path = f"/me/claims/{reference}" if reference else "/me/claims"
    return Message(member_id=member_id, kind=KIND, subject=subject, body=body, dedupe=dedupe, path=path)
