"""What members are told about their fees, by their own channel; and the job that follows their money.

The subject stands alone in a text message, so it says neither the amount nor what it is for.
"""

from datetime import datetime

from timebank.db import Connection, Database, retrying
from timebank.fees.queries import offer_dedupe
from timebank.kit.words import joined, say
from timebank.messages.service import Message, send
from timebank.payments.telling import NEWS_FOR, STEPS, news, untold

BATCH = 200

# Steps of payments that nobody was told of yet.
UNTOLD = untold("""
select c.id, c.how, f.id as fee_id, f.reference, f.member_id, f.held_on, p.state, p.currency, p.reason,
       y.name as payee_name, {step} as step, {pence} as pence
  from fee_choice c
  join payable p on p.timebank_id = c.timebank_id and p.source_kind = 'fee' and p.source_id = c.id
  join fee f on f.timebank_id = c.timebank_id and f.id = c.fee_id
  join payee y on y.timebank_id = c.timebank_id and y.id = c.payee_id
 where c.timebank_id = $1 and c.state in ('live', 'gone') and p.state = any($2::text[]) and p.changed_at > $4
   and c.told <> {step}
 order by c.id limit $3
   for update of c skip locked
""")
TOLD = """
update fee_choice c set told = u.step from unnest($2::bigint[], $3::text[]) as u (id, step)
 where c.timebank_id = $1 and c.id = u.id
"""


def offered(member_id: int, fee_id: int, reference: str, n: int) -> Message:
    """A fee waits for somebody's choice, the ``n``-th time."""
    return Message(
        member_id=member_id,
        kind="fee",
        subject=say("A fee waits for your choice"),
        body=joined(
            say("You can have a fee for your time."),
            say("Please choose what happens to it. You can take it, take less, or take nothing."),
            say("Nothing is paid until you choose."),
        ),
        path=_path(reference),
        dedupe=offer_dedupe(fee_id, n),
    )


def by_standing(member_id: int, fee_id: int, reference: str, choice_id: int) -> Message:
    """A fee was dealt with as the member chose for every fee."""
    return Message(
        member_id=member_id,
        kind="fee",
        subject=say("We did with your fee what you chose"),
        body=joined(
            say("There is a new fee for your time."),
            say("You chose what happens to every fee. We did that."),
            say("You can choose something else until the money leaves."),
        ),
        path=_path(reference),
        dedupe=f"fee:{fee_id}:standing:{choice_id}",
    )


async def tell_due(db: Database, timebank_id: int, now: datetime) -> int:
    """Tell members what became of their money; return how many steps there were. Harmless to repeat."""
    told = 0

    async def batch() -> int:
        async with db.writing(timebank_id) as connection:
            return await _tell(connection, timebank_id, now)

    while True:
        done = await retrying(batch)
        told += done
        if done < BATCH:
            return told


async def _tell(connection: Connection, timebank_id: int, now: datetime) -> int:
    rows = await connection.fetch(UNTOLD, timebank_id, list(STEPS), BATCH, now - NEWS_FOR)
    if not rows:
        return 0
    messages = []
    for row in rows:
        subject, body = news(
            row["state"],
            row["pence"],
            row["currency"],
            say("It is for your time on {day}.", day=row["held_on"]),
            reason=row["reason"],
            charity=row["payee_name"] if row["how"] == "charity" else "",
        )
        messages.append(
            Message(
                member_id=row["member_id"],
                kind="fee",
                subject=subject,
                body=body,
                path=_path(row["reference"]),
                dedupe=f"fee:{row['fee_id']}:{row['id']}:{row['step']}",
            )
        )
    await send(connection, timebank_id, messages, now=now)
    await connection.execute(TOLD, timebank_id, [row["id"] for row in rows], [row["step"] for row in rows])
    return len(rows)


def _path(reference: str) -> str:
    return f"/me/fees/{reference}"
