"""Vouchers with codes: our own in every state, codes bought in advance, a supplier with a poster."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from timebank.banks.rules import TimeBankFacts
from timebank.db import Connection, Database
from timebank.demo import people
from timebank.demo.offers import QUAY_CAFE, VOUCHER
from timebank.demo.steps import Refused, Step
from timebank.identity.rules import Device
from timebank.kit.actor import Actor
from timebank.kit.csv import Row
from timebank.payees import queries as payees
from timebank.redemptions import codes, codes_file, suppliers, suppliers_confirming, vouchers_shown
from timebank.redemptions import service as redemptions
from timebank.redemptions.codes import UploadCodes
from timebank.redemptions.service import AddOffer, ChangeBooking, RequestRedemption
from timebank.redemptions.suppliers import MakeLink
from timebank.redemptions.suppliers_confirming import Confirm
from timebank.redemptions.voucher_rules import Terms
from timebank.redemptions.vouchers_setting import SetTerms, set_terms
from timebank.redemptions.vouchers_shown import ChangeCode, ShowCode

CAKE, SHOP, BOOKS = "Coffee and cake at the Quay Café", "Groceries at the Quay Café shop", "A book from the Book Nook"
BOOK_CODES = tuple(f"DEMO-BOOK-{n:04d}" for n in (1187, 2264, 3391, 4408, 5512, 6639))
TILL = Device(network="192.0.2.44", agent="demo")

MEMBERS = (
    "Hana Nováková", "Chidi Okafor", "Maryam al-Hashimi", "Eun-ji Park", "Idris Walker", "Lena Björk", "Tess Whitlock",
    "Samir Haddad", "Qadira Rahman", "Peter Quill-Hughes", "Grace Adeyemi", "Zofia Nowak",
)  # fmt: skip


async def add_vouchers(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], *, anchor: datetime, say: Callable[[str], None]
) -> list[Step]:
    """Make the offers and their terms; return the steps of what happened with them."""
    staff = actors[people.COORDINATOR]
    async with db.reading(facts.id) as connection:
        cafe = next(one.id for one in await payees.payees(connection, facts.id) if one.name == QUAY_CAFE)
    offers = {}
    plans: Sequence[tuple[str, str, int, Terms]] = (
        (CAKE, "A hot drink and a cake, on screen or on paper.", 380, Terms(source="ours", gives_at_once=True)),
        (
            SHOP,
            "Use it bit by bit at the till.",
            1000,
            Terms(source="ours", gives_at_once=True, allows_parts=True, valid_days=40, expiry_returns_hours=False),
        ),
        (BOOKS, "A code for the Book Nook’s website.", 700, Terms(source="pool", gives_at_once=True, low_stock=5)),
    )
    for n, (title, summary, pence, terms) in enumerate(plans):
        command = AddOffer(
            kind="voucher",
            title=title,
            summary=summary,
            price_minutes=60,
            benefit_label=VOUCHER["benefit_label"],
            hold_days=60,
            payee_id=cafe,
            value_pence=pence,
        )
        at = anchor - timedelta(days=30)
        added = await redemptions.add_offer(db, staff, command, key=f"demo-voucher-offer-{n}", now=at)
        if isinstance(added, list):
            raise Refused(added)
        offers[title] = added.offer_id
        done = await set_terms(
            db, staff, SetTerms(offer_id=added.offer_id, terms=terms), key=f"demo-voucher-terms-{n}", now=at
        )
        if isinstance(done, list):
            raise Refused(done)

    async def happen() -> None:
        await _happen(db, facts, actors, offers, cafe, anchor)

    say(f"{facts.name}: vouchers with codes, and a supplier who confirms them")
    return [Step(anchor - timedelta(hours=1), happen)]


async def supplier_path(connection: Connection, facts: TimeBankFacts) -> str:
    """What the poster of the demo's supplier opens; "" when there is none."""
    for payee in await payees.payees(connection, facts.id):
        if payee.name == QUAY_CAFE:
            link = await suppliers.link_of(connection, facts.id, payee.id)
            return link.path if link else ""
    return ""


async def _happen(
    db: Database, facts: TimeBankFacts, actors: dict[str, Actor], offers: dict[str, int], cafe: int, anchor: datetime
) -> None:
    staff, now = actors[people.COORDINATOR], anchor - timedelta(hours=1)
    made = await suppliers.make_link(db, staff, MakeLink(payee_id=cafe), key="demo-till", now=now)
    if isinstance(made, list):
        raise Refused(made)
    lines = codes_file.read([Row(n, (code,)) for n, code in enumerate(BOOK_CODES, start=1)], today=now.date())
    if not isinstance(lines, list):
        raise Refused([lines])
    bought = UploadCodes(offer_id=offers[BOOKS], lines=tuple(lines), pence_each=650)
    uploaded = await codes.upload(db, staff, bought, key="demo-books", now=now)
    if isinstance(uploaded, list):
        raise Refused(uploaded)
    async with db.reading(facts.id) as connection:
        path = await supplier_path(connection, facts)
    till = await suppliers.till_of(db, path.removeprefix(suppliers.OPEN_PATH), now=now)
    free = iter([actors[name] for name in MEMBERS if name in actors])
    plans = (
        (CAKE, "live"), (CAKE, "slip"), (CAKE, "used"), (CAKE, "replaced"), (CAKE, "cancelled"), (SHOP, "part"),
        (BOOKS, "given"), (BOOKS, "shown"), (BOOKS, "used up"),
    )  # fmt: skip
    for n, (title, ending) in enumerate(plans):
        found = await _booked(db, free, offers[title], n, now)
        if found is None or till is None:
            return
        await _end(db, found[0], found[1], till, ending, n, now)


async def _booked(
    db: Database, free: Iterator[Actor], offer_id: int, n: int, now: datetime
) -> tuple[Actor, str] | None:
    """The first of those who are left who has an hour to spare."""
    for who in free:
        command = RequestRedemption(offer_id=offer_id, member_id=who.member_id or 0)
        done = await redemptions.request(db, who, command, key=f"demo-voucher-{n}", now=now)
        if not isinstance(done, list):
            return who, done.reference
    return None


async def _end(
    db: Database, who: Actor, reference: str, till: suppliers.Till, ending: str, n: int, now: datetime
) -> None:
    key = f"demo-voucher-{n}"
    if ending == "cancelled":
        await redemptions.cancel(db, who, ChangeBooking(reference=reference), key=key, now=now)
    elif ending == "slip":
        await vouchers_shown.ask_for_slip(db, who, ChangeCode(reference=reference), key=key, now=now)
    elif ending == "replaced":
        await vouchers_shown.replace(db, who, ChangeCode(reference=reference), key=key, now=now)
    elif ending not in ("given", "live"):
        seen = await vouchers_shown.show(db, who, ShowCode(reference=reference), key=key, now=now)
        if isinstance(seen, list):
            raise Refused(seen)
        async with db.reading(who.timebank_id) as connection:
            code = await vouchers_shown.opened(connection, who, reference, seen.view_id, now=now)
        if ending == "used up":
            await vouchers_shown.say_used(db, who, ChangeCode(reference=reference), key=f"{key}-used", now=now)
        elif code is not None and ending in ("used", "part"):
            confirm = Confirm(code=code.code, pence=420 if ending == "part" else None)
            done = await suppliers_confirming.confirm(db, till, confirm, TILL, key=f"{key}-till", now=now)
            if isinstance(done, list):
                raise Refused(done)
