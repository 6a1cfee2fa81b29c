"""What tests of help between members share: offers, asks, and one who asks another."""

from datetime import datetime, timedelta
from uuid import uuid4

from tests.integration.redemptions.spending import actor, give_hours
from tests.people import Bank
from timebank.kit.actor import Actor
from timebank.peers import queries, service
from timebank.peers.queries import AskLine
from timebank.peers.service import Asked, AskFor, Close, Keep, Kept, Offered, Said, Say, SayYes, Settle, Suggest


def key() -> str:
    return uuid4().hex


async def person(bank: Bank, name: str, minutes: int = 0) -> Actor:
    member_id = await bank.member(name)
    if minutes:
        await give_hours(bank, member_id, minutes)
    return actor(bank, member_id)


async def offers(bank: Bank, who: Actor, title: str = "Company on a walk", **fields: object) -> int:
    kept = await service.keep_offer(
        bank.db, who, Keep(offered=Offered(title=title, **{"category": "walks", **fields})), key=key(), now=bank.now
    )
    assert isinstance(kept, Kept), kept
    return kept.id


async def wishes(bank: Bank, who: Actor, title: str = "Somebody to garden with", **fields: object) -> int:
    kept = await service.keep_wish(
        bank.db, who, Keep(offered=Offered(title=title, **{"category": "gardening", **fields})), key=key(), now=bank.now
    )
    assert isinstance(kept, Kept), kept
    return kept.id


def tomorrow(bank: Bank) -> datetime:
    return bank.now + timedelta(days=1)


async def asks(bank: Bank, who: Actor, *, now: datetime | None = None, **fields: object) -> Asked | list:
    command = AskFor(**{"minutes": 60, "starts_at": tomorrow(bank), **fields})
    return await service.ask(bank.db, who, command, key=key(), now=now or bank.now)


async def asked(bank: Bank, who: Actor, **fields: object) -> str:
    made = await asks(bank, who, **fields)
    assert isinstance(made, Asked), made
    return made.reference


async def yes(bank: Bank, who: Actor, reference: str, *, now: datetime | None = None, reach: str = "") -> Asked | list:
    return await service.say_yes(bank.db, who, SayYes(reference=reference, reach=reach), key=key(), now=now or bank.now)


async def agreed(bank: Bank, receiver: Actor, helper: Actor, **fields: object) -> str:
    """An ask of one hour for tomorrow that the helper said yes to."""
    if "offer_id" not in fields:
        fields["offer_id"] = await offers(bank, helper)
    reference = await asked(bank, receiver, **fields)
    done = await yes(bank, helper, reference)
    assert isinstance(done, Asked), done
    assert done.state == "agreed"
    return reference


async def suggests(bank: Bank, who: Actor, reference: str, minutes: int = 60, *, now: datetime | None = None,
                   starts_at: datetime | None = None):  # fmt: skip
    command = Suggest(
        reference=reference, minutes=minutes, starts_at=starts_at or bank.now + timedelta(days=2), how="phone"
    )
    return await service.suggest(bank.db, who, command, key=key(), now=now or bank.now)


async def closes(bank: Bank, who: Actor, reference: str, *, now: datetime | None = None):
    return await service.close(bank.db, who, Close(reference=reference), key=key(), now=now or bank.now)


async def says(bank: Bank, who: Actor, reference: str, minutes: int, *, now: datetime | None = None) -> Said | list:
    return await service.happened(
        bank.db, who, Say(reference=reference, minutes=minutes), key=key(), now=now or bank.now + timedelta(days=1)
    )


async def settles(bank: Bank, who: Actor, reference: str, minutes: int, *, now: datetime | None = None):
    command = Settle(reference=reference, minutes=minutes, reason="We talked about it.")
    return await service.settle(bank.db, who, command, key=key(), now=now or bank.now + timedelta(days=1))


async def ask_of(bank: Bank, reference: str) -> AskLine:
    async with bank.db.reading(bank.id) as connection:
        found = await queries.ask(connection, bank.id, reference)
    assert found is not None
    return found


def codes(refused: object) -> set[str]:
    assert isinstance(refused, list), refused
    return {refusal.code for refusal in refused}


async def help_between_members(bank: Bank) -> dict[str, str]:
    """One of everything that a page of this room names, by the name of its parameter."""
    helper, receiver = await person(bank, "Helper"), await person(bank, "Receiver", 600)
    offer, wish = await offers(bank, helper), await wishes(bank, receiver)
    reference = await asked(bank, receiver, offer_id=offer)
    told = await service.report(
        bank.db, receiver, service.TellLead(member_id=helper.member_id or 0, words="Rude"), key=key(), now=bank.now
    )
    assert isinstance(told, service.Done), told
    return {
        "share.offer_id": str(offer),
        "share.wish_id": str(wish),
        "wish_id": str(wish),
        "share.reference": reference,
        "report_id": str(told.id),
    }
