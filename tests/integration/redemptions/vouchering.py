"""What tests of vouchers share: offers with terms, codes in the open, suppliers at their till."""

from typing import Any

from tests.integration.redemptions.spending import booked, give_hours, key, offer, payee
from tests.people import Bank
from timebank.identity.rules import Device
from timebank.kit.actor import Actor
from timebank.kit.csv import Row
from timebank.redemptions import codes, codes_file, suppliers, suppliers_confirming, vouchers_shown
from timebank.redemptions.suppliers import MakeLink, Till
from timebank.redemptions.suppliers_confirming import Confirm
from timebank.redemptions.voucher_rules import Terms
from timebank.redemptions.vouchers_setting import SetTerms, set_terms
from timebank.redemptions.vouchers_shown import ShowCode

PHONE = Device(network="192.0.2.7", agent="Till")


async def ours(bank: Bank, *, pence: int = 500, supplier: int | None = None, **terms: Any) -> tuple[int, int]:
    """An offer of our own vouchers, given at once; returns the offer and its supplier."""
    payee_id = supplier or await payee(bank)
    offer_id = await offer(bank, "voucher", payee_id=payee_id, value_pence=pence)
    await with_terms(bank, offer_id, source="ours", **{"gives_at_once": True, **terms})
    return offer_id, payee_id


async def pool(bank: Bank, *names: str, pence_each: int | None = None, **terms: Any) -> tuple[int, int]:
    """An offer of uploaded codes; returns the offer and the upload."""
    payee_id = await payee(bank)
    offer_id = await offer(bank, "voucher", payee_id=payee_id, value_pence=500)
    await with_terms(bank, offer_id, source="pool", **{"gives_at_once": True, "low_stock": 0, **terms})
    added = await uploaded(bank, offer_id, *names, pence_each=pence_each)
    assert isinstance(added, codes.UploadedCodes), added
    return offer_id, added.batch_id


async def with_terms(bank: Bank, offer_id: int, **terms: Any) -> None:
    done = await set_terms(
        bank.db, bank.coordinator, SetTerms(offer_id=offer_id, terms=Terms(**terms)), key=key(), now=bank.now
    )
    assert not isinstance(done, list), done


async def uploaded(bank: Bank, offer_id: int, *names: str, pence_each: int | None = None, who: Actor | None = None):
    rows = [Row(n, tuple(name.split(","))) for n, name in enumerate(names, start=1)]
    lines = codes_file.read(rows, today=bank.now.date())
    assert isinstance(lines, list), lines
    command = codes.UploadCodes(offer_id=offer_id, lines=tuple(lines), pence_each=pence_each)
    return await codes.upload(bank.db, who or bank.coordinator, command, key=key(), now=bank.now)


async def spend(bank: Bank, offer_id: int, who: Actor | None = None) -> str:
    """A member with hours books; returns the reference."""
    who = who or bank.participant
    await give_hours(bank, who.member_id or 0, 60)
    return await booked(bank, offer_id, who)


async def shown(bank: Bank, reference: str, who: Actor | None = None, **more: Any):
    """Show the code; what is in the open then, or the refusals."""
    who, now = who or bank.participant, more.get("now", bank.now)
    done = await vouchers_shown.show(bank.db, who, ShowCode(reference=reference), key=more.get("key", key()), now=now)
    if isinstance(done, list):
        return done
    async with bank.db.reading(bank.id) as connection:
        return await vouchers_shown.opened(connection, who, reference, done.view_id, now=now)


async def code_of(bank: Bank, reference: str, who: Actor | None = None, **more: Any) -> str:
    seen = await shown(bank, reference, who, **more)
    assert isinstance(seen, vouchers_shown.OpenedCode), seen
    return seen.code


async def till(bank: Bank, payee_id: int) -> Till:
    """A supplier at their till, by a new link."""
    made = await suppliers.make_link(bank.db, bank.coordinator, MakeLink(payee_id=payee_id), key=key(), now=bank.now)
    assert isinstance(made, suppliers.MadeLink), made
    found = await suppliers.till_of(bank.db, await token(bank, payee_id), now=bank.now)
    assert found is not None
    return found


async def token(bank: Bank, payee_id: int) -> str:
    """The secret of a supplier's link."""
    async with bank.db.reading(bank.id) as connection:
        link = await suppliers.link_of(connection, bank.id, payee_id)
    assert link is not None
    return link.path.removeprefix(suppliers.OPEN_PATH)


async def confirm(bank: Bank, at: Till, code: str, **more: Any):
    fields = {"key": key(), "now": bank.now, "device": PHONE, **more}
    command = Confirm(code=code, pence=fields.pop("pence", None), used_on=fields.pop("used_on", None))
    device = fields.pop("device")
    return await suppliers_confirming.confirm(bank.db, at, command, device, **fields)


async def payables(bank: Bank) -> list[dict[str, Any]]:
    async with bank.db.reading(bank.id) as connection:
        rows = await connection.fetch(
            "select source_kind, source_id, payee_id, pence, state, created_by, submitted_by from payable order by id"
        )
    return [dict(row) for row in rows]


def refused(outcome: Any) -> list[str]:
    assert isinstance(outcome, list), outcome
    return [refusal.code for refusal in outcome]
